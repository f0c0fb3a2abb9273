//! The layers of an image.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bytes::codec::Encoding;
use crate::bytes::{Algorithms, Digests, Observers, VerifiedReader, Verify};
use crate::error::{Error, InputName};
use crate::image::blob::Blob;
use crate::image::content::Content;
use crate::image::layer_type::LayerType;
use crate::oci::{Descriptor, DiffId, Digest};

/// A layer of an image.
#[derive(Clone, Debug)]
pub enum Layer {
    /// An archive of files.
    Files(FileLayer),
    /// A blob that no config describes, such as those of artifacts: it is copied unchanged.
    Opaque(Blob),
    /// A non-distributable layer that is not in the image, but at the URLs of its descriptor.
    Absent {
        /// The descriptor, which is carried unchanged.
        descriptor: Descriptor,
        /// The name of the input in messages.
        input: InputName,
    },
}

/// What decides the bytes of a layer that is made of store paths, which do not change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LayerKey(Digest);

impl LayerKey {
    /// Returns the key of everything that decides the bytes.
    pub fn of(decisive: &Value) -> Self {
        Self(Digest::of(decisive.to_string().as_bytes()))
    }
}

/// A layer of files.
#[derive(Clone, Debug)]
pub struct FileLayer {
    /// The blob that the manifest names.
    pub blob: Blob,
    /// The digest of the uncompressed archive that the config promises.
    pub diff_id: DiffId,
    /// How the archive is compressed.
    pub encoding: Encoding,
}

/// A blob with everything that its bytes are checked against.
#[derive(Clone, Debug)]
pub enum AnyBlob {
    /// A blob of which only the descriptor is known.
    Blob(Blob),
    /// A layer of files, whose content the config describes too.
    Layer(FileLayer),
}

impl Layer {
    /// Returns the descriptor of the layer in the manifest.
    pub fn descriptor(&self) -> &Descriptor {
        match self {
            Self::Files(layer) => &layer.blob.descriptor,
            Self::Opaque(blob) => &blob.descriptor,
            Self::Absent { descriptor, .. } => descriptor,
        }
    }

    /// Returns the descriptor, to change it.
    pub fn descriptor_mut(&mut self) -> &mut Descriptor {
        match self {
            Self::Files(layer) => &mut layer.blob.descriptor,
            Self::Opaque(blob) => &mut blob.descriptor,
            Self::Absent { descriptor, .. } => descriptor,
        }
    }

    /// Returns the blob, unless the layer is absent.
    pub fn blob(&self) -> Option<&Blob> {
        match self {
            Self::Files(layer) => Some(&layer.blob),
            Self::Opaque(blob) => Some(blob),
            Self::Absent { .. } => None,
        }
    }

    /// Returns the blob, to change it.
    pub fn blob_mut(&mut self) -> Option<&mut Blob> {
        match self {
            Self::Files(layer) => Some(&mut layer.blob),
            Self::Opaque(blob) => Some(blob),
            Self::Absent { .. } => None,
        }
    }

    /// Returns a layer of files.
    pub fn files(&self) -> Option<&FileLayer> {
        match self {
            Self::Files(layer) => Some(layer),
            Self::Opaque(_) | Self::Absent { .. } => None,
        }
    }

    /// Returns the diff ID of a layer of files.
    pub fn diff_id(&self) -> Option<&DiffId> {
        self.files().map(|layer| &layer.diff_id)
    }

    /// Returns the name of the input in messages.
    pub fn input(&self) -> &InputName {
        match self {
            Self::Files(layer) => &layer.blob.input,
            Self::Opaque(blob) => &blob.input,
            Self::Absent { input, .. } => input,
        }
    }

    /// Returns the name of the layer in messages.
    pub fn name(&self) -> Arc<str> {
        match self.blob() {
            Some(blob) => blob.name.clone(),
            None => self.descriptor().digest.to_string().into(),
        }
    }
}

impl FileLayer {
    /// Opens the layer.
    pub fn open<'a>(&'a self, observers: Observers<'a>) -> Result<VerifiedReader<'a>, Error> {
        Ok(VerifiedReader {
            bytes: self.blob.open_counted(observers.progress)?,
            encoding: self.encoding,
            algorithms: self.algorithms(),
            observer: observers.layers,
            owner: self,
        })
    }

    /// Verifies a layer by the digests that were computed when it was staged or came through a stream.
    /// Returns `None` if they have other algorithms than its descriptor and its config: a stream is
    /// hashed before those are known.
    pub fn verify_hashed(&self) -> Option<Result<(), Error>> {
        let digests = self.blob.content.digests()?;
        (digests.algorithms() == self.algorithms()).then(|| self.verify(digests))
    }

    /// Whether the layer may be pushed. One that may not is copied unchanged.
    pub fn is_distributable(&self) -> bool {
        let layer_type = LayerType::of(&self.blob.descriptor.media_type);
        layer_type.is_none_or(|layer_type| layer_type.is_distributable)
    }

    fn algorithms(&self) -> Algorithms {
        Algorithms {
            blob: self.blob.descriptor.digest.algorithm(),
            diff_id: self.diff_id.0.algorithm(),
        }
    }
}

impl Verify for FileLayer {
    fn unreadable(&self, problem: io::Error) -> Error {
        self.blob.unreadable(problem)
    }

    fn verify(&self, found: &Digests) -> Result<(), Error> {
        // The diff ID first: in a docker-archive it is also the digest of an uncompressed layer, and
        // the error about the config is more helpful.
        self.blob.check_diff_id(&found.diff_id, &self.diff_id)?;
        self.blob.check(&found.blob)
    }
}

impl AnyBlob {
    /// Returns the blob.
    pub fn blob(&self) -> &Blob {
        match self {
            Self::Blob(blob) => blob,
            Self::Layer(layer) => &layer.blob,
        }
    }

    /// Returns a layer of files.
    pub fn layer(&self) -> Option<&FileLayer> {
        match self {
            Self::Blob(_) => None,
            Self::Layer(layer) => Some(layer),
        }
    }

    /// Opens the blob.
    pub fn open<'a>(&'a self, observers: Observers<'a>) -> Result<VerifiedReader<'a>, Error> {
        match self {
            Self::Blob(blob) => blob.open(observers),
            Self::Layer(layer) => match layer.blob.content {
                Content::Recorded(_) => layer.blob.open(observers),
                _ => layer.open(observers),
            },
        }
    }
}
