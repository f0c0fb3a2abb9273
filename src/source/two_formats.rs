//! Archives that are an image layout and a docker-archive: Docker 25 and later save both in one file.
//!
//! The layout counts, because only its manifests and indexes say all; containerd reads it alone. An image
//! that only `manifest.json` names is never left out without an error: it can be picked by its name.

use std::collections::HashSet;

use super::docker_archive::{self, OtherImage};
use super::layout;
use super::select::{Select, is_named};
use super::tree::Tree;
use super::{Contents, Reading, Stager};
use crate::error::{Error, Problem};
use crate::oci::{DOCKER_FILE, Digest};

/// Reads what is wanted of a layout, with the images that only its `manifest.json` has.
pub fn read(tree: &Tree, reading: &Reading<'_>, stager: &Stager<'_>) -> Result<Contents, Error> {
    let contents = layout::read(tree, reading);
    if tree.root().is_some() || !tree.has(DOCKER_FILE)? {
        return contents;
    }
    match contents {
        Err(error) if matches!(error.problem(), Problem::NoSuchImage { .. }) => {
            match is_other(tree, &reading.input.select)? {
                true => Ok(Contents {
                    format: "docker-archive",
                    ..docker_archive::read(tree, reading, stager)?
                }),
                false => Err(error),
            }
        }
        // `verify` reads both, and compares them itself.
        Ok(contents) if !reading.callbacks().reads_all() => {
            refuse_others(tree, reading, &contents)?;
            Ok(contents)
        }
        contents => contents,
    }
}

/// Whether `select` names images of `manifest.json`, and none of them is in `index.json`.
fn is_other(tree: &Tree, select: &Select) -> Result<bool, Error> {
    let Select::Name(wanted) = select else {
        return Ok(false);
    };
    let known = layout::configs(tree);
    let mut images = docker_archive::images(tree)?;
    images.retain(|image| is_named(&image.candidate, wanted));
    Ok(!images.is_empty() && images.iter().all(|image| !known.contains(&image.config)))
}

/// Fails if `manifest.json` names a selected image that `index.json` lacks.
fn refuse_others(tree: &Tree, reading: &Reading<'_>, contents: &Contents) -> Result<(), Error> {
    let taken = contents.images.iter();
    let taken: HashSet<&Digest> = taken
        .map(|image| &image.manifest.view.config.digest)
        .collect();
    let mut others = docker_archive::images(tree)?;
    others.retain(|image| !taken.contains(&image.config) && is_selected(image, reading));
    if others.is_empty() {
        return Ok(());
    }
    // They may be images of the layout that are not selected.
    let known = layout::configs(tree);
    others.retain(|image| !known.contains(&image.config));
    let Some(first) = others.first() else {
        return Ok(());
    };
    let names = first.candidate.names.iter();
    let in_index = |name: &&String| !contents.names.contains(name);
    let pick = match &reading.input.select {
        Select::All => names.clone().find(in_index).cloned(),
        _ => None,
    };
    let position = first.position;
    let lacking = others.into_iter().map(|image| image.candidate).collect();
    let problem = Problem::IndexLacks {
        lacking,
        position,
        pick,
    };
    Err(Error::new(tree.input(), problem))
}

fn is_selected(image: &OtherImage, reading: &Reading<'_>) -> bool {
    let platform = image.candidate.platform.as_ref();
    platform.is_none_or(|platform| reading.has(platform))
        && match &reading.input.select {
            Select::All => true,
            Select::Name(wanted) => is_named(&image.candidate, wanted),
            // Positions and digests are those of `index.json`.
            Select::Position(_) | Select::Digest(_) => false,
        }
}
