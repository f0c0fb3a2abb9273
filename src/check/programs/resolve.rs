//! Finds the programs that a container of the image would start, from its config.

use super::demands::Demands;
use super::file_table::LayerFile;
use super::launchers::{Launched, launched};
use super::layer_stack::{FoundFile, LayerStack, MAX_PATH, Result};
use super::machine::Machine;
use super::wrappers::{Script, Wrapped};
use crate::oci::Execution;
use crate::tar::clean;

/// The depth of scripts that are run by scripts that Linux starts (`exec_binprm`).
const MAX_SCRIPTS: usize = 5;

/// The length of a chain of programs that start each other. Real ones have a tenth of it.
const MAX_PROGRAMS: usize = 32;

/// The search path of runtimes where the config has no PATH (containerd `oci.defaultUnixEnv`, moby).
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const WINDOWS_PATH: &str = r"C:\Windows\System32;C:\Windows";

/// Directories that runtimes mount.
const MOUNTED: [&str; 3] = ["/dev", "/proc", "/sys"];

/// The programs that an image starts, one after the other: a program may start another one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Started {
    pub programs: Vec<ProgramFile>,
    /// Why the next one cannot be started or was not found.
    pub failure: Option<Failure>,
}

impl From<Option<ProgramFile>> for Started {
    fn from(program: Option<ProgramFile>) -> Self {
        Self {
            programs: program.into_iter().collect(),
            failure: None,
        }
    }
}

/// A file that cannot be started, or was not checked.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub reason: FailureReason,
    /// The word that names the file.
    pub word: Vec<u8>,
    pub starter: Starter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// No file of this name can be started.
    Missing,
    /// The file has no x bits.
    NotExecutable,
    /// Linux refuses the file.
    Broken(Defect),
    /// A file with holes, whose content is not known.
    Sparse,
}

/// What starts a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Starter {
    /// The config.
    Image,
    /// The first line of a script.
    Script(Vec<u8>),
    /// Another program, or the commands of a script.
    Program(Vec<u8>),
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
    /// The word that names it.
    pub word: Vec<u8>,
    pub starter: Starter,
    /// Its name, without the `/` in front.
    pub path: Vec<u8>,
    /// The position of the layer that it is in.
    pub layer: usize,
    pub machine: Machine,
    pub demands: Demands,
    /// Whether variables of the dynamic linker were set before it is started.
    pub sets_libraries: bool,
}

/// Finds the program of an image of WebAssembly: a module, which may be in the working directory, and may be
/// followed by a function (`app.wasm#run`).
pub fn started_module(stack: &LayerStack<'_>, execution: &Execution) -> Result<Started> {
    let word = execution.program().unwrap_or_default();
    let module = word.split('#').next().unwrap_or_default();
    let found = stack.find(&[execution.working_dir.as_bytes(), module.as_bytes()])?;
    match found {
        Some(FoundFile {
            path,
            layer,
            file: LayerFile::Program(machine, _),
        }) => Ok(Some(ProgramFile::of_image(word, path, layer, machine)).into()),
        _ => started(stack, execution),
    }
}

impl ProgramFile {
    /// Returns a program that the config names, without demands.
    fn of_image(word: &str, path: Vec<u8>, layer: usize, machine: Machine) -> Self {
        Self {
            word: word.into(),
            starter: Starter::Image,
            path,
            layer,
            machine,
            demands: Demands::default(),
            sets_libraries: false,
        }
    }
}

/// A command, and the environment that it has.
struct Command {
    words: Vec<Vec<u8>>,
    path: Vec<u8>,
    sets_libraries: bool,
    starter: Starter,
    /// Whether it may be a command that a shell has itself.
    is_by_shell: bool,
}

impl Command {
    /// Returns the command that `launcher` starts, if that is certain.
    fn started_by(self, launcher: Launched) -> Self {
        let mut variables = launcher.variables.iter().rev();
        let path = variables.find_map(|variable| variable.strip_prefix(b"PATH="));
        Self {
            path: path.map_or(self.path, Into::into),
            sets_libraries: self.sets_libraries
                || launcher
                    .variables
                    .iter()
                    .any(|name| name.starts_with(b"LD_")),
            starter: Starter::Program(self.words[0].clone()),
            words: launcher.words,
            is_by_shell: launcher.is_by_shell,
        }
    }

    /// Returns the command that a wrapper called `name` starts.
    fn wrapped_by(self, name: Vec<u8>, wrapped: Wrapped) -> Self {
        Self {
            words: vec![wrapped.program],
            sets_libraries: self.sets_libraries || wrapped.sets_libraries,
            starter: Starter::Program(name),
            is_by_shell: false,
            ..self
        }
    }
}

/// Finds the programs that an image starts.
pub fn started(stack: &LayerStack<'_>, execution: &Execution) -> Result<Started> {
    let mut started = Started::default();
    if execution.program().is_none() {
        return Ok(started);
    }
    let words = execution.entrypoint.iter().chain(&execution.cmd);
    let mut command = Command {
        words: words.map(|word| word.clone().into_bytes()).collect(),
        path: execution.variable("PATH").unwrap_or(PATH).into(),
        sets_libraries: false,
        starter: Starter::Image,
        is_by_shell: false,
    };
    // The script that the command is the interpreter of, and what it wraps.
    let mut script: Option<(Vec<u8>, Option<Wrapped>)> = None;
    let mut scripts = 0;
    for _ in 0..MAX_PROGRAMS {
        let word = command.words[0].clone();
        let found = find_command(stack, &word, &command.path, execution)?;
        let failure = match &found {
            None if command.is_by_shell && !word.contains(&b'/') => None,
            None if may_be_elsewhere(stack, &word, &command.path, execution)? => None,
            None => Some(FailureReason::Missing),
            Some(found) => match found.file {
                LayerFile::NotExecutable(_) => Some(FailureReason::NotExecutable),
                LayerFile::Empty => Some(FailureReason::Broken(Defect::Empty)),
                LayerFile::CutOff => Some(FailureReason::Broken(Defect::CutOff)),
                LayerFile::Sparse => Some(FailureReason::Sparse),
                _ => None,
            },
        };
        // Programs start others with `execvp`, which has a shell interpret a file that Linux refuses.
        let is_interpreted = matches!(command.starter, Starter::Program(_));
        let failure = failure
            .filter(|failure| !(is_interpreted && matches!(failure, FailureReason::Broken(_))));
        started.failure = failure.map(|reason| Failure {
            reason,
            word: match (&found, reason) {
                (Some(found), FailureReason::Sparse) => found.path.clone(),
                _ => word.clone(),
            },
            starter: command.starter.clone(),
        });
        let Some(found) = found.filter(|_| failure.is_none()) else {
            break;
        };
        command = match found.file {
            LayerFile::Program(machine, demands) => {
                let demands = Demands::from_bytes(demands);
                let wrapped = demands.wrapped.clone();
                started.programs.push(ProgramFile {
                    word: word.clone(),
                    starter: command.starter.clone(),
                    path: found.path,
                    layer: found.layer,
                    machine,
                    demands,
                    sets_libraries: command.sets_libraries,
                });
                match (script.take(), wrapped, launched(&command.words)) {
                    (Some((name, Some(wrapped))), ..) => command.wrapped_by(name, wrapped),
                    (None, Some(wrapped), _) => command.wrapped_by(word, wrapped),
                    // The file that BASH_ENV names may define functions.
                    (_, _, Some(launched))
                        if !(launched.is_by_shell && execution.variable("BASH_ENV").is_some()) =>
                    {
                        command.started_by(launched)
                    }
                    _ => break,
                }
            }
            LayerFile::Script(text) if scripts < MAX_SCRIPTS => {
                scripts += 1;
                let parsed = Script::from_bytes(text);
                // The kernel looks for an interpreter without PATH.
                if !parsed.interpreter.contains(&b'/') {
                    break;
                }
                let argument = Some(parsed.argument).filter(|argument| !argument.is_empty());
                let words = [parsed.interpreter].into_iter().chain(argument);
                // Of a script of a script, the first one decides.
                script.get_or_insert((word.clone(), parsed.wrapped));
                Command {
                    words: words.chain(std::mem::take(&mut command.words)).collect(),
                    starter: Starter::Script(word),
                    is_by_shell: false,
                    ..command
                }
            }
            _ => break,
        };
    }
    Ok(started)
}

/// Finds the file that `word` starts: a path, or a name that is looked up in PATH. A file without x bits
/// is found if there is no other.
fn find_command<'a>(
    stack: &LayerStack<'a>,
    word: &[u8],
    path: &[u8],
    execution: &Execution,
) -> Result<Option<FoundFile<'a>>> {
    let working_dir = execution.working_dir.as_bytes();
    let is_file =
        |found: &FoundFile<'_>| !matches!(found.file, LayerFile::Directory | LayerFile::Plain);
    if word.contains(&b'/') {
        let found = stack.find(&[working_dir, word])?;
        return Ok(found.filter(is_file));
    }
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
fn may_be_elsewhere(
    stack: &LayerStack<'_>,
    word: &[u8],
    path: &[u8],
    execution: &Execution,
) -> Result<bool> {
    // An image without files is filled at run time, or is a test.
    if stack.is_empty() {
        return Ok(true);
    }
    let path = if word.contains(&b'/') { b"" } else { path };
    for directory in path.split(|b| *b == b':') {
        let parts = [execution.working_dir.as_bytes(), directory, word];
        // A link may lead there too.
        let lost = stack.lost_path(&parts)?.unwrap_or_default();
        if is_mounted(&joined(&parts), execution) || is_mounted(&lost, execution) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a path from the root is in a directory that runtimes mount.
pub fn is_mounted(path: &[u8], execution: &Execution) -> bool {
    let volumes = execution.volumes.iter().map(String::as_str);
    let mut mounted = MOUNTED.into_iter().chain(volumes);
    mounted.any(|mounted| {
        let rest = path.strip_prefix(mounted.trim_end_matches('/').as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
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
pub fn started_on_windows(stack: &LayerStack<'_>, execution: &Execution) -> Result<Started> {
    let Some(started) = execution.program() else {
        return Ok(Started::default());
    };
    let normal = |path: &str| path.to_ascii_lowercase().replace('\\', "/");
    let word = normal(started);
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
            let name = format!("{name}{suffix}");
            if let Some(program) = windows_program(stack, started, &name)? {
                return Ok(Some(program).into());
            }
        }
    }
    Ok(Started::default())
}

fn windows_program(stack: &LayerStack<'_>, word: &str, name: &str) -> Result<Option<ProgramFile>> {
    let name = name.trim_start_matches("c:").as_bytes();
    let Some(name) = clean(name).filter(|name| name.len() <= MAX_PATH) else {
        return Ok(None);
    };
    // The file system of a layer is in its directory `Files` (image-spec `layer.md`, Windows).
    let path = [b"files/", &*name].concat();
    let found = stack.windows_program(&path)?;
    Ok(found.map(|(layer, machine)| ProgramFile::of_image(word, path, layer, machine)))
}
