//! The messages about the programs of an image.

use std::collections::HashSet;

use super::file_table::FileTable;
use super::layer_stack::{LayerStack, TooManyLookups};
use super::machine::Machine;
use super::resolve::{Defect, ProgramFile};
use crate::check::image_facts::ImageFacts;
use crate::error::{Error, Problem};
use crate::util::text::shortened;

/// Whether a program does not run on the platform of the image.
pub fn is_foreign(machine: Machine, facts: &ImageFacts) -> bool {
    machine.runs_on(&facts.platform) == Some(false)
}

/// Returns the warning for a program that is in no layer.
pub fn missing(facts: &ImageFacts, word: &str) -> String {
    let started = started(facts, word);
    let reason = match word.ends_with('\r') {
        true => {
            "; the first line of the script ends with CR LF, which Linux reads as a part of the name"
        }
        false => "",
    };
    format!("its layers do not have {started}{reason}")
}

/// Returns the warning for a program without x bits.
pub fn not_executable(facts: &ImageFacts, word: &str) -> String {
    let started = started(facts, word);
    format!("{started}, is not executable; set the x bits of its mode")
}

/// Returns the warning for a program that Linux refuses.
pub fn broken(facts: &ImageFacts, word: &str, defect: Defect) -> String {
    let started = started(facts, word);
    let defect = match defect {
        Defect::Empty => "is an empty file",
        Defect::CutOff => "is cut off: the file ends before its headers or segments do",
    };
    format!("{started}, {defect}")
}

/// The program that an image starts, or the interpreter of its script.
fn started(facts: &ImageFacts, word: &str) -> String {
    // The end of the message must be readable too.
    let short = |word: &str| format!("{:?}", shortened(word, 200));
    match facts.execution.program() {
        Some(started) if started != word => {
            let (script, interpreter) = (short(started), short(word));
            format!("the interpreter {interpreter} of the script that it starts, {script}")
        }
        _ => format!("the program that it starts, {}", short(word)),
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
    let started = facts.execution.program().unwrap_or_default();
    // They differ where links or PATH led to the program.
    let path = match started == path {
        true => path,
        false => format!("{started:?} ({path})"),
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
