//! An input as the user gives it: a path, and the images to read.

use std::path::{Path, PathBuf};

use super::Select;
use crate::error::InputName;
use crate::oci::{Digest, Platform};

/// An image layout, an archive or a file of nix2container, and which of its images to read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Input {
    /// The file or directory; `-` is standard input.
    pub path: PathBuf,
    /// The images to read, where there are several.
    pub select: Select,
    /// The platform that the image must have; a different one in its config is an error.
    pub platform: Option<Platform>,
    /// The platform to write into the config of the image. Only a merge does.
    pub set_platform: Option<Platform>,
    /// The same for single images of several: each by a prefix of the digest that picks it.
    pub set_platforms: Vec<(String, Platform)>,
}

impl Input {
    /// All images at a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    /// Whether the image is read from standard input.
    pub fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }

    /// Returns the platform to write into the config of the image that `digest` picks.
    pub(crate) fn platform_to_set(&self, digest: &Digest) -> Option<&Platform> {
        let digest = digest.to_string();
        let mut single = self.set_platforms.iter();
        let single = single.find(|(prefix, _)| digest.starts_with(prefix));
        single
            .map(|(_, platform)| platform)
            .or(self.set_platform.as_ref())
    }

    /// Returns the name of the input in messages.
    pub(crate) fn name(&self) -> InputName {
        match self.is_stdin() {
            true => InputName::Stdin,
            false => InputName::from(&*self.path),
        }
    }
}
