//! All or nothing: everything is written into a directory beside the output, and the finished
//! output is renamed into its place.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::TempDir;

use super::sync;
use crate::bytes::copy::fill;
use crate::error::{Code, Error, Problem, Warning};
use crate::oci::{DOCKER_FILE, INDEX_FILE, LAYOUT_FILE};
use crate::tar::is_tar;
use crate::util::lock::lock;

/// The staging directories of this process. Whoever holds the lock may remove or rename them.
static LIVE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A directory beside the output, removed when it is dropped.
pub struct Staging {
    directory: TempDir,
    /// The output, as the user calls it.
    named: PathBuf,
    destination: PathBuf,
    replace: bool,
}

impl Staging {
    /// Makes sure that `destination` may be written, and makes the directory.
    pub fn new(destination: &Path, replace: bool, inputs: &[&Path]) -> Result<Self, Error> {
        let parent = match destination.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => Path::new("/"),
        };
        let parent = parent.canonicalize().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                let parent = parent.to_owned();
                Error::new(destination, Problem::NoParent { parent })
            }
            _ => Error::io("read", parent)(e),
        })?;
        let Some(name) = destination.file_name() else {
            return Err(Error::new(destination, Problem::OutputExists));
        };
        let real = parent.join(name);
        for input in inputs {
            apart(destination, &real, input)?;
        }
        may_replace(destination, replace)?;

        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        prefix.push(".polyarch-");
        let mut live = lock(&LIVE);
        let directory = tempfile::Builder::new()
            .prefix(&prefix)
            // What is staged was verified; nobody else may change it, whatever the umask allows.
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(&parent)
            // Without the random name that tempfile tells of.
            .map_err(|e| Error::io("create a file there", &parent)(e.kind().into()))?;
        live.push(directory.path().to_owned());
        drop(live);
        let staging = Self {
            directory,
            named: destination.to_owned(),
            destination: real,
            replace,
        };
        fs::create_dir(staging.blobs()).map_err(Error::io("create", destination))?;
        Ok(staging)
    }

    /// Where blobs are staged.
    pub fn blobs(&self) -> PathBuf {
        self.directory.path().join("blobs")
    }

    /// Where the output is made.
    pub fn output(&self) -> PathBuf {
        self.directory.path().join("output")
    }

    /// Makes sure that a link of the output will not lead into what the output replaces.
    pub fn may_link_to(&self, target: &Path) -> Result<(), Error> {
        if target.starts_with(&self.destination) {
            let input = target.to_owned();
            let problem = Problem::InputInsideOutput { input };
            return Err(Error::new(&*self.destination, problem));
        }
        Ok(())
    }

    /// Puts the output into its place; if `sync`, it outlasts a crash of the machine from then on.
    pub fn finish(&self, sync: bool, warnings: &mut Vec<Warning>) -> Result<(), Error> {
        if sync {
            sync::all(&self.output())?;
        }
        self.rename()?;
        // The output is there, so this is no failure any more.
        if let Some(parent) = self.destination.parent().filter(|_| sync)
            && let Err(e) = sync::one(parent)
        {
            let text = format!("it is complete, but a crash of the machine may undo it: {e}");
            warnings.push(Warning::new(Code::NotDurable, &*self.named, text));
        }
        Ok(())
    }

    /// The same error, of the output that the user knows instead of a file that is made for it.
    pub fn blame(&self, error: Error) -> Error {
        error.renamed(self.directory.path(), &self.named)
    }

    fn rename(&self) -> Result<(), Error> {
        let _live = lock(&LIVE);
        let (made, destination) = (self.output(), &self.destination);
        let moved = renameat_with(CWD, &made, CWD, destination, RenameFlags::NOREPLACE);
        match moved.map_err(io::Error::from) {
            Ok(()) => Ok(()),
            // Exchanged, the old output is in the staging directory, and goes with it.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && self.replace => {
                renameat_with(CWD, &made, CWD, destination, RenameFlags::EXCHANGE)
                    .map_err(|e| Error::io("replace", destination)(e.into()))
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::new(&**destination, Problem::OutputExists))
            }
            // File systems that do not know these flags.
            Err(e) if matches!(raw(&e), Some(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP)) => {
                let old = self.directory.path().join("old");
                replace_in_two_steps(&made, destination, self.replace, &old)
            }
            Err(e) => Err(Error::io("create", destination)(e)),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let mut live = lock(&LIVE);
        // Before it is forgotten, or a signal in between would leave it; `TempDir` then finds
        // nothing to remove.
        let _ = fs::remove_dir_all(self.directory.path());
        live.retain(|path| path != self.directory.path());
    }
}

/// While this is held, a signal does not end the process.
pub fn finish_first() -> impl Drop {
    lock(&LIVE)
}

/// For a signal: removes what is staged and never lets anything be staged again, so the process
/// must end.
pub fn clean_up() {
    let live = lock(&LIVE);
    for path in live.iter() {
        // Other threads still write into it.
        for _ in 0..100 {
            match fs::remove_dir_all(path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {}
                _ => break,
            }
        }
    }
    std::mem::forget(live);
}

fn raw(error: &io::Error) -> Option<Errno> {
    Errno::from_io_error(error)
}

fn replace_in_two_steps(
    made: &Path,
    destination: &Path,
    replace: bool,
    old: &Path,
) -> Result<(), Error> {
    let had_one = fs::symlink_metadata(destination).is_ok();
    if had_one && !replace {
        return Err(Error::new(destination, Problem::OutputExists));
    }
    // A file takes the place of a file in one step everywhere.
    if had_one && (made.is_dir() || destination.is_dir()) {
        fs::rename(destination, old).map_err(Error::io("replace", destination))?;
    }
    fs::rename(made, destination).map_err(|e| {
        if had_one {
            let _ = fs::rename(old, destination);
        }
        Error::io("create", destination)(e)
    })
}

/// `--force` replaces what a merge can have written, and nothing that may be dear to anybody.
fn may_replace(path: &Path, replace: bool) -> Result<(), Error> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let expected = "an image layout or an archive";
    let foreign = |found| Error::new(path, Problem::OutputForeign { found, expected });
    if metadata.is_symlink() {
        Err(foreign("a symbolic link"))
    } else if !replace {
        Err(Error::new(path, Problem::OutputExists))
    } else if metadata.is_dir() {
        match is_layout(path).map_err(Error::io("read", path))? {
            true => Ok(()),
            false => Err(foreign(
                "a directory that is no image layout, or has more in it",
            )),
        }
    } else if metadata.is_file() {
        match is_archive(path).map_err(Error::io("read", path))? {
            true => Ok(()),
            false => Err(foreign("a file that is no archive")),
        }
    } else {
        Err(foreign("neither a file nor a directory"))
    }
}

fn is_layout(path: &Path) -> io::Result<bool> {
    let ours = [LAYOUT_FILE, INDEX_FILE, "blobs", DOCKER_FILE];
    for entry in fs::read_dir(path)? {
        if !ours
            .iter()
            .any(|name| entry.as_ref().is_ok_and(|e| e.file_name() == *name))
        {
            return Ok(false);
        }
    }
    Ok(ours[..2].iter().all(|name| path.join(name).is_file()))
}

fn is_archive(path: &Path) -> io::Result<bool> {
    let mut head = [0; 512];
    let n = fill(&mut fs::File::open(path)?, &mut head)?;
    Ok(is_tar(&head[..n]))
}

fn apart(output: &Path, real_output: &Path, input: &Path) -> Result<(), Error> {
    // An input that is not there is reported by whoever reads it.
    let Ok(real_input) = input.canonicalize() else {
        return Ok(());
    };
    let input = input.to_owned();
    if real_output.starts_with(&real_input) && real_output != real_input {
        return Err(Error::new(output, Problem::OutputInsideInput { input }));
    }
    if real_input.starts_with(real_output) {
        return Err(Error::new(output, Problem::InputInsideOutput { input }));
    }
    Ok(())
}
