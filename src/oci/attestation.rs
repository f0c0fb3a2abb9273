//! Documents that describe an image: SBOMs, and the in-toto statements in which BuildKit stores them.
//!
//! Sources: BuildKit `docs/attestations/attestation-storage.md`; in-toto attestation framework
//! `spec/v1/statement.md`; SPDX 2.3, clause 6; CycloneDX 1.6; the media types of both at IANA.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

use oci_spec::image::MediaType;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Digest;

/// The annotation that distinguishes an attestation of BuildKit from an image. Its manifest has the platform
/// `unknown/unknown`.
pub const KIND: &str = "vnd.docker.reference.type";
/// Its value.
pub const MANIFEST: &str = "attestation-manifest";
/// The annotation that names the manifest which is attested.
pub const SUBJECT: &str = "vnd.docker.reference.digest";
/// The artifact type of the manifest, which current versions of BuildKit write.
pub const ARTIFACT_TYPE: &str = "application/vnd.docker.attestation.manifest.v1+json";
/// The annotation of a statement with its `predicateType`, by which clients choose one.
pub const PREDICATE_TYPE: &str = "in-toto.io/predicate-type";
/// The `_type` of the statements that a merge writes.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The start of every `_type`.
pub const STATEMENT_TYPES: &str = "https://in-toto.io/Statement/";

/// The largest document that is read, in bytes. BuildKit has the same limit (`exporter/attestation/make.go`).
pub const MAX_DOCUMENT: u64 = 40 << 20;

/// The format of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentFormat {
    /// An SBOM in the JSON of SPDX 2.
    Spdx,
    /// An SBOM in the JSON of CycloneDX.
    CycloneDx,
    /// An in-toto statement.
    InToto,
}

impl DocumentFormat {
    const ALL: [Self; 3] = [Self::Spdx, Self::CycloneDx, Self::InToto];

    /// Returns the format of a media type.
    pub fn of(media_type: &MediaType) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| media_type.as_ref() == format.media_type())
    }

    /// Returns the media type, which is also the artifact type of a referrer with such a document.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Spdx => "application/spdx+json",
            Self::CycloneDx => "application/vnd.cyclonedx+json",
            Self::InToto => "application/vnd.in-toto+json",
        }
    }

    /// Returns the name of a file with such a document.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Spdx => "sbom.spdx.json",
            Self::CycloneDx => "sbom.cdx.json",
            Self::InToto => "statement.intoto.json",
        }
    }

    /// Returns the predicate type of a statement that has such a document as its predicate.
    pub fn predicate_type(self) -> Option<&'static str> {
        match self {
            Self::Spdx => Some("https://spdx.dev/Document"),
            Self::CycloneDx => Some("https://cyclonedx.org/bom"),
            Self::InToto => None,
        }
    }
}

/// What a document says about itself.
#[derive(Clone, Debug)]
pub struct DocumentHead {
    pub format: DocumentFormat,
    /// Whether it is a statement in a DSSE envelope, which hides the two fields below.
    pub is_signed: bool,
    /// The `_type`, if it is a statement.
    pub statement_type: Option<String>,
    /// The predicate type, if it is a statement.
    pub predicate_type: Option<String>,
    /// Whether a statement has a subject without a digest.
    pub has_subject_without_digest: bool,
    /// The digests of the subjects of a statement, in the form `sha256:…`.
    pub subjects: Vec<String>,
}

impl DocumentHead {
    /// Reads a document, and returns `None` if it is JSON of another kind. Its content is not kept.
    pub fn read(document: impl Read) -> serde_json::Result<Option<Self>> {
        let mut document = BufReader::new(document);
        // The keys can also be read from a list.
        if !is_object(&mut document).map_err(serde_json::Error::io)? {
            let _: IgnoredAny = serde_json::from_reader(document)?;
            return Ok(None);
        }
        let keys: Keys = serde_json::from_reader(document)?;
        Ok(keys.head())
    }

    /// Whether a statement has the manifest among its subjects.
    pub fn is_about(&self, manifest: &Digest) -> bool {
        let manifest = manifest.to_string();
        self.subjects.contains(&manifest)
    }
}

/// Whether a document starts with a brace.
fn is_object(document: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = document.fill_buf()?;
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(first) => return Ok(*first == b'{'),
            None if bytes.is_empty() => return Ok(false),
            None => {}
        }
        let blanks = bytes.len();
        document.consume(blanks);
    }
}

/// The keys by which documents are recognised.
#[derive(Deserialize)]
struct Keys {
    #[serde(rename = "spdxVersion")]
    spdx: Option<String>,
    #[serde(rename = "bomFormat")]
    cyclonedx: Option<String>,
    #[serde(rename = "_type")]
    statement: Option<String>,
    #[serde(rename = "predicateType")]
    predicate_type: Option<String>,
    predicate: Option<IgnoredAny>,
    subject: Option<Vec<Subject>>,
    /// Of a DSSE envelope.
    #[serde(rename = "payloadType")]
    payload_type: Option<String>,
}

/// The `ResourceDescriptor` of in-toto.
#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    digest: Option<BTreeMap<String, String>>,
}

impl Keys {
    fn head(self) -> Option<DocumentHead> {
        let is_statement = self
            .statement
            .as_ref()
            .is_some_and(|own| own.starts_with(STATEMENT_TYPES));
        let is_signed = self
            .payload_type
            .is_some_and(|own| own == DocumentFormat::InToto.media_type());
        let format = if self.spdx.is_some_and(|own| own.starts_with("SPDX-")) {
            DocumentFormat::Spdx
        } else if self.cyclonedx.is_some_and(|own| own == "CycloneDX") {
            DocumentFormat::CycloneDx
        } else if is_statement && self.predicate_type.is_some() && self.predicate.is_some()
            || is_signed
        {
            DocumentFormat::InToto
        } else {
            return None;
        };
        let is_statement = format == DocumentFormat::InToto;
        let subjects = self.subject.into_iter().flatten().filter(|_| is_statement);
        let of_subjects: Vec<_> = subjects
            .map(|subject| subject.digest.unwrap_or_default())
            .collect();
        let has_subject_without_digest = of_subjects.iter().any(BTreeMap::is_empty);
        let digests = of_subjects.into_iter().flatten();
        Some(DocumentHead {
            format,
            is_signed,
            statement_type: self.statement.filter(|_| is_statement),
            has_subject_without_digest,
            predicate_type: self.predicate_type.filter(|_| is_statement),
            subjects: digests
                .map(|(algorithm, hex)| format!("{algorithm}:{hex}"))
                .collect(),
        })
    }
}

/// What a statement or an SBOM is about, as `inspect` names it.
pub fn content_name(media_type: &MediaType, predicate_type: Option<&str>) -> Option<&'static str> {
    let by_predicate = predicate_type.and_then(|found| {
        if found.starts_with("https://slsa.dev/provenance/") {
            return Some("slsa-provenance");
        }
        let sboms = [DocumentFormat::Spdx, DocumentFormat::CycloneDx];
        let is_found = |format: &DocumentFormat| {
            let known = format.predicate_type().unwrap_or_default();
            found == known || found.starts_with(&format!("{known}/"))
        };
        sboms.into_iter().find(is_found)?.content_name()
    });
    by_predicate.or_else(|| DocumentFormat::of(media_type)?.content_name())
}

impl DocumentFormat {
    fn content_name(self) -> Option<&'static str> {
        match self {
            Self::Spdx => Some("spdx"),
            Self::CycloneDx => Some("cyclonedx"),
            Self::InToto => None,
        }
    }
}
