//! Writes a merged image, all or nothing: [`AtomicOutput`] is the place, `layout` and `archive` are the
//! formats.

mod archive;
mod atomic_output;
mod blob;
mod fixed_files;
mod layout;
mod modes;
mod options;
mod replace;
mod sync;
mod temporary;

use crate::bytes::Observers;
use crate::error::Error;
use crate::image::MultiPlatformImage;

pub use atomic_output::AtomicOutput;
pub use options::{Format, WriteOptions};
pub use replace::{
    SBOM_TABLE, create_directory, is_image, may_replace_page, may_replace_sbom, may_write_digest,
    replace,
};
pub use temporary::clean_up;

/// Writes `merged` to the directory of `output`.
pub fn write(
    merged: &MultiPlatformImage,
    options: WriteOptions,
    observers: Observers<'_>,
    output: &AtomicOutput,
) -> Result<(), Error> {
    match options.format {
        Format::Layout => layout::write(merged, options, observers, output),
        Format::Archive => archive::write(merged, options.jobs, observers, &output.path()),
    }
}
