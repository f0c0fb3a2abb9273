//! The media types of filesystem layers: OCI's, Docker's, and those of non-distributable layers.
//!
//! Source: image-spec `media-types.md` and `layer.md`, "Non-Distributable Layers".

use crate::bytes::codec::Encoding;
use crate::oci::{MediaType, docker};

/// The properties of a filesystem layer that its media type states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerType {
    /// How the layer is encoded.
    pub encoding: Encoding,
    /// Whether the layer may be pushed. One that may not is copied unchanged, and may be absent.
    pub is_distributable: bool,
}

impl LayerType {
    /// A layer that may be pushed.
    pub fn distributable(encoding: Encoding) -> Self {
        Self {
            encoding,
            is_distributable: true,
        }
    }

    /// Parses a media type. Returns `None` for one that is not of a filesystem layer.
    pub fn of(media_type: &MediaType) -> Option<Self> {
        let both = |encoding| {
            [true, false].map(|is_distributable| Self {
                encoding,
                is_distributable,
            })
        };
        let all = [Encoding::Plain, Encoding::Gzip, Encoding::Zstd].map(both);
        let mut all = all.into_iter().flatten();
        all.find(|known| known.oci() == *media_type || known.docker() == media_type.as_ref())
    }

    /// Returns OCI's media type.
    pub fn oci(self) -> MediaType {
        match (self.encoding, self.is_distributable) {
            (Encoding::Plain, true) => MediaType::ImageLayer,
            (Encoding::Gzip, true) => MediaType::ImageLayerGzip,
            (Encoding::Zstd, true) => MediaType::ImageLayerZstd,
            (Encoding::Plain, false) => MediaType::ImageLayerNonDistributable,
            (Encoding::Gzip, false) => MediaType::ImageLayerNonDistributableGzip,
            (Encoding::Zstd, false) => MediaType::ImageLayerNonDistributableZstd,
        }
    }

    /// Returns Docker's media type.
    fn docker(self) -> &'static str {
        match (self.encoding, self.is_distributable) {
            (Encoding::Plain, true) => docker::LAYER,
            (Encoding::Gzip, true) => docker::LAYER_GZIP,
            (Encoding::Zstd, true) => docker::LAYER_ZSTD,
            (Encoding::Plain, false) => docker::FOREIGN_LAYER,
            (Encoding::Gzip, false) => docker::FOREIGN_LAYER_GZIP,
            (Encoding::Zstd, false) => docker::FOREIGN_LAYER_ZSTD,
        }
    }
}
