//! The functions that a merge spends its time in, each alone: `cargo bench --bench hot`.
//!
//! Measures a change of one function. `make bench` measures a whole merge.

use std::hint::black_box;
use std::io::{self, Write};

use divan::counter::BytesCount;
use divan::{Bencher, Divan};
use polyarch::internals::bytes::codec::{BlockWriter, Encoder, Encoding};
use polyarch::internals::bytes::{Algorithms, copy};
use polyarch::internals::oci::Hasher;
use polyarch::merge::{Compression, Level};
use polyarch::oci::Algorithm;

fn main() {
    Divan::from_args().main();
}

const SIZE: usize = 8 << 20;

/// Returns bytes that compress about as well as a layer: this program, repeated. Layers consist of
/// executables, and the program needs no file of the machine.
fn layer() -> Vec<u8> {
    let program = std::env::current_exe().and_then(std::fs::read);
    let program = program.expect("the bench reads itself");
    program.iter().copied().cycle().take(SIZE).collect()
}

#[divan::bench]
fn sha256(bencher: Bencher) {
    let bytes = layer();
    let bencher = bencher.counter(BytesCount::new(SIZE));
    bencher.bench_local(|| {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(black_box(&bytes));
        hasher.finish()
    });
}

#[divan::bench(args = [1, 2, 6, 9])]
fn gzip(bencher: Bencher, level: i32) {
    let level = Level::gzip(level).expect("a level of gzip");
    compress(bencher, Compression::Gzip(level));
}

#[divan::bench(args = [1, 3, 9])]
fn zstd(bencher: Bencher, level: i32) {
    let level = Level::zstd(level).expect("a level of zstd");
    compress(bencher, Compression::Zstd(level));
}

/// On one thread, blocks and queue included.
fn compress(bencher: Bencher, compression: Compression) {
    let bytes = layer();
    let encoder = Encoder::new(1, compression);
    let bencher = bencher.counter(BytesCount::new(SIZE));
    bencher.bench_local(|| {
        let mut blocks = BlockWriter::new(&encoder, io::sink());
        blocks
            .write_all(black_box(&bytes))
            .expect("a sink does not fail");
        blocks.finish().expect("a sink does not fail");
    });
}

#[divan::bench]
fn verify_plain(bencher: Bencher) {
    verify(bencher, &layer(), Encoding::Plain);
}

#[divan::bench]
fn verify_gzip(bencher: Bencher) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&layer()).expect("a vector does not fail");
    let bytes = encoder.finish().expect("a vector does not fail");
    verify(bencher, &bytes, Encoding::Gzip);
}

/// Verifies a layer: decodes it if it is encoded, hashes it, writes it nowhere.
fn verify(bencher: Bencher, bytes: &[u8], encoding: Encoding) {
    let bencher = bencher.counter(BytesCount::new(SIZE));
    bencher.bench_local(|| {
        copy::hash(black_box(bytes), encoding, Algorithms::SHA256, None)
            .expect("encoded bytes can be decoded")
    });
}
