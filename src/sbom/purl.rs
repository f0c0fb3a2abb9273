//! Package URLs.

use packageurl::PackageUrl;

use super::packages::{FoundPackage, OsRelease};
use super::report::{ComponentType, SbomPlatform};
use crate::oci::Digest;

/// Returns the URL of a package without a separate type, as Nix is not a type.
pub fn generic(name: &str, version: &str) -> Option<String> {
    Some(new("generic", None, name, version)?.to_string())
}

/// Returns the URL of a package that a file names; none if its name is not valid.
pub fn package(package: &FoundPackage, os: Option<&OsRelease>) -> Option<String> {
    let namespace = package.namespace.as_deref();
    let name = &*package.name;
    let distribution = |usual| os.map_or(usual, |os| &*os.id);
    let (kind, namespace, name) = match package.kind {
        ComponentType::Alpm => ("alpm", Some(distribution("arch")), name.to_owned()),
        ComponentType::Apk => ("apk", Some(distribution("alpine")), name.to_owned()),
        ComponentType::Deb => ("deb", Some(distribution("debian")), name.to_owned()),
        ComponentType::Cargo => ("cargo", None, name.to_owned()),
        ComponentType::Composer => ("composer", namespace, name.to_lowercase()),
        ComponentType::Gem => ("gem", None, name.to_owned()),
        // The specification of the type demands small letters, which the crate sees to in namespaces only.
        ComponentType::Go => ("golang", namespace, name.to_lowercase()),
        // Without a group it cannot be found anywhere.
        ComponentType::Maven => ("maven", Some(namespace?), name.to_owned()),
        ComponentType::Npm => ("npm", namespace, name.to_owned()),
        ComponentType::Nuget => ("nuget", None, name.to_owned()),
        ComponentType::Pypi => ("pypi", None, name.to_lowercase().replace('_', "-")),
        ComponentType::Rpm => ("rpm", os.map(vendor), name.to_owned()),
        ComponentType::StorePath | ComponentType::OperatingSystem => {
            ("generic", None, name.to_owned())
        }
    };
    let mut url = new(kind, namespace, &name, &package.version)?;
    for (name, value) in &package.qualifiers {
        url.add_qualifier(*name, value.clone()).ok()?;
    }
    let is_of_distribution = matches!(
        package.kind,
        ComponentType::Alpm | ComponentType::Apk | ComponentType::Deb | ComponentType::Rpm
    );
    if let Some(os) = os.filter(|os| is_of_distribution && !os.version.is_empty()) {
        let distro = format!("{}-{}", os.id, os.version);
        url.add_qualifier("distro", distro).ok()?;
    }
    Some(url.to_string())
}

/// Returns the name under which package URLs know the packages of a distribution.
fn vendor(os: &OsRelease) -> &str {
    match &*os.id {
        "rhel" => "redhat",
        id => id,
    }
}

fn new(
    kind: &str,
    namespace: Option<&str>,
    name: &str,
    version: &str,
) -> Option<PackageUrl<'static>> {
    let mut url = PackageUrl::new(kind.to_owned(), name.to_owned()).ok()?;
    if let Some(namespace) = namespace {
        url.with_namespace(namespace.to_owned()).ok()?;
    }
    if !version.is_empty() {
        url.with_version(version.to_owned()).ok()?;
    }
    Some(url)
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
