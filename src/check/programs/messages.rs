//! The messages about the programs of an image.

use std::collections::HashSet;

use super::file_table::FileTable;
use super::layer_stack::{LayerStack, TooManyLookups};
use super::linkage::Unlinked;
use super::machine::Machine;
use super::resolve::{Defect, Failure, FailureReason, ProgramFile, Starter};
use crate::check::image_facts::ImageFacts;
use crate::error::{Code, Error, Problem};
use crate::util::text::shortened;

/// Whether a program does not run on the platform of the image.
pub fn is_foreign(machine: Machine, facts: &ImageFacts) -> bool {
    machine.runs_on(&facts.platform) == Some(false)
}

/// Returns the warning for a program that cannot be started, and its code.
pub fn failure(facts: &ImageFacts, failure: &Failure) -> (Code, String) {
    let Failure {
        reason,
        word,
        starter,
    } = failure;
    let program = named(facts, word, starter);
    // The kernel reads all but the last character of the line as the name.
    let is_windows_line = word.ends_with(b"\r") && matches!(starter, Starter::Script(_));
    match reason {
        FailureReason::Missing if is_windows_line => (
            Code::MissingProgram,
            format!(
                "its layers do not have {program}; the first line of the script ends with CR LF, and Linux reads CR as a part of the name"
            ),
        ),
        FailureReason::Missing => (
            Code::MissingProgram,
            format!("its layers do not have {program}"),
        ),
        FailureReason::NotExecutable => (
            Code::MissingProgram,
            format!("{program}, is not executable; set the x bits of its mode"),
        ),
        FailureReason::Broken(Defect::Empty) => {
            (Code::BrokenProgram, format!("{program}, is an empty file"))
        }
        FailureReason::Broken(Defect::CutOff) => (
            Code::BrokenProgram,
            format!("{program}, is cut off: the file ends before its headers or segments do"),
        ),
        FailureReason::Sparse => {
            let path = String::from_utf8_lossy(word);
            let message = format!("its program was not checked: /{path} is a sparse file");
            (Code::ForeignPrograms, message)
        }
    }
}

/// Returns the warning for a program whose dynamic linker or libraries are in no layer.
pub fn unlinked(facts: &ImageFacts, program: &ProgramFile, unlinked: &Unlinked) -> String {
    let named = named(facts, &program.word, &program.starter);
    match unlinked {
        Unlinked::Interpreter(path) => format!(
            "its layers do not have {}, the dynamic linker of {named}",
            String::from_utf8_lossy(path)
        ),
        Unlinked::Libraries { names, store_paths } => {
            let (names, verb) = (listed(names), if names.len() == 1 { "is" } else { "are" });
            let missing = match store_paths.is_empty() {
                true => String::new(),
                false => format!(" (they do not have {})", listed(store_paths)),
            };
            format!("{named}, needs {names}, which {verb} not in its layers{missing}")
        }
    }
}

/// Returns the warning for a program that demands a newer level of x86-64 than its platform has.
pub fn level(facts: &ImageFacts, program: &ProgramFile) -> Option<String> {
    let platform = &facts.platform;
    let (architecture, variant) = platform.normal();
    let is_checked = platform.os == "linux"
        && architecture == "amd64"
        && program.machine.architecture() == Some("amd64");
    let has = match variant {
        None | Some("v1") => 1,
        Some("v2") => 2,
        Some("v3") => 3,
        Some(_) => 4,
    };
    let level = program.demands.level;
    let named = named(facts, &program.word, &program.starter);
    (is_checked && level > has).then(|| {
        format!(
            "{named}, demands x86-64-v{level}, and {platform} includes machines of x86-64-v{has}; set the platform linux/amd64/v{level}"
        )
    })
}

/// The first few names of a list.
fn listed(names: &[Vec<u8>]) -> String {
    let shown = names.iter().take(3);
    let mut shown: Vec<_> = shown.map(|name| String::from_utf8_lossy(name)).collect();
    if shown.len() < names.len() {
        shown.push("…".into());
    }
    shown.join(", ")
}

/// The program that an image starts, the interpreter of a script, or the program that another one starts.
fn named(facts: &ImageFacts, word: &[u8], starter: &Starter) -> String {
    // The end of the message must be readable too.
    let short = |word: &[u8]| format!("{:?}", shortened(&String::from_utf8_lossy(word), 200));
    let started = facts.execution.program().unwrap_or_default().as_bytes();
    let word = short(word);
    match starter {
        Starter::Image => format!("the program that it starts, {word}"),
        Starter::Script(script) if script == started => {
            let script = short(script);
            format!("the interpreter {word} of the script that it starts, {script}")
        }
        Starter::Script(script) => {
            format!("the interpreter {word} of the script {}", short(script))
        }
        Starter::Program(program) => {
            format!("the program {word}, which {} starts", short(program))
        }
    }
}

/// Returns the warning for files that are for another machine, besides the program that is started.
pub fn foreign_files<'a>(
    facts: &ImageFacts,
    layers: impl Iterator<Item = (usize, &'a FileTable)>,
    stack: Option<&LayerStack<'_>>,
    wrong: Option<&ProgramFile>,
) -> Option<String> {
    let mut count = 0;
    let mut examples = Vec::new();
    let by_machine =
        layers.flat_map(|(i, table)| table.machines.iter().map(move |files| (i, files)));
    let foreign = by_machine.filter(|(_, files)| files.machine.is_foreign_file(&facts.platform));
    for (layer, files) in foreign {
        // The names of the others are not known.
        count += files.count - files.names.len();
        let mut known = HashSet::new();
        for name in files.names.iter().filter(|name| known.insert(*name)) {
            // Later entries and layers above may have replaced or deleted it.
            let is_visible = || match stack.map(|stack| stack.machine_of(name)) {
                Some(Ok(found)) => found == Some((layer, files.machine)),
                Some(Err(TooManyLookups)) | None => true,
            };
            if wrong.is_some_and(|wrong| wrong.path == **name) || !is_visible() {
                continue;
            }
            count += 1;
            if examples.len() < 3 {
                let name = String::from_utf8_lossy(name);
                examples.push(format!("/{name} ({})", files.machine));
            }
        }
    }
    if count == 0 {
        return None;
    }
    if count > examples.len() {
        examples.push("…".to_owned());
    }
    let files = if count == 1 { "file is" } else { "files are" };
    let other = if wrong.is_some() { "other " } else { "" };
    Some(format!(
        "{count} {other}{files} not built for {}: {}",
        facts.platform,
        examples.join(", ")
    ))
}

/// Returns the error for a program that is for another machine.
pub fn wrong_program(facts: &ImageFacts, program: &ProgramFile) -> Error {
    let expected = &facts.platform;
    let path = format!("/{}", String::from_utf8_lossy(&program.path));
    let word = String::from_utf8_lossy(&program.word);
    // They differ where links or PATH led to the program.
    let path = match (&program.starter, word == path) {
        (Starter::Image, true) => path,
        (Starter::Image, false) => format!("{word:?} ({path})"),
        (Starter::Script(starter) | Starter::Program(starter), _) => {
            format!("{:?} ({path})", String::from_utf8_lossy(starter))
        }
    };
    let (layer, count) = (program.layer + 1, facts.layers.len());
    let name = &facts.layers[program.layer].1;
    let machine = program.machine;
    let found = machine.architecture();
    // Another architecture in the config does not help a program for another system.
    let found = found.filter(|_| !machine.is_for_other_system(&expected.os));
    let problem = Problem::WrongProgram {
        program: format!("{path} in layer {layer} of {count} ({name})"),
        found: program.machine.to_string(),
        expected: expected.clone(),
        architecture: found.filter(|found| *found != expected.normal().0),
    };
    Error::new(&facts.origin, problem)
}
