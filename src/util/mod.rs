//! Helpers that know nothing of images.

pub mod lock;
pub mod parallel;
pub mod text;
