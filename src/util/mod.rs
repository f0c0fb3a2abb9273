//! Helpers that do not know images.

pub mod cause;
pub mod lock;
pub mod parallel;
pub mod semaphore;
pub mod text;
