//! Locks, whoever panicked while holding them: that panic is told of already, and what is still done
//! after it, such as removing what was staged, must not fail for it as well.

use std::sync::{LockResult, Mutex, MutexGuard, PoisonError};

/// Waits for a lock and takes it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    unpoisoned(mutex.lock())
}

/// What a lock gives.
pub fn unpoisoned<T>(found: LockResult<T>) -> T {
    found.unwrap_or_else(PoisonError::into_inner)
}
