//! Compressed streams: decoding does not depend on the sizes of reads, two decoders agree, and encoded bytes
//! decode to the same bytes.

use std::io::{self, Read, Write};

use arbitrary::Unstructured;
use polyarch::internals::bytes::codec::{BlockWriter, Encoder, Encoding, ReadAhead};
use polyarch::internals::bytes::{Algorithms, SizedDigest, copy};
use polyarch::merge::{Compression, Level};
use polyarch::oci::Digest;

/// The number of bytes that are decoded: a few bytes of zstd can expand to gigabytes.
const ENOUGH: u64 = 4 << 20;

/// Decodes bytes, or encodes them.
pub fn codecs(bytes: &[u8]) {
    match bytes.split_first() {
        Some((choice, bytes)) if choice & 1 == 1 => round_trip(choice >> 1, bytes),
        Some((_, bytes)) => decoding(bytes),
        None => {}
    }
}

fn decoding(bytes: &[u8]) {
    let sniffed = Encoding::sniff(bytes);
    for encoding in [Encoding::Plain, Encoding::Gzip, Encoding::Zstd] {
        let (whole, failed) = decode(encoding, bytes, 64 << 10);
        let (dribbled, failed_too) = decode(encoding, Dribble(bytes), 7);
        assert_eq!(failed, failed_too, "{encoding:?}");
        // The number of bytes before an error depends on the decoder.
        assert!(whole == dribbled || failed, "{encoding:?}");
        if !failed && encoding == Encoding::Gzip {
            second_opinion(bytes, &whole);
        }
        if encoding == sniffed && (whole.len() as u64) < ENOUGH {
            copies(encoding, bytes, &whole, failed);
        }
    }
}

fn decode(encoding: Encoding, input: impl Read, step: usize) -> (Vec<u8>, bool) {
    let mut decoder = match encoding.decode(input) {
        Ok(decoder) => decoder.take(ENOUGH),
        Err(_) => return (Vec::new(), true),
    };
    let mut decoded = Vec::new();
    let mut step = vec![0; step];
    loop {
        match decoder.read(&mut step) {
            Ok(0) => return (decoded, false),
            Ok(n) => decoded.extend_from_slice(&step[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return (decoded, true),
        }
    }
}

/// A reader that returns one byte at a time, and is interrupted in between, as a pipe may be.
struct Dribble<'a>(&'a [u8]);

impl Read for Dribble<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = buf.len().min(1);
        self.0.read(&mut buf[..len])
    }
}

/// Compares the first member with the result of another implementation, which reads only that.
fn second_opinion(bytes: &[u8], decoded: &[u8]) {
    if bytes.is_empty() || decoded.len() as u64 == ENOUGH {
        return;
    }
    let mut room = vec![0; decoded.len() + 1];
    let mut other = libdeflater::Decompressor::new();
    let len = other.gzip_decompress(bytes, &mut room);
    let len = len.unwrap_or_else(|e| panic!("libdeflate does not read it: {e}"));
    assert_eq!(room[..len], decoded[..len]);
}

/// Checks the digests and the outputs of a copy.
fn copies(encoding: Encoding, bytes: &[u8], decoded: &[u8], failed: bool) {
    let (mut as_is, mut plain) = (Vec::new(), Vec::new());
    let flowed = copy::copy(
        Dribble(bytes),
        encoding,
        Algorithms::SHA256,
        &mut as_is,
        &mut plain,
        None,
    );
    assert_eq!(flowed.is_err(), failed);
    if let Ok(flowed) = flowed {
        let SizedDigest { digest, size } = flowed.blob;
        assert_eq!((digest, size), (Digest::of(bytes), bytes.len() as u64));
        assert_eq!(flowed.diff_id.0, Digest::of(decoded));
        assert!(as_is == bytes && plain == decoded);
    }
    let owned = bytes.to_vec();
    let ahead = ReadAhead::start(move || encoding.decode(io::Cursor::new(owned))).unwrap();
    let (ahead, failed_too) = decode(Encoding::Plain, ahead, 1000);
    assert_eq!(failed_too, failed);
    assert!(ahead == decoded || failed);
}

fn round_trip(choice: u8, bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let level = u.int_in_range(1..=4).unwrap_or(1);
    let (compression, encoding) = match choice & 1 {
        0 => (
            Compression::Gzip(Level::gzip(level).unwrap()),
            Encoding::Gzip,
        ),
        _ => (
            Compression::Zstd(Level::zstd(level).unwrap()),
            Encoding::Zstd,
        ),
    };
    // Content of several blocks takes long, so it is rare.
    let times = match choice {
        126.. if bytes.len() > 32 => (5 << 19) / bytes.len(),
        _ => 1,
    };
    let content = bytes.repeat(times);
    let one = encode(1, compression, &content, 1 << 20);
    let two = encode(2, compression, &content, usize::from(choice) + 1);
    assert!(one == two, "threads or writes change the bytes");
    assert_eq!(Encoding::sniff(&one), encoding);
    let (decoded, failed) = decode(encoding, &one[..], 64 << 10);
    assert!(!failed && decoded == content);
    if encoding == Encoding::Gzip {
        second_opinion(&one, &decoded);
    }
}

fn encode(jobs: usize, compression: Compression, content: &[u8], step: usize) -> Vec<u8> {
    let encoder = Encoder::new(jobs, compression);
    let mut encoded = Vec::new();
    let mut blocks = BlockWriter::new(&encoder, &mut encoded);
    for part in content.chunks(step) {
        blocks.write_all(part).unwrap();
    }
    blocks.finish().unwrap();
    encoded
}
