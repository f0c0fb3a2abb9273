//! An image of several layers has the components of the file system that a container sees.

use std::collections::BTreeMap;

use super::*;

const A: &str = "nix/store/1z364a2vnvi1j6x5aqb7nab9ijkx5pgz-a-1";
const B: &str = "nix/store/2z364a2vnvi1j6x5aqb7nab9ijkx5pgz-b-1";

fn package(name: &str) -> Vec<u8> {
    format!(r#"{{"name":"{name}","version":"1"}}"#).into_bytes()
}

/// The package URLs of an image, sorted.
fn purls(layers: &[Vec<u8>]) -> Vec<String> {
    let components = components(layers).0;
    let mut purls: Vec<String> = components.into_iter().map(|[purl, ..]| purl).collect();
    purls.retain(|purl| !purl.starts_with("pkg:generic/"));
    purls.sort();
    purls
}

/// The package URL, path and NAR hash of each component, and the files that belong to none.
fn components(layers: &[Vec<u8>]) -> (Vec<[String; 3]>, Vec<String>) {
    let scratch = Scratch::new();
    image(&scratch, "a.tar", "linux/amd64", layers);
    let document = cyclonedx(&scratch, "a.tar");
    let components = document["components"].as_array().unwrap().iter();
    let components = components.map(|component| {
        let path =
            ["polyarch:path", "nix:store_path"].map(|name| properties(component, name).concat());
        [
            component["purl"].as_str().unwrap_or_default().to_owned(),
            path.concat(),
            nar_hash(component),
        ]
    });
    let image = &document["metadata"]["component"];
    (
        components.collect(),
        properties(image, "polyarch:other_file"),
    )
}

#[test]
fn a_package_that_an_upper_layer_deletes_or_replaces_is_not_listed() {
    for base in [format!("{A}/lib"), "app".to_owned()] {
        let at = |name: &str| format!("{base}/node_modules/{name}/package.json");
        let names = [
            "deleted",
            "replaced",
            "directory",
            "opaque",
            "file",
            "over",
            "kept",
        ];
        let lower: Vec<(String, Vec<u8>)> = names.map(|name| (at(name), package(name))).into();
        let lower: Vec<Entry<'_>> = lower
            .iter()
            .map(|(path, json)| Entry::File(path, json))
            .collect();
        let whiteout = format!("{base}/node_modules/deleted/.wh.package.json");
        let directory = format!("{base}/node_modules/.wh.directory");
        let opaque = format!("{base}/node_modules/opaque/.wh..wh..opq");
        let file = format!("{base}/node_modules/file");
        let (replaced, over) = (at("replaced"), at("over"));
        let upper = layer(&[
            Entry::File(&whiteout, b""),
            Entry::File(&replaced, b"{}"),
            Entry::File(&directory, b""),
            Entry::File(&opaque, b""),
            Entry::File(&file, b"in place of a directory"),
            Entry::Directory(&over),
        ]);
        assert_eq!(purls(&[layer(&lower)]).len(), names.len(), "{base}");
        assert_eq!(purls(&[layer(&lower), upper]), ["pkg:npm/kept@1"], "{base}");
    }
}

#[test]
fn the_last_of_equal_paths_counts() {
    let (first, second) = (package("first"), package("second"));
    for base in [A, "app"] {
        let path = format!("{base}/node_modules/x/package.json");
        let above = format!("{base}/node_modules");
        let (first, second) = (Entry::File(&path, &first), Entry::File(&path, &second));
        assert_eq!(purls(&[layer(&[first, second])]), ["pkg:npm/second@1"]);
        assert_eq!(purls(&[layer(&[second, first])]), ["pkg:npm/first@1"]);
        assert_eq!(
            purls(&[layer(&[first]), layer(&[second])]),
            ["pkg:npm/second@1"]
        );
        for last in [
            Entry::File(&path, b""),
            Entry::Directory(&path),
            Entry::Symlink(&above, "x"),
        ] {
            assert_eq!(purls(&[layer(&[first, last])]), [""; 0]);
            assert_eq!(purls(&[layer(&[first]), layer(&[last])]), [""; 0]);
        }
    }
    // An empty database hides the one below it.
    let status = "var/lib/dpkg/status";
    let full = Entry::File(status, b"Package: a\nVersion: 1\n");
    assert_eq!(purls(&[layer(&[full])]), ["pkg:deb/debian/a@1"]);
    for empty in [
        Entry::File(status, b""),
        Entry::Symlink(status, "/dev/null"),
    ] {
        assert_eq!(purls(&[layer(&[full]), layer(&[empty])]), [""; 0]);
        assert_eq!(purls(&[layer(&[full, empty])]), [""; 0]);
    }
}

#[test]
fn a_package_is_found_by_the_name_of_a_hard_link() {
    let json = package("x");
    let path = "app/node_modules/x/package.json";
    for object in [
        "objects/1",
        "nix/store/.links/1",
        &format!("{A}/object"),
        "b/node_modules/x/package.json",
    ] {
        let lower = [Entry::File(object, &json), Entry::HardLink(path, object)];
        let (directory, name) = object.rsplit_once('/').unwrap();
        let whiteout = format!("{directory}/.wh.{name}");
        let upper = [Entry::File(&whiteout, b"")];
        assert_eq!(
            purls(&[layer(&lower), layer(&upper)]),
            ["pkg:npm/x@1"],
            "{object}"
        );
        // The link is in the upper layer.
        assert_eq!(
            purls(&[layer(&lower[..1]), layer(&[lower[1], upper[0]])]),
            ["pkg:npm/x@1"],
            "{object}"
        );
    }
    // In a store path too, through two links.
    let path = format!("{A}/node_modules/x/package.json");
    let links = [
        Entry::File("nix/store/.links/1", &json),
        Entry::HardLink("nix/store/.links/2", "nix/store/.links/1"),
        Entry::HardLink(&path, "nix/store/.links/2"),
    ];
    assert_eq!(purls(&[layer(&links)]), ["pkg:npm/x@1"]);
}

#[test]
fn a_program_with_several_names_is_one_program() {
    let program = go_program();
    let links = [
        Entry::Program("bin/app", &program),
        Entry::HardLink("bin/other", "bin/app"),
        Entry::HardLink("bin/third", "bin/app"),
    ];
    let expected = [
        "pkg:golang/example.org/app@v1.0.0",
        "pkg:golang/stdlib@1.22.0",
    ];
    assert_eq!(purls(&[layer(&links)]), expected);
    let whiteout = layer(&[Entry::File("bin/.wh.app", b"")]);
    assert_eq!(purls(&[layer(&links), whiteout]), expected);
}

/// Bytes like those of a Go program.
fn go_program() -> Vec<u8> {
    let mut program = b"\x7fELF".to_vec();
    program.resize(64, 0);
    program.extend_from_slice(b"\xff Go buildinf:\x08\x02");
    program.resize(96, 0);
    program.push(8);
    program.extend_from_slice(b"go1.22.0");
    let modules = b"0123456789abcdefmod\texample.org/app\tv1.0.0\n0123456789abcdef";
    program.push(modules.len().try_into().unwrap());
    program.extend_from_slice(modules);
    program
}

#[test]
fn store_paths_that_share_files_by_hard_links_have_nar_hashes() {
    let content = b"shared by several store paths";
    let at = |root: &str, name: &str| format!("{root}/{name}");
    let (a, a_link, b, b_link) = (at(A, "f"), at(A, "l"), at(B, "f"), at(B, "l"));
    let plain = [
        Entry::Program(&a, content),
        Entry::Symlink(&a_link, "f"),
        Entry::Program(&b, content),
        Entry::Symlink(&b_link, "f"),
    ];
    let expected = components(&[layer(&plain)]).0;
    assert!(
        expected
            .iter()
            .all(|[_, _, hash]| hash.starts_with("sha256:")),
        "{expected:?}"
    );
    let (file, link) = ("nix/store/.links/1", "nix/store/.links/2");
    // As Nix does with auto-optimise-store, and as tar writes files that Nix has linked.
    let optimised = [
        Entry::Program(file, content),
        Entry::Symlink(link, "f"),
        Entry::ProgramLink(&a, file),
        Entry::HardLink(&a_link, link),
        Entry::ProgramLink(&b, file),
        Entry::HardLink(&b_link, link),
    ];
    let first = [
        plain[0],
        plain[1],
        Entry::ProgramLink(&b, &a),
        Entry::HardLink(&b_link, &a_link),
    ];
    for entries in [&optimised[..], &first] {
        assert_eq!(components(&[layer(entries)]).0, expected);
        for split in 1..entries.len() {
            let (lower, upper) = entries.split_at(split);
            assert_eq!(
                components(&[layer(lower), layer(upper)]).0,
                expected,
                "{split}"
            );
        }
    }
    let deleted = layer(&[Entry::File("nix/store/.wh..links", b"")]);
    assert_eq!(
        components(&[layer(&optimised), deleted]),
        (expected, Vec::new())
    );
}

/// A file system in memory, as simple as can be.
#[derive(Default)]
struct Model(BTreeMap<Vec<String>, ModelNode>);

#[derive(Clone, PartialEq)]
enum ModelNode {
    Directory,
    File(Vec<u8>),
    Link(String),
}

impl Model {
    fn parts(path: &str) -> Vec<String> {
        path.split('/').map(str::to_owned).collect()
    }

    fn remove(&mut self, path: &str, itself: bool) {
        let path = Self::parts(path);
        self.0
            .retain(|other, _| !other.starts_with(&path) || (!itself && *other == path));
    }

    /// Puts a node at a path; returns whether that can be done.
    fn put(&mut self, path: &str, node: ModelNode) -> bool {
        let parts = Self::parts(path);
        for end in 1..parts.len() {
            let above = self
                .0
                .entry(parts[..end].to_vec())
                .or_insert(ModelNode::Directory);
            if *above != ModelNode::Directory {
                return false;
            }
        }
        if node != ModelNode::Directory || self.0.get(&parts) != Some(&ModelNode::Directory) {
            self.remove(path, true);
        }
        self.0.insert(parts, node);
        true
    }

    /// One layer with everything, in the order of a NAR.
    fn layer(&self) -> Vec<u8> {
        let names: Vec<String> = self.0.keys().map(|parts| parts.join("/")).collect();
        let entries = self.0.values().zip(&names).map(|(node, name)| match node {
            ModelNode::Directory => Entry::Directory(name),
            ModelNode::File(content) => Entry::File(name, content),
            ModelNode::Link(target) => Entry::Symlink(name, target),
        });
        layer(&entries.collect::<Vec<_>>())
    }
}

/// Random layers, and the file system that they make.
fn random(seed: u64) -> (Vec<Vec<u8>>, Model) {
    let mut random = fastrand::Rng::with_seed(seed);
    let inner = [
        "x",
        "x/y",
        "x/node_modules/p/package.json",
        "x.y",
        "node_modules/q/package.json",
        "node_modules/q",
    ];
    let bases = [A, B, "app", "nix/store/.links"];
    let mut model = Model::default();
    let mut layers = Vec::new();
    for number in 0..random.usize(1..4) {
        let mut builder: Vec<(String, Option<ModelNode>, String)> = Vec::new();
        // Whiteouts are about the layers below.
        for _ in 0..random.usize(0..3) {
            let base = bases[random.usize(..bases.len())];
            let path = match random.u8(..4) {
                0 => base.to_owned(),
                _ => format!("{base}/{}", inner[random.usize(..inner.len())]),
            };
            let parts = Model::parts(&path);
            if number == 0 || model.0.get(&parts[..parts.len() - 1]) != Some(&ModelNode::Directory)
            {
                continue;
            }
            let (above, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let is_directory = model.0.get(&parts) == Some(&ModelNode::Directory);
            let whiteout = match random.bool() && is_directory {
                true => format!("{path}/.wh..wh..opq"),
                false => format!("{above}/.wh.{name}")
                    .trim_start_matches('/')
                    .to_owned(),
            };
            model.remove(&path, !whiteout.ends_with("opq"));
            builder.push((whiteout, Some(ModelNode::File(Vec::new())), String::new()));
        }
        for _ in 0..random.usize(1..10) {
            let base = bases[random.usize(..bases.len())];
            let path = format!("{base}/{}", inner[random.usize(..inner.len())]);
            let files: Vec<String> = model
                .0
                .iter()
                .filter(|(_, node)| **node != ModelNode::Directory)
                .map(|(path, _)| path.join("/"))
                .collect();
            let (node, target) = match random.u8(..6) {
                0 => (ModelNode::Directory, String::new()),
                1 => (ModelNode::Link("y".to_owned()), String::new()),
                2 if !files.is_empty() => {
                    let target = files[random.usize(..files.len())].clone();
                    (model.0[&Model::parts(&target)].clone(), target)
                }
                _ => (
                    ModelNode::File(package(&format!("p{}", random.u8(..)))),
                    String::new(),
                ),
            };
            if target != path
                && !target.starts_with(&format!("{path}/"))
                && model.put(&path, node.clone())
            {
                let node = target.is_empty().then_some(node);
                builder.push((path, node, target));
            }
        }
        let entries = builder.iter().map(|(path, node, target)| match node {
            Some(ModelNode::Directory) => Entry::Directory(path),
            Some(ModelNode::File(content)) => Entry::File(path, content),
            Some(ModelNode::Link(target)) => Entry::Symlink(path, target),
            None => Entry::HardLink(path, target),
        });
        layers.push(layer(&entries.collect::<Vec<_>>()));
    }
    (layers, model)
}

#[test]
fn random_layers_have_the_components_of_their_file_system() {
    for seed in 0..150 {
        let (layers, model) = random(seed);
        assert_eq!(components(&layers), components(&[model.layer()]), "{seed}");
    }
}
