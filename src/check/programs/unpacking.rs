//! Checks whether runtimes can unpack the layers of an image, each on those below it.

use std::cell::Cell;
use std::rc::Rc;

use super::file_table::FileTable;
use super::layer_stack::{LayerStack, Result};
use super::{Programs, tables};
use crate::check::image_facts::ImageFacts;
use crate::error::{Code, LayerDefect, Severity, Warning};
use crate::tar::{below_file, link_to_nothing};
use crate::util::lock::lock;

impl Programs {
    /// Returns a warning for each layer that some or all runtimes refuse.
    pub fn unpacking(&self, facts: &ImageFacts) -> Vec<Warning> {
        let warning = |(layer, defects): (&str, Vec<LayerDefect>)| {
            let first = defects.first()?;
            let more = match defects.len() {
                1 => String::new(),
                count => format!("; it has {} more defects", count - 1),
            };
            let text = format!("{}{more}", message(layer, first));
            Some(Warning::new(code(first), &facts.origin, text))
        };
        let defects = self.defects(facts).into_iter();
        defects.filter_map(warning).collect()
    }

    /// Returns the defects of the layers, with their names, those that all runtimes refuse first.
    pub fn defects<'a>(&self, facts: &'a ImageFacts) -> Vec<(&'a str, Vec<LayerDefect>)> {
        let known = lock(&self.layers);
        let layers = tables(&known, facts);
        let mut found = Vec::new();
        let lookups = Rc::default();
        for (i, (table, (_, name))) in layers.iter().zip(&facts.layers).enumerate() {
            let Some(table) = table else { continue };
            let mut defects = table.defects.found.clone();
            let refers_below = !(table.defects.outer_links.is_empty()
                && table.defects.outer_directories.is_empty());
            let below = || -> Option<Vec<&FileTable>> { layers[..=i].iter().copied().collect() };
            let below = refers_below.then(below).flatten();
            // A layer that was not read may have the targets.
            if let Some(stack) =
                below.filter(|stack| stack.iter().all(|files| !files.is_incomplete))
            {
                let links = table.defects.outer_links.iter();
                // A search that is too long finds nothing, and proves nothing.
                let links = links
                    .filter(|(_, target)| is_absent(&stack, target, &lookups).unwrap_or(false));
                defects.extend(links.map(|(name, target)| link_to_nothing(name, target)));
                let stack = LayerStack::counting(&stack, lookups.clone());
                for (directory, path) in &table.defects.outer_directories {
                    let found = stack.find(&[directory]).ok().flatten();
                    if found.is_some_and(|found| !found.is_directory()) {
                        defects.push(below_file(path, directory));
                    }
                }
            }
            defects.sort_by_key(|defect| defect.rule().severity());
            if !defects.is_empty() {
                found.push((&**name, defects));
            }
        }
        found
    }
}

/// Whether the target of a hard link in the topmost layer, which has no earlier entry of that name, is in no
/// layer below.
fn is_absent(stack: &[&FileTable], target: &[u8], lookups: &Rc<Cell<usize>>) -> Result<bool> {
    let Some((_, below)) = stack.split_last() else {
        return Ok(true);
    };
    let below_it = LayerStack::counting(below, lookups.clone());
    // Links to links are not followed.
    if below_it.has_entry(target)? {
        let found = below_it.find(&[target])?;
        return Ok(found.is_some_and(|found| found.is_directory() && found.path == target));
    }
    // Through symbolic links it may also be an entry of the same layer. A later entry with that name comes too late.
    Ok(
        match LayerStack::counting(stack, lookups.clone()).find(&[target])? {
            None => true,
            Some(found) if found.layer == below.len() && found.path == target => {
                below_it.find(&[target])?.is_none()
            }
            Some(found) => found.is_directory(),
        },
    )
}

/// Returns the code of a defect.
pub fn code(defect: &LayerDefect) -> Code {
    match defect.rule().severity() {
        Severity::Error => Code::LayerUnpack,
        _ => Code::LayerUnpackSome,
    }
}

/// Returns the message about a defect.
pub fn message(layer: &str, defect: &LayerDefect) -> String {
    let refused_by = defect.rule().refused_by();
    format!("layer {layer} cannot be unpacked ({refused_by}): {defect}")
}
