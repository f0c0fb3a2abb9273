//! The files of a layer, while its bytes are copied.

use std::io;

use super::{TarArchive, TarEntry, TarError};
use crate::bytes::LayerStream;

/// An entry of a layer, whose content may be read.
pub type LayerEntry<'a, 'b> = TarEntry<'a, &'b mut dyn LayerStream>;

/// Passes each entry of a layer to `visit`. Content that `visit` does not read is skipped.
///
/// Sparse files are passed on too, but their bytes are not their content.
pub fn walk<'b>(
    layer: &'b mut dyn LayerStream,
    mut visit: impl FnMut(&mut LayerEntry<'_, 'b>) -> io::Result<()>,
) -> Result<(), TarError> {
    let mut archive = TarArchive::new(layer);
    for entry in archive.entries_with_seek()? {
        visit(&mut entry?)?;
    }
    archive.finish()
}
