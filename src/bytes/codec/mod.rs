//! How bytes are encoded: plain, gzip or zstd; told apart by content.

mod decoder;
mod encoder;
mod read_ahead;

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use decoder::BoundedDecoder;
pub use decoder::DecodeError;
pub use encoder::{BlockWriter, Encoder, Level};
pub use read_ahead::ReadAhead;

/// How the bytes of a layer, or of a whole archive, are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encoding {
    /// As they are.
    Plain,
    /// RFC 1952, of any number of members.
    Gzip,
    /// RFC 8878, of any number of frames.
    Zstd,
}

impl Encoding {
    /// The encoding of a stream that starts with `head`.
    pub fn sniff(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame may come first (RFC 8878 section 3.1.2), as in zstd:chunked.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// The decoded bytes of `input`.
    pub fn decode<'a>(self, input: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Plain => Box::new(buffered(input)),
            // Layers of several members are common: eStargz, pgzip, and what we write ourselves.
            Self::Gzip => Box::new(BoundedDecoder::start(input, |input| {
                Ok(MultiGzDecoder::new(buffered(input)))
            })?),
            Self::Zstd => Box::new(BoundedDecoder::start(input, |input| {
                zstd::Decoder::with_buffer(buffered(input))
            })?),
        })
    }

    /// What messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "file",
            Self::Gzip => "gzip stream",
            Self::Zstd => "zstd stream",
        }
    }
}

fn buffered<R: Read>(input: R) -> BufReader<R> {
    BufReader::with_capacity(128 << 10, input)
}

/// What `--compression` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Gzip what is uncompressed, keep the rest.
    Gzip(Level),
    /// Zstd what is uncompressed, keep the rest.
    Zstd(Level),
    /// Decompress what is compressed.
    None,
    /// Leave all as it is.
    Keep,
}

impl Compression {
    /// What a layer that is encoded as `found` is to become.
    ///
    /// Layers that are compressed already are kept, so that their digests, which a registry may
    /// know, stay; only `none` undoes them.
    pub fn target(self, found: Encoding) -> Encoding {
        match (self, found) {
            (Self::None, _) => Encoding::Plain,
            (Self::Gzip(_), Encoding::Plain) => Encoding::Gzip,
            (Self::Zstd(_), Encoding::Plain) => Encoding::Zstd,
            (_, kept) => kept,
        }
    }
}
