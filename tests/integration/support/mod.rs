//! Builds images in code, runs the real binary on them, and reads back what it wrote.

pub mod blocks;
mod images;
mod merged;
mod scratch;
mod tools;

pub use images::*;
pub use merged::*;
/// The only imports from the library: everything else drives the binary.
pub use polyarch::error::OTHER_WARNINGS;
pub use polyarch::oci::{Algorithm, Digest, Hasher, Platform};
pub use polyarch::verify::RULES;
pub use scratch::*;
pub use tools::*;
