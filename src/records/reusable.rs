//! The layers that a merge may take from layouts of earlier merges.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{LAYER_RECORDS, LayerRecord, RecordFile, VERSION};
use crate::bytes::codec::Compression;
use crate::bytes::{LayerObserver, codec::Encoding};
use crate::error::{DocumentProblem, Error, InputName, Item, Problem};
use crate::image::{Blob, Content, FileLayer, LayerKey, LayerType};
use crate::oci::{Descriptor, DiffId};

/// The largest file of records: those of the programs of ten million files.
const MAX_RECORDS: u64 = 256 << 20;

/// The layers that a merge may take, by what decides their bytes.
#[derive(Default)]
pub struct Reusable<'a> {
    by_key: HashMap<LayerKey, Arc<ReusableLayer>>,
    by_diff_id: HashMap<DiffId, Arc<ReusableLayer>>,
    /// Restores what it has found in the layers that are taken.
    observer: Option<&'a dyn LayerObserver>,
}

struct ReusableLayer {
    record: LayerRecord,
    /// The blob.
    path: Arc<Path>,
    /// The layout that it is in, for messages.
    layout: InputName,
}

impl<'a> Reusable<'a> {
    /// Reads the records of `layouts`. Of layers that were encoded in another way than `compression` none is
    /// taken: the output must not depend on what is there to be taken.
    pub fn load(
        layouts: &[PathBuf],
        compression: Compression,
        observer: Option<&'a dyn LayerObserver>,
    ) -> Result<Self, Error> {
        let encoder = compression.identity();
        let mut reusable = Self {
            observer,
            ..Self::default()
        };
        for layout in layouts {
            for record in read(layout)? {
                let is_current = record.encoder == encoder
                    && compression.target(Encoding::Plain) == record.encoding;
                let path = layout.join(record.digest.blob_path());
                // A file of another size was cut off; its digest is verified when it is copied.
                let is_blob = |m: Metadata| m.is_file() && m.len() == record.size;
                let is_there = path.metadata().is_ok_and(is_blob);
                if !(is_current && is_there) {
                    continue;
                }
                let path = path.into();
                let layout = InputName::from(&**layout);
                let layer = Arc::new(ReusableLayer {
                    record,
                    path,
                    layout,
                });
                let record = &layer.record;
                if let Some(key) = &record.key {
                    let known = reusable.by_key.entry(key.clone());
                    known.or_insert_with(|| layer.clone());
                }
                let known = reusable.by_diff_id.entry(record.diff_id.clone());
                known.or_insert_with(|| layer.clone());
            }
        }
        Ok(reusable)
    }

    /// Returns the layer with this key.
    pub fn by_key(&self, key: &LayerKey) -> Option<FileLayer> {
        self.take(self.by_key.get(key)?)
    }

    /// Returns the layer that has the bytes of `layer`.
    pub fn same_as(&self, layer: &FileLayer) -> Option<FileLayer> {
        let found = self.by_diff_id.get(&layer.diff_id)?;
        self.take(found)
    }

    /// Returns `None` if the observer needs what only reading the layer can tell: the earlier merge did not
    /// check programs, or another version of polyarch wrote the record.
    fn take(&self, layer: &ReusableLayer) -> Option<FileLayer> {
        let ReusableLayer {
            record,
            path,
            layout,
        } = layer;
        let is_observed = self.observer.is_none_or(|observer| {
            let saved = record.programs.as_ref();
            saved.is_some_and(|saved| observer.restore(&record.diff_id, saved))
        });
        if !is_observed {
            return None;
        }
        let media_type = LayerType::distributable(record.encoding).oci();
        Some(FileLayer {
            blob: Blob {
                descriptor: Descriptor::new(media_type, record.digest.clone(), record.size),
                content: Content::Recorded(path.clone()),
                input: layout.clone(),
                name: record.digest.to_string().into(),
            },
            diff_id: record.diff_id.clone(),
            encoding: record.encoding,
        })
    }
}

/// Reads the records of a layout.
fn read(layout: &Path) -> Result<Vec<LayerRecord>, Error> {
    let path = layout.join(LAYER_RECORDS);
    let mut raw = Vec::new();
    let unreadable = |e: io::Error| match e.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            Error::new(layout, Problem::NoLayerRecords)
        }
        _ => Error::io("read", &path)(e),
    };
    // Opening a pipe would wait for its writer.
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Error::new(layout, Problem::NoLayerRecords));
    }
    if metadata.len() > MAX_RECORDS {
        let (size, limit) = (metadata.len(), MAX_RECORDS);
        let document = Item::Document(LAYER_RECORDS.into());
        let problem = Problem::DocumentTooLarge { size, limit };
        return Err(Error::new((&InputName::from(layout), document), problem));
    }
    let file = File::open(&path).map_err(unreadable)?;
    file.take(MAX_RECORDS)
        .read_to_end(&mut raw)
        .map_err(Error::io("read", &path))?;
    let invalid = |problem| {
        let document = Item::Document(LAYER_RECORDS.into());
        Error::new(
            (&InputName::from(layout), document),
            Problem::InvalidDocument(problem),
        )
    };
    let file: RecordFile =
        serde_json::from_slice(&raw).map_err(|e| invalid(DocumentProblem::Json(e)))?;
    match file.version {
        VERSION => Ok(file.layers),
        found => Err(invalid(DocumentProblem::Version {
            found,
            expected: VERSION,
        })),
    }
}
