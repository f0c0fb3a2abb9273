//! Cuts a layer into blocks of a fixed size, which an [`Encoder`] compresses.
//!
//! Each block becomes an independent gzip member or zstd frame; both formats define the
//! concatenation as one stream. That makes one giant layer parallel, bounds memory, and makes the
//! bytes independent of the number of threads and of the sizes of reads.

use std::collections::VecDeque;
use std::io::{self, Write};

use super::encoder::{Encoder, PendingBlock};

/// Cuts the bytes written to it into blocks, and writes them in order once they are compressed.
pub struct BlockWriter<'a, W> {
    encoder: &'a Encoder,
    block: Vec<u8>,
    pending: VecDeque<PendingBlock>,
    is_empty: bool,
    output: W,
}

impl<'a, W: Write> BlockWriter<'a, W> {
    /// Starts a stream in `output`.
    pub fn new(encoder: &'a Encoder, output: W) -> Self {
        Self {
            encoder,
            block: encoder.buffer(),
            pending: VecDeque::new(),
            is_empty: true,
            output,
        }
    }

    /// Writes the last block and those that are pending. A stream of no bytes has one block, because
    /// a file of no bytes is neither gzip nor zstd.
    pub fn finish(mut self) -> io::Result<()> {
        if !self.block.is_empty() || self.is_empty {
            self.submit()?;
        }
        while !self.pending.is_empty() {
            self.write_oldest()?;
        }
        Ok(())
    }

    fn block_size(&self) -> usize {
        self.encoder.compression().block_size()
    }

    fn submit(&mut self) -> io::Result<()> {
        self.is_empty = false;
        let block = std::mem::replace(&mut self.block, self.encoder.buffer());
        // Waiting for a slot while holding some would be a deadlock of all layers, so own blocks
        // are written first.
        let slot = loop {
            match self.encoder.try_slot() {
                Some(slot) => break slot,
                None if self.pending.is_empty() => break self.encoder.slot(),
                None => self.write_oldest()?,
            }
        };
        self.pending.push_back(self.encoder.send(block, slot));
        Ok(())
    }

    fn write_oldest(&mut self) -> io::Result<()> {
        if let Some(pending) = self.pending.pop_front() {
            let compressed = pending.wait()?;
            self.output.write_all(&compressed.bytes)?;
            self.encoder.reuse(compressed.buffer);
        }
        Ok(())
    }
}

impl<W: Write> Write for BlockWriter<'_, W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let taken = buf.len().min(self.block_size() - self.block.len());
        self.block.extend_from_slice(&buf[..taken]);
        if self.block.len() == self.block_size() {
            self.submit()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
