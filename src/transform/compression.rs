//! Layers in the encoding that `--compression` asks for.
//!
//! The unit of work is a layer, whichever images have it: one that several images share is read and
//! compressed once.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::rewrite;
use crate::bytes::copy::{self, LayerObserver};
use crate::bytes::store::Store;
use crate::error::Error;
use crate::image::blob::{Blob, Content, Staged};
use crate::image::{Image, Layer, LayerType};
use crate::oci::{Descriptor, DiffId, Digest};
use crate::util::parallel;

/// Encodes the layers of `images` as the store is told to.
pub fn compress(mut images: Vec<Image>, store: &Store<'_>) -> Result<Vec<Image>, Error> {
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
    let staged = parallel::map(store.jobs(), &work, |layer| stage(layer, store))?;

    for image in &mut images {
        let mut changed = false;
        for layer in &mut image.layers {
            if let Some(place) = places.get(&key(layer)).filter(|_| needs_work(layer, store)) {
                layer.blob.content = Content::Staged(staged[*place].clone());
            }
            changed |= settle(layer, store.observer())?;
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

fn needs_work(layer: &Layer, store: &Store<'_>) -> bool {
    let Some(encoding) = layer.encoding.filter(|_| !layer.is_foreign()) else {
        return false;
    };
    let at_rest = match &layer.blob.content {
        Content::Staged(staged) => staged.encoding,
        _ => encoding,
    };
    store.compression().target(encoding) != at_rest
}

/// Reads a layer to its end, verifies it and stages it as the store is told to.
pub fn stage(layer: &Layer, store: &Store<'_>) -> Result<Arc<Staged>, Error> {
    let blob = &layer.blob;
    let (Some(encoding), Some(diff_id)) = (layer.encoding, &layer.diff_id) else {
        unreachable!("only layers that a config describes are encoded anew")
    };
    let target = store.compression().target(encoding);
    let input = store.open(blob)?;
    let staged = store
        .put(input, encoding, target, blob.hashes(diff_id))
        .map_err(|broken| broken.blame(|e| blob.unreadable(e), store.directory()))?;
    check(blob, &staged.original, &staged.diff_id, diff_id)?;
    Ok(staged)
}

/// Makes the descriptor of a staged layer that of the bytes that were staged; whether it changed.
fn settle(layer: &mut Layer, observer: Option<&dyn LayerObserver>) -> Result<bool, Error> {
    let (Content::Staged(staged), Some(diff_id)) = (&layer.blob.content, &layer.diff_id) else {
        return Ok(false);
    };
    let blob = &layer.blob;
    let hashes = blob.hashes(diff_id);
    let is_of = |found: &Digest, wanted| found.algorithm() == wanted;
    if is_of(&staged.original.0, hashes.blob) && is_of(&staged.diff_id.0, hashes.diff_id) {
        check(blob, &staged.original, &staged.diff_id, diff_id)?;
    } else {
        // A stream is hashed before it is known by which algorithm it will be named.
        let input = blob.content.open().map_err(|e| blob.unreadable(e))?;
        let none = &mut std::io::sink();
        let flow = copy::verified(
            input,
            staged.original_encoding,
            hashes,
            none,
            &mut std::io::sink(),
            observer,
        )
        .map_err(|broken| broken.blame(|e| blob.unreadable(e), Path::new("nowhere")))?;
        check(blob, &flow.blob, &flow.diff_id, diff_id)?;
    }
    // What a stream made of a layer that may not be changed is undone when it is written.
    if staged.encoding == staged.original_encoding || layer.is_foreign() {
        return Ok(false);
    }
    let (digest, size) = staged.stored.clone();
    let (encoding, old) = (staged.encoding, &layer.blob.descriptor);
    layer.blob.descriptor = Descriptor {
        media_type: LayerType::distributable(encoding).oci(),
        ..old.with_content(digest, size)
    };
    layer.encoding = Some(encoding);
    Ok(true)
}

/// Compares what was read of a layer with what manifest and config promise.
pub fn check(
    blob: &Blob,
    found: &(Digest, u64),
    found_diff_id: &DiffId,
    diff_id: &DiffId,
) -> Result<(), Error> {
    // In this order for the reason given where blobs are copied (`sink::copy`).
    blob.check_diff_id(found_diff_id, diff_id)?;
    blob.check(found)
}
