//! Layers in the encoding that `--compression` asks for.
//!
//! The unit of work is a layer, whichever images have it: one that several images share is read and
//! compressed once.

use std::collections::HashMap;
use std::sync::Arc;

use super::rewrite;
use crate::blob::{Blob, Content, Staged};
use crate::error::Error;
use crate::flow::Hashes;
use crate::image::{Image, Layer};
use crate::parallel;
use crate::spec::{Descriptor, DiffId, Digest};
use crate::store::Store;

/// Encodes the layers of `images` as the store is told to.
pub fn compress(mut images: Vec<Image>, store: &Store) -> Result<Vec<Image>, Error> {
    let mut work: Vec<&Layer> = Vec::new();
    let mut places = HashMap::new();
    for layer in images.iter().flat_map(|image| &image.layers) {
        if needs_work(layer, store) {
            places.entry(key(layer)).or_insert_with(|| {
                work.push(layer);
                work.len() - 1
            });
        }
    }
    let staged = parallel::map(store.jobs(), &work, |layer| {
        stage(layer, store).map(Arc::new)
    })?;

    for image in &mut images {
        let mut changed = false;
        for layer in &mut image.layers {
            if let Some(place) = places.get(&key(layer)).filter(|_| needs_work(layer, store)) {
                layer.blob.content = Content::Staged(staged[*place].clone());
            }
            changed |= settle(layer)?;
        }
        if changed {
            rewrite(image);
        }
    }
    Ok(images)
}

fn key(layer: &Layer) -> (Digest, Option<DiffId>) {
    (layer.blob.descriptor.digest.clone(), layer.diff_id.clone())
}

fn needs_work(layer: &Layer, store: &Store) -> bool {
    let Some(encoding) = layer.encoding else {
        return false;
    };
    let is_staged = matches!(layer.blob.content, Content::Staged(_));
    !is_staged && store.compression().target(encoding) != encoding
}

fn stage(layer: &Layer, store: &Store) -> Result<Staged, Error> {
    let blob = &layer.blob;
    let (Some(encoding), Some(diff_id)) = (layer.encoding, &layer.diff_id) else {
        unreachable!("only layers that a config describes are encoded anew")
    };
    let unreadable = |e: std::io::Error| blob.unreadable("layer", &e);
    let hashes = Hashes {
        blob: blob.descriptor.digest.algorithm(),
        diff_id: diff_id.0.algorithm(),
    };
    let input = blob.content.open().map_err(unreadable)?;
    let staged = store
        .put(input, encoding, hashes)
        .map_err(|broken| broken.blame(unreadable, store.directory()))?;
    check(blob, &staged, diff_id)?;
    Ok(staged)
}

/// Makes the descriptor of a staged layer that of the bytes that were staged; whether it changed.
fn settle(layer: &mut Layer) -> Result<bool, Error> {
    let (Content::Staged(staged), Some(diff_id)) = (&layer.blob.content, &layer.diff_id) else {
        return Ok(false);
    };
    check(&layer.blob, staged, diff_id)?;
    if staged.encoding == staged.original_encoding {
        return Ok(false);
    }
    let (digest, size) = staged.stored.clone();
    layer.blob.descriptor = Descriptor {
        media_type: staged.encoding.layer_type(),
        digest,
        size,
        ..layer.blob.descriptor.clone()
    };
    layer.encoding = Some(staged.encoding);
    Ok(true)
}

fn check(blob: &Blob, staged: &Staged, diff_id: &DiffId) -> Result<(), Error> {
    // In this order for the reason given where blobs are copied (`sink::copy`).
    blob.check_diff_id(&staged.diff_id, diff_id)?;
    blob.check(&staged.original)
}
