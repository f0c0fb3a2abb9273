//! The stable ids that errors, warnings and the findings of `verify` share.

use serde::Serialize;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The image is not what it says, or consumers refuse it.
    Error,
    /// Some consumers refuse it, or understand it in another way.
    Warning,
    /// Worth knowing.
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
        #[expect(missing_docs, reason = "the demand of its rule says what each is")]
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
        NotFound Error "not-found" "The file is there."
        Unreadable Error "unreadable" "The file can be read."
        NotAnImage Error "not-an-image" "It is an image of a format that polyarch reads."
        Corrupt Error "corrupt" "Archives and compressed layers can be read to their end."
        NoImage Error "no-image" "There is an image in it."
        NoSuchImage Error "no-such-image" "There is one that the `#WHICH` behind it means."
        WrongPlatform Error "wrong-platform" "There is an image for the `PLATFORM=` in front."
        SeveralPlatforms Error "several-platforms" "There is one image for the `PLATFORM=` in front."
        // Blobs.
        Missing Error "missing" "Every file that a document names is there (image-spec, image-layout.md)."
        WrongSize Error "wrong-size" "A blob has the size of its descriptor (image-spec, descriptor.md)."
        WrongDigest Error "wrong-digest" "A blob has the digest of its descriptor (image-spec, descriptor.md)."
        WrongDiffId Error "wrong-diff-id" "A layer, decompressed, has the diff ID of the config (image-spec, config.md)."
        WrongData Error "wrong-data" "The `data` of a descriptor is the blob itself, in base64 (image-spec, descriptor.md)."
        StorePaths Error "store-paths" "The store paths of a nix2container image are there, and what they were."
        NotVerified Error "not-verified" "Digests can be computed: those of sha512 in a stream must be told by the names of its entries."
        LayerCount Error "layer-count" "There are as many layers as diff IDs (image-spec, config.md)."
        LayerTar Error "layer-tar" "A layer, decompressed, is a tar archive (image-spec, layer.md) that all readers understand in the same way."
        LayerEncoding Error "layer-encoding" "A layer is compressed as its OCI media type says (image-spec, layer.md); umoci relies on it."
        DockerLayerEncoding Warning "docker-layer-encoding" "The same for Docker's media types, which podman gives to plain layers too; consumers look at the content."
        UnknownLayerType Note "unknown-layer-type" "The media type of a layer is one that runtimes can unpack; umoci refuses others."
        ForeignLayer Note "foreign-layer" "Layers are in the image, not at URLs."
        UnreferencedBlob Warning "unreferenced-blob" "Every blob is named by some document. Not looked for where a document cannot be read."
        // Documents.
        BadDocument Error "bad-document" "Documents are JSON of the form that the specification gives them."
        GoJson Note "go-json" "Fields have a value, and keys the case of the specification: only programs in Go read `null` and other cases."
        DocumentTooLarge Error "document-too-large" "Manifests have at most 4 MiB (distribution-spec), configs 8 MiB (containerd)."
        TooManyDocuments Error "too-many-documents" "All documents of an input together have at most 64 MiB."
        DuplicateKey Error "duplicate-key" "No JSON object has a key twice: readers differ in which of them counts (RFC 8259, section 4)."
        AmbiguousDocument Error "ambiguous-document" "No document is both an index and a manifest, or has keys that differ in case only (CVE-2021-41190)."
        FieldType Error "field-type" "The fields of documents have the types of image-spec (config.md, manifest.md, descriptor.md); programs in Go refuse others."
        SchemaVersion Error "schema-version" "The `schemaVersion` is 2 (image-spec, manifest.md and image-index.md)."
        MediaTypeMismatch Error "media-type-mismatch" "The `mediaType` in a document is that of its descriptor (image-spec, descriptor.md)."
        BadMediaType Error "bad-media-type" "Media types have the form of RFC 6838 (image-spec, descriptor.md)."
        NoMediaType Note "no-media-type" "Manifests and indexes say their own `mediaType` (image-spec, manifest.md: should)."
        MixedMediaTypes Warning "mixed-media-types" "OCI's and Docker's media types are not mixed: Quay refuses an index that does."
        UnknownMediaType Warning "unknown-media-type" "What an index names is an image or an index; merge, Docker and skopeo know nothing else."
        // Configs.
        RootfsType Error "rootfs-type" "The `rootfs.type` of a config is `layers` (image-spec, config.md)."
        BadTime Error "bad-time" "Times are of RFC 3339 (image-spec, config.md); programs in Go refuse others."
        HistoryCount Warning "history-count" "The `history` has as many entries that are no `empty_layer` as there are diff IDs (image-spec, config.md)."
        // Platforms.
        NoPlatform Error "no-platform" "A config says its `os` and `architecture` (image-spec, config.md)."
        ContradictoryPlatform Error "contradictory-platform" "The platform of a descriptor is that of the config; containerd 2.2 unpacks nothing else."
        LegacyArchitecture Warning "legacy-architecture" "Platforms are spelled as Go and image-spec do (`arm64`, `v7`); runtimes look for no other."
        ArmWithoutVariant Warning "arm-without-variant" "An `arm` image says its variant in its config: without, containerd takes it for v7."
        UnknownVariant Warning "unknown-variant" "The variant of a platform is one that the architecture has: `amd64/v8` is not found by clients that look for `amd64`."
        DescriptorWithoutPlatform Warning "descriptor-without-platform" "In an index of several images each has a platform."
        DuplicatePlatform Warning "duplicate-platform" "An index has one image for each platform, or one without and one with zstd: readers take the first, or one of them."
        PlatformOrder Note "platform-order" "More specific variants come first: some readers take the first that fits."
        AttestationSubject Warning "attestation-subject" "The image that an attestation describes is in the same index."
        WrongProgram Error "wrong-program" "What an image starts is a program for its platform."
        MissingProgram Warning "missing-program" "What an image starts is a program in its layers."
        ForeignPrograms Warning "foreign-programs" "So are its other programs and libraries, unless there is a reason."
        // Layouts and their names.
        LayoutVersion Error "layout-version" "The `imageLayoutVersion` is 1.0.0 (image-spec, image-layout.md)."
        SeveralDescriptors Warning "several-descriptors" "`index.json` has one descriptor: skopeo and podman take no other without a name."
        IndexMismatch Warning "index-mismatch" "The images of `manifest.json` are in the `index.json` beside it: some readers use one, some the other."
        NestedIndex Warning "nested-index" "An index that `index.json` points to has no further ones: skopeo cannot copy them."
        RefName Warning "ref-name" "`org.opencontainers.image.ref.name` has the characters of image-spec, annotations.md."
        ContainerdName Warning "containerd-name" "`io.containerd.image.name` is a full name with a tag, as Docker writes it: docker.io/library/x:1."
        DuplicateName Warning "duplicate-name" "No two images of a layout have the same name; umoci refuses such a name."
        Companion Note "companion" "Signatures, SBOMs and other artifacts that an input has besides images: for information."
        // Archives.
        RepoTag Error "repo-tag" "A `RepoTags` is NAME:TAG; `docker load` refuses others."
        DuplicateDocument Error "duplicate-document" "`index.json`, `oci-layout` and `manifest.json` are there once: readers differ in which of them counts."
        DuplicateEntry Warning "duplicate-entry" "No entry of an archive is there twice."
        UnsafeEntry Error "unsafe-entry" "Entries are files, directories and links, with names that do not lead out of the archive."
        LinkedBlob Warning "linked-blob" "Blobs of an oci-archive are regular files: containerd ignores links."
        MissingDirectory Warning "missing-directory" "An oci-archive lists its directories: without, only root can unpack it with skopeo and podman."
        ArchiveOrder Note "archive-order" "`index.json` comes before the blobs of an oci-archive: it says what they are."
        // The report.
        TooManyFindings Warning "too-many-findings" "There are at most 10,000 findings in an image; the rest is counted."
    }
    other {
        AnnotationLeftOut "annotation-left-out" "Annotations or fields are left out: they describe bytes that changed, image indexes differ in them, or a nested index has them."
        AttestationLeftOut "attestation-left-out" "An attestation is left out: it is not in the input, or its image is not taken or was changed."
        CompanionLeftOut "companion-left-out" "An artifact that is in an index or beside the image is left out."
        DuplicateImage "duplicate-image" "The same image was given twice."
        EncryptedLayers "encrypted-layers" "An image has encrypted layers, whose content cannot be checked."
        NotForDocker "not-for-docker" "An image is left out of `manifest.json`, because Docker cannot load it."
        InconsistentImages "inconsistent-images" "The configs of the images differ (`--consistency warn`)."
        NotDurable "not-durable" "The output is complete, but a crash of the machine may undo it."
        NotCounted "not-counted" "An image has more files or directories than an analysis keeps apart."
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
