//! The limits of this machine for given files, for `make bench`: compressors on blocks in memory, and
//! reading, hashing and writing once, without polyarch.
//!
//! `limits PLAIN SCRATCH [COMPRESSED…]` prints one JSON object, MB/s of uncompressed bytes on one thread, except
//! for `copy`, which uses as many threads as the machine has cores. PLAIN is an uncompressed file,
//! COMPRESSED one in gzip; SCRATCH begins the names of files to write and remove.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Instant;

use flate2::bufread::MultiGzDecoder;
use polyarch::internals::oci::Hasher;
use polyarch::oci::Algorithm;

/// The bytes of the blocks, taken from all over the file: about a second of work at each level.
const SAMPLE: usize = 96 << 20;
const CHUNK: usize = 256 << 10;
const ROUNDS: usize = 4;

fn main() -> io::Result<()> {
    // Cargo adds --bench.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let [plain, scratch, compressed @ ..] = arguments.as_slice() else {
        // `cargo bench` without a file has nothing to measure here.
        return Ok(());
    };
    let (plain, scratch) = (Path::new(plain), Path::new(scratch));
    let sample = sample(plain)?;

    let mut found = Vec::new();
    for level in [1, 2, 6] {
        let speed = best(sample.len(), || gzip(&sample, level))?;
        found.push((format!("gzip {level}"), speed));
    }
    for level in [1, 3] {
        let speed = best(sample.len(), || zstd(&sample, level))?;
        found.push((format!("zstd {level}"), speed));
    }
    found.push(("sha256".into(), best(sample.len(), || hash(&sample))?));
    let size = usize::try_from(plain.metadata()?.len()).unwrap_or(usize::MAX);
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    found.push(("copy".into(), best(size, || copy(plain, scratch, cores))?));
    for path in compressed {
        let inflated = inflate(Path::new(path))?;
        found.push((
            "inflate".into(),
            best(inflated, || inflate(Path::new(path)))?,
        ));
    }

    let fields: Vec<String> = found
        .iter()
        .map(|(name, speed)| format!("{name:?}: {speed:.1}"))
        .collect();
    println!("{{{}}}", fields.join(", "));
    Ok(())
}

/// Returns MB/s of the fastest round: a limit is the speed without other load.
fn best<T>(bytes: usize, mut work: impl FnMut() -> io::Result<T>) -> io::Result<f64> {
    let mut fastest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(work()?);
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    Ok(bytes as f64 / 1e6 / fastest)
}

fn sample(path: &Path) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    const PIECE: usize = 4 << 20;
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let pieces = (size / PIECE as u64).clamp(1, (SAMPLE / PIECE) as u64);
    let mut sample = Vec::new();
    for i in 0..pieces {
        let mut piece = vec![0; PIECE];
        let n = file.read_at(&mut piece, size / pieces * i)?;
        sample.extend_from_slice(&piece[..n]);
    }
    Ok(sample)
}

fn gzip(bytes: &[u8], level: i32) -> io::Result<usize> {
    let level =
        libdeflater::CompressionLvl::new(level).map_err(|e| io::Error::other(format!("{e:?}")))?;
    let mut compressor = libdeflater::Compressor::new(level);
    let mut total = 0;
    let mut member = vec![0; compressor.gzip_compress_bound(1 << 20)];
    for block in bytes.chunks(1 << 20) {
        total += compressor
            .gzip_compress(block, &mut member)
            .map_err(io::Error::other)?;
    }
    Ok(total)
}

fn zstd(bytes: &[u8], level: i32) -> io::Result<usize> {
    let mut compressor = zstd::bulk::Compressor::new(level)?;
    let mut total = 0;
    let mut frame = vec![0; zstd::zstd_safe::compress_bound(4 << 20)];
    for block in bytes.chunks(4 << 20) {
        total += compressor.compress_to_buffer(block, &mut frame)?;
    }
    Ok(total)
}

fn hash(bytes: &[u8]) -> io::Result<()> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(bytes);
    black_box(hasher.finish());
    Ok(())
}

/// Reads, hashes and writes each byte once, a part of the file on each core, each into a separate
/// file: writers of one file would wait for each other.
fn copy(from: &Path, to: &Path, cores: usize) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    let size = from.metadata()?.len();
    let part = size.div_ceil(cores as u64);
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..cores as u64)
            .map(|i| {
                let to = to.with_extension(i.to_string());
                scope.spawn(move || -> io::Result<()> {
                    let input = File::open(from)?;
                    let mut output = File::create(&to)?;
                    let mut hasher = Hasher::new(Algorithm::Sha256);
                    let mut chunk = vec![0; CHUNK];
                    let (mut at, end) = (part * i, (part * (i + 1)).min(size));
                    while at < end {
                        let wanted = CHUNK.min((end - at) as usize);
                        let n = input.read_at(&mut chunk[..wanted], at)?;
                        hasher.update(&chunk[..n]);
                        output.write_all(&chunk[..n])?;
                        at += n as u64;
                    }
                    black_box(hasher.finish());
                    std::fs::remove_file(&to)
                })
            })
            .collect();
        parts.into_iter().try_for_each(|part| {
            part.join()
                .unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
        })
    })
}

fn inflate(path: &Path) -> io::Result<usize> {
    let input = io::BufReader::with_capacity(CHUNK, File::open(path)?);
    let mut decoder = MultiGzDecoder::new(input);
    let mut chunk = vec![0; CHUNK];
    let mut total = 0;
    loop {
        match decoder.read(&mut chunk)? {
            0 => return Ok(total),
            n => total += n,
        }
    }
}
