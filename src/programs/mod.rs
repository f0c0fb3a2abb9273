//! The most common mistake in multi-platform images: a program for another machine than the config
//! says. It is found while layers flow by, on the pass that verifies them.
//!
//! What an image starts must be for its platform. What else is for another machine may have its
//! reasons (firmware, cross compilers, test data), so that is only told.

mod files;
mod machine;
mod resolve;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::flow::{Keep, Observe, Stream};
use crate::spec::DiffId;
use crate::subject::Subject;
use files::{Files, Room};
use resolve::Program;

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
    layers: Mutex<HashMap<DiffId, Arc<Files>>>,
    room: Room,
}

impl Observe for Programs {
    fn observe<'a>(&'a self, layer: &mut dyn Stream) -> Keep<'a> {
        let files = Files::of(layer, &self.room);
        Box::new(move |diff_id, _| {
            let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
            layers.insert(diff_id.clone(), Arc::new(files));
        })
    }
}

impl Programs {
    /// Why a layer that has flowed by is no tar archive.
    pub fn damage(&self, layer: &DiffId) -> Option<String> {
        let known = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(layer)?.damage.clone()
    }

    /// Holds what images start against their platforms.
    pub fn check(
        &self,
        subjects: &[Subject],
        check: Check,
        notes: &mut Vec<String>,
    ) -> Result<(), Error> {
        for subject in subjects {
            match self.check_one(subject, notes) {
                Some(error) if check == Check::Error => return Err(error),
                Some(error) => notes.push(error.to_string()),
                None => {}
            }
        }
        Ok(())
    }

    fn check_one(&self, subject: &Subject, notes: &mut Vec<String>) -> Option<Error> {
        let known = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let layers: Vec<Option<&Files>> = (subject.layers.iter())
            .map(|(diff_id, _)| Some(&**known.get(diff_id.as_ref()?)?))
            .collect();
        let platform = &subject.platform;
        // A layer that was only linked or is not in the image may have the program, or hide it.
        let all: Option<Vec<&Files>> = layers.iter().copied().collect();
        let is_complete = layers.iter().flatten().all(|files| !files.is_incomplete);
        if !is_complete {
            notes.push(format!(
                "{}: its program was not checked: it has more files than are remembered",
                subject.origin
            ));
        }
        let started = all
            .filter(|_| is_complete)
            .and_then(|layers| match platform.os.as_str() {
                "windows" => resolve::windows_program(&subject.execution, &layers),
                _ => resolve::program(&subject.execution, &layers),
            });
        let wrong = started.filter(|program| program.machine.runs_on(platform) == Some(false));

        let foreign = layers.iter().flatten().flat_map(|files| &files.machines);
        let foreign: Vec<_> = foreign
            .filter(|seen| seen.machine.runs_on(platform) == Some(false))
            .collect();
        let is_started = |name: &[u8]| wrong.as_ref().is_some_and(|wrong| wrong.path == name);
        let count: usize = foreign.iter().map(|seen| seen.count).sum();
        let count = count - usize::from(wrong.is_some()).min(count);
        let mut examples: Vec<String> = (foreign.iter())
            .flat_map(|seen| seen.examples.iter().map(|name| (name, seen.machine)))
            .filter(|(name, _)| !is_started(name))
            .map(|(name, machine)| format!("/{} ({machine})", String::from_utf8_lossy(name)))
            .take(3)
            .collect();
        if count > examples.len() {
            examples.push("…".to_owned());
        }
        if count > 0 {
            let files = if count == 1 { "file is" } else { "files are" };
            let other = if wrong.is_some() { "other " } else { "" };
            notes.push(format!(
                "{}: {count} {other}{files} for another machine than {platform}: {}",
                subject.origin,
                examples.join(", ")
            ));
        }
        wrong.map(|program| blame(subject, &program))
    }
}

fn blame(subject: &Subject, program: &Program) -> Error {
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
    let config = match found.filter(|found| *found != expected.normal().0) {
        Some(found) => format!(
            "if it is the config that is wrong, --set-platform IMAGE={os}/{found} (Nix: setPlatform = \"{os}/{found}\"); ",
            os = expected.os
        ),
        None => String::new(),
    };
    Error::WrongProgram {
        input: subject.origin.to_string(),
        program: format!("{path} in layer {layer} of {count} ({name})"),
        found: program.machine.to_string(),
        expected: expected.to_string(),
        hint: format!(
            "built with the wrong package set? take the program from pkgsCross, or from a machine of {expected}; {config}to go on all the same, --platform-check warn (Nix: platformCheck = \"warn\")"
        ),
    }
}
