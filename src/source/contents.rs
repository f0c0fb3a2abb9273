//! The images of an input, and everything else that a merge carries or reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, Warning};
use crate::image::{Companion, Image, IndexMetadata};
use crate::oci::{Descriptor, Platform};

/// What an input holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// Its images.
    pub images: Vec<Image>,
    /// What the field calls its format; nothing where several inputs were put together.
    pub format: &'static str,
    /// Whether the manifests are in the input, and not made of what is in it.
    pub has_manifests: bool,
    /// The names of its images, in its own words.
    pub names: Vec<String>,
    /// The image indexes that were taken apart, outermost first.
    pub indexes: Vec<(Descriptor, Arc<[u8]>)>,
    /// What its image indexes say of all of them together.
    pub metadata: IndexMetadata,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// What the user should know if the images are merged: what is left out of the output.
    pub left_out: Vec<Warning>,
    /// What is in its indexes or beside them and is not an image.
    pub companions: Vec<Companion>,
    /// The platforms of all its images, also of those that are not wanted.
    pub seen: Vec<Platform>,
    /// Those of them whose images are named in the input, but are not complete.
    pub incomplete: Vec<Platform>,
}

impl Contents {
    /// The platforms that can be taken.
    pub fn complete(&self) -> Vec<Platform> {
        let complete = self.seen.iter().filter(|p| !self.incomplete.contains(p));
        complete.cloned().collect()
    }
}

/// Puts together what several inputs hold. What their indexes say must not be lost, so where two
/// contradict each other, `decided` has the last word.
pub fn unite(
    contents: Vec<Contents>,
    decided: &BTreeMap<String, String>,
) -> Result<Contents, Error> {
    let mut united = Contents::default();
    for found in contents {
        united.images.extend(found.images);
        united.warnings.extend(found.warnings);
        united.warnings.extend(found.left_out);
        united.companions.extend(found.companions);
        united.indexes.extend(found.indexes);
        united.seen.extend(found.seen);
        united.incomplete.extend(found.incomplete);
        united
            .metadata
            .add(found.metadata, decided, &mut united.warnings)?;
    }
    Ok(united)
}
