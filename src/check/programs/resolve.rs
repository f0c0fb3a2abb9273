//! Finds the program that a container of the image would start, from its config.

use super::file_table::LayerFile;
use super::layer_stack::{FoundFile, LayerStack, MAX_PATH, Result};
use super::machine::Machine;
use crate::oci::Execution;
use crate::tar::clean;

/// The depth of scripts that are run by scripts that Linux starts (`exec_binprm`).
const MAX_SCRIPTS: usize = 5;

/// The search path of runtimes where the config has no PATH (containerd `oci.defaultUnixEnv`, moby).
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const WINDOWS_PATH: &str = r"C:\Windows\System32;C:\Windows";

/// Directories that runtimes mount.
const MOUNTED: [&str; 3] = ["/dev", "/proc", "/sys"];

/// The result of the search for the program that an image starts.
#[derive(Debug, PartialEq, Eq)]
pub enum StartedFile {
    Program(ProgramFile),
    /// No file of this name can be started.
    Missing(String),
    /// The file with this name has no x bits.
    NotExecutable(String),
    /// Linux refuses the file with this name.
    Broken(String, Defect),
    /// A file with holes, whose content is not known.
    Sparse(Vec<u8>),
    /// No program, or one of an unknown format.
    Unknown,
}

/// Why Linux refuses a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    Empty,
    CutOff,
}

/// A program that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct ProgramFile {
    /// Its name, without the `/` in front.
    pub path: Vec<u8>,
    /// The position of the layer that it is in.
    pub layer: usize,
    pub machine: Machine,
}

/// Finds the program of an image of WebAssembly: a module, which may be in the working directory, and may be
/// followed by a function (`app.wasm#run`).
pub fn started_module(stack: &LayerStack<'_>, execution: &Execution) -> Result<StartedFile> {
    let word = execution.program().unwrap_or_default();
    let module = word.split('#').next().unwrap_or_default();
    let found = stack.find(&[execution.working_dir.as_bytes(), module.as_bytes()])?;
    match found {
        Some(FoundFile {
            path,
            layer,
            file: LayerFile::Program(machine),
        }) => Ok(StartedFile::Program(ProgramFile {
            path,
            layer,
            machine,
        })),
        _ => started(stack, execution),
    }
}

/// Finds the program that an image starts.
pub fn started(stack: &LayerStack<'_>, execution: &Execution) -> Result<StartedFile> {
    let Some(program) = execution.program() else {
        return Ok(StartedFile::Unknown);
    };
    let mut word = program.as_bytes().to_vec();
    for _ in 0..MAX_SCRIPTS {
        let Some(found) = find_command(stack, &word, execution)? else {
            return Ok(match may_be_elsewhere(stack, &word, execution) {
                true => StartedFile::Unknown,
                false => StartedFile::Missing(String::from_utf8_lossy(&word).into()),
            });
        };
        match found.file {
            LayerFile::NotExecutable(_) => {
                return Ok(StartedFile::NotExecutable(
                    String::from_utf8_lossy(&word).into(),
                ));
            }
            LayerFile::Empty | LayerFile::CutOff => {
                let defect = match found.file {
                    LayerFile::Empty => Defect::Empty,
                    _ => Defect::CutOff,
                };
                let word = String::from_utf8_lossy(&word).into();
                return Ok(StartedFile::Broken(word, defect));
            }
            LayerFile::Program(machine) => {
                return Ok(StartedFile::Program(ProgramFile {
                    path: found.path,
                    layer: found.layer,
                    machine,
                }));
            }
            // The kernel looks for an interpreter without PATH.
            LayerFile::Script(interpreter) if interpreter.contains(&b'/') => {
                word = interpreter.to_vec();
            }
            LayerFile::Sparse => return Ok(StartedFile::Sparse(found.path)),
            _ => return Ok(StartedFile::Unknown),
        }
    }
    Ok(StartedFile::Unknown)
}

/// Finds the file that `word` starts: a path, or a name that is looked up in PATH. A file without x bits
/// is found if there is no other.
fn find_command<'a>(
    stack: &LayerStack<'a>,
    word: &[u8],
    execution: &Execution,
) -> Result<Option<FoundFile<'a>>> {
    let working_dir = execution.working_dir.as_bytes();
    let is_file =
        |found: &FoundFile<'_>| !matches!(found.file, LayerFile::Directory | LayerFile::Plain);
    if word.contains(&b'/') {
        let found = stack.find(&[working_dir, word])?;
        return Ok(found.filter(is_file));
    }
    let path = execution.variable("PATH").unwrap_or(PATH).as_bytes();
    let mut not_executable = None;
    for directory in path.split(|b| *b == b':') {
        match stack.find(&[working_dir, directory, word])?.filter(is_file) {
            Some(found) if matches!(found.file, LayerFile::NotExecutable(_)) => {
                not_executable.get_or_insert(found);
            }
            Some(found) => return Ok(Some(found)),
            None => {}
        }
    }
    Ok(not_executable)
}

/// Whether a program that is not in a layer may be in the container nevertheless: in a directory that is
/// mounted.
fn may_be_elsewhere(stack: &LayerStack<'_>, word: &[u8], execution: &Execution) -> bool {
    // An image without files is filled at run time, or is a test.
    if stack.is_empty() {
        return true;
    }
    let path = execution.variable("PATH").unwrap_or(PATH).as_bytes();
    let is_mounted = |directory: &[u8]| {
        let path = joined(&[execution.working_dir.as_bytes(), directory, word]);
        let volumes = execution.volumes.iter().map(String::as_str);
        let mut mounted = MOUNTED.into_iter().chain(volumes);
        mounted.any(|mounted| {
            let rest = path.strip_prefix(mounted.trim_end_matches('/').as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        })
    };
    match word.contains(&b'/') {
        true => is_mounted(b""),
        false => path.split(|b| *b == b':').any(is_mounted),
    }
}

/// Joins the parts of a path, of which an absolute one starts from the root.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let first = parts.iter().rposition(|part| part.starts_with(b"/"));
    let words = parts[first.unwrap_or(0)..].iter();
    let words = words.flat_map(|part| part.split(|b| *b == b'/'));
    let words = words.filter(|word| !word.is_empty() && *word != b".");
    words.fold(Vec::new(), |mut path, word| {
        path.push(b'/');
        path.extend(word);
        path
    })
}

/// Finds the program that an image for Windows starts: `app.exe`, `C:\app\app`, `cmd /S /C`. A program that is not
/// found is in the base image, which is not part of the image.
pub fn started_on_windows(stack: &LayerStack<'_>, execution: &Execution) -> Result<StartedFile> {
    let Some(word) = execution.program() else {
        return Ok(StartedFile::Unknown);
    };
    let normal = |path: &str| path.to_ascii_lowercase().replace('\\', "/");
    let word = normal(word);
    let path = execution.variable("Path").or(execution.variable("PATH"));
    let path = normal(path.unwrap_or(WINDOWS_PATH));
    let working_dir = normal(&execution.working_dir);
    let is_absolute = word.starts_with('/') || word.starts_with("c:");
    let directories = (!word.contains('/')).then(|| path.split(';'));
    for directory in std::iter::once(&*working_dir).chain(directories.into_iter().flatten()) {
        let name = match is_absolute {
            true => word.clone(),
            false => format!("{directory}/{word}"),
        };
        for suffix in ["", ".exe"] {
            if let Some(program) = windows_program(stack, &format!("{name}{suffix}"))? {
                return Ok(StartedFile::Program(program));
            }
        }
    }
    Ok(StartedFile::Unknown)
}

fn windows_program(stack: &LayerStack<'_>, name: &str) -> Result<Option<ProgramFile>> {
    let name = name.trim_start_matches("c:").as_bytes();
    let Some(name) = clean(name).filter(|name| name.len() <= MAX_PATH) else {
        return Ok(None);
    };
    // The file system of a layer is in its directory `Files` (image-spec `layer.md`, Windows).
    let path = [b"files/", &*name].concat();
    let found = stack.windows_program(&path)?;
    Ok(found.map(|(layer, machine)| ProgramFile {
        path,
        layer,
        machine,
    }))
}
