//! Artifacts: manifests that are not images, such as signatures, SBOMs, SOCI indexes and Helm charts. This
//! is the only place that knows their types.
//!
//! Sources: image-spec `manifest.md`, "Guidelines for Artifact Usage"; distribution-spec, "Referrers Tag
//! Schema"; BuildKit `docs/attestations/attestation-storage.md`; cosign `pkg/oci/layout`, `specs/`;
//! notaryproject `specs/signature-specification.md`; soci-snapshotter `soci/soci_index.go`; Helm HIP-0006.

use std::fmt;

use oci_spec::image::MediaType;
use serde_json::{Map, Value};

use super::{Descriptor, Digest, Index, Manifest, attestation, docker};

/// What an artifact is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactKind {
    /// The artifact type; the media type of the config where the manifest lacks it.
    pub artifact_type: String,
}

/// The names of well-known types, by their beginnings.
const NAMES: &[(&str, &str)] = &[
    ("application/vnd.amazon.soci.index.", "a SOCI index"),
    ("application/vnd.amazon.soci.", "a SOCI artifact"),
    ("application/vnd.buildkit.cacheconfig.", "a BuildKit cache"),
    (
        "application/vnd.buildkit.historyrecord.",
        "a BuildKit build record",
    ),
    ("application/vnd.cncf.helm.", "a Helm chart"),
    (
        "application/vnd.cncf.notary.signature",
        "a Notary signature",
    ),
    ("application/vnd.cyclonedx", "an SBOM"),
    (
        "application/vnd.dev.cosign.simplesigning.",
        "a cosign signature",
    ),
    (
        "application/vnd.dev.sigstore.bundle",
        "a sigstore signature bundle",
    ),
    (
        "application/vnd.docker.attestation.manifest.",
        "an attestation",
    ),
    ("application/vnd.dsse.envelope.", "a cosign attestation"),
    ("application/vnd.in-toto", "an attestation"),
    ("application/vnd.syft", "an SBOM"),
    ("application/vnd.wasm.config.", "a WebAssembly module"),
    ("application/spdx", "an SBOM"),
    ("text/spdx", "an SBOM"),
    ("spdx+", "an SBOM"),
];

/// The config of a BuildKit cache. As an index, the cache has this blob among its layers.
const BUILDKIT_CACHE: &str = "application/vnd.buildkit.cacheconfig.v0";

/// The annotation of a SOCI index on its descriptor in an image index.
const SOCI_SUBJECT: &str = "com.amazon.soci.image-manifest-digest";

/// How `cosign save` up to 2.x marks descriptors in `index.json`.
const COSIGN_KIND: &str = "kind";
const COSIGN_PREFIX: &str = "dev.cosignproject.cosign/";

impl ArtifactKind {
    /// Returns what a manifest with this descriptor is, if it is not an image by its config.
    pub fn of(descriptor: &Descriptor, manifest: &Manifest) -> Option<Self> {
        if manifest.is_image() {
            return None;
        }
        let config = &manifest.config.media_type;
        let own = manifest.extra.get("artifactType").and_then(|t| t.as_str());
        let artifact_type = own
            .filter(|own| !own.is_empty())
            .or_else(|| artifact_type(descriptor).filter(|_| *config == MediaType::EmptyJSON))
            .unwrap_or(config.as_ref());
        Some(artifact_type.into())
    }

    /// Returns what an image is that describes another one.
    pub fn of_referrer(manifest: &Manifest) -> Self {
        let own = manifest.extra.get("artifactType").and_then(|t| t.as_str());
        let own = own.filter(|own| !own.is_empty());
        own.unwrap_or(manifest.config.media_type.as_ref()).into()
    }

    /// Returns what an index is, if its manifests are not images.
    pub fn of_index(index: &Index) -> Option<Self> {
        let types = index.manifests.iter().map(|m| m.media_type.as_ref());
        let mut caches = types.filter(|media_type| *media_type == BUILDKIT_CACHE);
        caches.next().map(Self::from)
    }

    /// The name of the kind, such as `a Helm chart`, if the type is a well-known one.
    pub fn name(&self) -> Option<&'static str> {
        let mut names = NAMES.iter();
        let found = names.find(|(start, _)| self.artifact_type.starts_with(start));
        found.map(|(_, name)| *name)
    }
}

impl From<&str> for ArtifactKind {
    fn from(artifact_type: &str) -> Self {
        Self {
            artifact_type: artifact_type.to_owned(),
        }
    }
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let artifact_type = &self.artifact_type;
        match self.name() {
            Some(name) => write!(f, "{name} (an artifact of the type {artifact_type:?})"),
            None => write!(f, "an artifact of the type {artifact_type:?}"),
        }
    }
}

/// Returns the artifact type of a descriptor, unless it is that of an image: registries fill it with the
/// media type of the config.
pub(crate) fn artifact_type(descriptor: &Descriptor) -> Option<&str> {
    let found = descriptor.extra.get("artifactType")?.as_str()?;
    let is_image = found.is_empty()
        || MediaType::from(found) == MediaType::ImageConfig
        || found == docker::CONFIG;
    (!is_image).then_some(found)
}

/// Returns the digest in the `subject` of a manifest or an index.
pub(crate) fn subject(extra: &Map<String, Value>) -> Option<Digest> {
    extra.get("subject")?.get("digest")?.as_str()?.parse().ok()
}

/// Returns what a companion describes: its subject, or the image that its descriptor or tag names.
pub(crate) fn described(
    descriptor: &Descriptor,
    extra: &Map<String, Value>,
    names: &[String],
) -> Option<Digest> {
    let by_tag = || names.iter().find_map(|name| ReferrersTag::of(name));
    let named = || {
        let keys = [SOCI_SUBJECT, attestation::SUBJECT];
        let found = keys.iter().find_map(|key| descriptor.annotations.get(*key));
        found?.parse().ok()
    };
    subject(extra)
        .or_else(named)
        .or_else(|| by_tag().map(|tag| tag.subject))
}

/// Whether `cosign save` marks a descriptor as signatures, attestations or SBOMs; `Some(false)` for the
/// image that they describe.
pub(crate) fn cosign_kind(descriptor: &Descriptor) -> Option<bool> {
    let kind = descriptor.annotations.get(COSIGN_KIND)?;
    match kind.strip_prefix(COSIGN_PREFIX)? {
        "image" | "imageIndex" => Some(false),
        _ => Some(true),
    }
}

/// A tag under which clients look for what describes a manifest: `sha256-HEX` for the list of referrers,
/// with `.sig`, `.att` or `.sbom` for cosign up to 2.x.
pub(crate) struct ReferrersTag {
    /// The whole tag.
    pub tag: String,
    /// The manifest.
    pub subject: Digest,
    /// Whether it is the tag of a list of referrers.
    pub is_list: bool,
}

impl ReferrersTag {
    /// Parses a name of an image, with or without a repository.
    pub fn of(name: &str) -> Option<Self> {
        let tag = name.rsplit_once(':').map_or(name, |(_, tag)| tag);
        let (algorithm, rest) = tag.split_once('-')?;
        let (hex, suffix) = match rest.split_once('.') {
            Some((hex, suffix)) => (hex, Some(suffix)),
            None => (rest, None),
        };
        Some(Self {
            tag: tag.to_owned(),
            subject: format!("{algorithm}:{hex}").parse().ok()?,
            is_list: suffix.is_none(),
        })
    }

    /// Returns the tag of the list of the referrers of `subject`. A tag has at most 64 digits of it.
    pub fn of_list(subject: &Digest) -> String {
        let hex = subject.hex();
        format!("{}-{}", subject.algorithm(), hex.get(..64).unwrap_or(hex))
    }
}
