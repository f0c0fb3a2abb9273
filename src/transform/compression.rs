//! Encodes layers as `--compression` says.
//!
//! The unit of work is a layer: one that several images share is read and compressed once.

use std::collections::HashMap;
use std::sync::Arc;

use super::manifest::rewrite;
use crate::bytes::codec::Compression;
use crate::bytes::{Observers, StagedBlob, Staging};
use crate::error::Error;
use crate::image::{Content, FileLayer, Image, Layer, LayerType, StaleAnnotations};
use crate::oci::{Descriptor, DiffId, Digest};
use crate::records::Reusable;
use crate::util::parallel;

/// Encodes the layers of `images` on up to `jobs` threads, and stages those that change.
pub fn compress(
    mut images: Vec<Image>,
    staging: &Staging,
    observers: Observers<'_>,
    reusable: &Reusable<'_>,
    jobs: usize,
) -> Result<Vec<Image>, Error> {
    for image in &mut images {
        reuse(image, staging.compression(), reusable);
    }
    let is_work = |layer: &FileLayer| must_be_encoded(layer, staging.compression());
    let mut work: Vec<&FileLayer> = Vec::new();
    let mut positions = HashMap::new();
    for layer in images.iter().flat_map(Image::file_layers) {
        if is_work(layer) {
            positions.entry(key(layer)).or_insert_with(|| {
                work.push(layer);
                work.len() - 1
            });
        }
    }
    let staged = parallel::map(jobs, &work, |layer| {
        let reader = layer.open(observers)?;
        staging.encode(reader).map(Arc::new)
    })?;

    for image in &mut images {
        let mut is_changed = false;
        for layer in &mut image.layers {
            let Layer::Files(layer) = layer else { continue };
            if let Some(position) = positions.get(&key(layer)).filter(|_| is_work(layer)) {
                layer.blob.content = Content::Staged(staged[*position].clone());
            }
            if let Content::Staged(staged) = &layer.blob.content {
                verify_staged(layer, observers)?;
                is_changed |= describe_staged(layer, &staged.clone(), &mut image.stale);
            }
        }
        if is_changed {
            rewrite(image);
        }
    }
    Ok(images)
}

/// Takes layers that an earlier merge has encoded in the same way.
fn reuse(image: &mut Image, compression: Compression, reusable: &Reusable<'_>) {
    let mut is_changed = false;
    for layer in &mut image.layers {
        let Layer::Files(layer) = layer else { continue };
        if must_be_encoded(layer, compression)
            && let Some(reused) = reusable.same_as(layer)
        {
            let old = &mut layer.blob.descriptor;
            old.annotations.retain(|key, _| image.stale.keep(key));
            let Descriptor {
                digest,
                size,
                media_type,
                ..
            } = reused.blob.descriptor;
            layer.blob.descriptor = Descriptor {
                media_type,
                ..old.with_content(digest, size)
            };
            layer.blob.content = reused.blob.content;
            (layer.blob.input, layer.blob.name) = (reused.blob.input, reused.blob.name);
            layer.encoding = reused.encoding;
            is_changed = true;
        }
    }
    if is_changed {
        rewrite(image);
    }
}

fn key(layer: &FileLayer) -> (Digest, DiffId) {
    (layer.blob.descriptor.digest.clone(), layer.diff_id.clone())
}

fn must_be_encoded(layer: &FileLayer, compression: Compression) -> bool {
    let current = match &layer.blob.content {
        Content::Staged(staged) => staged.encoding,
        _ => layer.encoding,
    };
    layer.is_distributable() && compression.target(layer.encoding) != current
}

/// Compares the digests of a staged layer with those of manifest and config. It is read again if it
/// came through a stream and was hashed by other algorithms.
fn verify_staged(layer: &FileLayer, observers: Observers<'_>) -> Result<(), Error> {
    match layer.verify_hashed() {
        Some(verified) => verified,
        None => layer.open(observers)?.read().map(drop),
    }
}

/// Replaces the descriptor of a layer by that of the staged file. Returns whether it changed.
fn describe_staged(
    layer: &mut FileLayer,
    staged: &StagedBlob,
    stale: &mut StaleAnnotations,
) -> bool {
    // A non-distributable layer that was encoded, because it came through a stream, is decoded when it
    // is written.
    if staged.encoding == staged.original.encoding || !layer.is_distributable() {
        return false;
    }
    let stored = staged.stored.clone();
    let old = &mut layer.blob.descriptor;
    old.annotations.retain(|key, _| stale.keep(key));
    layer.blob.descriptor = Descriptor {
        media_type: LayerType::distributable(staged.encoding).oci(),
        ..old.with_content(stored.digest, stored.size)
    };
    layer.encoding = staged.encoding;
    true
}
