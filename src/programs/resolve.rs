//! From a config to the program that it starts, through the layers of the image: as a container
//! runtime would find it.

use std::collections::VecDeque;

use super::files::{File, Files};
use super::machine::Machine;
use crate::spec::Execution;

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// As many scripts that are run by scripts as Linux starts (`exec_binprm`).
const MAX_SCRIPTS: usize = 5;

/// What runtimes take where the config has no PATH (containerd `oci.defaultUnixEnv`, moby).
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const WINDOWS_PATH: &str = r"C:\Windows\System32;C:\Windows";

/// A program that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name, without the `/` in front.
    pub path: Vec<u8>,
    /// The layer that it is in.
    pub layer: usize,
    /// What it was built for.
    pub machine: Machine,
}

/// The program that is started, given the files of all layers, bottom first. Nothing where there is
/// none, or something that is not a program of a kind that we know.
pub fn program(execution: &Execution, layers: &[&Files]) -> Option<Program> {
    let mut word = execution.program()?.as_bytes().to_vec();
    for _ in 0..MAX_SCRIPTS {
        let (path, layer, file) = start(&word, execution, layers)?;
        match file {
            File::Program(machine) => {
                return Some(Program {
                    path,
                    layer,
                    machine,
                });
            }
            // Looked for as the kernel does, which knows no PATH.
            File::Script(interpreter) if interpreter.contains(&b'/') => word = interpreter.to_vec(),
            _ => return None,
        }
    }
    None
}

/// The same for Windows: `app.exe`, `C:\app\app`, `cmd /S /C`.
pub fn windows_program(execution: &Execution, layers: &[&Files]) -> Option<Program> {
    let word = execution.program()?.to_ascii_lowercase().replace('\\', "/");
    let path = execution.variable("Path").or(execution.variable("PATH"));
    let path = path.unwrap_or(WINDOWS_PATH).to_ascii_lowercase();
    let path = path.replace('\\', "/");
    let working_dir = execution
        .working_dir
        .to_ascii_lowercase()
        .replace('\\', "/");
    let places: Vec<&str> = match word.contains('/') {
        true => vec![&working_dir],
        false => std::iter::once(&*working_dir)
            .chain(path.split(';'))
            .collect(),
    };
    let found = |name: &str| {
        let name = name.trim_start_matches("c:").as_bytes();
        // The file system of a layer is in its directory `Files` (image-spec `layer.md`, Windows).
        let name = [b"files/", &*crate::layer::clean(name)?].concat();
        let layers = layers.iter().enumerate().rev();
        layers
            .filter_map(|(layer, files)| {
                let machine = files.get_windows(&name)?;
                Some(Program {
                    path: name.clone(),
                    layer,
                    machine,
                })
            })
            .next()
    };
    let is_absolute = word.starts_with('/') || word.starts_with("c:");
    places.iter().find_map(|place| {
        let name = match is_absolute {
            true => word.clone(),
            false => format!("{place}/{word}"),
        };
        found(&name).or_else(|| found(&format!("{name}.exe")))
    })
}

/// What `word` starts: where it is, the layer, and the file.
fn start<'a>(
    word: &[u8],
    execution: &Execution,
    layers: &[&'a Files],
) -> Option<(Vec<u8>, usize, File<'a>)> {
    let working_dir = execution.working_dir.as_bytes();
    if word.contains(&b'/') {
        return find(&[working_dir, word], layers);
    }
    let path = execution.variable("PATH").unwrap_or(PATH).as_bytes();
    path.split(|b| *b == b':')
        .filter_map(|place| find(&[working_dir, place, word], layers))
        .find(|(_, _, file)| !matches!(file, File::Directory))
}

/// The file at the end of a path, of which an absolute part is seen from the root.
fn find<'a>(parts: &[&[u8]], layers: &[&'a Files]) -> Option<(Vec<u8>, usize, File<'a>)> {
    let mut left: VecDeque<Vec<u8>> = VecDeque::new();
    for part in parts {
        if part.starts_with(b"/") {
            left.clear();
        }
        left.extend(split(part));
    }
    let mut at: Vec<u8> = Vec::new();
    let mut links = 0;
    let mut last = None;
    while let Some(word) = left.pop_front() {
        if word == b".." {
            let end = at.iter().rposition(|b| *b == b'/').unwrap_or(0);
            at.truncate(end);
            continue;
        }
        let end = at.len();
        if !at.is_empty() {
            at.push(b'/');
        }
        at.extend(&word);
        last = look_up(&at, layers);
        if let Some((_, File::Symlink(target))) = last {
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            at.truncate(if target.starts_with(b"/") { 0 } else { end });
            for word in split(target).rev() {
                left.push_front(word);
            }
        } else if last.is_none() && left.is_empty() {
            return None;
        }
        // A directory without an entry of its own is one all the same.
    }
    last.map(|(layer, file)| (at, layer, file))
}

fn split(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    let words = path.split(|b| *b == b'/');
    words
        .filter(|word| !word.is_empty() && *word != b".")
        .map(<[u8]>::to_vec)
}

/// What the image has at `name`: that of the topmost layer, unless one above it deletes it.
fn look_up<'a>(name: &[u8], layers: &[&'a Files]) -> Option<(usize, File<'a>)> {
    let mut name = name.to_vec();
    let mut top = layers.len();
    // Hard links lead to files of the same layer or of one below, so this ends.
    for _ in 0..MAX_LINKS {
        let (layer, file) = topmost(&name, &layers[..top])?;
        let File::Hardlink(target) = file else {
            return Some((layer, file));
        };
        if target == name {
            return None;
        }
        name = target.to_vec();
        top = layer + 1;
    }
    None
}

fn topmost<'a>(name: &[u8], layers: &[&'a Files]) -> Option<(usize, File<'a>)> {
    for (i, files) in layers.iter().enumerate().rev() {
        if let Some(file) = files.get(name) {
            return Some((i, file));
        }
        if files.hides(name) {
            return None;
        }
    }
    None
}
