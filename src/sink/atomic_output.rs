//! All or nothing: the output is written to a temporary directory beside its destination, and renamed
//! when it is complete.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::TempDir;

use super::replace::may_replace_image;
use super::{sync, temporary};
use crate::error::{Code, Error, Problem, Warning};

/// Standard output in messages.
const STDOUT: &str = "standard output";

/// The bytes of the name of the output in that of its directory, whose name has at most 255 bytes.
const LONGEST: usize = 200;

/// A temporary directory beside the destination, removed when it is dropped.
pub struct AtomicOutput {
    directory: TempDir,
    /// The destination as the user wrote it.
    named: PathBuf,
    destination: PathBuf,
    force: bool,
    is_stdout: bool,
}

impl AtomicOutput {
    /// Creates a directory for temporary files, for an archive that is written to standard output. A consumer
    /// takes what precedes an error, so nothing is written there before all of it was made and verified.
    pub fn stdout() -> Result<Self, Error> {
        let parent = std::env::temp_dir();
        let directory = temporary::create(".polyarch-".as_ref(), &parent)
            .map_err(|e| Error::io("create a file there", &parent)(without_path(&e)))?;
        let output = Self {
            directory,
            named: STDOUT.into(),
            destination: parent.join(STDOUT),
            force: false,
            is_stdout: true,
        };
        fs::create_dir(output.staging()).map_err(Error::io("create", &parent))?;
        Ok(output)
    }

    /// Creates the directory, after checking that `destination` may be written: it does not exist, or
    /// `force` is set and it is an image, and it is apart from `inputs`.
    pub fn new(destination: &Path, force: bool, inputs: &[&Path]) -> Result<Self, Error> {
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
            return Err(Error::new(destination, Problem::OutputIsDirectory));
        };
        let real = parent.join(name);
        for input in inputs {
            check_apart(destination, &real, input)?;
        }
        may_replace_image(destination, force)?;

        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(OsStr::from_bytes(
            &name.as_bytes()[..name.len().min(LONGEST)],
        ));
        prefix.push(".polyarch-");
        let directory = temporary::create(&prefix, &parent)
            .map_err(|e| Error::io("create a file there", &parent)(without_path(&e)))?;
        let output = Self {
            directory,
            named: destination.to_owned(),
            destination: real,
            force,
            is_stdout: false,
        };
        fs::create_dir(output.staging()).map_err(Error::io("create", destination))?;
        Ok(output)
    }

    /// Returns the directory of the staging area.
    pub fn staging(&self) -> PathBuf {
        self.directory.path().join("blobs")
    }

    /// Returns the path to write the output to.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("output")
    }

    /// Fails if `target` would be deleted with the old output, so that a link to it would be broken.
    pub fn may_link_to(&self, target: &Path) -> Result<(), Error> {
        if target.starts_with(&self.destination) {
            let input = target.to_owned();
            let problem = Problem::InputInsideOutput { input };
            return Err(Error::new(&*self.destination, problem));
        }
        Ok(())
    }

    /// Renames the output to its destination. If `sync` is set, it survives a crash of the machine from
    /// then on.
    pub fn finish(&self, sync: bool, warnings: &mut Vec<Warning>) -> Result<(), Error> {
        if self.is_stdout {
            let path = self.path();
            let mut archive = File::open(&path).map_err(Error::io("read", &path))?;
            let mut stdout = io::stdout().lock();
            return io::copy(&mut archive, &mut stdout)
                .and_then(|_| stdout.flush())
                .map_err(Error::io("write", &self.named));
        }
        if sync {
            sync::all(&self.path())?;
        }
        self.rename()?;
        // The output is complete, so this is a warning and not an error.
        if let Some(parent) = self.destination.parent().filter(|_| sync)
            && let Err(e) = sync::one(parent)
        {
            let text = format!("it is complete, but a crash of the machine may lose it: {e}");
            warnings.push(Warning::new(Code::NotDurable, &*self.named, text));
        }
        Ok(())
    }

    /// Replaces the path of a temporary file in an error by that of the output, which the user knows.
    pub fn name_in(&self, error: Error) -> Error {
        error.renamed(self.directory.path(), &self.named)
    }

    fn rename(&self) -> Result<(), Error> {
        let _signals = temporary::delay_signals();
        let (made, destination) = (self.path(), &self.destination);
        let moved = renameat_with(CWD, &made, CWD, destination, RenameFlags::NOREPLACE);
        match moved.map_err(io::Error::from) {
            Ok(()) => Ok(()),
            // After the exchange, the old output is in the temporary directory, and deleted with it.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && self.force => {
                renameat_with(CWD, &made, CWD, destination, RenameFlags::EXCHANGE)
                    .map_err(|e| Error::io("replace", destination)(e.into()))
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::new(&**destination, Problem::OutputExists))
            }
            // File systems that do not know these flags.
            Err(e)
                if matches!(
                    Errno::from_io_error(&e),
                    Some(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP)
                ) =>
            {
                let old = self.directory.path().join("old");
                replace_in_two_steps(&made, destination, self.force, &old)
            }
            Err(e) => Err(Error::io("create", destination)(e)),
        }
    }
}

impl Drop for AtomicOutput {
    fn drop(&mut self) {
        // `TempDir` then finds nothing to remove.
        temporary::remove(self.directory.path());
    }
}

/// Returns an error without the random name that the errors of tempfile have. They hide the error of the
/// system except for its text.
fn without_path(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let code = text.split_once("(os error ").map(|(_, code)| code);
    let code = code.and_then(|code| code.split(')').next()?.parse().ok());
    code.map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

fn replace_in_two_steps(
    made: &Path,
    destination: &Path,
    force: bool,
    old: &Path,
) -> Result<(), Error> {
    let is_there = fs::symlink_metadata(destination).is_ok();
    if is_there && !force {
        return Err(Error::new(destination, Problem::OutputExists));
    }
    // A file takes the place of a file in one step everywhere.
    if is_there && (made.is_dir() || destination.is_dir()) {
        fs::rename(destination, old).map_err(Error::io("replace", destination))?;
    }
    fs::rename(made, destination).map_err(|e| {
        if is_there {
            let _ = fs::rename(old, destination);
        }
        Error::io("create", destination)(e)
    })
}

/// Fails if the output would be inside of the input, or the input would be deleted with the old output.
fn check_apart(output: &Path, real_output: &Path, input: &Path) -> Result<(), Error> {
    // The reader reports an input that does not exist.
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
