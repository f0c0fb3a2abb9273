//! The media types of layers of files: OCI's, Docker's, and those of layers that nobody may pass on.
//!
//! Source: image-spec `media-types.md` and `layer.md`, "Non-Distributable Layers".

use super::{MediaType, docker};
use crate::bytes::codec::Encoding;

/// What a media type says of a layer of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerType {
    /// How it is encoded.
    pub encoding: Encoding,
    /// Whether it may be pushed. What may not is copied as it is, and need not be there.
    pub is_distributable: bool,
}

impl LayerType {
    /// What a media type says; none of one that is not of a layer of files.
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

    /// OCI's media type.
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

    /// Docker's.
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
