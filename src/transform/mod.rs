//! Changes of images, one file for each. An image that needs no change keeps its manifest, byte for
//! byte.

mod annotations;
mod attestations;
mod compression;
mod losses;
mod manifest;
mod media_types;
mod platform;
mod zstd_mark;

pub use annotations::annotate;
pub use attestations::drop_stale_attestations;
pub use compression::compress;
pub use losses::warn_of_losses;
pub use media_types::to_oci;
pub use platform::set_platform;
pub use zstd_mark::mark_zstd;
