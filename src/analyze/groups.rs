//! The bytes of each store path and directory of an image, and of packages.

use std::cmp::Reverse;

use super::layer_files::{GROUP_COST, GroupTotals, LayerFiles};
use super::names::{package, store_name};
use super::paths::{PathId, PathTree, ROOT};
use super::report::{Package, PathAnalysis, PathLayer};
use crate::util::text::sum;

/// The part of a store path or directory that is in one layer: its path, the layer, and the totals.
type Share = (PathId, usize, GroupTotals);

/// Returns the store paths and directories of an image of these layers (bottom first, each once), largest
/// first, and whether some did not fit into `room` bytes.
pub fn find(
    layers: &[(usize, &LayerFiles)],
    paths: &PathTree,
    room: usize,
) -> (Vec<PathAnalysis>, bool) {
    let mut shares: Vec<Share> =
        Vec::with_capacity(layers.iter().map(|(_, l)| l.groups.len()).sum());
    for (layer, files) in layers {
        shares.extend(
            files
                .groups
                .iter()
                .map(|(node, group)| (*node, *layer, *group)),
        );
    }
    sort(&mut shares);
    let is_less = merge_smallest(&mut shares, room);
    let groups = shares.chunk_by(|a, b| a.0 == b.0);
    let mut found: Vec<PathAnalysis> = groups.map(|shares| total(shares, paths)).collect();
    found.sort_unstable_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
    (found, is_less)
}

/// Sorts the parts of a path together, in an order that no output may depend on.
fn sort(shares: &mut [Share]) {
    shares.sort_unstable_by_key(|(node, layer, _)| (*node, *layer));
}

/// Counts the smallest paths, which do not fit into `room` bytes, for the root; returns whether there were
/// any. Paths of the same size are treated alike, so that the result does not depend on their order.
fn merge_smallest(shares: &mut [Share], room: usize) -> bool {
    let size = |shares: &[Share]| sum(shares.iter().map(|(.., group)| group.size));
    let cost = |shares: &[Share]| GROUP_COST + size_of_val(shares);
    let groups = shares.chunk_by(|a, b| a.0 == b.0);
    let mut sizes: Vec<(u64, usize)> = groups.map(|g| (size(g), cost(g))).collect();
    sizes.sort_unstable_by_key(|found| Reverse(*found));
    let mut used: usize = 0;
    let first_out = sizes.into_iter().find(|(_, cost)| {
        used = used.saturating_add(*cost);
        used > room
    });
    let Some((largest_out, _)) = first_out else {
        return false;
    };
    for group in shares.chunk_by_mut(|a, b| a.0 == b.0) {
        if size(group) <= largest_out {
            group.iter_mut().for_each(|(node, ..)| *node = ROOT);
        }
    }
    sort(shares);
    true
}

fn total(shares: &[Share], paths: &PathTree) -> PathAnalysis {
    let mut layers: Vec<PathLayer> = Vec::with_capacity(1);
    for (_, layer, group) in shares {
        match layers.last_mut().filter(|part| part.layer == *layer) {
            Some(part) => part.size = sum([part.size, group.size]),
            None => layers.push(PathLayer {
                layer: *layer,
                size: group.size,
            }),
        }
    }
    let groups = || shares.iter().map(|(.., group)| group);
    PathAnalysis {
        path: paths.show(shares[0].0),
        size: sum(groups().map(|group| group.size)),
        files: groups().map(|group| group.files).sum(),
        layers,
        digest: groups().fold(0, |digest, group| digest.wrapping_add(group.digest)),
    }
}

/// Groups store paths by the name of their package, largest first.
pub fn packages(paths: &[PathAnalysis]) -> Vec<Package> {
    let named = paths.iter().filter_map(|path| {
        let (name, version) = package(store_name(&path.path)?);
        Some((name, version, path.size))
    });
    let mut named: Vec<(String, String, u64)> = named.collect();
    named.sort_unstable();
    let mut packages: Vec<Package> = Vec::new();
    for (name, version, size) in named {
        if packages.last().is_none_or(|package| package.name != name) {
            packages.push(Package {
                name,
                ..Package::default()
            });
        }
        let Some(package) = packages.last_mut() else {
            continue;
        };
        package.size = sum([package.size, size]);
        package.paths += 1;
        if !version.is_empty() && package.versions.last() != Some(&version) {
            package.versions.push(version);
        }
    }
    // They are sorted by name already.
    packages.sort_by_key(|package| Reverse(package.size));
    packages
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn layer(paths: &mut PathTree, groups: &[(&str, u64)]) -> LayerFiles {
        let group = |(name, size): &(&str, u64)| {
            let group = GroupTotals {
                size: *size,
                files: 1,
                digest: 1,
            };
            (paths.intern(name.as_bytes(), usize::MAX).unwrap(), group)
        };
        LayerFiles {
            groups: groups.iter().map(group).collect::<HashMap<_, _>>(),
            ..LayerFiles::default()
        }
    }

    #[test]
    fn paths_beyond_the_budget_are_counted_for_the_root() {
        let mut paths = PathTree::default();
        let first = layer(&mut paths, &[("a", 9), ("b", 5), ("c", 5), ("", 1)]);
        let second = layer(&mut paths, &[("b", 1), ("d", 1)]);
        let layers = [(0, &first), (2, &second)];
        let found = |room: usize| -> (Vec<(String, u64, u64, usize)>, bool) {
            let (paths, is_less) = find(&layers, &paths, room);
            let about = |p: PathAnalysis| (p.path, p.size, p.files, p.layers.len());
            (paths.into_iter().map(about).collect(), is_less)
        };
        let of = |name: &str, size, files, layers| (name.to_owned(), size, files, layers);
        let (a, b, c) = (of("/a", 9, 1, 1), of("/b", 6, 2, 2), of("/c", 5, 1, 1));
        let all = [a.clone(), b.clone(), c, of("/", 1, 1, 1), of("/d", 1, 1, 1)];
        assert_eq!(found(usize::MAX), (all.to_vec(), false));
        // There would be room for one of the two paths of one byte.
        let cost = |shares: usize| GROUP_COST + shares * size_of::<Share>();
        let some = [a.clone(), b.clone(), of("/c", 5, 1, 1), of("/", 2, 2, 2)];
        assert_eq!(
            found(2 * cost(1) + cost(2) + cost(1)),
            (some.to_vec(), true)
        );
        let some = [of("/", 13, 5, 2), a];
        assert_eq!(found(cost(1)), (some.to_vec(), true));
        assert_eq!(found(0), (vec![of("/", 22, 6, 2)], true));
    }

    #[test]
    fn versions_of_a_package_are_listed_once_and_in_order() {
        let path = |c: char, name: &str, size| PathAnalysis {
            path: format!("/nix/store/{}-{name}", c.to_string().repeat(32)),
            size,
            files: 1,
            layers: Vec::new(),
            digest: 0,
        };
        let paths = [
            path('a', "x-2", 1),
            path('b', "y", 9),
            path('c', "x-1", 2),
            path('d', "x-2", 3),
            path('e', "x", 1),
        ];
        let package = |name: &str, versions: &[&str], size, paths| Package {
            name: name.to_owned(),
            versions: versions.iter().map(|v| (*v).to_owned()).collect(),
            size,
            paths,
        };
        let expected = [package("y", &[], 9, 1), package("x", &["1", "2"], 7, 4)];
        assert_eq!(packages(&paths), expected);
    }
}
