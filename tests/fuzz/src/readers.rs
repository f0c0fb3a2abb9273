//! Archives that polyarch accepts are read by all readers in the same way: Go's `archive/tar`, Python's `tarfile`
//! and GNU tar.
//!
//! The first two are programs in `readers/` that list archives until their input ends. They get the length of an
//! archive (four bytes, big-endian) and the archive, and answer with the length of a text and the text. It has a
//! line for each entry: name, type, size, target of a link, CRC-32 of the content, mode, UID, GID, time; and
//! `error …` at its end if the archive cannot be read.

use std::fmt::{self, Write as _};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use arbitrary::Unstructured;
use polyarch::internals::tar::{EntryKind, TarArchive};

use super::recipe::unusual_archive;

/// Whether Go and Python are installed.
pub fn are_there() -> bool {
    ["go", "python3", "tar"].iter().all(|tool| {
        let found = Command::new("sh")
            .args(["-c", &format!("command -v {tool}")])
            .output();
        found.is_ok_and(|found| found.status.success())
    })
}

/// The outcome of a comparison.
pub enum Comparison {
    /// Polyarch refuses the archive, or has nothing to say about it; it may have any number of readings.
    Refused,
    Same,
    Different(String),
}

/// Compares the lists of all readers, where they are installed.
pub fn readers(bytes: &[u8]) {
    if !are_there() {
        return;
    }
    if let Comparison::Different(how) = compare_readers(bytes) {
        panic!("{how}");
    }
}

/// Compares the lists of an archive: the rest of the bytes if the first one is 0, otherwise one that is generated
/// from the rest.
pub fn compare_readers(bytes: &[u8]) -> Comparison {
    let archive = &match bytes {
        // Python and GNU tar do not take an empty file for an archive.
        [] | [_] => return Comparison::Refused,
        [0, archive @ ..] => archive.to_vec(),
        [_, bytes @ ..] => unusual_archive(&mut Unstructured::new(bytes)),
    };
    if archive.is_empty() {
        return Comparison::Refused;
    }
    let Some(ours) = ours(archive) else {
        return Comparison::Refused;
    };
    let others = Lists::of(archive);
    match others.are_one() && is_list_of(&ours, &others.go) {
        true => Comparison::Same,
        false => Comparison::Different(format!("polyarch:\n{ours}{others}")),
    }
}

/// The lists of other readers.
pub struct Lists {
    go: String,
    python: String,
    gnu: String,
    has_times_of_gnu: bool,
}

impl Lists {
    pub fn of(archive: &[u8]) -> Self {
        let [go, python] = programs().each_ref().map(|program| {
            let mut program = program
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            program.list(archive)
        });
        Self {
            go,
            python,
            gnu: gnu_tar(archive),
            has_times_of_gnu: has_times_of_gnu(archive),
        }
    }

    /// Whether all readers find the same, without an error.
    pub fn are_one(&self) -> bool {
        let is_pythons = self.has_times_of_gnu || slashless(&self.python) == slashless(&self.go);
        let is_read = !self.go.lines().any(|line| line.starts_with("error "));
        is_read && is_pythons && self.gnu == as_gnu_tar_lists(&self.go)
    }
}

impl fmt::Display for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            go, python, gnu, ..
        } = self;
        let expected = as_gnu_tar_lists(go);
        write!(
            f,
            "Go:\n{go}\nPython:\n{python}\nGNU tar:\n{gnu}\nexpected of GNU tar:\n{expected}"
        )
    }
}

/// Whether the list of polyarch, which has fewer fields, is that of Go.
fn is_list_of(ours: &str, go: &str) -> bool {
    let same = |(ours, go): (&str, &str)| {
        let mut fields = ours.split(' ').zip(go.split(' '));
        fields.all(|(ours, go)| ours == "-" || ours == go)
    };
    ours.lines().count() == go.lines().count() && ours.lines().zip(go.lines()).all(same)
}

/// Returns the list of polyarch; none if it refuses the archive, or if it has an entry that Go does not unpack.
fn ours(bytes: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut archive = TarArchive::new(bytes);
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        let kind = match entry.kind() {
            EntryKind::File | EntryKind::GnuSparse => '0',
            EntryKind::HardLink => '1',
            EntryKind::SymbolicLink => '2',
            EntryKind::Device => char::from(entry.type_byte()),
            EntryKind::Directory => '5',
            EntryKind::Fifo => '6',
            EntryKind::GlobalHeader => continue,
            EntryKind::Unknown(_) => return None,
        };
        let (mut content, mut size) = (Vec::new(), entry.size().to_string());
        let is_sparse = entry.is_sparse();
        let link = entry.link_target().map(|link| hex(&link));
        let name = hex(&entry.path());
        entry.read_to_end(&mut content).ok()?;
        let mut sum = flate2::Crc::new();
        sum.update(&content);
        let (link, mut sum) = (link.unwrap_or_default(), format!("{:08x}", sum.sum()));
        if is_sparse {
            // The content without its holes.
            (size, sum) = ("-".to_owned(), "-".to_owned());
        }
        writeln!(text, "{name} {kind} {size} {link} {sum}").unwrap();
    }
    archive.finish().ok()?;
    Some(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A list without the slashes at the ends of names, of which Python removes some.
fn slashless(list: &str) -> String {
    let line = |line: &str| match line.split_once(' ') {
        Some((name, rest)) => format!("{} {rest}\n", name.trim_end_matches("2f")),
        None => format!("{line}\n"),
    };
    list.lines().map(line).collect()
}

/// Whether there is a header of GNU with times, which Python takes for the start of the name. GNU tar writes them
/// with `--incremental`.
fn has_times_of_gnu(archive: &[u8]) -> bool {
    archive
        .chunks_exact(512)
        .any(|block| block[257..].starts_with(b"ustar  \0") && block[345] != 0)
}

/// A program that lists archives.
struct Program {
    _child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Program {
    fn start(command: &mut Command) -> Mutex<Self> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = child.stdout.take().unwrap();
        Mutex::new(Self {
            _child: child,
            input,
            output,
        })
    }

    fn list(&mut self, archive: &[u8]) -> String {
        let size = u32::try_from(archive.len()).unwrap();
        self.input.write_all(&size.to_be_bytes()).unwrap();
        self.input.write_all(archive).unwrap();
        self.input.flush().unwrap();
        let mut size = [0; 4];
        self.output.read_exact(&mut size).unwrap();
        let mut text = vec![0; u32::from_be_bytes(size) as usize];
        self.output.read_exact(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }
}

/// The programs of Go and Python.
fn programs() -> &'static [Mutex<Program>; 2] {
    static PROGRAMS: OnceLock<[Mutex<Program>; 2]> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        // This file belongs to two packages.
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sources = [package.join("readers"), package.join("tests/fuzz/readers")];
        let sources = sources.iter().find(|sources| sources.exists()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("list");
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(sources.join("list.go"))
            .env("GOCACHE", directory.path().join("cache"))
            .env("GO111MODULE", "off")
            .status();
        assert!(built.unwrap().success());
        // It runs on after its file is gone.
        let go = Program::start(&mut Command::new(program));
        let python = Program::start(Command::new("python3").arg(sources.join("list.py")));
        [go, python]
    })
}

/// Returns what GNU tar lists.
fn gnu_tar(archive: &[u8]) -> String {
    let arguments = [
        "-tv",
        "--numeric-owner",
        "--full-time",
        "--quoting-style=escape",
        "--utc",
    ];
    let mut child = Command::new("tar")
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A reader that ends early does not read all of it.
    let _ = child.stdin.take().unwrap().write_all(archive);
    let output = child.wait_with_output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut text: String = lines.lines().map(one_space).collect();
    if !output.stderr.is_empty() || !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        // What it would change when it unpacks, and what it does not know.
        let is_error = |line: &&str| {
            let notes = [
                "tar: Removing leading ",
                "tar: Substituting ",
                "tar: Ignoring unknown extended header keyword ",
            ];
            // A name in a note may have several lines.
            line.starts_with("tar: ") && !notes.iter().any(|note| line.starts_with(note))
        };
        errors
            .lines()
            .filter(is_error)
            .for_each(|line| writeln!(text, "{line}").unwrap());
    }
    text
}

/// A line without the spaces that align its columns, the numbers of a device and the fraction of its time.
fn one_space(line: &str) -> String {
    let mut words: Vec<&str> = line.split_ascii_whitespace().collect();
    if let Some(size) = words.get_mut(2).filter(|size| size.contains(',')) {
        *size = "0";
    }
    // The fraction of a time.
    if let Some(time) = words.get_mut(4) {
        *time = time.split('.').next().unwrap_or_default();
    }
    words.join(" ") + "\n"
}

/// Turns the list of Go into that of GNU tar.
fn as_gnu_tar_lists(list: &str) -> String {
    let mut text = String::new();
    for line in list.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [name, kind, size, link, _, mode, uid, gid, time] = fields[..] else {
            writeln!(text, "{line}").unwrap();
            continue;
        };
        let mode = u32::from_str_radix(mode, 8).unwrap();
        let (letter, arrow) = match kind {
            "1" => ('h', " link to "),
            "2" => ('l', " -> "),
            "3" => ('c', ""),
            "4" => ('b', ""),
            "5" => ('d', ""),
            "6" => ('p', ""),
            _ => ('-', ""),
        };
        let size = if letter == '-' { size } else { "0" };
        let target = match arrow {
            "" => String::new(),
            // The target of a hard link is a name, which never leads out.
            _ if letter == 'h' => {
                let link = escaped(link);
                let inside = link.rfind("../").map_or(0, |at| at + 3);
                let link = link[inside..].trim_start_matches('/');
                format!("{arrow}{}", if link.is_empty() { "." } else { link })
            }
            _ => format!("{arrow}{}", escaped(link)),
        };
        let (mode, time, name) = (
            permissions(mode),
            date(time.parse().unwrap()),
            escaped(name),
        );
        text += &one_space(&format!(
            "{letter}{mode} {uid}/{gid} {size} {time} {name}{target}"
        ));
    }
    text
}

fn permissions(mode: u32) -> String {
    let mut text: Vec<char> = (0..9)
        .rev()
        .map(|bit| {
            if mode >> bit & 1 == 1 {
                ['x', 'w', 'r'][bit % 3]
            } else {
                '-'
            }
        })
        .collect();
    for (bit, at, letter) in [(11, 2, 's'), (10, 5, 's'), (9, 8, 't')] {
        if mode >> bit & 1 == 1 {
            let is_executable = text[at] == 'x';
            text[at] = if is_executable {
                letter
            } else {
                letter.to_ascii_uppercase()
            };
        }
    }
    text.into_iter().collect()
}

/// A time as GNU tar prints it, without fractions.
fn date(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The algorithm of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// A name, in hexadecimal digits, as GNU tar prints it.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for at in (0..name.len()).step_by(2) {
        let byte = u8::from_str_radix(&name[at..at + 2], 16).unwrap();
        match byte {
            b'\\' => text += "\\\\",
            7..=13 => {
                text.push('\\');
                text.push(char::from(b"abtnvfr"[usize::from(byte) - 7]));
            }
            0x20..=0x7e => text.push(char::from(byte)),
            _ => write!(text, "\\{byte:03o}").unwrap(),
        }
    }
    text
}
