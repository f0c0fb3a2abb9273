//! Bytes on their way from an input to the output: verified copies, codecs, staging, counting.

pub mod codec;
pub mod copy;
pub mod progress;
pub mod store;
