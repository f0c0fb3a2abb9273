//! The most common mistake in multi-platform images: a program for another machine than the config
//! says. It is found while layers flow by, on the pass that verifies them.
//!
//! What an image starts must be for its platform. What else is for another machine may have its
//! reasons (firmware, cross compilers, test data), so that is only told.

mod file_table;
mod layer_stack;
mod machine;
mod resolve;
mod scan;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::bytes::{LayerObserver, LayerStream, OnVerified};
use crate::check::image_facts::ImageFacts;
use crate::error::{Code, Error, Problem, Warning};
use crate::oci::DiffId;
use crate::util::lock::lock;
use crate::util::text::shortened;
use file_table::{FileTable, TableBudget};
use layer_stack::{LayerStack, TooManyLookups};
use machine::Machine;
use resolve::{ProgramFile, StartedFile};

/// What `--platform-check` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// A program for another machine is an error.
    #[default]
    Error,
    /// It is a warning.
    Warn,
    /// Nobody looks.
    Off,
}

/// The programs of the layers that have flowed by.
#[derive(Debug, Default)]
pub struct Programs {
    layers: Mutex<HashMap<DiffId, Arc<FileTable>>>,
    budget: TableBudget,
}

impl LayerObserver for Programs {
    fn observe<'a>(&'a self, layer: &mut dyn LayerStream) -> OnVerified<'a> {
        let files = scan::scan(layer, &self.budget);
        Box::new(move |diff_id, _| {
            let mut layers = lock(&self.layers);
            layers.insert(diff_id.clone(), Arc::new(files));
        })
    }
}

impl Programs {
    /// Why a layer that has flowed by is no tar archive.
    pub fn damage(&self, layer: &DiffId) -> Option<String> {
        let known = lock(&self.layers);
        Some(known.get(layer)?.damage.as_ref()?.to_string())
    }

    /// Holds what images start against their platforms.
    pub fn check(
        &self,
        subjects: &[ImageFacts],
        check: Check,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), Error> {
        for subject in subjects {
            let (wrong, found) = self.look(subject);
            warnings.extend(found);
            match wrong {
                Some(error) if check == Check::Error => return Err(error),
                Some(error) => warnings.push(as_warning(&error)),
                None => {}
            }
        }
        Ok(())
    }

    /// What is wrong with what an image starts, and what else there is to say of its programs.
    pub fn look(&self, subject: &ImageFacts) -> (Option<Error>, Vec<Warning>) {
        let known = lock(&self.layers);
        let layers: Vec<Option<&FileTable>> = (subject.layers.iter())
            .map(|(diff_id, _)| Some(&**known.get(diff_id.as_ref()?)?))
            .collect();
        let mut warnings = Vec::new();
        let mut warn = |code, text| warnings.push(Warning::new(code, &subject.origin, text));
        // A layer that was only linked or is not in the image may have the program, or hide it.
        let all: Option<Vec<&FileTable>> = layers.iter().copied().collect();
        let all = all.filter(|all| {
            let is_whole = all.iter().all(|files| !files.is_incomplete);
            if !is_whole {
                let message = "its program was not checked: it has more files than are remembered";
                warn(Code::ForeignPrograms, message.to_owned());
            }
            is_whole
        });
        let mut damaged = layers.iter().zip(&subject.layers);
        let damaged =
            damaged.find_map(|(files, (_, name))| Some((name, (*files)?.damage.as_ref()?)));
        if let Some((layer, damage)) = damaged {
            let message = format!(
                "its programs were not all checked: layer {layer} is no tar archive that everybody reads alike: {damage}"
            );
            warn(Code::LayerTar, message);
        }
        let stack = all.as_ref().map(|all| LayerStack::new(all));

        let is_windows = subject.platform.os == "windows";
        let started = match &stack {
            None => Ok(StartedFile::Unknown),
            Some(stack) if is_windows => resolve::started_on_windows(stack, &subject.execution),
            Some(stack) => resolve::started(stack, &subject.execution),
        };
        let wrong = match started {
            Ok(StartedFile::Program(mut program)) => {
                // Windows found it whatever its case.
                let seen = layers[program.layer]
                    .iter()
                    .flat_map(|files| &files.machines);
                let mut names = seen.flat_map(|seen| &seen.examples);
                let is_it = names.find(|name| name.eq_ignore_ascii_case(&program.path));
                if let Some(name) = is_it.filter(|_| is_windows) {
                    program.path = name.to_vec();
                }
                Some(program).filter(|program| is_foreign(program.machine, subject))
            }
            // It may stand in what could not be read.
            Ok(StartedFile::Missing(word)) if damaged.is_none() => {
                warn(Code::MissingProgram, missing(subject, &word));
                None
            }
            Ok(StartedFile::Sparse(path)) => {
                let path = String::from_utf8_lossy(&path);
                let message = format!("its program was not checked: /{path} is a sparse file");
                warn(Code::ForeignPrograms, message);
                None
            }
            Ok(StartedFile::Missing(_) | StartedFile::Unknown) => None,
            Err(TooManyLookups) => {
                let message = "its program was not checked: it takes too long to look for it";
                warn(Code::ForeignPrograms, message.to_owned());
                None
            }
        };
        let files = layers.iter().enumerate();
        let files = files.filter_map(|(i, files)| Some((i, (*files)?)));
        if let Some(message) = others(subject, files, stack.as_ref(), wrong.as_ref()) {
            warn(Code::ForeignPrograms, message);
        }
        (wrong.map(|program| blame(subject, &program)), warnings)
    }
}

/// The warning in place of an error that `--platform-check warn` asks for.
pub fn as_warning(error: &Error) -> Warning {
    Warning::new(
        Code::WrongProgram,
        error.subject(),
        error.problem().to_string(),
    )
}

fn is_foreign(machine: Machine, subject: &ImageFacts) -> bool {
    machine.runs_on(&subject.platform) == Some(false)
}

fn missing(subject: &ImageFacts, word: &str) -> String {
    // No path is longer, and what follows must still be seen.
    let short = |word: &str| format!("{:?}", shortened(word, 200));
    let script = match subject.execution.program() {
        Some(started) if started != word => format!("{}, is a script for ", short(started)),
        _ => String::new(),
    };
    let which = if script.is_empty() { "is" } else { "which is" };
    format!(
        "what it starts, {script}{}, {which} no program in any of its layers",
        short(word)
    )
}

/// How many files are for another machine that nobody starts, and which.
fn others<'a>(
    subject: &ImageFacts,
    layers: impl Iterator<Item = (usize, &'a FileTable)>,
    stack: Option<&LayerStack<'_>>,
    wrong: Option<&ProgramFile>,
) -> Option<String> {
    let mut count = 0;
    let mut examples = Vec::new();
    let layers = layers.flat_map(|(i, files)| files.machines.iter().map(move |seen| (i, seen)));
    for (layer, seen) in layers.filter(|(_, seen)| is_foreign(seen.machine, subject)) {
        count += seen.count;
        for name in &seen.examples {
            let is_started = wrong.is_some_and(|wrong| wrong.path == **name);
            // Layers above may have replaced or deleted it.
            let is_there = || match stack.map(|stack| stack.layer_of(name)) {
                Some(Ok(found)) => found == Some(layer),
                Some(Err(TooManyLookups)) | None => true,
            };
            if !is_started && !is_there() {
                count -= 1;
            } else if !is_started && examples.len() < 3 {
                let name = String::from_utf8_lossy(name);
                examples.push(format!("/{name} ({})", seen.machine));
            }
        }
    }
    let count = count - usize::from(wrong.is_some()).min(count);
    if count == 0 {
        return None;
    }
    if count > examples.len() {
        examples.push("…".to_owned());
    }
    let files = if count == 1 { "file is" } else { "files are" };
    let other = if wrong.is_some() { "other " } else { "" };
    Some(format!(
        "{count} {other}{files} for another machine than {}: {}",
        subject.platform,
        examples.join(", ")
    ))
}

fn blame(subject: &ImageFacts, program: &ProgramFile) -> Error {
    let expected = &subject.platform;
    let path = format!("/{}", String::from_utf8_lossy(&program.path));
    let started = subject.execution.program().unwrap_or_default();
    // Links and PATH lead from one to the other.
    let path = match started == path {
        true => path,
        false => format!("{started:?} ({path})"),
    };
    let (layer, count) = (program.layer + 1, subject.layers.len());
    let name = &subject.layers[program.layer].1;
    let found = program.machine.architecture();
    let problem = Problem::WrongProgram {
        program: format!("{path} in layer {layer} of {count} ({name})"),
        found: program.machine.to_string(),
        expected: expected.clone(),
        architecture: found.filter(|found| *found != expected.normal().0),
    };
    Error::new(&subject.origin, problem)
}
