//! Components of all platforms together: the same component on several platforms is one.

use std::collections::{BTreeMap, BTreeSet};

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
}

impl Components {
    /// Collects the components of all images.
    pub fn of(stacks: &Stacks) -> Self {
        let mut all = Self::default();
        for (platform, stack) in stacks.images.iter().enumerate() {
            for (root, path) in &stack.store {
                let PackageName {
                    name,
                    version,
                    output,
                } = PackageName::of(root);
                let purl = purl::generic(&name, &version);
                let component = Component {
                    kind: ComponentType::StorePath,
                    name,
                    version,
                    path: format!("/{root}"),
                    size: Some(path.size),
                    purl,
                    store: Some(StoreObject {
                        output,
                        nar: path.nar,
                    }),
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
        };
        let known = self.found.entry(key).or_insert(component);
        known.places.push(place);
    }

    /// Returns the components, sorted.
    pub fn into_sorted(self) -> Vec<Component> {
        self.found.into_values().collect()
    }
}

/// Adds the references that were found in the bytes of store paths.
pub fn add_found_references(components: &mut [Component], stacks: &Stacks) {
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
            let found = path.hashes.iter().filter_map(|hash| by_hash.get(hash));
            for other in found.flatten().filter(|other| *other != root) {
                if let Some(&other) = at.get(&(format!("/{other}"), platform)) {
                    components[component].depends_on.insert(other);
                }
            }
        }
    }
}
