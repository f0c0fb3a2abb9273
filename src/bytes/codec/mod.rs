//! Encodings of layers and archives: plain, gzip and zstd, detected from the content.

mod block_writer;
mod compression;
mod decoder;
mod encoder;
mod read_ahead;

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};

pub use block_writer::BlockWriter;
pub use compression::{Compression, Level};
use decoder::BoundedDecoder;
pub use encoder::Encoder;
pub use read_ahead::ReadAhead;

/// How the bytes of a layer, or of a whole archive, are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Not encoded.
    Plain,
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 8878, any number of frames.
    Zstd,
}

impl Encoding {
    /// Detects the encoding of a stream that starts with `head`.
    pub fn sniff(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame may come first (RFC 8878 section 3.1.2), as in zstd:chunked.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// Returns the name of a compression that OCI does not define, by the magic number at the start of a
    /// stream. A tar archive cannot start with one.
    pub fn undefined(head: &[u8]) -> Option<&'static str> {
        match head {
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz"),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some("bzip2"),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some("lz4"),
            _ => None,
        }
    }

    /// Returns a reader of the decoded bytes of `input`.
    pub fn decode<'a>(self, input: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Plain => Box::new(buffered(input)),
            // Layers of several members are common: eStargz, pgzip, and the layers that we write.
            Self::Gzip => Box::new(BoundedDecoder::start(input, |input| {
                Ok(MultiGzDecoder::new(buffered(input)))
            })?),
            Self::Zstd => Box::new(BoundedDecoder::start(input, |input| {
                zstd::Decoder::with_buffer(buffered(input))
            })?),
        })
    }

    /// Returns the name in messages.
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
