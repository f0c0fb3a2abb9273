//! The stable ids that errors, warnings and the findings of `verify` share.

use serde::Serialize;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The content differs from its description, or consumers refuse the image.
    Error,
    /// Some consumers refuse or misread the image.
    Warning,
    /// Information.
    Note,
}

impl Severity {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// The meaning of a code.
#[derive(Debug)]
pub struct Rule {
    /// The code as JSON has it. It never changes its meaning.
    pub id: &'static str,
    /// The severity of a violation.
    pub severity: Severity,
    /// The requirement, and its source.
    pub demand: &'static str,
}

macro_rules! codes {
    (
        verify { $($name:ident $severity:ident $id:literal $demand:literal)* }
        other { $($other:ident $other_id:literal $meaning:literal)* }
    ) => {
        /// The stable id of an error, a warning or a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the demand of its rule describes it")]
        #[non_exhaustive]
        pub enum Code { $($name,)* $($other,)* }

        impl Code {
            /// Returns the meaning of the code.
            pub fn rule(self) -> &'static Rule {
                match self {
                    $(Self::$name => &Rule { id: $id, severity: Severity::$severity, demand: $demand },)*
                    $(Self::$other => &Rule { id: $other_id, severity: Severity::Warning, demand: $meaning },)*
                }
            }
        }

        /// The rules that `verify` checks. `docs/verify.md` lists them, and each has a test.
        pub const RULES: &[Rule] = &[$(
            Rule { id: $id, severity: Severity::$severity, demand: $demand }
        ),*];

        /// Warnings of other commands only. `docs/json.md` lists them.
        pub const OTHER_WARNINGS: &[Rule] = &[$(
            Rule { id: $other_id, severity: Severity::Warning, demand: $meaning }
        ),*];
    };
}

codes! {
    verify {
        // The input.
        NotFound Error "not-found" "The file exists."
        Unreadable Error "unreadable" "The file can be read."
        NotAnImage Error "not-an-image" "The file is an image in a format that polyarch reads."
        Corrupt Error "corrupt" "Archives and compressed layers can be read to their end."
        UnsupportedConf Error "unsupported-conf" "The conf of a layered image has only keys and values that polyarch knows."
        NoImage Error "no-image" "The input has an image."
        NoSuchImage Error "no-such-image" "The input has the image that `#WHICH` selects."
        WrongPlatform Error "wrong-platform" "The image is for the platform that `PLATFORM=` gives."
        SeveralPlatforms Error "several-platforms" "The input has one image for the platform that `PLATFORM=` gives."
        // Blobs.
        Missing Error "missing" "Every file that a document names is in the input (image-spec, image-layout.md)."
        WrongSize Error "wrong-size" "A blob has the size of its descriptor (image-spec, descriptor.md)."
        WrongDigest Error "wrong-digest" "A blob has the digest of its descriptor (image-spec, descriptor.md)."
        WrongDiffId Error "wrong-diff-id" "A layer, decompressed, has the diff ID of the config (image-spec, config.md)."
        WrongData Error "wrong-data" "The `data` of a descriptor is the blob itself, in base64 (image-spec, descriptor.md)."
        StorePaths Error "store-paths" "The store paths that the image is made of exist and are unchanged."
        NotVerified Error "not-verified" "Digests can be verified: in a stream, a blob with a sha512 digest is named after it."
        LayerCount Error "layer-count" "The manifest has as many layers as the config has diff IDs (image-spec, config.md)."
        LayerTar Error "layer-tar" "A layer, decompressed, is a tar archive (image-spec, layer.md) that all readers understand in the same way."
        LayerUnpack Error "layer-unpack" "Runtimes can unpack a layer: it breaks none of the rules below that containerd and podman apply."
        LayerUnpackSome Warning "layer-unpack-some" "All programs can unpack a layer: it breaks none of the rules below."
        LayerEncoding Error "layer-encoding" "A layer is compressed as its OCI media type says (image-spec, layer.md); umoci relies on it."
        DockerLayerEncoding Warning "docker-layer-encoding" "A layer is compressed as its Docker media type says; podman gives the type of gzip to uncompressed layers too, and consumers detect the format from the content."
        UnknownLayerType Note "unknown-layer-type" "The media type of a layer is one that runtimes can unpack; umoci refuses others."
        ForeignLayer Note "foreign-layer" "Layers are in the image, not at URLs."
        UnreferencedBlob Warning "unreferenced-blob" "Every blob is named in a document. Not checked if a document cannot be read."
        // Documents.
        BadDocument Error "bad-document" "Documents are JSON with the fields of their specification."
        GoJson Note "go-json" "Fields are not `null`, and keys are spelled in the case of the specification: only programs in Go accept `null` and other cases."
        DocumentTooLarge Error "document-too-large" "Manifests have at most 4 MiB (distribution-spec), configs 8 MiB (containerd)."
        TooManyDocuments Error "too-many-documents" "All documents of an input together have at most 64 MiB."
        DuplicateKey Error "duplicate-key" "No JSON object has a key twice: JSON parsers disagree about which value counts (RFC 8259, section 4)."
        AmbiguousDocument Error "ambiguous-document" "No document is both an index and a manifest, or has keys that differ in case only (CVE-2021-41190)."
        FieldType Error "field-type" "The fields of documents have the types of image-spec (config.md, manifest.md, descriptor.md); programs in Go refuse others."
        SchemaVersion Error "schema-version" "The `schemaVersion` is 2 (image-spec, manifest.md and image-index.md)."
        MediaTypeMismatch Error "media-type-mismatch" "The `mediaType` in a document is that of its descriptor (image-spec, descriptor.md)."
        BadMediaType Error "bad-media-type" "Media types have the form of RFC 6838 (image-spec, descriptor.md)."
        NoMediaType Note "no-media-type" "Manifests and indexes have a `mediaType` (image-spec, manifest.md: should)."
        MixedMediaTypes Warning "mixed-media-types" "OCI's and Docker's media types are not mixed: Quay refuses an index that mixes them."
        UnknownMediaType Warning "unknown-media-type" "An index names images and indexes only; merge, Docker and skopeo do not read other entries."
        // Configs.
        RootfsType Error "rootfs-type" "The `rootfs.type` of a config is `layers` (image-spec, config.md)."
        BadTime Error "bad-time" "Times have the form of RFC 3339 (image-spec, config.md); programs in Go refuse others."
        HistoryCount Warning "history-count" "The `history` has as many entries without `empty_layer` as there are diff IDs (image-spec, config.md)."
        // Platforms.
        NoPlatform Error "no-platform" "A config has an `os` and an `architecture` (image-spec, config.md)."
        ContradictoryPlatform Error "contradictory-platform" "The platform of a descriptor is that of the config; containerd 2.2 refuses to unpack others."
        LegacyArchitecture Warning "legacy-architecture" "Platforms have the names of Go and image-spec (`arm64`, `v7`); runtimes do not find other names."
        ArmWithoutVariant Warning "arm-without-variant" "The config of an `arm` image has a variant: containerd assumes v7 if it is missing."
        UnknownVariant Warning "unknown-variant" "The variant of a platform exists for its architecture: clients that look for `amd64` do not find `amd64/v8`."
        DescriptorWithoutPlatform Warning "descriptor-without-platform" "In an index of several images, each descriptor has a platform."
        DuplicatePlatform Warning "duplicate-platform" "An index has one image for each platform, or one without zstd and one with it: of several, consumers take the first, or any."
        PlatformOrder Note "platform-order" "More specific variants come first: some consumers take the first image that fits."
        AttestationSubject Warning "attestation-subject" "The image that an attestation describes is in the same index, and is the `subject` of its manifest, if that has one."
        AttachedDocument Warning "attached-document" "A blob with the media type of an SBOM or an in-toto statement is such a document, with each key once. Not checked above 40 MiB, or 8 MiB in a stream."
        StatementSubject Warning "statement-subject" "The manifest that an in-toto statement is attached to is among its subjects, if it has any (in-toto, statement.md)."
        PredicateType Warning "predicate-type" "The annotation `in-toto.io/predicate-type` of a statement is its `predicateType`: clients choose a statement by the annotation."
        WrongProgram Error "wrong-program" "The program that an image starts is built for its platform."
        MissingProgram Warning "missing-program" "The program that an image starts is in its layers."
        BrokenProgram Warning "broken-program" "The program that an image starts is neither empty nor cut off: Linux refuses such a file."
        MissingLibrary Warning "missing-library" "The dynamic linker and the libraries of the program that an image starts are in its layers."
        ProgramLevel Warning "program-level" "The program that an image starts demands no newer level of x86-64 than its platform has."
        ForeignPrograms Warning "foreign-programs" "Other programs and libraries of an image are also built for its platform."
        // Layouts and their names.
        LayoutVersion Error "layout-version" "The `imageLayoutVersion` is 1.0.0 (image-spec, image-layout.md)."
        SeveralDescriptors Warning "several-descriptors" "`index.json` has one descriptor: if it has several, skopeo and podman need a name to choose one."
        IndexMismatch Warning "index-mismatch" "The images of `manifest.json` are in the `index.json` beside it: consumers differ in which of the two they read."
        NestedIndex Warning "nested-index" "An index that `index.json` names does not contain another index: skopeo cannot copy it."
        RefName Warning "ref-name" "`org.opencontainers.image.ref.name` has the characters of image-spec, annotations.md."
        ContainerdName Warning "containerd-name" "`io.containerd.image.name` is a full name with a tag, as Docker writes it: docker.io/library/x:1."
        DuplicateName Warning "duplicate-name" "No two images of a layout have the same name; umoci refuses such a name."
        Companion Note "companion" "Signatures, SBOMs and other artifacts that an input has besides images: for information."
        // Archives.
        RepoTag Error "repo-tag" "A `RepoTags` is NAME:TAG; `docker load` refuses others."
        DuplicateDocument Error "duplicate-document" "`index.json`, `oci-layout` and `manifest.json` appear once: consumers differ in which one they read."
        DuplicateEntry Warning "duplicate-entry" "No entry of an archive appears twice."
        UnsafeEntry Error "unsafe-entry" "Entries are files, directories and links, with names that do not lead out of the archive."
        LinkedBlob Warning "linked-blob" "Blobs of an oci-archive are regular files: containerd ignores links."
        MissingDirectory Warning "missing-directory" "An oci-archive has entries for its directories: without them, only root can unpack it with skopeo and podman."
        ArchiveOrder Note "archive-order" "`index.json` comes before the blobs of an oci-archive: a program that reads a stream then knows their types."
        // The report.
        TooManyFindings Warning "too-many-findings" "An input has at most 10,000 findings; further ones are only counted."
    }
    other {
        AnnotationLeftOut "annotation-left-out" "Annotations or fields are left out: they describe bytes that changed, image indexes differ in them, or a nested index has them."
        AttestationLeftOut "attestation-left-out" "An attestation is left out: it is not in the input, or its image is not selected or was changed."
        CompanionLeftOut "companion-left-out" "An artifact that is in an index or beside the image is left out."
        DuplicateImage "duplicate-image" "The same image was given twice."
        EncryptedLayers "encrypted-layers" "An image has encrypted layers, whose content cannot be checked."
        NotForDocker "not-for-docker" "An image is left out of `manifest.json`, because Docker cannot load it."
        InconsistentImages "inconsistent-images" "The configs of the images differ (`--consistency warn`)."
        NotDurable "not-durable" "The output is complete, but a crash of the machine may lose it."
        NotCounted "not-counted" "An image has more files or directories than an analysis counts separately."
        NotSearched "not-searched" "A file or a layer was not fully searched for packages: it is too large or damaged, it names too many packages, or its format is not supported."
        NoNarHash "no-nar-hash" "A store path has no NAR hash: it has files that no store path can have, or its entries are not in order."
        InvalidMetadata "invalid-metadata" "A field of `sbom --metadata` is left out: SPDX and CycloneDX do not allow its value."
        NotPinned "not-pinned" "A text that may name an image of `pin` was not changed."
        UncompressedLayers "uncompressed-layers" "A push that compresses layers sends fewer bytes than are counted."
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{OTHER_WARNINGS, RULES};

    #[test]
    fn no_two_codes_have_the_same_id() {
        let mut seen = HashSet::new();
        for rule in RULES.iter().chain(OTHER_WARNINGS) {
            assert!(seen.insert(rule.id), "{}", rule.id);
        }
    }
}
