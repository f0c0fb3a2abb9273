//! How many bytes of each input are to be read, and how many were, for a progress bar.
//!
//! The threads that read only add to a number and never wait for the one that draws.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::InputName;

/// Counts the bytes of one input.
#[derive(Debug, Default)]
pub struct Counter {
    total: AtomicU64,
    done: AtomicU64,
}

impl Counter {
    /// Returns how many bytes are to be read, as far as that is known.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Returns how many bytes were read.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Adds bytes that are to be read.
    pub fn expect(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A counter for each input.
#[derive(Clone, Debug, Default)]
pub struct Progress(Vec<(InputName, Arc<Counter>)>);

impl Progress {
    /// Starts a counter for each input.
    pub fn new(inputs: impl IntoIterator<Item = InputName>) -> Self {
        let counters = inputs.into_iter().map(|name| (name, Arc::default()));
        Self(counters.collect())
    }

    /// Returns the inputs with their counters.
    pub fn inputs(&self) -> impl Iterator<Item = (&InputName, &Arc<Counter>)> {
        self.0.iter().map(|(name, counter)| (name, counter))
    }

    /// Returns the counter of an input.
    pub fn of(&self, input: &InputName) -> Option<Arc<Counter>> {
        let mut inputs = self.inputs();
        let found = inputs.find(|(name, _)| *name == input);
        found.map(|(_, counter)| counter.clone())
    }

    /// Wraps a reader of an input to count its bytes.
    pub fn count<R: Read>(&self, name: &InputName, input: R) -> CountingReader<R> {
        CountingReader {
            input,
            counter: self.of(name),
        }
    }
}

/// A reader that counts the bytes read from it.
pub struct CountingReader<R> {
    input: R,
    counter: Option<Arc<Counter>>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        if let Some(counter) = &self.counter {
            counter.done.fetch_add(n as u64, Ordering::Relaxed);
        }
        Ok(n)
    }
}
