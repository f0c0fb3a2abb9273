//! Compares store paths and directories: an old store path and a new one of the same package are a change.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::analyze::{PathAnalysis, package, store_name};
use crate::check::consistency::without_system;

/// The paths that differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PathsDiff {
    pub added: Vec<PathInfo>,
    pub removed: Vec<PathInfo>,
    /// Paths of one package or directory with other files.
    pub changed: Vec<PathChange>,
}

/// A path of one of the images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PathInfo {
    pub path: String,
    /// The bytes of its files.
    pub size: u64,
}

/// A path that another one replaces, or that has other files.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PathChange {
    /// The name of the package, or the directory.
    pub name: String,
    pub old: PathInfo,
    pub new: PathInfo,
}

/// The paths that are (or are not) in the store.
pub fn known(paths: &[PathAnalysis], in_store: bool) -> Known<'_> {
    let paths = paths.iter();
    let meant = paths.filter(|path| store_name(&path.path).is_some() == in_store);
    meant.map(|path| (path.path.as_str(), path)).collect()
}

/// Paths by where they are.
pub type Known<'a> = BTreeMap<&'a str, &'a PathAnalysis>;

/// Compares the paths of one platform.
pub fn diff(old: &Known<'_>, new: &Known<'_>) -> PathsDiff {
    let mut changed = Vec::new();
    let mut old_only: Vec<&PathAnalysis> = Vec::new();
    for (at, path) in old {
        match new.get(at) {
            None => old_only.push(path),
            Some(same) if same.digest == path.digest => {}
            Some(other) => changed.push(change((*at).to_owned(), path, other)),
        }
    }
    let mut new_only: Vec<&PathAnalysis> = (new.iter())
        .filter(|(at, _)| !old.contains_key(*at))
        .map(|(_, path)| *path)
        .collect();
    // First those that only have another hash, then those of another version.
    for key in [rebuilt as fn(&str) -> Option<String>, same_output] {
        let mut waiting: BTreeMap<String, Vec<&PathAnalysis>> = BTreeMap::new();
        old_only.sort_by(|a, b| b.path.cmp(&a.path));
        for path in old_only.drain(..) {
            let key = key(&path.path).unwrap_or_default();
            waiting.entry(key).or_default().push(path);
        }
        new_only.sort_by(|a, b| a.path.cmp(&b.path));
        new_only.retain(|new| {
            let name = key(&new.path).filter(|name| !name.is_empty());
            let old = name.and_then(|name| waiting.get_mut(&name)?.pop());
            match old {
                Some(old) => {
                    let name = store_name(&new.path).map(|name| package(name).0);
                    changed.push(change(name.unwrap_or_default(), old, new));
                    false
                }
                None => true,
            }
        });
        old_only.extend(waiting.into_values().flatten());
    }
    changed.sort_by(|a, b| {
        let larger = |change: &PathChange| change.new.size.max(change.old.size);
        larger(b)
            .cmp(&larger(a))
            .then_with(|| a.new.path.cmp(&b.new.path))
    });
    PathsDiff {
        added: infos(new_only),
        removed: infos(old_only),
        changed,
    }
}

/// Returns the name without hash and system.
fn rebuilt(path: &str) -> Option<String> {
    store_name(path).map(|name| without_system(name).into_owned())
}

/// Returns the name of the package, and that of the output, which follows the version.
fn same_output(path: &str) -> Option<String> {
    let (name, version) = package(store_name(path)?);
    let output = version.rsplit_once('-').map_or("", |(_, output)| output);
    let is_output = !output.is_empty() && output.bytes().all(|b| b.is_ascii_lowercase());
    Some(format!("{name} {}", if is_output { output } else { "" }))
}

fn change(name: String, old: &PathAnalysis, new: &PathAnalysis) -> PathChange {
    PathChange {
        name,
        old: info(old),
        new: info(new),
    }
}

fn info(path: &PathAnalysis) -> PathInfo {
    PathInfo {
        path: path.path.clone(),
        size: path.size,
    }
}

fn infos(mut paths: Vec<&PathAnalysis>) -> Vec<PathInfo> {
    paths.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
    paths.into_iter().map(info).collect()
}
