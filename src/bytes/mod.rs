//! Bytes from an input to the output, without knowledge of images: codecs, verified copies, the staging
//! area, and observers.

pub mod codec;
pub mod copy;
mod fill;
mod hashing;
mod observers;
pub mod progress;
mod staging;
mod verified;

pub use fill::fill;
pub use hashing::{Algorithms, Digests, SizedDigest};
pub use observers::{LayerObserver, LayerStream, Observers, OnVerified};
pub use staging::{StagedBlob, Staging};
pub use verified::{VerifiedReader, Verify};
