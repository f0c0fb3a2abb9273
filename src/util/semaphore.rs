//! A counting semaphore, which bounds what several threads hold together.

use std::sync::{Arc, Condvar, Mutex};

use crate::util::lock::{lock, unpoisoned};

/// The number of permits that are free.
pub struct Semaphore {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A permit. Dropping it gives it back.
pub struct Permit(Arc<Semaphore>);

impl Semaphore {
    /// Makes a semaphore with `count` permits.
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Mutex::new(count),
            freed: Condvar::new(),
        })
    }

    /// Takes a permit, if one is free.
    pub fn try_acquire(self: &Arc<Self>) -> Option<Permit> {
        let mut free = lock(&self.free);
        *free = free.checked_sub(1)?;
        Some(Permit(self.clone()))
    }

    /// Waits for a permit.
    pub fn acquire(self: &Arc<Self>) -> Permit {
        let free = lock(&self.free);
        let mut free = unpoisoned(self.freed.wait_while(free, |free| *free == 0));
        *free -= 1;
        Permit(self.clone())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut free = lock(&self.0.free);
        *free += 1;
        self.0.freed.notify_one();
    }
}
