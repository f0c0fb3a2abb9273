//! Writes a merged image, all or nothing: [`AtomicOutput`] is the place, `layout` and `archive` are the
//! formats.

mod archive;
mod atomic_output;
mod blob;
mod layout;
mod replace;
mod sync;
mod temporary;

use std::borrow::Cow;

use crate::bytes::Observers;
use crate::error::Error;
use crate::merge::index::Merged;
use crate::oci::{DOCKER_FILE, INDEX_FILE, LAYOUT_FILE, layout_marker};

pub use atomic_output::AtomicOutput;
pub use replace::{may_replace_page, replace};
pub use temporary::clean_up;

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An OCI image layout directory.
    Layout,
    /// An OCI image layout in a tar archive.
    Archive,
}

/// How the output is written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// The format of the output.
    pub format: Format,
    /// Whether blobs of layout directories become links to them.
    pub link: bool,
    /// How many threads work.
    pub jobs: usize,
}

/// Writes `merged` to the directory of `output`.
pub fn write(
    merged: &Merged,
    options: WriteOptions,
    observers: Observers<'_>,
    output: &AtomicOutput,
) -> Result<(), Error> {
    match options.format {
        Format::Layout => layout::write(merged, options, observers, output),
        Format::Archive => archive::write(merged, options.jobs, observers, &output.path()),
    }
}

/// Returns the files of an image layout besides its blobs, in the order of an archive.
fn fixed_files(merged: &Merged) -> Vec<(&'static str, Cow<'_, [u8]>)> {
    let mut files = vec![
        (LAYOUT_FILE, Cow::from(layout_marker())),
        (INDEX_FILE, Cow::from(&merged.root.raw[..])),
    ];
    let docker = merged.docker_manifest.as_ref();
    files.extend(docker.map(|bytes| (DOCKER_FILE, Cow::from(&bytes[..]))));
    files
}
