//! The memory for what is recorded about an image.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory that threads share, in bytes. What is charged depends on the layers only and is never given back, so
/// whether it is enough does not depend on the order of the threads.
pub struct Budget {
    used: AtomicUsize,
    limit: usize,
}

impl Budget {
    pub fn new(limit: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            limit,
        }
    }

    /// Reserves memory, before it is taken. Fails if there is not enough.
    pub fn charge(&self, bytes: usize) -> io::Result<()> {
        self.used.fetch_add(bytes, Ordering::Relaxed);
        match self.is_exceeded() {
            true => Err(io::Error::other("not enough memory for its files")),
            false => Ok(()),
        }
    }

    /// Whether more was charged than there is.
    pub fn is_exceeded(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.limit
    }

    pub fn limit(&self) -> usize {
        self.limit
    }
}
