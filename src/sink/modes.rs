//! The modes of the files of the output.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::io::Errno;

use crate::error::Error;

/// Sets the same mode under every umask. File systems without modes (FAT, some network shares) refuse that;
/// the output is complete there too.
pub fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    let refusals = [Errno::PERM, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL];
    match fs::set_permissions(path, Permissions::from_mode(mode)) {
        Err(e) if Errno::from_io_error(&e).is_some_and(|errno| refusals.contains(&errno)) => Ok(()),
        set => set.map_err(Error::io("set the mode of", path)),
    }
}
