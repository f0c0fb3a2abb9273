//! How many bytes of each input are to be read, and how many were read: for progress bars.
//!
//! Readers only add to atomic numbers; they never wait for the thread that shows them.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::InputName;
use crate::util::lock::lock;

/// The progress of reading each input. Clones share the numbers: give one to a request, keep the other,
/// and query it from another thread while the request runs.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Counters>>);

type Counters = Vec<(InputName, Arc<Counter>)>;

/// The progress of reading one input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputProgress {
    /// The input, as messages name it.
    pub input: String,
    /// The bytes that are to be read, as far as they are known; it can grow.
    pub total: u64,
    /// The bytes that were read.
    pub done: u64,
}

impl Progress {
    /// Returns the progress of each input, in the order of the request. Empty until the request runs.
    pub fn inputs(&self) -> Vec<InputProgress> {
        let counters = lock(&self.0);
        let inputs = counters.iter().map(|(input, counter)| InputProgress {
            input: input.to_string(),
            total: counter.total.load(Ordering::Relaxed),
            done: counter.done.load(Ordering::Relaxed),
        });
        inputs.collect()
    }

    /// Adds a counter for each input; an input that is named twice has one.
    pub(crate) fn start(&self, inputs: impl IntoIterator<Item = InputName>) {
        let mut counters = lock(&self.0);
        for input in inputs {
            if !counters.iter().any(|(known, _)| *known == input) {
                counters.push((input, Arc::default()));
            }
        }
    }

    /// Returns the counter of an input; `None` for a name that is not an input.
    fn of(&self, input: &InputName) -> Option<Arc<Counter>> {
        let counters = lock(&self.0);
        let found = counters.iter().find(|(name, _)| name == input);
        found.map(|(_, counter)| counter.clone())
    }

    /// Adds bytes that are to be read of an input.
    pub(crate) fn expect(&self, input: &InputName, bytes: u64) {
        if let Some(counter) = self.of(input) {
            counter.total.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Returns a reader that counts the bytes read of an input.
    pub(crate) fn count<R: Read>(&self, input: &InputName, reader: R) -> CountedInput<R> {
        CountedInput {
            reader,
            counter: self.of(input),
        }
    }
}

/// Counts the bytes of one input.
#[derive(Debug, Default)]
pub struct Counter {
    total: AtomicU64,
    done: AtomicU64,
}

/// A reader whose bytes are counted.
pub struct CountedInput<R> {
    reader: R,
    counter: Option<Arc<Counter>>,
}

impl<R: Read> Read for CountedInput<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buf)?;
        if let Some(counter) = &self.counter {
            counter.done.fetch_add(n as u64, Ordering::Relaxed);
        }
        Ok(n)
    }
}
