//! What can be found: the rules with their ids, which are stable, and the findings.

use std::borrow::Cow;

use serde::Serialize;

use crate::error::Error;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The image is not what it says, or consumers refuse it.
    Error,
    /// Some consumers refuse it, or take it for something else.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A rule that an image can break.
#[derive(Debug)]
pub struct Rule {
    /// What machines call it. It never changes its meaning.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is demanded, and by whom.
    pub demand: &'static str,
}

macro_rules! rules {
    ($($severity:ident $id:literal $demand:literal)*) => {
        /// All rules. `docs/verify.md` lists them, and each has a test in `tests/verify.rs`.
        pub const RULES: &[Rule] = &[$(
            Rule { id: $id, severity: Severity::$severity, demand: $demand }
        ),*];
    };
}

rules! {
    // The input.
    Error "not-found" "The file is there."
    Error "unreadable" "The file can be read."
    Error "not-an-image" "It is an image of a format that polyarch reads."
    Error "corrupt" "Archives and compressed layers can be read to their end."
    Error "no-image" "There is an image in it."
    Error "no-such-image" "There is one that the `#WHICH` behind it means."
    Error "wrong-platform" "The image is for the `PLATFORM=` in front of it."
    Error "several-platforms" "There is one image, where a `PLATFORM=` is in front."
    // Blobs.
    Error "missing" "Every file that a document names is there (image-spec, image-layout.md)."
    Error "wrong-size" "A blob has the size of its descriptor (image-spec, descriptor.md)."
    Error "wrong-digest" "A blob has the digest of its descriptor (image-spec, descriptor.md)."
    Error "wrong-diff-id" "A layer, decompressed, has the diff ID of the config (image-spec, config.md)."
    Error "wrong-data" "The `data` of a descriptor is the blob itself, in base64 (image-spec, descriptor.md)."
    Error "store-paths" "The store paths of a nix2container image are there, and what they were."
    Error "not-verified" "Digests can be computed: those of sha512 in a stream must be told by the names of its entries."
    Error "layer-count" "There are as many layers as diff IDs (image-spec, config.md)."
    Error "layer-tar" "A layer, decompressed, is a tar archive (image-spec, layer.md) that all readers understand in the same way."
    Error "layer-encoding" "A layer is compressed as its OCI media type says (image-spec, layer.md); umoci relies on it."
    Warning "docker-layer-encoding" "The same for Docker's media types, which podman gives to plain layers too; consumers look at the content."
    Note "unknown-layer-type" "The media type of a layer is one that runtimes can unpack; umoci refuses others."
    Note "foreign-layer" "Layers are in the image, not at URLs."
    Warning "unreferenced-blob" "Every blob is named by some document. Not looked for where a document cannot be read."
    // Documents.
    Error "bad-document" "Documents are JSON of the form that the specification gives them."
    Error "document-too-large" "Manifests have at most 4 MiB (distribution-spec), configs 8 MiB (containerd)."
    Error "too-many-documents" "All documents of an input together have at most 64 MiB."
    Error "duplicate-key" "No JSON object has a key twice: readers differ in which of them counts (RFC 8259, section 4)."
    Error "ambiguous-document" "No document is both an index and a manifest, or has keys that differ in case only (CVE-2021-41190)."
    Error "field-type" "The fields of documents have the types of image-spec (config.md, manifest.md, descriptor.md); programs in Go refuse others."
    Error "schema-version" "The `schemaVersion` is 2 (image-spec, manifest.md and image-index.md)."
    Error "media-type-mismatch" "The `mediaType` in a document is that of its descriptor (image-spec, descriptor.md)."
    Error "bad-media-type" "Media types have the form of RFC 6838 (image-spec, descriptor.md)."
    Note "no-media-type" "Manifests and indexes say their own `mediaType` (image-spec, manifest.md: should)."
    Warning "mixed-media-types" "OCI's and Docker's media types are not mixed: Quay refuses an index that does."
    Warning "unknown-media-type" "What an index names is an image or an index; merge, Docker and skopeo know nothing else."
    // Configs.
    Error "rootfs-type" "The `rootfs.type` of a config is `layers` (image-spec, config.md)."
    Error "bad-time" "Times are of RFC 3339 (image-spec, config.md); programs in Go refuse others."
    Warning "history-count" "The `history` has as many entries that are no `empty_layer` as there are diff IDs (image-spec, config.md)."
    // Platforms.
    Error "no-platform" "A config says its `os` and `architecture` (image-spec, config.md)."
    Error "contradictory-platform" "The platform of a descriptor is that of the config; containerd 2.2 unpacks nothing else."
    Warning "legacy-architecture" "Platforms are spelled as Go and image-spec do (`arm64`, `v7`); runtimes look for no other."
    Warning "arm-without-variant" "An `arm` image says its variant in its config: without, containerd takes it for v7."
    Warning "descriptor-without-platform" "In an index of several images each has a platform."
    Warning "duplicate-platform" "An index has one image for each platform: readers take the first, or one of them."
    Note "platform-order" "More specific variants come first: some readers take the first that fits."
    Warning "attestation-subject" "The image that an attestation describes is in the same index."
    Error "wrong-program" "What an image starts is a program for its platform."
    Warning "missing-program" "What an image starts is a program in its layers."
    Warning "foreign-programs" "So are its other programs and libraries, unless there is a reason."
    // Layouts and their names.
    Error "layout-version" "The `imageLayoutVersion` is 1.0.0 (image-spec, image-layout.md)."
    Warning "several-descriptors" "`index.json` has one descriptor: skopeo and podman take no other without a name."
    Warning "nested-index" "An index that `index.json` points to has no further ones: skopeo cannot copy them."
    Warning "ref-name" "`org.opencontainers.image.ref.name` has the characters of image-spec, annotations.md."
    Warning "containerd-name" "`io.containerd.image.name` is a full name with a tag, as Docker writes it: docker.io/library/x:1."
    Warning "duplicate-name" "No two images of a layout have the same name; umoci refuses such a name."
    // Archives.
    Error "repo-tag" "A `RepoTags` is NAME:TAG; `docker load` refuses others."
    Error "duplicate-document" "`index.json`, `oci-layout` and `manifest.json` are there once: readers differ in which of them counts."
    Warning "duplicate-entry" "No entry of an archive is there twice."
    Error "unsafe-entry" "Entries are files, directories and links, with names that do not lead out of the archive."
    Warning "linked-blob" "Blobs of an oci-archive are regular files: containerd ignores links."
    Warning "missing-directory" "An oci-archive lists its directories: without, only root can unpack it with skopeo and podman."
    Note "archive-order" "`index.json` comes before the blobs of an oci-archive: it says what they are."
    // The report.
    Warning "too-many-findings" "There are at most 10,000 findings in an image; the rest is counted."
}

/// The rule of that id.
pub fn rule(id: &str) -> &'static Rule {
    let rule = RULES.iter().find(|rule| rule.id == id);
    rule.unwrap_or_else(|| unreachable!("{id} is no rule"))
}

/// Something that was found to be wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The rule.
    pub id: &'static str,
    /// The image, as it was given.
    pub input: String,
    /// The thing in it: a digest, a file, an image; empty for the whole.
    pub subject: String,
    /// What was found, and what was expected.
    pub message: String,
    /// The way out, where there is one.
    pub hint: Option<String>,
    /// What is demanded, and by whom.
    pub demand: &'static str,
}

impl Finding {
    /// A finding about `subject` in `input`.
    pub fn new(input: &str, id: &str, subject: &str, message: String) -> Self {
        let rule = rule(id);
        Self {
            severity: rule.severity,
            id: rule.id,
            input: input.to_owned(),
            subject: subject.to_owned(),
            message,
            hint: None,
            demand: rule.demand,
        }
    }

    /// The finding that an error is, in `input`, whose path messages name as `path`.
    pub fn of(input: &str, path: &str, error: &Error) -> Self {
        let (id, subject) = describe(error);
        let text = error.to_string();
        // Which input it is stands above the findings already.
        let message = text
            .strip_prefix(path)
            .and_then(|rest| rest.strip_prefix(": "));
        // What is behind the path in the names of images: a digest in parentheses, or a tag.
        let subject = match subject.strip_prefix(path) {
            Some(rest) => rest.trim_start_matches(" (").trim_end_matches(')'),
            None => &subject,
        };
        Self {
            hint: error.hint(),
            ..Self::new(input, id, subject, message.unwrap_or(&text).to_owned())
        }
    }
}

/// The id of the rule that is broken, and the thing that breaks it.
fn describe(error: &Error) -> (&'static str, Cow<'_, str>) {
    let whole = || Cow::from("");
    match error {
        Error::NotFound { .. } | Error::NotFoundToSelect { .. } => ("not-found", whole()),
        Error::Io { .. } => ("unreadable", whole()),
        Error::NotAnImage { .. } => ("not-an-image", whole()),
        Error::Corrupt { what, .. } => ("corrupt", what.into()),
        Error::BadDocument { document, .. } => ("bad-document", document.into()),
        Error::Ambiguous { document, .. } => ("ambiguous-document", document.into()),
        Error::ContradictoryType { document, .. } => ("media-type-mismatch", document.into()),
        Error::LayoutVersion { document, .. } => ("layout-version", (*document).into()),
        Error::UnknownType { digest, .. } => ("unknown-media-type", digest.to_string().into()),
        Error::NoSubject { attestation, .. } => {
            ("attestation-subject", attestation.to_string().into())
        }
        Error::DocumentTooLarge { document, .. } => ("document-too-large", document.into()),
        Error::TooManyDocuments { .. } => ("too-many-documents", whole()),
        Error::Missing { name, .. } => ("missing", name.into()),
        Error::LayerCount { input, .. } => ("layer-count", input.into()),
        Error::WrongDiffId { layer, .. } => ("wrong-diff-id", layer.into()),
        Error::WrongDigest { blob, .. } => ("wrong-digest", blob.into()),
        Error::WrongSize { blob, .. } => ("wrong-size", blob.into()),
        Error::StorePaths { layer, .. } => ("store-paths", layer.into()),
        Error::NoImage { .. } => ("no-image", whole()),
        Error::NoSuchImage { wanted, .. } => ("no-such-image", wanted.into()),
        Error::NoPlatform { input } => ("no-platform", input.into()),
        Error::WrongPlatform { input, .. } => ("wrong-platform", input.into()),
        Error::ContradictoryPlatform { input, .. } => ("contradictory-platform", input.into()),
        Error::AssertedSeveral { .. } => ("several-platforms", whole()),
        Error::WrongProgram { input, .. } => ("wrong-program", input.into()),
        // What only other commands can run into.
        Error::SeveralImages { .. }
        | Error::Inconsistent { .. }
        | Error::NoSuchPlatform { .. }
        | Error::DuplicatePlatform { .. }
        | Error::ConflictingIndexes { .. }
        | Error::SetSeveral { .. }
        | Error::OneToShow { .. }
        | Error::NothingToShow { .. }
        | Error::AmbiguousLayer { .. }
        | Error::BadTag { .. }
        | Error::NothingForDocker
        | Error::OutputExists { .. }
        | Error::OutputForeign { .. }
        | Error::OutputInsideInput { .. }
        | Error::InputInsideOutput { .. }
        | Error::NoParent { .. } => ("not-verified", whole()),
    }
}
