//! Files that few images need: debug symbols, headers, documentation.

use std::collections::{BTreeMap, HashMap};

use super::hidden::VisibleFiles;
use super::item::{Waste, WasteItem, WasteKind};
use super::largest::Largest;
use crate::analyze::category::{FileCategory, source_of};
use crate::analyze::content::ContentHash;
use crate::analyze::layer_files::FileRecord;
use crate::analyze::overlay::Overlay;
use crate::analyze::paths::{PathId, PathTree};

const KINDS: [(FileCategory, WasteKind); 6] = [
    (
        FileCategory::DebugSymbols,
        WasteKind {
            kind: "debug-symbols",
            title: "debug symbols: separate files, and those that `strip` removes from programs",
            advice: "strip the programs that you build (strip --strip-unneeded; strip = true in Cargo's profile; -ldflags=-s for Go), and leave packages of debug symbols out",
            nix_advice: "leave the `debug` outputs out, or strip the programs that you build (dontStrip = false; strip = true in Cargo's profile; -ldflags=-s for Go)",
        },
    ),
    (
        FileCategory::StaticLibrary,
        WasteKind {
            kind: "static-libraries",
            title: "static libraries",
            advice: "only building needs them: build in an earlier stage, and copy the result into the last one",
            nix_advice: "only building needs them: refer to the `out` or `lib` output of a package, not to `dev` or `static`",
        },
    ),
    (
        FileCategory::Header,
        WasteKind {
            kind: "headers",
            title: "headers",
            advice: "only building needs them: leave packages that end in -dev or -devel out, or build in an earlier stage",
            nix_advice: "only building needs them: find what refers to the `dev` output (nix why-depends), and use `lib` or `out` there",
        },
    ),
    (
        FileCategory::Documentation,
        WasteKind {
            kind: "documentation",
            title: "manual pages and other documentation",
            advice: "leave them out when packages are installed (path-exclude=/usr/share/doc/* and /usr/share/man/* of dpkg; tsflags=nodocs of dnf)",
            nix_advice: "leave the `man`, `doc` and `info` outputs out: with buildEnv by extraOutputsToInstall = [ ] and pathsToLink",
        },
    ),
    (
        FileCategory::Locale,
        WasteKind {
            kind: "locales",
            title: "translations and locale data",
            advice: "keep the locales that are used (path-exclude=/usr/share/locale/* of dpkg; install_langs of dnf), or none where the C locale is enough",
            nix_advice: "take glibcLocales.override { allLocales = false; locales = [ … ]; }, or none where the C locale is enough",
        },
    ),
    (
        FileCategory::Pyc,
        WasteKind {
            kind: "python-bytecode",
            title: "compiled Python beside its source",
            advice: "Python compiles what it needs; leave out __pycache__ unless it saves you time at the start (PYTHONDONTWRITEBYTECODE=1 when building)",
            nix_advice: "Python compiles what it needs; leave out __pycache__ unless it saves you time at the start (PYTHONDONTWRITEBYTECODE=1 when building)",
        },
    ),
];

/// Finds files that few images need, by category.
pub fn find(
    visible: &VisibleFiles<'_>,
    symbols: &HashMap<ContentHash, u64>,
    paths: &PathTree,
    is_nix: bool,
    top: usize,
) -> Vec<Waste> {
    let mut largest: BTreeMap<FileCategory, Largest<PathId>> = BTreeMap::new();
    for file in &visible.files {
        if let (Some(symbols), FileCategory::Other) = (symbols.get(&file.content), file.category) {
            let of_category = largest
                .entry(FileCategory::DebugSymbols)
                .or_insert_with(|| Largest::new(top));
            of_category.push(*symbols, file.path);
            continue;
        }
        let Some(category) = category(file, paths, &visible.overlay) else {
            continue;
        };
        let of_category = largest.entry(category).or_insert_with(|| Largest::new(top));
        of_category.push(file.size, file.path);
    }
    let item = |bytes, path| WasteItem {
        bytes,
        paths: vec![paths.show(path)],
        count: 1,
        ..WasteItem::default()
    };
    let mut found = Vec::new();
    for (category, kind) in &KINDS {
        found.extend(
            largest
                .remove(category)
                .map(|of_category| of_category.finish(&kind.advised(is_nix), item)),
        );
    }
    found
}

/// Returns the category of a file that few images need.
pub fn category(
    file: &FileRecord,
    paths: &PathTree,
    overlay: &Overlay<'_>,
) -> Option<FileCategory> {
    match file.category {
        FileCategory::Other => None,
        FileCategory::Pyc if !has_source(file, paths, overlay) => None,
        category => Some(category),
    }
}

fn has_source(file: &FileRecord, paths: &PathTree, overlay: &Overlay<'_>) -> bool {
    let Some((name, is_above)) = source_of(paths.name(file.path)) else {
        return false;
    };
    let directory = paths.parent(file.path);
    let directory = if is_above {
        paths.parent(directory)
    } else {
        directory
    };
    paths
        .child(directory, &name)
        .is_some_and(|source| overlay.contains(source))
}
