//! Reads the files of a layer into a table, each with its kind by its first bytes.

use std::borrow::Cow;
use std::io::{self, Read};

use super::demands::Demands;
use super::file_table::{FileTable, LayerFile, RecordKind, TableBudget};
use super::machine::{HEAD, Header, Machine};
use super::wrappers::Script;
use crate::bytes::{LayerStream, fill};
use crate::tar::{EntryKind, LayerEntry, NameBudget, UnpackRules, Whiteout, clean, walk, whiteout};

/// The bytes of a Mach-O header up to the type of the file.
const MACH_O: usize = 16;

/// Longer than what Linux reads of the first line of a script (`BINPRM_BUF_SIZE`).
const SCRIPT: usize = 256;

/// The longest script of which the commands are read.
const MAX_SCRIPT: u64 = 16 << 10;

/// Reads a layer while its bytes are copied. A layer that is not a tar archive has no files; the
/// check of its content reports that.
pub fn scan(layer: &mut dyn LayerStream, budget: &TableBudget, names: &NameBudget) -> FileTable {
    let mut table = FileTable::default();
    let mut rules = UnpackRules::new(names);
    let walked = walk(layer, |entry| {
        add_entry(&mut table, &mut rules, entry, budget)
    });
    table.damage = walked.err();
    table.defects = rules.finish();
    table.finish();
    table
}

fn add_entry(
    table: &mut FileTable,
    rules: &mut UnpackRules<'_>,
    entry: &mut LayerEntry<'_, '_>,
    budget: &TableBudget,
) -> io::Result<()> {
    let path = entry.path();
    let Some(name) = unpacked_name(&path) else {
        rules.check(entry);
        return Ok(());
    };
    rules.check_as(entry, &path, &name);
    let name = name.into_owned();
    drop(path);
    if let Some((deleted, name)) = whiteout(&name) {
        let kind = match deleted {
            Whiteout::Name => RecordKind::Whiteout,
            Whiteout::Contents => RecordKind::Opaque,
        };
        table.add_whiteout(kind, &name, budget);
        return Ok(());
    }
    if entry.is_sparse() {
        table.add(&name, &LayerFile::Sparse, budget);
        return Ok(());
    }
    let target = || entry.link_target().unwrap_or_default();
    match entry.kind() {
        EntryKind::Directory => table.add(&name, &LayerFile::Directory, budget),
        EntryKind::SymbolicLink => {
            table.add(&name, &LayerFile::SymbolicLink(&target()), budget);
        }
        EntryKind::HardLink => {
            let target = target();
            let target = unpacked_name(&target).unwrap_or_default();
            table.add(&name, &LayerFile::HardLink(&target), budget);
        }
        EntryKind::File => add_file(table, &name, entry, budget)?,
        EntryKind::Device
        | EntryKind::Fifo
        | EntryKind::GnuSparse
        | EntryKind::GlobalHeader
        | EntryKind::Unknown(_) => table.add(&name, &LayerFile::Plain, budget),
    }
    Ok(())
}

fn add_file(
    table: &mut FileTable,
    name: &[u8],
    entry: &mut LayerEntry<'_, '_>,
    budget: &TableBudget,
) -> io::Result<()> {
    let is_executable = entry.is_executable();
    let mut head = [0; HEAD];
    let mut n = fill(&mut entry.take(4), &mut head[..4])?;
    let more = match &head[..n] {
        [0x7f, b'E', b'L', b'F'] | [b'M', b'Z', ..] => HEAD,
        [b'#', b'!', ..] if is_executable => SCRIPT,
        [0xca, 0xfe, 0xba, _] | [0xfe, 0xed, ..] | [.., 0xed, 0xfe] => MACH_O,
        _ => 0,
    };
    if n == 4 && more > 4 {
        n += fill(entry, &mut head[4..more])?;
    }
    let head = &head[..n];
    let size = entry.size();
    let file = match Header::parse(head, size) {
        Header::Program(machine @ Machine::Elf { .. }) if is_executable => {
            let demands = Demands::read(head, entry, size)?.to_bytes();
            table.add(name, &LayerFile::Program(machine, &demands), budget);
            return Ok(());
        }
        // An engine loads a module of WebAssembly; the kernel does not execute it.
        Header::Program(machine) if is_executable || machine == Machine::Wasm => {
            LayerFile::Program(machine, &[])
        }
        Header::Program(machine) => LayerFile::NotExecutable(Some(machine)),
        _ if !is_executable => LayerFile::NotExecutable(None),
        Header::CutOff => LayerFile::CutOff,
        Header::Other if n == 0 => LayerFile::Empty,
        Header::Other => {
            if let Some(script) = read_script(head, entry)? {
                table.add(name, &LayerFile::Script(&script.to_bytes()), budget);
                return Ok(());
            }
            LayerFile::Executable
        }
    };
    table.add(name, &file, budget);
    Ok(())
}

/// Reads the rest of a script, unless it is long.
fn read_script(head: &[u8], entry: &mut LayerEntry<'_, '_>) -> io::Result<Option<Script>> {
    let (is_script, size) = (head.starts_with(b"#!"), entry.size());
    if !is_script || size > MAX_SCRIPT {
        return Ok(Script::parse(head, false));
    }
    let mut script = head.to_vec();
    entry.read_to_end(&mut script)?;
    Ok(Script::parse(&script, true))
}

/// Returns the name that runtimes give to an entry: they resolve `..` before they unpack it. Returns `None`
/// for a name that leads out of the layer.
fn unpacked_name(name: &[u8]) -> Option<Cow<'_, [u8]>> {
    if let Some(name) = clean(name) {
        return Some(name);
    }
    let mut words: Vec<&[u8]> = Vec::new();
    for word in name.split(|b| *b == b'/') {
        match word {
            b"" | b"." => {}
            b".." => drop(words.pop()?),
            word => words.push(word),
        }
    }
    Some(words.join(&b'/').into())
}
