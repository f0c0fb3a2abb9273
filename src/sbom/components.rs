//! Components of all platforms together: the same component on several platforms is one.

use std::collections::{BTreeMap, BTreeSet};

use super::closure::{Closure, ClosureState, Closures};
use super::metadata::Metadata;
use super::names::PackageName;
use super::nar::NarInfo;
use super::purl;
use super::report::{Component, ComponentType, Place, StoreObject};
use super::stack::{Stacks, by_hash};

/// Components by their identity.
#[derive(Default)]
pub struct Components {
    found: BTreeMap<Key, Component>,
}

/// Sorted like the report.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: ComponentType,
    name: String,
    version: String,
    path: String,
    nar: Option<NarInfo>,
    closure: Option<ClosureState>,
}

/// What is known about store paths besides the layers.
pub struct Described<'a> {
    pub closures: &'a Closures,
    pub unchecked: &'a [String],
    pub metadata: &'a Metadata,
}

impl Components {
    /// Collects the components of all images.
    pub fn of(stacks: &Stacks, described: &Described<'_>) -> Self {
        let mut all = Self::default();
        for (platform, stack) in stacks.images.iter().enumerate() {
            for (root, path) in &stack.store {
                let PackageName {
                    name,
                    version,
                    output,
                } = PackageName::of(root);
                let path_name = format!("/{root}");
                let metadata = described.metadata.get(&path_name).cloned();
                let metadata = metadata.unwrap_or_default();
                let name = metadata.pname.clone().unwrap_or(name);
                let version = metadata.version.clone().unwrap_or(version);
                let output = metadata.output.clone().unwrap_or(output);
                let purl = metadata.purl.clone();
                let purl = purl.or_else(|| purl::generic(&name, &version));
                let closure = described.closures.of(platform);
                let state = |closure: &Closure| closure.state(root, path.nar, described.unchecked);
                let component = Component {
                    kind: ComponentType::StorePath,
                    name,
                    version,
                    path: path_name,
                    size: Some(path.size),
                    purl,
                    store: Some(StoreObject {
                        output,
                        nar: path.nar,
                        closure: closure.map(state),
                    }),
                    metadata,
                    depends_on: BTreeSet::new(),
                    places: Vec::new(),
                };
                let layers = path.layers.clone();
                all.add(component, Place { platform, layers });
            }
        }
        all
    }

    fn add(&mut self, component: Component, place: Place) {
        let key = Key {
            kind: component.kind,
            name: component.name.clone(),
            version: component.version.clone(),
            path: component.path.clone(),
            nar: component.store.as_ref().and_then(|store| store.nar),
            closure: component.store.as_ref().and_then(|store| store.closure),
        };
        let known = self.found.entry(key).or_insert(component);
        known.places.push(place);
    }

    /// Returns the components, sorted.
    pub fn into_sorted(self) -> Vec<Component> {
        self.found.into_values().collect()
    }
}

/// Adds the references between store paths: those that Nix has registered, or else those that are in their
/// bytes.
pub fn add_references(components: &mut [Component], stacks: &Stacks, closures: &Closures) {
    let mut at: BTreeMap<(String, usize), usize> = BTreeMap::new();
    for (i, component) in components.iter().enumerate() {
        for place in &component.places {
            at.insert((component.path.clone(), place.platform), i);
        }
    }
    for (platform, stack) in stacks.images.iter().enumerate() {
        let by_hash = by_hash(stack);
        for (root, path) in &stack.store {
            let Some(&component) = at.get(&(format!("/{root}"), platform)) else {
                continue;
            };
            let registered = closures.of(platform);
            let registered = registered.and_then(|closure| closure.paths.get(root));
            let found = path.hashes.iter().filter_map(|hash| by_hash.get(hash));
            let others: BTreeSet<&str> = match registered {
                Some(registered) => registered.references.iter().map(|r| &**r).collect(),
                None => found.flatten().copied().collect(),
            };
            for other in others.into_iter().filter(|other| *other != root) {
                if let Some(&other) = at.get(&(format!("/{other}"), platform)) {
                    components[component].depends_on.insert(other);
                }
            }
        }
    }
}
