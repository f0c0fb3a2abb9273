//! The value of `--compression`: a format and its level.

use super::Encoding;

/// The value of `--compression`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Compress uncompressed layers with gzip, keep the others.
    Gzip(Level),
    /// Compress uncompressed layers with zstd, keep the others.
    Zstd(Level),
    /// Decompress compressed layers.
    None,
    /// Keep all layers as they are.
    Keep,
}

impl Default for Compression {
    fn default() -> Self {
        Self::Gzip(Level::GZIP_DEFAULT)
    }
}

impl Compression {
    /// Returns the new encoding of a layer that is encoded as `found`.
    ///
    /// A layer that is compressed already keeps its bytes, so that it keeps the digest that a
    /// registry may know. Only `none` changes it.
    pub fn target(self, found: Encoding) -> Encoding {
        match (self, found) {
            (Self::None, _) => Encoding::Plain,
            (Self::Gzip(_), Encoding::Plain) => Encoding::Gzip,
            (Self::Zstd(_), Encoding::Plain) => Encoding::Zstd,
            (_, kept) => kept,
        }
    }

    /// Returns everything that decides the bytes that a layer is compressed to.
    pub fn identity(self) -> String {
        let block = self.block_size();
        match self {
            Self::None | Self::Keep => "none".to_owned(),
            Self::Gzip(level) => {
                let version = env!("POLYARCH_LIBDEFLATE");
                format!(
                    "libdeflate {version}, level {}, blocks of {block}",
                    level.number()
                )
            }
            Self::Zstd(level) => {
                let version = zstd::zstd_safe::version_string();
                format!(
                    "zstd {version}, level {}, blocks of {block}",
                    level.number()
                )
            }
        }
    }

    /// Returns the size of a block in bytes. It is part of the output's identity: another size gives
    /// other digests.
    ///
    /// Gzip looks back 32 KiB, so with members of 1 MiB it loses 0.2 % against a single one. Zstd
    /// looks back further: frames of 1 MiB cost it 3.5 %, 2 MiB 1.6 % and 4 MiB 0.7 %, but those
    /// would take more memory than the 8 MiB for each job that a merge may have.
    pub(super) fn block_size(self) -> usize {
        match self {
            Self::Zstd(_) => 2 << 20,
            Self::Gzip(_) | Self::None | Self::Keep => 1 << 20,
        }
    }
}

/// A compression level: of libdeflate for gzip (1 to 12), of zstd (1 to 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(i32);

impl Level {
    /// Libdeflate's level 2 makes smaller layers than the gzip of Go (docker, skopeo) at its
    /// default level, in half of the time; higher levels cost far more time than they save bytes.
    pub const GZIP_DEFAULT: Level = Level(2);
    /// Zstd's own default.
    pub const ZSTD_DEFAULT: Level = Level(3);

    /// Returns a level of gzip, if it is in its range.
    pub fn gzip(level: i32) -> Option<Self> {
        (1..=12).contains(&level).then_some(Self(level))
    }

    /// Returns a level of zstd, if it is in its range.
    pub fn zstd(level: i32) -> Option<Self> {
        (1..=19).contains(&level).then_some(Self(level))
    }

    /// Returns the number that the libraries take.
    pub(super) fn number(self) -> i32 {
        self.0
    }
}
