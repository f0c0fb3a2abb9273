//! Checks that the layers have the dynamic linker and the libraries of a program.
//!
//! A library is reported only if no linker finds it: it is searched in all directories that one searches
//! by default, and nothing is reported where a cache, a list of directories or a volume may add others.
//!
//! Sources: ld.so(8) of glibc, and `ldso/dynlink.c` of musl.

use super::file_table::LayerFile;
use super::layer_stack::{LayerStack, Result};
use super::resolve::{self, ProgramFile};
use crate::oci::Execution;

/// What a program needs, and is in no layer.
#[derive(Debug, PartialEq, Eq)]
pub enum Unlinked {
    Interpreter(Vec<u8>),
    Libraries {
        names: Vec<Vec<u8>>,
        /// The store paths that are searched and missing.
        store_paths: Vec<Vec<u8>>,
    },
}

/// Directories that linkers search by default, here or there.
const DEFAULTS: [&str; 12] = [
    "/lib",
    "/usr/lib",
    "/usr/local/lib",
    "/lib64",
    "/usr/lib64",
    "/usr/local/lib64",
    "/lib32",
    "/usr/lib32",
    "/libx32",
    "/usr/libx32",
    "/lib64/lp64d",
    "/usr/lib64/lp64d",
];

/// Directories below `/lib` and `/usr/lib` that Debian's linkers search by default.
const TRIPLETS: [&str; 11] = [
    "x86_64-linux-gnu",
    "aarch64-linux-gnu",
    "arm-linux-gnueabihf",
    "arm-linux-gnueabi",
    "i386-linux-gnu",
    "riscv64-linux-gnu",
    "powerpc64le-linux-gnu",
    "s390x-linux-gnu",
    "loongarch64-linux-gnu",
    "mips64el-linux-gnuabi64",
    "x86_64-linux-gnux32",
];

/// Files that tell a linker to search other directories, or a linker that has the libraries of another one.
const LISTS: [&str; 4] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/lib/libgcompat.so.0",
];

/// Libraries that runtimes mount beside the driver of a GPU.
const MOUNTED: [&[u8]; 5] = [
    b"libcuda.so",
    b"libcudadebugger.so",
    b"libnvidia-",
    b"libnvcuvid.so",
    b"libnvoptix.so",
];

/// The libraries that are parts of musl's linker (`lib<name>.`).
const MUSL: [&[u8]; 7] = [b"c", b"pthread", b"rt", b"m", b"dl", b"util", b"xnet"];

const STORES: [&[u8]; 2] = [b"/nix/store/", b"/gnu/store/"];

/// Returns what is missing for a program that the image starts.
pub fn check(
    stack: &LayerStack<'_>,
    program: &ProgramFile,
    execution: &Execution,
) -> Result<Option<Unlinked>> {
    let demands = &program.demands;
    let interpreter = &*demands.interpreter;
    if !interpreter.starts_with(b"/") {
        return Ok(None);
    }
    let Some(linker) = stack.find(&[interpreter])? else {
        let lost = stack.lost_path(&[interpreter])?.unwrap_or_default();
        let is_mounted = [interpreter, &lost]
            .iter()
            .any(|path| resolve::is_mounted(path, execution));
        return Ok((!is_mounted).then(|| Unlinked::Interpreter(interpreter.to_vec())));
    };
    let linker = [b"/", &*linker.path].concat();
    let search = Search {
        stack,
        execution,
        program,
        linker: &linker,
    };
    let Some(directories) = search.directories()? else {
        return Ok(None);
    };
    let mut names = Vec::new();
    for name in &demands.needed {
        if !search.has(name, &directories)? {
            names.push(name.clone());
        }
    }
    if names.is_empty() {
        return Ok(None);
    }
    let mut store_paths = Vec::new();
    for directory in &directories {
        if let Some(path) = store_path(directory)
            && !store_paths.iter().any(|known| known == path)
            && stack.find(&[path])?.is_none()
        {
            store_paths.push(path.to_vec());
        }
    }
    Ok(Some(Unlinked::Libraries { names, store_paths }))
}

struct Search<'a> {
    stack: &'a LayerStack<'a>,
    execution: &'a Execution,
    program: &'a ProgramFile,
    /// The path of the dynamic linker, without links.
    linker: &'a [u8],
}

impl Search<'_> {
    fn has(&self, name: &[u8], directories: &[Vec<u8>]) -> Result<bool> {
        let working_dir = self.execution.working_dir.as_bytes();
        if name.contains(&b'/') {
            return self.is_file(&[working_dir, name]);
        }
        let is_linker = [&*self.program.demands.interpreter, self.linker]
            .iter()
            .any(|path| file_name(path) == name);
        let is_of_musl = is_musl(self.linker)
            && MUSL.iter().any(|part| {
                let rest = name
                    .strip_prefix(b"lib")
                    .and_then(|n| n.strip_prefix(*part));
                rest.is_some_and(|rest| rest.starts_with(b"."))
            });
        if is_linker || is_of_musl || MOUNTED.iter().any(|start| name.starts_with(start)) {
            return Ok(true);
        }
        for directory in directories {
            if self.is_file(&[working_dir, directory, name])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_file(&self, parts: &[&[u8]]) -> Result<bool> {
        let found = self.stack.find(parts)?;
        Ok(found.is_some_and(|found| found.file != LayerFile::Directory))
    }

    /// Returns all directories that the linker may search; `None` if they are not known.
    fn directories(&self) -> Result<Option<Vec<Vec<u8>>>> {
        let Self {
            stack,
            execution,
            program,
            linker,
        } = self;
        let is_known = file_name(linker).starts_with(b"ld") || is_musl(linker);
        let variables = ["LD_PRELOAD", "LD_AUDIT", "NIX_LD", "NIX_LD_LIBRARY_PATH"];
        let has_variables = variables
            .iter()
            .any(|name| execution.variable(name).is_some());
        if !is_known || program.sets_libraries || has_variables {
            return Ok(None);
        }
        // The linkers of nixpkgs and Guix read the lists of the package that they are in.
        if !is_in_store(linker) || is_musl(linker) {
            let musl = file_name(&program.demands.interpreter)
                .split(|b| *b == b'.')
                .next()
                .unwrap_or_default();
            let musl = [b"/etc/", musl, b".path"].concat();
            for list in LISTS.iter().map(|list| list.as_bytes()).chain([&*musl]) {
                if stack.find(&[list])?.is_some() {
                    return Ok(None);
                }
            }
        }
        let variable = execution.variable("LD_LIBRARY_PATH").unwrap_or_default();
        let listed = [&*program.demands.search_path, variable.as_bytes()];
        let listed = listed
            .iter()
            .flat_map(|list| list.split(|b| b":;".contains(b)));
        let listed = listed.filter(|directory| !directory.is_empty());
        let mut directories = Vec::new();
        for directory in listed {
            let Some(directory) = with_origin(directory, parent(&program.path)) else {
                return Ok(None);
            };
            // Others, such as `/run/opengl-driver`, may be mounted.
            let known = [&b"lib"[..], b"lib32", b"lib64", b"usr", b"opt", b"app"];
            let first = first_word(&directory);
            let is_certain = is_in_store(&directory)
                || known.contains(&first)
                || first == first_word(&program.path);
            if !is_certain || resolve::is_mounted(&directory, execution) {
                return Ok(None);
            }
            directories.push(directory);
        }
        let interpreter = parent(&program.demands.interpreter);
        directories.extend([interpreter.to_vec(), parent(linker).to_vec()]);
        directories.extend(DEFAULTS.map(Into::into));
        for triplet in TRIPLETS {
            directories.extend(["/lib/", "/usr/lib/"].map(|lib| [lib, triplet].concat().into()));
        }
        Ok(Some(directories))
    }
}

/// Returns a directory with the directory of the program in the place of `$ORIGIN`; `None` if it has other
/// variables.
fn with_origin(directory: &[u8], origin: &[u8]) -> Option<Vec<u8>> {
    let rest = [&b"$ORIGIN"[..], b"${ORIGIN}"]
        .iter()
        .find_map(|start| directory.strip_prefix(*start));
    let directory = match rest {
        Some(rest) => [b"/", origin, rest].concat(),
        None => directory.to_vec(),
    };
    (!directory.contains(&b'$')).then_some(directory)
}

fn is_musl(linker: &[u8]) -> bool {
    file_name(linker).starts_with(b"ld-musl") || file_name(linker) == b"libc.so"
}

fn is_in_store(path: &[u8]) -> bool {
    STORES.iter().any(|store| path.starts_with(store))
}

/// Returns the store path that a file is in.
fn store_path(path: &[u8]) -> Option<&[u8]> {
    let store = STORES.iter().find(|store| path.starts_with(store))?;
    let name = path[store.len()..].split(|b| *b == b'/').next()?;
    (!name.is_empty()).then(|| &path[..store.len() + name.len()])
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or_default()
}

fn parent(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
    &path[..end]
}

fn first_word(path: &[u8]) -> &[u8] {
    let mut words = path.split(|b| *b == b'/').filter(|word| !word.is_empty());
    words.next().unwrap_or_default()
}
