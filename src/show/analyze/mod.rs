//! The report of `polyarch analyze`.

mod html;

use std::path::{Path, PathBuf};

use polyarch::analyze::{
    AnalyzeReport, NamedPath, Package, PlatformAnalysis, PlatformSharing, SameName, Saving,
    SharedPath, Waste, WasteItem,
};
use polyarch::internals::sink;
use polyarch::internals::text::{bytes, instead_of, percent, sum};

use super::inspect::{self, short};
use super::terminal::{Align, Page};
use super::{Failure, count, json, text};

#[derive(Debug)]
pub enum AnalyzeView {
    Json,
    /// Write a page into a file; `-` is standard output.
    Html(PathBuf),
    /// Print this number of rows of each list.
    Text {
        top: usize,
    },
}

impl AnalyzeView {
    /// Fails if the page would replace a file that is not a page, before any work is done.
    pub fn check_page(&self) -> Result<(), Failure> {
        match self {
            // Standard output, also if there is a file of that name.
            Self::Html(file) if file == Path::new("-") => Ok(()),
            Self::Html(file) => Ok(sink::may_replace_page(file)?),
            Self::Json | Self::Text { .. } => Ok(()),
        }
    }

    pub fn print(&self, report: &AnalyzeReport) -> Result<(), Failure> {
        match self {
            Self::Json => json(report),
            Self::Html(file) => {
                let page = html::page(report);
                match file == Path::new("-") {
                    true => super::bytes(page.as_bytes()),
                    false => Ok(sink::replace(file, page.as_bytes())?),
                }
            }
            Self::Text { top } => text(|page| overview(page, report, *top)),
        }
    }
}

/// Prints `top` rows of each list.
fn overview(page: &mut Page, analysis: &AnalyzeReport, top: usize) {
    page.heading(title(analysis));
    page.gap();
    summary(page, &analysis.platforms);
    for platform in &analysis.platforms {
        page.gap();
        one(page, platform, top);
    }
    if analysis.platforms.len() > 1 {
        page.gap();
        together(page, &analysis.sharing, top);
        for waste in &analysis.waste {
            show_waste(page, waste);
        }
    }
    if !analysis.warnings.is_empty() {
        page.gap();
    }
    for warning in &analysis.warnings {
        page.note(&warning.to_string());
    }
}

/// The name of the image, or the input if the image is unnamed.
fn title(analysis: &AnalyzeReport) -> &str {
    let names = inspect::whole_names(&analysis.names, &analysis.image);
    names.first().copied().unwrap_or(&analysis.image)
}

/// What the columns of the summary and the bars mean.
const LEGEND: [&str; 3] = [
    "AVOIDABLE: bytes of the waste below, each file counted once",
    "SCORE: 100 minus the percentage of AVOIDABLE in all files",
    "Bars, percentages and sizes below: bytes without compression",
];

fn summary(page: &mut Page, platforms: &[PlatformAnalysis]) {
    let head = [
        ("PLATFORM", Align::Left),
        ("SIZE", Align::Right),
        ("UNCOMPRESSED", Align::Right),
        ("AVOIDABLE", Align::Right),
        ("SCORE", Align::Right),
    ];
    let row = |image: &PlatformAnalysis| {
        vec![
            image.platform.clone(),
            bytes(image.size),
            bytes(image.uncompressed),
            bytes(image.avoidable),
            format!("{}/100", image.score),
        ]
    };
    let rows: Vec<Vec<String>> = platforms.iter().map(row).collect();
    page.table(&head, &rows, &[], 0);
    for line in LEGEND {
        page.faint_lines(line);
    }
}

fn one(page: &mut Page, image: &PlatformAnalysis, top: usize) {
    page.heading(&image.platform);
    page.line(&format!(
        "{} in {}, {} uncompressed, {}",
        bytes(image.size),
        count(image.layers.len(), "layer"),
        bytes(image.uncompressed),
        count(usize::try_from(image.files).unwrap_or(usize::MAX), "file"),
    ));

    // The largest path that has files in a layer.
    let mut largest = vec![None; image.layers.len()];
    for path in &image.paths {
        for part in path.layers.iter().filter(|part| part.size > 0) {
            largest[part.layer].get_or_insert(&path.path);
        }
    }
    let layers = image.layers.iter().zip(largest).enumerate();
    let mut layers: Vec<_> = layers
        .map(|found| {
            let (_, (layer, _)) = &found;
            (layer.uncompressed.unwrap_or(layer.size), found)
        })
        .collect();
    layers.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    // A layer that is not a tar archive has no uncompressed size.
    let total = sum(layers.iter().map(|(size, _)| *size));
    list(page, "layers", &layers, total, top, |(i, (layer, path))| {
        let mut what = format!("{}  {}", i + 1, short(&layer.digest));
        let history = layer.history.as_ref().map(inspect::history);
        // dockerTools repeats the paths of the layer there.
        let history = history.filter(|history| path.is_none_or(|path| !history.contains(&**path)));
        // The command comes last in the line, so that a narrow terminal cuts only it.
        for part in path.cloned().into_iter().chain(history) {
            what += &format!("  {part}");
        }
        what
    });

    let paths = image.paths.iter().filter(|path| path.size > 0);
    let paths: Vec<_> = paths.map(|path| (path.size, path)).collect();
    let (title, total) = ("store paths and directories", image.uncompressed);
    list(page, title, &paths, total, top, |path| path.path.clone());

    // If each package is one path, the list of paths has the same sizes.
    if image.packages.iter().any(|package| package.paths > 1) {
        let packages = image.packages.iter();
        let packages: Vec<_> = packages.map(|package| (package.size, package)).collect();
        let what = |package: &&Package| match package.paths {
            1 => package.name.clone(),
            n => format!(
                "{} ({n} paths: {})",
                package.name,
                package.versions.join(", ")
            ),
        };
        list(page, "packages", &packages, total, top, what);
    }
    for waste in &image.waste {
        show_waste(page, waste);
    }
}

/// Prints the first `top` of the rows, which are sorted by size; `what` describes one.
fn list<T>(
    page: &mut Page,
    title: &str,
    rows: &[(u64, T)],
    total: u64,
    top: usize,
    what: impl Fn(&T) -> String,
) {
    if rows.is_empty() || top == 0 {
        return;
    }
    page.gap();
    page.heading(title);
    let (shown, rest) = rows.split_at(top.min(rows.len()));
    let shown: Vec<_> = shown.iter().map(|(size, of)| (*size, what(of))).collect();
    page.bars(&shown, rows[0].0, total);
    if !rest.is_empty() {
        let size = sum(rest.iter().map(|(size, _)| *size));
        page.faint(&format!("and {} more, {}", rest.len(), bytes(size)));
    }
}

fn show_waste(page: &mut Page, waste: &Waste) {
    page.gap();
    page.heading(&format!("waste: {}, {}", bytes(waste.bytes), waste.title));
    for item in &waste.items {
        show_item(page, item);
    }
    let shown = sum(waste.items.iter().map(|item| item.bytes));
    // Without a list (--top 0), no rows are left out.
    if !waste.items.is_empty() && waste.count > waste.items.len() {
        let rest = waste.count - waste.items.len();
        page.faint(&format!("and {rest} more, {}", bytes(waste.bytes - shown)));
    }
    page.advice(waste.advice);
}

fn show_item(page: &mut Page, item: &WasteItem) {
    let size = format!("{:>8}  ", bytes(item.bytes));
    let mut first = true;
    for path in &item.paths {
        let before = if std::mem::take(&mut first) {
            &size
        } else {
            "       =  "
        };
        let mut line = format!("{before}{path}");
        if let Some(layer) = item.layer {
            let by = item
                .hidden_by
                .map(|by| format!(", hidden by layer {}", by + 1));
            line += &format!("  (in layer {}{})", layer + 1, by.unwrap_or_default());
        }
        if !item.platforms.is_empty() && item.paths.len() == 1 {
            line += &format!("  ({})", item.platforms.join(", "));
        }
        page.line(&line);
    }
    if item.count > item.paths.len() {
        page.faint(&format!(
            "       =  and {} more",
            item.count - item.paths.len()
        ));
    }
}

fn together(page: &mut Page, sharing: &PlatformSharing, top: usize) {
    page.heading("across platforms");
    let saved = |what: &Saving| {
        let stored = instead_of(what.unique, what.total);
        match what.saved {
            0 => stored,
            saved => format!(
                "{stored}: {} saved ({})",
                bytes(saved),
                percent(saved, what.total)
            ),
        }
    };
    page.facts(&[
        ("a registry", format!("stores {}", saved(&sharing.registry))),
        (
            "a client with all platforms",
            format!("unpacks {}", saved(&sharing.client)),
        ),
        (
            "layers in common",
            in_common(sharing.layers.iter().map(|layer| layer.uncompressed)),
        ),
        (
            "store paths in common",
            in_common(sharing.store_paths.iter().map(|path| path.size)),
        ),
        (
            "only the name in common",
            count(sharing.same_name.len(), "name"),
        ),
    ]);
    let total = sharing.client.total;
    let paths = sharing.store_paths.iter();
    let paths: Vec<_> = paths.map(|path| (path.size, path)).collect();
    let what = |path: &&SharedPath| match path.same_files {
        true => path.path.clone(),
        false => format!("{} (other files on each)", path.path),
    };
    list(page, "store paths in common", &paths, total, top, what);
    let names = sharing.same_name.iter();
    let size = |same: &SameName| sum(same.paths.iter().map(|path| path.size));
    let names: Vec<_> = names.map(|same| (size(same), same)).collect();
    let what = |same: &&SameName| {
        let one = |path: &NamedPath| format!("{} {}", path.platform, bytes(path.size));
        let sizes: Vec<String> = same.paths.iter().map(one).collect();
        format!("{} ({})", same.name, sizes.join(", "))
    };
    list(page, "only the name in common", &names, total, top, what);
}

fn in_common(sizes: impl Iterator<Item = u64>) -> String {
    let sizes: Vec<u64> = sizes.collect();
    format!("{}, {}", sizes.len(), bytes(sum(sizes)))
}
