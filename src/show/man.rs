//! The files of `polyarch man`.

use std::path::Path;

use polyarch::internals::sink;

use super::Failure;

/// A manual page: the name of its file, and its text.
pub type ManPage = (String, Vec<u8>);

/// Writes manual pages into a directory, which is created if it does not exist.
pub fn man(directory: &Path, pages: &[ManPage]) -> Result<(), Failure> {
    sink::create_directory(directory)?;
    for (name, text) in pages {
        sink::replace(&directory.join(name), text)?;
    }
    Ok(())
}
