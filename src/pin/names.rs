//! The names of images, in the forms in which they are written.

use super::PinnedImage;

/// The hosts of Docker Hub that clients understand as one, `docker.io`, and add to a name without a host.
///
/// Source: distribution/reference `normalize.go`, `splitDockerDomain`.
const DOCKER_HUB: [&str; 2] = ["docker.io", "index.docker.io"];

/// A name in one of its forms.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// As a file can have it: `postgres`, `library/postgres`, `docker.io/postgres` and others.
    pub written: String,
    /// The form that all of them mean.
    pub normal: String,
}

impl Name {
    /// Whether the name alone can be any word.
    pub fn is_word(&self) -> bool {
        !self.written.contains('/')
    }

    /// The parts of the normal name without the registry, `me/app`, if the registry is not Docker Hub.
    pub fn path(&self) -> Option<&str> {
        let (registry, path) = self.normal.split_once('/')?;
        (registry != DOCKER_HUB[0]).then_some(path)
    }
}

/// Returns the form that all forms of a name mean.
pub fn normal(name: &str) -> String {
    match hub_path(name) {
        Some(path) if path.contains('/') => format!("{}/{path}", DOCKER_HUB[0]),
        Some(path) => format!("{}/library/{path}", DOCKER_HUB[0]),
        None => name.to_owned(),
    }
}

/// Returns all forms of the names of images, each once.
pub fn all(images: &[PinnedImage]) -> Vec<Name> {
    let mut names: Vec<Name> = images.iter().flat_map(|image| forms(&image.name)).collect();
    names.sort();
    names.dedup();
    names
}

fn forms(name: &str) -> Vec<Name> {
    let normal = normal(name);
    let path = match hub_path(name) {
        Some(_) => normal.split_once('/').map_or(name, |(_, path)| path),
        None => {
            let written = name.to_owned();
            return vec![Name { written, normal }];
        }
    };
    let paths = [Some(path), path.strip_prefix("library/")];
    let forms = paths.into_iter().flatten().flat_map(|path| {
        let of_hosts = DOCKER_HUB.map(|host| format!("{host}/{path}"));
        of_hosts.into_iter().chain([path.to_owned()])
    });
    forms
        .map(|written| Name {
            written,
            normal: normal.clone(),
        })
        .collect()
}

/// Returns the part of a name without Docker Hub, and `None` for another registry.
fn hub_path(name: &str) -> Option<&str> {
    let Some((first, path)) = name.split_once('/') else {
        return Some(name);
    };
    if DOCKER_HUB.contains(&first) {
        return Some(path);
    }
    let is_registry = first == "localhost" || first.contains(['.', ':']);
    (!is_registry).then_some(name)
}
