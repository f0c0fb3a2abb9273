//! The report as one self-contained page: it needs no network and no other file.
//!
//! The tables are HTML, so that they can be read without a script and by a screen reader; the script
//! adds treemaps and a filter. The layout of the treemaps is d3-hierarchy's (ISC), which is part of
//! the page. Text from an image is escaped by maud or is JSON that no script runs, and a policy in the
//! page forbids all scripts except these two.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use polyarch::analyze::{
    AnalyzeReport, PathAnalysis, PathLayer, PlatformAnalysis, PlatformSharing, Saving, Waste,
    WasteItem,
};
use polyarch::internals::text::{bytes, clean, percent, sum};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::show::{count, inspect};

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");
const TREEMAP: &str = include_str!("page/d3-hierarchy/d3-hierarchy.min.js");
const TREEMAP_LICENSE: &str = include_str!("page/d3-hierarchy/LICENSE");

/// How many paths of a platform are shown one by one, because a browser has to lay them out.
const MAX_PATHS: usize = 2000;

pub fn page(analysis: &AnalyzeReport) -> String {
    let title = super::title(analysis);
    let platforms = &analysis.platforms;
    let paths: Vec<Vec<PathRow>> = platforms.iter().map(largest).collect();
    let data = data(platforms, &paths, &analysis.sharing);
    let several = platforms.len() > 1;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy());
                title { (clean(title)) " – polyarch analyze" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header {
                    h1 { (clean(title)) }
                    p.soft { "Where the bytes of the image go, by polyarch " (env!("CARGO_PKG_VERSION")) }
                    nav aria-label="Platforms" {
                        ul {
                            @for (i, platform) in platforms.iter().enumerate() {
                                li { a href=(format!("#platform-{i}")) { (clean(&platform.platform)) } " " span.soft { (bytes(platform.size)) } }
                            }
                            @if several { li { a href="#sharing" { "across platforms" } } }
                        }
                    }
                    (summary(platforms))
                    @for warning in &analysis.warnings { p.note { (clean(&warning.to_string())) } }
                }
                form id="filter" role="search" hidden {
                    label for="word" { "Filter" }
                    input id="word" type="search" placeholder="part of a path" autocomplete="off" spellcheck="false";
                    output.soft for="word" aria-live="polite" {}
                }
                main id="content" {
                    @for (i, (platform, paths)) in platforms.iter().zip(&paths).enumerate() { (one(i, platform, paths)) }
                    @if several { (together(&analysis.sharing, &analysis.waste)) }
                }
                script id="data" type="application/json" { (PreEscaped(data)) }
                (PreEscaped(format!("<!--\n{TREEMAP_LICENSE}-->\n")))
                script { (PreEscaped(TREEMAP)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The content security policy: only our own style and scripts, by their hashes.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {} {}",
        hash(STYLE),
        hash(TREEMAP),
        hash(SCRIPT)
    )
}

/// The data of the script. In HTML, only `</script` and `<!--` could end it.
fn data(
    platforms: &[PlatformAnalysis],
    paths: &[Vec<PathRow>],
    sharing: &PlatformSharing,
) -> String {
    let shared = sharing.layers.iter().map(|layer| Some(&layer.diff_id));
    let shared: HashSet<_> = shared.collect();
    let layers = |platform: &PlatformAnalysis| -> Vec<Value> {
        let layers = platform.layers.iter();
        layers
            .map(|layer| json!({ "shared": shared.contains(&layer.diff_id.as_ref()) }))
            .collect()
    };
    let platforms: Vec<Value> = (platforms.iter().zip(paths))
        .map(|(platform, paths)| json!({ "layers": layers(platform), "paths": paths }))
        .collect();
    json!({ "platforms": platforms })
        .to_string()
        .replace('<', "\\u003c")
}

/// A row of the table of paths, and a node of the treemap.
#[derive(Serialize)]
struct PathRow {
    path: String,
    size: u64,
    files: u64,
    layers: Vec<Value>,
}

impl PathRow {
    fn of(path: &PathAnalysis) -> Self {
        let layers = path.layers.iter();
        Self {
            path: clean(&path.path),
            size: path.size,
            files: path.files,
            layers: layers.map(|part| json!(part)).collect(),
        }
    }
}

/// The largest paths of a platform, and one row for all others.
fn largest(platform: &PlatformAnalysis) -> Vec<PathRow> {
    let (largest, rest) = platform.paths.split_at(MAX_PATHS.min(platform.paths.len()));
    let mut rows: Vec<PathRow> = largest.iter().map(PathRow::of).collect();
    if !rest.is_empty() {
        let mut sizes = vec![0; platform.layers.len()];
        for PathLayer { layer, size, .. } in rest.iter().flat_map(|path| &path.layers) {
            sizes[*layer] = sum([sizes[*layer], *size]);
        }
        let sizes = sizes.into_iter().enumerate();
        rows.push(PathRow {
            path: format!("({} smaller paths)", rest.len()),
            size: sum(rest.iter().map(|path| path.size)),
            files: rest.iter().map(|path| path.files).sum(),
            layers: sizes
                .map(|(layer, size)| json!({ "layer": layer, "size": size }))
                .collect(),
        });
    }
    rows
}

fn one(i: usize, platform: &PlatformAnalysis, paths: &[PathRow]) -> Markup {
    let about = format!("about-{i}");
    html! {
        section id=(format!("platform-{i}")) aria-labelledby=(format!("name-{i}")) {
            h2 id=(format!("name-{i}")) { (clean(&platform.platform)) }
            p {
                (bytes(platform.size)) " in " (count(platform.layers.len(), "layer")) ", "
                (bytes(platform.uncompressed)) " without compression, " (count(usize::try_from(platform.files).unwrap_or(usize::MAX), "file"))
            }
            div.treemap role="group" data-about=(about) hidden
                aria-label="Treemap of the files by layer and store path; the arrow keys move in it. The tables below have the same data." {}
            p.legend.soft hidden {
                "Each box is a store path or directory, and its area is its size. Each colour is a layer; layers with stripes are shared with other platforms. Point at a box, or move with the arrow keys, to see what it is."
            }
            output.about.soft id=(about) aria-live="polite" {}
            (table("Layers, bottom first", &[("Layer", "number"), ("Size", "number"), ("Uncompressed", "number"), ("Files", "number"), ("Digest and history", "what")], html! {
                @for (i, layer) in platform.layers.iter().enumerate() {
                    tr {
                        td.number { (i + 1) }
                        td.number { (bytes(layer.size)) }
                        td.number { @match layer.uncompressed { Some(size) => (bytes(size)), None => "–" } }
                        td.number { (layer.files) }
                        td.path {
                            (layer.digest)
                            @if let Some(history) = &layer.history { div.soft { (clean(&inspect::history(history))) } }
                        }
                    }
                }
            }))
            (sized_table("Store paths and directories", "Path", platform.uncompressed,
                paths.iter().map(|path| (path.size, path.path.clone()))))
            (sized_table("Packages", "Package", platform.uncompressed, platform.packages.iter().take(MAX_PATHS).map(|package| {
                let versions = package.versions.join(", ");
                (package.size, format!("{} {versions}", package.name))
            })))
            @for waste in &platform.waste { (waste_table(waste)) }
        }
    }
}

/// Rows of a size, its share and a name.
fn sized_table(
    title: &str,
    what: &str,
    total: u64,
    rows: impl Iterator<Item = (u64, String)>,
) -> Markup {
    let rows: Vec<(u64, String)> = rows.collect();
    if rows.is_empty() {
        return html! {};
    }
    let largest = rows.iter().map(|(size, _)| *size).max().unwrap_or(0).max(1);
    table(
        title,
        &[
            ("Size", "number"),
            ("Share", "number"),
            ("", "bar-cell"),
            (what, "what"),
        ],
        html! {
            @for (size, name) in &rows {
                tr {
                    td.number { (bytes(*size)) }
                    td.number { (percent(*size, total)) }
                    td.bar-cell {
                        svg.bar viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
                            // In thousandths of the largest.
                            rect height="10" width=(u128::from(*size) * 1000 / u128::from(largest)) {}
                        }
                    }
                    td.path { (clean(name)) }
                }
            }
        },
    )
}

/// The name of a column, and its class.
type Column<'a> = (&'a str, &'static str);

/// A table below its title. The filter hides both where no row matches.
fn table(title: &str, head: &[Column], rows: Markup) -> Markup {
    html! {
        div.part {
            h3 { (title) }
            (bare_table(title, head, rows))
        }
    }
}

fn bare_table(title: &str, head: &[Column], rows: Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(title) {
            table.filtered {
                thead {
                    tr {
                        @for (name, class) in head {
                            // The column of bars repeats the one before it.
                            @if name.is_empty() { td class=(class) {} } @else { th scope="col" class=(class) { (name) } }
                        }
                    }
                }
                tbody { (rows) }
            }
        }
    }
}

/// The sizes of all platforms, and how much of each could be avoided.
fn summary(platforms: &[PlatformAnalysis]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Summary" {
            table.summary {
                thead { tr {
                    th scope="col" { "Platform" }
                    @for name in ["Size", "Uncompressed", "Avoidable", "Score"] { th.number scope="col" { (name) } }
                } }
                tbody {
                    @for platform in platforms {
                        tr {
                            td { (clean(&platform.platform)) }
                            td.number { (bytes(platform.size)) }
                            td.number { (bytes(platform.uncompressed)) }
                            td.number { (bytes(platform.avoidable)) " (" (percent(platform.avoidable, platform.file_size)) ")" }
                            td.number { (platform.score) "/100" }
                        }
                    }
                }
            }
        }
        p.soft { "Avoidable: the bytes of the waste below, each file counted once. Score: 100 minus their percentage of all files." }
    }
}

fn waste_table(waste: &Waste) -> Markup {
    let shown = sum(waste.items.iter().map(|item| item.bytes));
    let title = format!("Waste: {}, {}", bytes(waste.bytes), waste.title);
    html! {
        div.part {
            h3 { (title) }
            // Without a list (--top 0), nothing is left out of it.
            @if !waste.items.is_empty() {
                (bare_table(&title, &[("Size", "number"), ("What", "what")], html! {
                    @for item in &waste.items { tr { td.number { (bytes(item.bytes)) } td.path { (paths(item)) } } }
                }))
                @if waste.count > waste.items.len() {
                    p.soft { "and " (waste.count - waste.items.len()) " more, " (bytes(waste.bytes - shown)) }
                }
            }
            p.advice { (waste.advice) }
        }
    }
}

fn paths(item: &WasteItem) -> Markup {
    html! {
        ul {
            @for path in &item.paths { li { (clean(path)) } }
            @if item.count > item.paths.len() { li.soft { "and " (item.count - item.paths.len()) " more" } }
            @if let Some(layer) = item.layer {
                li.soft { "in layer " (layer + 1) @if let Some(by) = item.hidden_by { ", hidden by layer " (by + 1) } }
            }
            @if !item.platforms.is_empty() { li.soft { (clean(&item.platforms.join(", "))) } }
        }
    }
}

fn together(sharing: &PlatformSharing, waste: &[Waste]) -> Markup {
    let saving = |saving: &Saving, verb: &str| {
        html! {
            (verb) " " (bytes(saving.unique)) " instead of " (bytes(saving.total)) ": "
            (bytes(saving.saved)) " saved (" (percent(saving.saved, saving.total)) ")"
        }
    };
    html! {
        section id="sharing" aria-labelledby="sharing-name" {
            h2 id="sharing-name" { "Across platforms" }
            dl {
                dt { "A registry" } dd { (saving(&sharing.registry, "stores")) }
                dt { "A client with all platforms" } dd { (saving(&sharing.client, "unpacks")) }
            }
            @if !sharing.layers.is_empty() {
                (table("Layers in common", &[("Uncompressed", "number"), ("Layer", "what"), ("Platforms", "")], html! {
                    @for layer in &sharing.layers {
                        tr {
                            td.number { (bytes(layer.uncompressed)) }
                            td.path { (layer.diff_id) }
                            td { (clean(&layer.platforms.join(", "))) }
                        }
                    }
                }))
            }
            @if !sharing.store_paths.is_empty() {
                (table("Store paths in common", &[("Size", "number"), ("Path", "what"), ("Platforms", ""), ("Files", "")], html! {
                    @for path in sharing.store_paths.iter().take(MAX_PATHS) {
                        tr {
                            td.number { (bytes(path.size)) }
                            td.path { (clean(&path.path)) }
                            td { (clean(&path.platforms.join(", "))) }
                            td { @if path.same_files { "the same" } @else { "others on each" } }
                        }
                    }
                }))
            }
            @if !sharing.same_name.is_empty() {
                (table("Only the name in common", &[("Name", ""), ("Platform, size, path", "")], html! {
                    @for same in sharing.same_name.iter().take(MAX_PATHS) {
                        tr {
                            td.path { (clean(&same.name)) }
                            td.path { ul { @for path in &same.paths {
                                li { (clean(&path.platform)) " " (bytes(path.size)) " " (clean(&path.path)) }
                            } } }
                        }
                    }
                }))
            }
            @for waste in waste { (waste_table(waste)) }
        }
    }
}
