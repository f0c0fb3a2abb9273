//! The closure that Nix has registered, compared with the store paths in the layers.
//!
//! Sources: the Nix manual, "Advanced Attributes" (`exportReferencesGraph` with structured attributes: a
//! list, in the attribute of its name), and "Store object info JSON format" (`nix path-info --json`: a list up to Nix 2.18, then an object
//! by store path, then an object with `version` and `info` by name).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::hashes::parse_sha256;
use super::input_file;
use super::nar::NarInfo;
use super::stack::Stack;
use crate::error::{ClosureDifference, ClosureProblem, Error, Problem};
use crate::image::Image;
use crate::oci::Platform;

/// A file with a closure, and the platform that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosureFile {
    /// The platform; an image of one platform does not need it.
    pub platform: Option<Platform>,
    /// JSON of `exportReferencesGraph` or `nix path-info`.
    pub path: PathBuf,
}

/// Store paths as Nix has registered them, by their paths relative to the root directory.
#[derive(Debug, Default)]
pub struct Closure {
    pub paths: BTreeMap<String, Registered>,
}

/// What Nix has registered about a store path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub nar_hash: [u8; 32],
    pub references: BTreeSet<String>,
}

/// How a store path in the layers relates to the closure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ClosureState {
    /// The bytes are those of the closure.
    Same,
    /// The bytes differ, which the caller allows.
    Changed,
    /// The caller leaves it out of the comparison.
    Unchecked,
}

impl ClosureState {
    /// Returns its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changed => "changed",
            Self::Unchecked => "unchecked",
        }
    }
}

/// The closures of all platforms of an image.
#[derive(Default)]
pub struct Closures {
    /// By image; empty if no closure was given.
    of_images: Vec<Closure>,
}

impl Closures {
    /// Reads the closure of each image. If one image has one, all must have one.
    pub fn read(files: &[ClosureFile], images: &[Image]) -> Result<Self, Error> {
        if files.is_empty() {
            return Ok(Self::default());
        }
        let mut of_images: Vec<Option<Closure>> = images.iter().map(|_| None).collect();
        for file in files {
            // Its hint for a mistyped platform comes before the lack of a platform.
            let read = Closure::read(file)?;
            let is_of = |image: &Image| match &file.platform {
                Some(platform) => image.platform.is_one_of(std::slice::from_ref(platform)),
                None => true,
            };
            let found: Vec<usize> = (0..images.len()).filter(|i| is_of(&images[*i])).collect();
            // Images for the same platform differ in their compression.
            let is_one = match &found[..] {
                [] => false,
                [first, others @ ..] => (others.iter())
                    .all(|i| images[*i].platform.same_place(&images[*first].platform)),
            };
            if !is_one {
                let platforms = images.iter().map(|image| image.platform.clone());
                let problem = ClosureProblem::Platform {
                    given: file.platform.clone().map(Box::new),
                    offered: platforms.collect(),
                };
                return Err(Error::new(&*file.path, Problem::Closure(problem)));
            }
            for image in found {
                let closure = of_images[image].get_or_insert_with(Closure::default);
                closure.paths.extend(read.paths.clone());
            }
        }
        if let Some(image) = of_images.iter().position(Option::is_none) {
            let platform = Box::new(images[image].platform.clone());
            let problem = Problem::Closure(ClosureProblem::Missing { platform });
            return Err(Error::new(images[image].origin.clone(), problem));
        }
        Ok(Self {
            of_images: of_images.into_iter().flatten().collect(),
        })
    }

    /// Returns the closure of an image, if closures were given.
    pub fn of(&self, image: usize) -> Option<&Closure> {
        self.of_images.get(image)
    }
}

impl Closure {
    fn read(file: &ClosureFile) -> Result<Self, Error> {
        let path = &*file.path;
        let expected = "the JSON of nix path-info or exportReferencesGraph";
        Self::parse(&input_file::json(path, expected)?)
            .map_err(|e| Error::new(path, Problem::Closure(e)))
    }

    fn parse(json: &Value) -> Result<Self, ClosureProblem> {
        let mut closure = Self::default();
        match json {
            Value::Array(entries) => {
                for entry in entries {
                    let path = entry["path"].as_str().ok_or(ClosureProblem::Form)?;
                    closure.add(path, entry, "/nix/store")?;
                }
            }
            Value::Object(object) => {
                // The attributes of a build, which Nix writes to `.attrs.json`.
                if let Some(list @ Value::Array(_)) = object.get("closure") {
                    return Self::parse(list);
                }
                let (entries, store) = match object.get("info") {
                    Some(Value::Object(entries)) => {
                        (entries, object.get("storeDir").and_then(Value::as_str))
                    }
                    _ => (object, None),
                };
                for (path, entry) in entries {
                    closure.add(path, entry, store.unwrap_or("/nix/store"))?;
                }
            }
            _ => return Err(ClosureProblem::Form),
        }
        Ok(closure)
    }

    fn add(&mut self, path: &str, entry: &Value, store: &str) -> Result<(), ClosureProblem> {
        let invalid = || ClosureProblem::Entry {
            path: path.to_owned(),
        };
        let fields: &Map<String, Value> = entry.as_object().ok_or_else(invalid)?;
        let nar_hash = fields.get("narHash").and_then(parse_sha256);
        let references = fields.get("references").and_then(Value::as_array);
        let names = references.ok_or_else(invalid)?.iter().map(Value::as_str);
        let names = names.collect::<Option<Vec<&str>>>().ok_or_else(invalid)?;
        let registered = Registered {
            nar_hash: nar_hash.ok_or_else(invalid)?,
            references: names
                .into_iter()
                .map(|name| relative(name, store))
                .collect(),
        };
        self.paths.insert(relative(path, store), registered);
        Ok(())
    }

    /// Compares a closure with the store paths of an image, and returns all differences.
    pub fn differences(
        &self,
        stack: &Stack,
        unchecked: &[String],
        allow_changed: bool,
    ) -> Vec<ClosureDifference> {
        let is_checked = |root: &str| !is_one_of(unchecked, root);
        let mut found = Vec::new();
        for root in self.paths.keys().filter(|root| is_checked(root)) {
            if !stack.store.contains_key(root) {
                found.push(ClosureDifference::NotInLayers(format!("/{root}")));
            }
        }
        for (root, path) in stack.store.iter().filter(|(root, _)| is_checked(root)) {
            let path_name = format!("/{root}");
            match self.paths.get(root) {
                None => found.push(ClosureDifference::NotInClosure(path_name)),
                Some(_) if allow_changed => {}
                Some(known) if path.nar.is_none_or(|nar| nar.hash != known.nar_hash) => {
                    found.push(ClosureDifference::Changed(path_name));
                }
                Some(_) => {}
            }
        }
        found.sort();
        found
    }

    /// Returns how a store path in the layers relates to the closure.
    pub fn state(&self, root: &str, nar: Option<NarInfo>, unchecked: &[String]) -> ClosureState {
        match self.paths.get(root) {
            _ if is_one_of(unchecked, root) => ClosureState::Unchecked,
            Some(known) if nar.is_some_and(|nar| nar.hash == known.nar_hash) => ClosureState::Same,
            Some(_) => ClosureState::Changed,
            None => ClosureState::Unchecked,
        }
    }
}

/// Whether a relative store path is among absolute ones, which may end with a slash.
fn is_one_of(paths: &[String], root: &str) -> bool {
    paths.iter().any(|path| path.trim_matches('/') == root)
}

/// Returns a path relative to the root directory; newer versions of Nix leave out the store.
fn relative(path: &str, store: &str) -> String {
    match path.strip_prefix('/') {
        Some(path) => path.to_owned(),
        None => format!("{}/{path}", store.trim_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_a_closure_is_read() {
        let (a, b) = ("/nix/store/aaa-a", "/nix/store/bbb-b");
        let base32 = "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73";
        let base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let sri = format!("sha256-{base64}");
        let object = json!({ "algorithm": "sha256", "format": "base64", "hash": base64 });
        let forms = [
            // exportReferencesGraph, then `nix path-info --json` of Nix 2.8, 2.24 and 2.33.
            json!([
                { "closureSize": 1, "narHash": base32, "narSize": 1, "path": a, "references": [a, b] },
                { "closureSize": 1, "narHash": base32, "narSize": 1, "path": b, "references": [] },
            ]),
            json!([
                { "narHash": sri, "narSize": 1, "path": a, "references": [a, b], "valid": true },
                { "narHash": sri, "narSize": 1, "path": b, "references": [], "valid": true },
            ]),
            json!({
                "name": "sbom",
                "closure": [
                    { "narHash": sri, "narSize": 1, "path": a, "references": [a, b] },
                    { "narHash": sri, "narSize": 1, "path": b, "references": [] },
                ],
            }),
            json!({
                a: { "narHash": sri, "references": [a, b] },
                b: { "narHash": sri, "references": [] },
            }),
            json!({
                "version": 3,
                "storeDir": "/nix/store",
                "info": {
                    "aaa-a": { "narHash": object, "references": ["aaa-a", "bbb-b"] },
                    "bbb-b": { "narHash": object, "references": [] },
                },
            }),
        ];
        let expected = Closure::parse(&forms[0]).unwrap().paths;
        assert_eq!(
            expected["nix/store/aaa-a"].references,
            ["nix/store/aaa-a", "nix/store/bbb-b"]
                .map(str::to_owned)
                .into(),
        );
        for form in &forms {
            assert_eq!(Closure::parse(form).unwrap().paths, expected, "{form}");
        }
        for bad in [
            json!("x"),
            json!([{ "narHash": sri, "references": [] }]),
            json!({ a: null }),
            json!({ a: { "narHash": "sha256-x", "references": [] } }),
            json!({ a: { "narHash": sri } }),
            json!({ a: { "narHash": sri, "references": [1] } }),
        ] {
            assert!(Closure::parse(&bad).is_err(), "{bad}");
        }
    }
}
