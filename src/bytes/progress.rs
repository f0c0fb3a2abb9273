//! How far the work has come, for whoever shows it: bytes by input.
//!
//! Who works only adds to a number; nobody waits for who shows it.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::InputName;

/// The bytes of an input that are to be read, and those that were.
#[derive(Debug, Default)]
pub struct Counter {
    total: AtomicU64,
    done: AtomicU64,
}

impl Counter {
    /// The bytes that are to be read, as far as that is known.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// The bytes that were read.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// There are so many more to read.
    pub fn expect(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A counter for each input.
#[derive(Clone, Debug, Default)]
pub struct Progress(Vec<(InputName, Arc<Counter>)>);

impl Progress {
    /// Of inputs of which nothing was read yet.
    pub fn new(inputs: impl IntoIterator<Item = InputName>) -> Self {
        let counters = inputs.into_iter().map(|name| (name, Arc::default()));
        Self(counters.collect())
    }

    /// The inputs by the names that messages call them.
    pub fn inputs(&self) -> impl Iterator<Item = (&InputName, &Arc<Counter>)> {
        self.0.iter().map(|(name, counter)| (name, counter))
    }

    /// The counter of an input.
    pub fn of(&self, input: &InputName) -> Option<Arc<Counter>> {
        let mut inputs = self.inputs();
        let found = inputs.find(|(name, _)| *name == input);
        found.map(|(_, counter)| counter.clone())
    }

    /// Counts what is read of an input.
    pub fn count<R: Read>(&self, name: &InputName, input: R) -> Counted<R> {
        Counted {
            input,
            counter: self.of(name),
        }
    }
}

/// A reader whose bytes are counted.
pub struct Counted<R> {
    input: R,
    counter: Option<Arc<Counter>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        if let Some(counter) = &self.counter {
            counter.done.fetch_add(n as u64, Ordering::Relaxed);
        }
        Ok(n)
    }
}
