//! The images of an input, and everything else that a merge carries or reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, Warning};
use crate::image::{Companion, Image, IndexMetadata};
use crate::oci::{Descriptor, Platform};

/// The contents of an input.
#[derive(Debug, Default)]
pub struct Contents {
    /// Its images.
    pub images: Vec<Image>,
    /// The name of its format, such as `oci-archive`; empty for several inputs together.
    pub format: &'static str,
    /// Whether the input has manifests; otherwise they are generated.
    pub has_manifests: bool,
    /// The names of its images, as the input has them.
    pub names: Vec<String>,
    /// The image indexes, outermost first; their images are in `images`.
    pub indexes: Vec<(Descriptor, Arc<[u8]>)>,
    /// The annotations and other properties of its image indexes.
    pub metadata: IndexMetadata,
    /// The warnings.
    pub warnings: Vec<Warning>,
    /// What the user should know if the images are merged: what is left out of the output.
    pub left_out: Vec<Warning>,
    /// Entries of its indexes, or of the layout beside them, that are not images.
    pub companions: Vec<Companion>,
    /// The platforms of all its images, wanted or not.
    pub seen: Vec<Platform>,
    /// Those of them whose images are not complete in the input.
    pub incomplete: Vec<Platform>,
}

impl Contents {
    /// Returns the platforms of complete images.
    pub fn complete(&self) -> Vec<Platform> {
        let complete = self.seen.iter().filter(|p| !self.incomplete.contains(p));
        complete.cloned().collect()
    }
}

/// Unites the contents of several inputs. Properties of their indexes must not be lost, so if two contradict
/// each other, `decided` must have the annotation.
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
