//! A pool of threads that compresses blocks of all layers.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::compression::Compression;
use crate::util::lock::lock;
use crate::util::semaphore::{Permit, Semaphore};

/// The pool. It applies one compression.
pub struct Encoder {
    compression: Compression,
    tasks: Option<Sender<Task>>,
    workers: Vec<JoinHandle<()>>,
    /// The blocks in flight of all layers together, which bounds memory.
    slots: Arc<Semaphore>,
    /// Buffers of blocks that were written, to be used again.
    spare: Mutex<Vec<Vec<u8>>>,
}

struct Task {
    block: Vec<u8>,
    reply: Sender<io::Result<CompressedBlock>>,
}

/// A block that was given to the pool.
pub(super) struct PendingBlock {
    reply: Receiver<io::Result<CompressedBlock>>,
    _slot: Permit,
}

impl PendingBlock {
    /// Waits until the block is compressed. Its slot is taken until `self` is dropped.
    pub(super) fn wait(&self) -> io::Result<CompressedBlock> {
        let stopped = |_| io::Error::other("the compressor stopped");
        self.reply.recv().map_err(stopped)?
    }
}

/// A block after it was compressed.
pub(super) struct CompressedBlock {
    pub(super) bytes: Vec<u8>,
    /// The buffer of the uncompressed block, to be used again.
    pub(super) buffer: Vec<u8>,
}

impl Encoder {
    /// Starts `jobs` threads.
    pub fn new(jobs: usize, compression: Compression) -> Self {
        let (tasks, queue) = unbounded::<Task>();
        // If the number of threads is limited, fewer are enough; without any, the thread that writes
        // blocks compresses them.
        let workers: Vec<_> = (0..jobs)
            .map_while(|_| {
                let queue = queue.clone();
                std::thread::Builder::new()
                    .name("compress".to_owned())
                    .spawn(move || work(compression, &queue))
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
            compression,
            tasks: (!workers.is_empty()).then_some(tasks),
            workers,
            slots: Semaphore::new(slots),
            spare: Mutex::default(),
        }
    }

    /// Returns the compression that the pool applies.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Returns an empty buffer for a block.
    pub(super) fn buffer(&self) -> Vec<u8> {
        let mut buffer = lock(&self.spare).pop().unwrap_or_default();
        buffer.clear();
        buffer.reserve_exact(self.compression.block_size());
        buffer
    }

    /// Takes a buffer back.
    pub(super) fn reuse(&self, buffer: Vec<u8>) {
        lock(&self.spare).push(buffer);
    }

    /// Returns a slot, if one is free.
    pub(super) fn try_slot(&self) -> Option<Permit> {
        self.slots.try_acquire()
    }

    /// Waits for a slot.
    pub(super) fn slot(&self) -> Permit {
        self.slots.acquire()
    }

    /// Gives a block to the pool.
    pub(super) fn send(&self, block: Vec<u8>, slot: Permit) -> PendingBlock {
        let (sender, reply) = bounded(1);
        let task = Task {
            block,
            reply: sender,
        };
        // A failed send drops the sender, which `PendingBlock::wait` notices.
        match &self.tasks {
            Some(tasks) => drop(tasks.send(task)),
            None => {
                let compressed = Worker::new(self.compression).compress(task.block);
                drop(task.reply.send(compressed));
            }
        }
        PendingBlock { reply, _slot: slot }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.tasks = None;
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

fn work(compression: Compression, queue: &Receiver<Task>) {
    let mut worker = Worker::new(compression);
    for task in queue {
        let compressed = worker.compress(task.block);
        // After a failure elsewhere, no thread waits for the block.
        let _ = task.reply.send(compressed);
    }
}

/// The state that a thread keeps from block to block: the tables of the library, and a buffer for the
/// largest output. Allocating them for each block would cost page faults, and memory that the allocator is
/// slow to give back.
struct Worker {
    compression: Compression,
    compressor: Option<Compressor>,
    output: Vec<u8>,
}

enum Compressor {
    Gzip(libdeflater::Compressor),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Worker {
    fn new(compression: Compression) -> Self {
        Self {
            compression,
            compressor: None,
            output: Vec::new(),
        }
    }

    fn compress(&mut self, block: Vec<u8>) -> io::Result<CompressedBlock> {
        let compressor = match (&mut self.compressor, self.compression) {
            (_, Compression::None | Compression::Keep) => {
                return Ok(CompressedBlock {
                    bytes: block,
                    buffer: Vec::new(),
                });
            }
            (Some(compressor), _) => compressor,
            (none, Compression::Gzip(level)) => {
                let level = libdeflater::CompressionLvl::new(level.number())
                    .map_err(|e| io::Error::other(format!("gzip level: {e:?}")))?;
                none.insert(Compressor::Gzip(libdeflater::Compressor::new(level)))
            }
            (none, Compression::Zstd(level)) => {
                let mut compressor = zstd::bulk::Compressor::new(level.number())?;
                // With a checksum, as the zstd command does: readers notice damage without knowing a digest.
                compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))?;
                none.insert(Compressor::Zstd(compressor))
            }
        };
        let bound = match compressor {
            Compressor::Gzip(compressor) => compressor.gzip_compress_bound(block.len()),
            Compressor::Zstd(_) => zstd::zstd_safe::compress_bound(block.len()),
        };
        if self.output.len() < bound {
            self.output.resize(bound, 0);
        }
        let len = match compressor {
            Compressor::Gzip(compressor) => compressor
                .gzip_compress(&block, &mut self.output)
                .map_err(io::Error::other)?,
            Compressor::Zstd(compressor) => {
                compressor.compress_to_buffer(&block, &mut self.output[..])?
            }
        };
        Ok(CompressedBlock {
            bytes: self.output[..len].to_vec(),
            buffer: block,
        })
    }
}
