//! Which files may be replaced by an output, and how a single file is replaced.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use walkdir::WalkDir;

use super::{sync, temporary};
use crate::bytes::fill;
use crate::error::{Error, Problem};
use crate::oci::{DOCKER_FILE, Digest, INDEX_FILE, LAYOUT_FILE};
use crate::records::LAYER_RECORDS;
use crate::tar::is_tar;
use crate::util::text::clean;

/// Fails if there is a file that a merge may not replace. `--force` replaces only files that a merge
/// can have written.
pub fn may_replace_image(path: &Path, replace: bool) -> Result<(), Error> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let expected = "an image layout or an archive";
    let foreign = |found: &str| {
        let found = found.to_owned();
        Err(Error::new(path, Problem::OutputForeign { found, expected }))
    };
    if metadata.is_symlink() {
        foreign("a symbolic link")?;
    } else if metadata.is_dir() {
        let is_layout = is_layout(path).map_err(Error::io("read", path))?;
        if !(is_layout || replace) {
            return Err(Error::new(path, Problem::OutputIsDirectory));
        } else if !is_layout {
            foreign("a directory that is not an image layout")?;
        }
        let others = other_files(path).map_err(|e| Error::io("read", path)(e.into()))?;
        if let Some(others) = others {
            foreign(&format!("an image layout with other files in it: {others}"))?;
        }
    } else if metadata.is_file() {
        let is_archive = is_archive(path).map_err(Error::io("read", path))?;
        if !is_archive {
            foreign("a file that is not an archive")?;
        }
    } else {
        foreign("neither a file nor a directory")?;
    }
    // The hint is to replace it, so this comes after what --force does not replace.
    match replace {
        true => Ok(()),
        false => Err(Error::new(path, Problem::OutputExists)),
    }
}

/// Whether there is an image at a path.
pub fn is_image(path: &Path) -> bool {
    match path.is_dir() {
        true => is_layout(path).unwrap_or_default(),
        false => is_archive(path).unwrap_or_default(),
    }
}

fn is_layout(path: &Path) -> io::Result<bool> {
    // An unreadable directory is an error, not a directory of something else.
    fs::read_dir(path)?;
    Ok([LAYOUT_FILE, INDEX_FILE]
        .iter()
        .all(|name| path.join(name).is_file()))
}

/// Returns the names of the first files of a layout that no merge writes, if it has such files.
fn other_files(layout: &Path) -> walkdir::Result<Option<String>> {
    const SHOWN: usize = 3;
    let ours = [LAYOUT_FILE, INDEX_FILE, DOCKER_FILE, LAYER_RECORDS];
    let is_blob = |name: &str| {
        let digest = name
            .strip_prefix("blobs/")
            .map(|name| name.replacen('/', ":", 1));
        digest.is_some_and(|digest| digest.parse::<Digest>().is_ok())
    };
    let (mut shown, mut count) = (Vec::new(), 0);
    for entry in WalkDir::new(layout).sort_by_file_name() {
        let entry = entry?;
        let name = entry.path().strip_prefix(layout).unwrap_or(entry.path());
        let name = name.to_string_lossy();
        let is_ours = match entry.file_type().is_dir() {
            true => ["", "blobs", "blobs/sha256", "blobs/sha512"].contains(&&*name),
            false => ours.contains(&&*name) || is_blob(&name),
        };
        if !is_ours {
            count += 1;
            if shown.len() < SHOWN {
                shown.push(clean(&name));
            }
        }
    }
    let more = match count > SHOWN {
        true => format!(" and {} more", count - SHOWN),
        false => String::new(),
    };
    Ok((count > 0).then(|| format!("{}{more}", shown.join(", "))))
}

fn is_archive(path: &Path) -> io::Result<bool> {
    let mut head = [0; 512];
    let n = fill(&mut File::open(path)?, &mut head)?;
    Ok(is_tar(&head[..n]))
}

/// Fails if no single file can be written to a path. A device of characters or a pipe is written to.
fn may_write(path: &Path, expected: &'static str) -> Result<(), Error> {
    let Ok(metadata) = path.metadata() else {
        let parent = parent(path);
        if parent.is_dir() {
            return Ok(());
        }
        let parent = parent.to_owned();
        return Err(Error::new(path, Problem::NoParent { parent }));
    };
    let kind = metadata.file_type();
    let found = if kind.is_dir() {
        "a directory"
    } else if kind.is_block_device() {
        "a block device"
    } else if kind.is_socket() {
        "a socket"
    } else {
        return Ok(());
    };
    let found = found.to_owned();
    Err(Error::new(path, Problem::OutputForeign { found, expected }))
}

/// Fails if there is a file other than an HTML page.
pub fn may_replace_page(path: &Path) -> Result<(), Error> {
    const START: &[u8; 14] = b"<!doctype html";
    let expected = "an HTML page, or nothing";
    may_write(path, expected)?;
    match first_bytes::<{ START.len() }>(path)? {
        Some(head) if !START.eq_ignore_ascii_case(&head) => {
            let found = "a file that is not a page".to_owned();
            Err(Error::new(path, Problem::OutputForeign { found, expected }))
        }
        _ => Ok(()),
    }
}

/// The first word of a table of components.
pub const SBOM_TABLE: &str = "COMPONENT";

/// Fails if there is a file that is neither JSON nor a table of components, or one of `inputs`.
pub fn may_replace_sbom(path: &Path, inputs: &[&Path]) -> Result<(), Error> {
    if let Ok(output) = path.canonicalize() {
        let is_output = |input: &Path| input.canonicalize().is_ok_and(|input| input == output);
        if let Some(input) = inputs.iter().find(|input| is_output(input)) {
            let input = input.to_path_buf();
            return Err(Error::new(path, Problem::InputInsideOutput { input }));
        }
    }
    let expected = "JSON, a table of components, or nothing";
    may_write(path, expected)?;
    match first_bytes::<{ SBOM_TABLE.len() }>(path)? {
        Some(head) if head[0] != b'{' && head != *SBOM_TABLE.as_bytes() => {
            let found = "a file that is not an SBOM".to_owned();
            Err(Error::new(path, Problem::OutputForeign { found, expected }))
        }
        _ => Ok(()),
    }
}

/// Returns the first bytes of a file, if it is a regular file and not empty.
fn first_bytes<const N: usize>(path: &Path) -> Result<Option<[u8; N]>, Error> {
    // Opening a pipe would wait for its writer.
    if !path.is_file() {
        return Ok(None);
    }
    let mut head = [0; N];
    let read = File::open(path).and_then(|mut file| fill(&mut file, &mut head));
    let n = read.map_err(Error::io("read", path))?;
    Ok((n > 0).then_some(head))
}

/// Fails if a digest must not or cannot be written to `path`: it is in the output, or another file than an
/// earlier digest is there.
pub fn may_write_digest(path: &Path, output: &Path) -> Result<(), Error> {
    let parent = parent(path);
    let Ok(directory) = parent.canonicalize() else {
        let parent = parent.to_owned();
        return Err(Error::new(path, Problem::NoParent { parent }));
    };
    let foreign = |found: &str| {
        let (found, expected) = (found.to_owned(), "an earlier digest, or nothing");
        Err(Error::new(path, Problem::OutputForeign { found, expected }))
    };
    let absolute = directory.join(path.file_name().unwrap_or_default());
    let output = self::parent(output)
        .canonicalize()
        .map(|parent| parent.join(output.file_name().unwrap_or_default()));
    if output.is_ok_and(|output| absolute.starts_with(output)) {
        return foreign("the output of the merge");
    }
    if path.is_dir() {
        return foreign("a directory");
    }
    match first_bytes(path)? {
        Some(head) if head != *b"sha256:" => foreign("a file that is not a digest"),
        _ => Ok(()),
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Creates a directory and those above it, if they do not exist.
pub fn create_directory(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::io("create", path))
}

/// Writes a single file, all or nothing.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    // A device or a pipe is written to, not replaced.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        let written = open_to_write(path).and_then(|mut file| file.write_all(bytes));
        return written.map_err(Error::io("write", path));
    }
    let parent = parent(path);
    if !parent.is_dir() {
        let parent = parent.to_owned();
        return Err(Error::new(path, Problem::NoParent { parent }));
    }
    let write = || -> io::Result<()> {
        let _signals = temporary::delay_signals();
        let mut builder = tempfile::Builder::new();
        // Less what the umask forbids, as for any file that a program writes.
        let mut file = builder
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(parent)?;
        file.write_all(bytes)?;
        sync::one(file.path())?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(Error::io("write", path))
}

/// Opens a device or a pipe. Fails if no program reads the pipe, instead of waiting for one.
fn open_to_write(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let opened = options.write(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NXIO) => io::Error::other("no program reads the pipe"),
        _ => error,
    })?;
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(file)
}
