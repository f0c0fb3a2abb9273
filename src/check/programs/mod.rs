//! Checks that the program each image starts is built for the image's platform. The wrong program is the
//! most common mistake in multi-platform images.
//!
//! The layers are scanned while they are copied, on the pass that verifies them. Other files for another
//! machine (firmware, cross compilers, test data) are only a warning.

mod demands;
mod file_table;
mod launchers;
mod layer_stack;
mod linkage;
mod machine;
mod messages;
mod resolve;
mod saved;
mod scan;
pub mod unpacking;
mod wrappers;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::Value;

use crate::bytes::{LayerObserver, LayerStream, OnVerified};
use crate::check::CheckLevel;
use crate::check::image_facts::ImageFacts;
use crate::error::{Code, Error, Warning};
use crate::oci::DiffId;
use crate::tar::NameBudget;
use crate::util::lock::lock;
use file_table::{FileTable, TableBudget};
use layer_stack::{LayerStack, TooManyLookups};
use resolve::{FailureReason, ProgramFile, Started};
use saved::SavedTable;

/// The programs of the layers that were read.
#[derive(Debug, Default)]
pub struct Programs {
    layers: Mutex<Tables>,
    budget: TableBudget,
    names: NameBudget,
}

impl LayerObserver for Programs {
    fn observe<'a>(&'a self, layer: &mut dyn LayerStream) -> OnVerified<'a> {
        let files = scan::scan(layer, &self.budget, &self.names);
        Box::new(move |diff_id, _| {
            let mut layers = lock(&self.layers);
            layers.insert(diff_id.clone(), Arc::new(files));
        })
    }

    fn save(&self, layer: &DiffId) -> Option<Value> {
        let files = lock(&self.layers).get(layer)?.clone();
        serde_json::to_value(SavedTable::of(&files)?).ok()
    }

    fn restore(&self, layer: &DiffId, saved: &Value) -> bool {
        let saved = SavedTable::deserialize(saved);
        let files = saved.ok().and_then(|saved| saved.restore(&self.budget));
        let files = files.map(|files| lock(&self.layers).insert(layer.clone(), Arc::new(files)));
        files.is_some()
    }
}

impl Programs {
    /// Returns why a layer that was read is not a tar archive.
    pub fn damage(&self, layer: &DiffId) -> Option<String> {
        let known = lock(&self.layers);
        Some(known.get(layer)?.damage.as_ref()?.to_string())
    }

    /// Checks that the program each image starts is built for the image's platform.
    pub fn check(
        &self,
        images: &[ImageFacts],
        level: CheckLevel,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), Error> {
        for image in images {
            let (wrong, found) = self.check_image(image);
            warnings.extend(found);
            for warning in self.unpacking(image) {
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
            match wrong {
                Some(error) if level == CheckLevel::Error => return Err(error),
                Some(error) => warnings.push(as_warning(&error)),
                None => {}
            }
        }
        Ok(())
    }

    /// Returns the error for the program that an image starts, and warnings about its other programs.
    pub fn check_image(&self, facts: &ImageFacts) -> (Option<Error>, Vec<Warning>) {
        let known = lock(&self.layers);
        let layers = tables(&known, facts);
        let mut warnings = Vec::new();
        let mut warn = |code, text| warnings.push(Warning::new(code, &facts.origin, text));
        // A layer that was only linked, or is not in the image, may have the program, or hide it.
        let all: Option<Vec<&FileTable>> = layers.iter().copied().collect();
        let all = all.filter(|all| {
            let is_whole = all.iter().all(|files| !files.is_incomplete);
            if !is_whole {
                let message = "its program was not checked: the image has too many files";
                warn(Code::ForeignPrograms, message.to_owned());
            }
            is_whole
        });
        let mut damaged = layers.iter().zip(&facts.layers);
        let damaged =
            damaged.find_map(|(files, (_, name))| Some((name, (*files)?.damage.as_ref()?)));
        if let Some((layer, damage)) = damaged {
            let message = format!(
                "some of its programs were not checked: layer {layer} is not a tar archive that all readers understand in the same way: {damage}"
            );
            warn(Code::LayerTar, message);
        }
        let stack = all.as_ref().map(|all| LayerStack::new(all));

        let is_windows = facts.platform.os == "windows";
        let started = match &stack {
            None => Ok(Started::default()),
            Some(stack) if is_windows => resolve::started_on_windows(stack, &facts.execution),
            Some(stack) if facts.platform.architecture == "wasm" => {
                resolve::started_module(stack, &facts.execution)
            }
            Some(stack) => resolve::started(stack, &facts.execution),
        };
        let Started {
            mut programs,
            failure,
        } = started.unwrap_or_else(|TooManyLookups| {
            let message = "its program was not checked: the search for it needs too many steps";
            warn(Code::ForeignPrograms, message.to_owned());
            Started::default()
        });
        let is_wrong = |program: &ProgramFile| messages::is_foreign(program.machine, facts);
        let wrong = programs.iter().position(is_wrong);
        // It may be in the part of a layer that could not be read.
        let failure = failure.filter(|failure| {
            let is_missing = failure.reason == FailureReason::Missing;
            wrong.is_none() && !(is_missing && damaged.is_some())
        });
        if let Some(failure) = failure {
            let (code, message) = messages::failure(facts, &failure);
            warn(code, message);
        }
        if let (Some(stack), None) = (&stack, wrong) {
            for (code, message) in demand_warnings(stack, &programs, facts, damaged.is_some()) {
                warn(code, message);
            }
        }
        let wrong = wrong.map(|at| programs.swap_remove(at)).map(|mut program| {
            // Windows ignores case; the message has the name as it is in the layer.
            let by_machine = layers[program.layer]
                .iter()
                .flat_map(|table| &table.machines);
            let mut names = by_machine.flat_map(|files| &files.names);
            let name = names.find(|name| name.eq_ignore_ascii_case(&program.path));
            if let Some(name) = name.filter(|_| is_windows) {
                program.path = name.to_vec();
            }
            program
        });
        let files = layers.iter().enumerate();
        let files = files.filter_map(|(i, files)| Some((i, (*files)?)));
        if let Some(message) = messages::foreign_files(facts, files, stack.as_ref(), wrong.as_ref())
        {
            warn(Code::ForeignPrograms, message);
        }
        (
            wrong.map(|program| messages::wrong_program(facts, &program)),
            warnings,
        )
    }
}

/// Returns a warning for the first program whose libraries are missing, and for the first one that demands a newer
/// processor.
fn demand_warnings(
    stack: &LayerStack<'_>,
    programs: &[ProgramFile],
    facts: &ImageFacts,
    is_damaged: bool,
) -> Vec<(Code, String)> {
    let mut warnings = Vec::new();
    if let Some(message) = programs.iter().find_map(|p| messages::level(facts, p)) {
        warnings.push((Code::ProgramLevel, message));
    }
    if facts.platform.os != "linux" || is_damaged {
        return warnings;
    }
    for program in programs {
        // Without an answer there is nothing to report.
        if let Ok(Some(unlinked)) = linkage::check(stack, program, &facts.execution) {
            let message = messages::unlinked(facts, program, &unlinked);
            warnings.push((Code::MissingLibrary, message));
            break;
        }
    }
    warnings
}

type Tables = HashMap<DiffId, Arc<FileTable>>;

/// Returns the table of each layer of an image, bottom first; `None` for one that was not read.
fn tables<'a>(known: &'a Tables, facts: &ImageFacts) -> Vec<Option<&'a FileTable>> {
    let diff_ids = facts.layers.iter().map(|(diff_id, _)| diff_id.as_ref());
    diff_ids
        .map(|diff_id| known.get(diff_id?).map(|table| &**table))
        .collect()
}

/// Returns the warning that replaces an error with `--platform-check warn`.
pub fn as_warning(error: &Error) -> Warning {
    Warning::new(
        Code::WrongProgram,
        error.subject(),
        error.problem().to_string(),
    )
}
