//! `polyarch analyze` for people.

use polyarch::analyze::{Analysis, Item, PlatformAnalysis, Saving, Sharing, Waste};

use super::inspect::{count, short};
use super::page::Page;
use polyarch::text::{bytes, instead_of, percent, sum};

/// Where the bytes go; `top` rows of each list.
pub fn report(page: &mut Page, analysis: &Analysis, top: usize) {
    page.heading(analysis.names.first().unwrap_or(&analysis.image));
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
    if !analysis.notes.is_empty() {
        page.gap();
    }
    for note in &analysis.notes {
        page.note(note);
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

    let mut layers: Vec<(u64, String)> = image
        .layers
        .iter()
        .enumerate()
        .map(|(i, layer)| {
            let largest = image.paths.iter().find(|path| {
                let mut parts = path.layers.iter();
                parts.any(|part| part.layer == i && part.size > 0)
            });
            let mut what = format!("{}  {}", i + 1, short(&layer.digest));
            if let Some(path) = largest {
                what += &format!("  {}", path.path);
            }
            (layer.uncompressed.unwrap_or(layer.size), what)
        })
        .collect();
    layers.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    // What is no layer of files counts there as large as it is.
    let total = sum(layers.iter().map(|(size, _)| *size));
    list(page, "layers", &layers, total, top);

    let paths = image.paths.iter().filter(|path| path.size > 0);
    let paths: Vec<_> = paths.map(|path| (path.size, path.path.clone())).collect();
    list(
        page,
        "store paths and directories",
        &paths,
        image.uncompressed,
        top,
    );

    // Where each package is one path, that was said already.
    if image.packages.iter().any(|package| package.paths > 1) {
        let packages: Vec<_> = (image.packages.iter())
            .map(|package| {
                let what = match package.paths {
                    1 => package.name.clone(),
                    n => format!(
                        "{} ({n} paths: {})",
                        package.name,
                        package.versions.join(", ")
                    ),
                };
                (package.size, what)
            })
            .collect();
        list(page, "packages", &packages, image.uncompressed, top);
    }
    for waste in &image.waste {
        show_waste(page, waste);
    }
}

fn list(page: &mut Page, title: &str, rows: &[(u64, String)], total: u64, top: usize) {
    if rows.is_empty() || top == 0 {
        return;
    }
    page.gap();
    page.heading(title);
    let shown = &rows[..top.min(rows.len())];
    page.bars(shown, rows[0].0, total);
    let rest = &rows[shown.len()..];
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
    // Where no list was asked for, nothing is left out of it.
    if !waste.items.is_empty() && waste.count > waste.items.len() {
        let rest = waste.count - waste.items.len();
        page.faint(&format!("and {rest} more, {}", bytes(waste.bytes - shown)));
    }
    page.advice(waste.advice);
}

fn show_item(page: &mut Page, item: &Item) {
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
            let by = item.hidden_by.map(|by| format!(", by layer {}", by + 1));
            line += &format!("  (layer {}{})", layer + 1, by.unwrap_or_default());
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

fn together(page: &mut Page, sharing: &Sharing, top: usize) {
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
            "a client that has all",
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
    let paths: Vec<_> = (sharing.store_paths.iter())
        .map(|path| {
            let note = if path.same_files {
                ""
            } else {
                " (other files on each)"
            };
            (path.size, format!("{}{note}", path.path))
        })
        .collect();
    list(
        page,
        "store paths in common",
        &paths,
        sharing.client.total,
        top,
    );
    let names: Vec<_> = (sharing.same_name.iter())
        .map(|same| {
            let sizes = same.paths.iter();
            let sizes: Vec<String> = sizes
                .map(|path| format!("{} {}", path.platform, bytes(path.size)))
                .collect();
            let size = sum(same.paths.iter().map(|path| path.size));
            (size, format!("{} ({})", same.name, sizes.join(", ")))
        })
        .collect();
    list(
        page,
        "only the name in common",
        &names,
        sharing.client.total,
        top,
    );
}

fn in_common(sizes: impl Iterator<Item = u64>) -> String {
    let sizes: Vec<u64> = sizes.collect();
    format!("{}, {}", sizes.len(), bytes(sum(sizes)))
}
