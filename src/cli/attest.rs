//! The arguments of `merge` for documents that it attaches to images.

use std::ffi::{OsStr, OsString};

use clap::{Args, ValueEnum};
use polyarch::merge::{Attest, AttestForms, AttestedFile};

use super::input;

#[derive(Debug, Args)]
pub struct AttestArgs {
    /// Attach a document to an image: an SBOM in JSON (SPDX 2 or CycloneDX) or an in-toto statement
    /// (repeatable)
    ///
    /// PLATFORM is that of the image, and can be left out if there is only one. A statement without a subject gets
    /// the manifest of the image as its subject; one with a subject must be about an image in the output.
    #[arg(long = "attest", value_name = "[PLATFORM=]FILE")]
    attest: Vec<OsString>,

    /// Where --attest stores documents [default: index]
    #[arg(long, value_name = "FORM", value_delimiter = ',', requires = "attest")]
    attest_as: Vec<FormArg>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormArg {
    /// As attestations in the image index, like BuildKit: every tool copies them, and Docker shows them
    Index,
    /// As referrers (OCI 1.1) in an oci-layout, where oras, trivy and regctl find them; skopeo and podman
    /// do not copy them
    Referrers,
}

impl AttestArgs {
    /// Whether documents become referrers.
    pub fn has_referrers(&self) -> bool {
        self.attest_as.contains(&FormArg::Referrers)
    }

    /// Returns the documents for the request.
    pub fn request(&self) -> Result<Attest, String> {
        let mut attest = Attest::default();
        attest.files = self.attest.iter().map(|file| attested(file)).collect();
        for file in &attest.files {
            input::require_path("FILE of --attest", file.platform.as_ref(), &file.path)?;
        }
        if !self.attest_as.is_empty() {
            attest.forms = AttestForms {
                index: self.attest_as.contains(&FormArg::Index),
                referrers: self.has_referrers(),
            };
        }
        Ok(attest)
    }
}

/// Parses `linux/arm64=sbom.json`.
fn attested(argument: &OsStr) -> AttestedFile {
    let (platform, path) = match argument.to_str().map(input::split_platform) {
        Some((platform, path)) => (platform, path.into()),
        None => (None, argument.into()),
    };
    AttestedFile { path, platform }
}
