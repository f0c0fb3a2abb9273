//! Compresses fixed blocks on a pool of threads that all layers share.
//!
//! A layer is cut into blocks of a fixed size, each an independent gzip member or zstd frame; both
//! formats define the concatenation as one stream. That makes one giant layer parallel, bounds
//! memory, and makes the bytes independent of the number of threads and of the sizes of reads.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::Compression;
use crate::util::lock::{lock, unpoisoned};

impl Compression {
    /// The size of a block. Part of the output's identity: another size gives other digests.
    ///
    /// Gzip looks back 32 KiB, so with members of 1 MiB it loses 0.2 % against a single one. Zstd
    /// looks back further: frames of 1 MiB cost it 3.5 %, 2 MiB 1.6 % and 4 MiB 0.7 %, but those
    /// would take more memory than the 8 MiB for each job that a merge may have.
    fn block_size(self) -> usize {
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

    /// A level of gzip.
    pub fn gzip(level: i32) -> Option<Self> {
        (1..=12).contains(&level).then_some(Self(level))
    }

    /// A level of zstd.
    pub fn zstd(level: i32) -> Option<Self> {
        (1..=19).contains(&level).then_some(Self(level))
    }
}

/// The pool.
pub struct Encoder {
    blocks: Option<Sender<Task>>,
    workers: Vec<JoinHandle<()>>,
    slots: Arc<Slots>,
    /// Room of blocks that were written.
    spare: Mutex<Vec<Vec<u8>>>,
}

struct Task {
    block: Vec<u8>,
    compression: Compression,
    reply: Sender<io::Result<Compressed>>,
}

/// A block on its way through the pool.
struct Pending {
    result: Receiver<io::Result<Compressed>>,
    _slot: Slot,
}

impl Encoder {
    /// Starts `jobs` threads for blocks of one compression.
    pub fn new(jobs: usize, compression: Compression) -> Self {
        let (blocks, tasks) = unbounded::<Task>();
        // Where threads are rationed fewer will do; with none, blocks are compressed on the spot.
        let workers: Vec<_> = (0..jobs)
            .map_while(|_| {
                let tasks = tasks.clone();
                std::thread::Builder::new()
                    .name("compress".to_owned())
                    .spawn(move || work(&tasks))
                    .ok()
            })
            .collect();
        // One block being compressed and one waiting for each thread keep all of them busy; one
        // more is being written. The large ones of zstd take long enough that fewer may wait.
        let slots = match compression {
            Compression::Zstd(_) => workers.len() + 2,
            _ => 2 * workers.len() + 1,
        };
        Self {
            blocks: (!workers.is_empty()).then_some(blocks),
            workers,
            slots: Arc::new(Slots::new(slots)),
            spare: Mutex::default(),
        }
    }

    /// Room for a block.
    fn room(&self, size: usize) -> Vec<u8> {
        let mut room = self.spare().pop().unwrap_or_default();
        room.clear();
        room.reserve_exact(size);
        room
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        lock(&self.spare)
    }

    fn send(&self, block: Vec<u8>, compression: Compression, slot: Slot) -> Pending {
        let (reply, result) = bounded(1);
        // A failed send drops `reply`, which the receiver of `result` notices.
        match &self.blocks {
            Some(blocks) => drop(blocks.send(Task {
                block,
                compression,
                reply,
            })),
            None => drop(reply.send(Worker::default().compress(compression, block))),
        }
        Pending {
            result,
            _slot: slot,
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.blocks = None;
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

fn work(tasks: &Receiver<Task>) {
    let mut worker = Worker::default();
    for task in tasks {
        let compressed = worker.compress(task.compression, task.block);
        // Nobody waits any more when the merge has failed elsewhere.
        let _ = task.reply.send(compressed);
    }
}

/// What a thread keeps from block to block: tables, and room for the largest output. Allocating them
/// anew would cost page faults, and memory that the allocator is slow to give back.
#[derive(Default)]
struct Worker {
    compressor: Option<Compressor>,
    room: Vec<u8>,
}

enum Compressor {
    Gzip(libdeflater::Compressor),
    Zstd(zstd::bulk::Compressor<'static>),
}

/// A block after its way through the pool.
struct Compressed {
    bytes: Vec<u8>,
    /// The room that it had, for the next one.
    block: Vec<u8>,
}

impl Worker {
    fn compress(&mut self, compression: Compression, block: Vec<u8>) -> io::Result<Compressed> {
        let compressor = match (&mut self.compressor, compression) {
            (_, Compression::None | Compression::Keep) => {
                return Ok(Compressed {
                    bytes: block,
                    block: Vec::new(),
                });
            }
            (Some(compressor), _) => compressor,
            (none, Compression::Gzip(level)) => {
                let level = libdeflater::CompressionLvl::new(level.0)
                    .map_err(|e| io::Error::other(format!("gzip level: {e:?}")))?;
                none.insert(Compressor::Gzip(libdeflater::Compressor::new(level)))
            }
            (none, Compression::Zstd(level)) => {
                let mut compressor = zstd::bulk::Compressor::new(level.0)?;
                // As the zstd command does: readers notice damage without knowing a digest.
                compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))?;
                none.insert(Compressor::Zstd(compressor))
            }
        };
        let bound = match compressor {
            Compressor::Gzip(compressor) => compressor.gzip_compress_bound(block.len()),
            Compressor::Zstd(_) => zstd::zstd_safe::compress_bound(block.len()),
        };
        if self.room.len() < bound {
            self.room.resize(bound, 0);
        }
        let len = match compressor {
            Compressor::Gzip(compressor) => compressor
                .gzip_compress(&block, &mut self.room)
                .map_err(io::Error::other)?,
            Compressor::Zstd(compressor) => {
                compressor.compress_to_buffer(&block, &mut self.room[..])?
            }
        };
        Ok(Compressed {
            bytes: self.room[..len].to_vec(),
            block,
        })
    }
}

/// Cuts what is written to it into blocks, and writes them in order once they are compressed.
pub struct BlockWriter<'a, W> {
    encoder: &'a Encoder,
    compression: Compression,
    block: Vec<u8>,
    pending: VecDeque<Pending>,
    empty: bool,
    output: W,
}

impl<'a, W: Write> BlockWriter<'a, W> {
    /// A writer to `output`. One encoder serves one compression.
    pub fn new(encoder: &'a Encoder, compression: Compression, output: W) -> Self {
        Self {
            encoder,
            compression,
            block: encoder.room(compression.block_size()),
            pending: VecDeque::new(),
            empty: true,
            output,
        }
    }

    /// Writes what is left. A stream of no bytes has one block, because a file of no bytes is
    /// neither gzip nor zstd.
    pub fn finish(mut self) -> io::Result<()> {
        if !self.block.is_empty() || self.empty {
            self.submit()?;
        }
        while !self.pending.is_empty() {
            self.write_oldest()?;
        }
        Ok(())
    }

    fn size(&self) -> usize {
        self.compression.block_size()
    }

    fn submit(&mut self) -> io::Result<()> {
        self.empty = false;
        let next = self.encoder.room(self.size());
        let block = std::mem::replace(&mut self.block, next);
        // Waiting for a slot while holding some would be a deadlock of all layers, so own blocks
        // are written first.
        let slot = loop {
            match Slots::try_take(&self.encoder.slots) {
                Some(slot) => break slot,
                None if self.pending.is_empty() => break Slots::take(&self.encoder.slots),
                None => self.write_oldest()?,
            }
        };
        self.pending
            .push_back(self.encoder.send(block, self.compression, slot));
        Ok(())
    }

    fn write_oldest(&mut self) -> io::Result<()> {
        if let Some(pending) = self.pending.pop_front() {
            let stopped = |_| io::Error::other("the compressor stopped");
            let compressed = pending.result.recv().map_err(stopped)??;
            self.output.write_all(&compressed.bytes)?;
            self.encoder.spare().push(compressed.block);
        }
        Ok(())
    }
}

impl<W: Write> Write for BlockWriter<'_, W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let taken = buf.len().min(self.size() - self.block.len());
        self.block.extend_from_slice(&buf[..taken]);
        if self.block.len() == self.size() {
            self.submit()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts the blocks in flight, over all layers: what bounds memory.
struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

struct Slot(Arc<Slots>);

impl Slots {
    fn new(count: usize) -> Self {
        Self {
            free: Mutex::new(count),
            freed: Condvar::new(),
        }
    }

    fn try_take(this: &Arc<Self>) -> Option<Slot> {
        let mut free = lock(&this.free);
        *free = free.checked_sub(1)?;
        Some(Slot(this.clone()))
    }

    fn take(this: &Arc<Self>) -> Slot {
        let free = lock(&this.free);
        let mut free = unpoisoned(this.freed.wait_while(free, |free| *free == 0));
        *free -= 1;
        Slot(this.clone())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut free = lock(&self.0.free);
        *free += 1;
        self.0.freed.notify_one();
    }
}
