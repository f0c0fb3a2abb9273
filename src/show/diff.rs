//! The report of `polyarch diff`.

use polyarch::diff::{
    AnnotationChange, DiffReport, PathChange, PathsDiff, PlatformDiff, PlatformStatus, Push,
};
use polyarch::internals::store_path::{package, store_name};
use polyarch::internals::text::{bytes, different_bytes, exact_bytes};
use serde_json::Value;

use super::inspect::short;
use super::terminal::{Page, Sign};
use super::{Failure, count, json, text};

#[derive(Debug)]
pub struct DiffView {
    pub json: bool,
    /// Whether a difference is a failure.
    pub exit_code: bool,
    /// The number of bytes that a push may send.
    pub max_push: Option<u64>,
}

impl DiffView {
    pub fn print(&self, report: &DiffReport) -> Result<(), Failure> {
        match self.json {
            true => json(report),
            false => text(|page| overview(page, report)),
        }
    }

    /// Returns the failure that the options ask for. If they ask for any, an exit code of 1 is the answer to
    /// them, and a comparison that failed has another one.
    pub fn judge(&self, printed: Result<DiffReport, Failure>) -> Result<(), Failure> {
        if !self.exit_code && self.max_push.is_none() {
            return printed.map(drop);
        }
        let report = printed.map_err(|failure| Failure::NoAnswer(Box::new(failure)))?;
        match self.max_push {
            Some(max) if report.push.bytes > max => Err(Failure::Rejected(Some(format!(
                "a push would send {}, which is more than --max-push allows: {}",
                exact_bytes(report.push.bytes),
                exact_bytes(max)
            )))),
            _ if self.exit_code && !report.same => Err(Failure::Rejected(None)),
            _ => Ok(()),
        }
    }
}

fn overview(page: &mut Page, diff: &DiffReport) {
    for platform in &diff.platforms {
        one(page, platform);
        page.gap();
    }
    if diff.old_digest != diff.new_digest || !diff.annotations.is_empty() {
        page.heading("image index: changed");
        annotations(page, &diff.annotations);
        page.gap();
    }
    page.heading(&sends(&diff.push));
    for warning in &diff.warnings {
        page.note(&warning.to_string());
    }
}

fn sends(push: &Push) -> String {
    match push.blobs {
        0 => "a push sends nothing".to_owned(),
        n => format!(
            "a push sends {}: {}",
            exact_bytes(push.bytes),
            count(n, "blob")
        ),
    }
}

fn one(page: &mut Page, platform: &PlatformDiff) {
    let status = match platform.status {
        PlatformStatus::Added => "added",
        PlatformStatus::Removed => "removed",
        PlatformStatus::Changed => "changed",
        PlatformStatus::Same => "the same",
    };
    page.heading(&format!("{}: {status}", platform.platform));
    if platform.status == PlatformStatus::Same {
        return annotations(page, &platform.annotations);
    }
    if platform.status != PlatformStatus::Removed {
        page.line(&sends(&platform.push));
    }
    let layers = &platform.layers;
    page.line(&format!(
        "layers: {} added, {} removed, {} kept",
        layers.added.len(),
        layers.removed.len(),
        layers.kept
    ));
    for (sign, changes) in [
        (Sign::Removed, &layers.removed),
        (Sign::Added, &layers.added),
    ] {
        for layer in changes {
            let note = if layer.recompressed {
                "  (the same files, compressed differently)"
            } else {
                ""
            };
            let (number, digest, size) = (layer.layer + 1, short(&layer.digest), bytes(layer.size));
            page.change(sign, &format!("{number}  {digest}  {size}{note}"));
        }
    }
    paths(page, "store paths", &platform.store_paths);
    paths(page, "directories", &platform.directories);
    if !platform.config.is_empty() {
        page.line("config");
    }
    for change in &platform.config {
        values(
            page,
            &change.field,
            change.old.as_ref(),
            change.new.as_ref(),
        );
    }
    annotations(page, &platform.annotations);
}

fn paths(page: &mut Page, title: &str, diff: &PathsDiff) {
    let PathsDiff {
        added,
        removed,
        changed,
        ..
    } = diff;
    if added.is_empty() && removed.is_empty() && changed.is_empty() {
        return;
    }
    page.line(&format!(
        "{title}: {} changed, {} added, {} removed",
        changed.len(),
        added.len(),
        removed.len()
    ));
    for change in changed {
        page.change(Sign::Changed, &changed_path(change));
    }
    for (sign, paths) in [(Sign::Removed, removed), (Sign::Added, added)] {
        for path in paths {
            page.change(sign, &format!("{}  {}", path.path, bytes(path.size)));
        }
    }
}

/// `hello 1.0 → 1.1  757 kB → 760 kB`.
fn changed_path(change: &PathChange) -> String {
    let version = |path: &str| {
        store_name(path)
            .map(|name| package(name).1)
            .unwrap_or_default()
    };
    let (old, new) = (version(&change.old.path), version(&change.new.path));
    let what = match () {
        () if old != new => format!("{old} → {new}"),
        () if change.old.path == change.new.path => "other files".to_owned(),
        () => format!("{new} rebuilt").trim_start().to_owned(),
    };
    let sizes = match change.old.size == change.new.size {
        true => bytes(change.new.size),
        false => different_bytes(change.old.size, change.new.size).join(" → "),
    };
    format!("{} {what}  {sizes}", change.name)
}

fn annotations(page: &mut Page, changes: &[AnnotationChange]) {
    for change in changes {
        let field = format!("{} annotation {}", change.level, change.key);
        let [old, new] = [&change.old, &change.new].map(|value| value.clone().map(Value::from));
        values(page, &field, old.as_ref(), new.as_ref());
    }
}

fn values(page: &mut Page, field: &str, old: Option<&Value>, new: Option<&Value>) {
    match (old, new) {
        (Some(old), Some(new)) => page.change(Sign::Changed, &format!("{field}: {old} → {new}")),
        (Some(old), None) => page.change(Sign::Removed, &format!("{field}: {old}")),
        (None, Some(new)) => page.change(Sign::Added, &format!("{field}: {new}")),
        (None, None) => {}
    }
}
