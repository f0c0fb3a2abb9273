//! Package URLs.

use packageurl::PackageUrl;

use super::report::SbomPlatform;
use crate::oci::Digest;

/// Returns the URL of a package without a separate type, as Nix is not a type.
pub fn generic(name: &str, version: &str) -> Option<String> {
    of("generic", None, name, version)
}

/// Returns the URL of a package; none if its name is not valid.
pub fn of(kind: &str, namespace: Option<&str>, name: &str, version: &str) -> Option<String> {
    let mut url = PackageUrl::new(kind, name).ok()?;
    if let Some(namespace) = namespace {
        url.with_namespace(namespace).ok()?;
    }
    if !version.is_empty() {
        url.with_version(version).ok()?;
    }
    Some(url.to_string())
}

/// Returns the URL of an image by its name and the digest of its manifest or index. A name without a repository
/// gives no URL.
pub fn image(name: &str, digest: &Digest, platform: Option<&SbomPlatform>) -> Option<String> {
    let (repository, tag) = split_tag(name)?;
    let base = repository.rsplit('/').next()?;
    let mut url = PackageUrl::new("oci", base.to_lowercase()).ok()?;
    url.with_version(digest.to_string()).ok()?;
    url.add_qualifier("tag", tag.to_owned()).ok()?;
    if repository.contains('/') {
        url.add_qualifier("repository_url", repository.to_owned())
            .ok()?;
    }
    if let Some(platform) = platform {
        url.add_qualifier("arch", platform.architecture.clone())
            .ok()?;
    }
    Some(url.to_string())
}

/// Splits a name into repository and tag; none if it is a tag alone.
pub fn split_tag(name: &str) -> Option<(&str, &str)> {
    let (repository, tag) = name.rsplit_once(':')?;
    (!tag.contains('/') && !repository.is_empty()).then_some((repository, tag))
}
