//! Components of all platforms together: the same component on several platforms is one.

use std::collections::{BTreeMap, BTreeSet};

use super::closure::{Closure, ClosureState, Closures};
use super::metadata::{Metadata, PackageMetadata};
use super::names::{self, PackageName};
use super::nar::NarInfo;
use super::packages::{FoundPackage, OsRelease};
use super::purl;
use super::report::{Component, ComponentType, Place, StoreObject};
use super::stack::by_hash;
use super::stacks::Stacks;

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
    /// A package can have another architecture, or another namespace.
    purl: Option<String>,
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
            let os = stack.os();
            if let Some((layer, path, os)) = os {
                let layers = vec![layer];
                all.add(os_component(os, path), Place { platform, layers });
            }
            let os = os.map(|(_, _, os)| os);
            for (layer, path, found) in stack.findings() {
                for package in found.packages() {
                    let layers = vec![layer];
                    let component = package_component(package, path, os);
                    all.add(component, Place { platform, layers });
                }
            }
        }
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
                    size: Some(path.size),
                    purl,
                    store: Some(StoreObject {
                        output,
                        nar: path.nar,
                        closure: closure.map(state),
                    }),
                    metadata,
                    ..Component::new(ComponentType::StorePath, name, version, path_name)
                };
                let layers = path.layers.clone();
                all.add(component, Place { platform, layers });
            }
        }
        all
    }

    /// Adds a component where it is. A file may name a package twice.
    fn add(&mut self, component: Component, place: Place) {
        let key = Key {
            kind: component.kind,
            name: component.name.clone(),
            version: component.version.clone(),
            path: component.path.clone(),
            purl: component.purl.clone(),
            nar: component.store.as_ref().and_then(|store| store.nar),
            closure: component.store.as_ref().and_then(|store| store.closure),
        };
        let known = self.found.entry(key).or_insert(component);
        if known.places.last() != Some(&place) {
            known.places.push(place);
        }
    }

    /// Returns the components, sorted.
    pub fn into_sorted(self) -> Vec<Component> {
        self.found.into_values().collect()
    }
}

/// Returns the component of a distribution. Trivy takes only packages of a distribution that has one.
fn os_component(os: &OsRelease, path: &[u8]) -> Component {
    let path = format!("/{}", String::from_utf8_lossy(path));
    let kind = ComponentType::OperatingSystem;
    Component::new(kind, os.id.clone(), os.version.clone(), path)
}

/// Returns the component of a package that a file names.
fn package_component(package: &FoundPackage, path: &[u8], os: Option<&OsRelease>) -> Component {
    let FoundPackage {
        namespace, name, ..
    } = package;
    let path = format!("/{}", String::from_utf8_lossy(path));
    let path = match &package.inner {
        Some(inner) => format!("{path}!/{inner}"),
        None => path,
    };
    let name = match (package.kind, namespace) {
        (ComponentType::Composer | ComponentType::Go | ComponentType::Npm, Some(namespace)) => {
            format!("{namespace}/{name}")
        }
        _ => name.clone(),
    };
    Component {
        purl: purl::package(package, os),
        source: package.source(),
        metadata: PackageMetadata {
            license: package.license.clone(),
            ..PackageMetadata::default()
        },
        ..Component::new(package.kind, name, package.version.clone(), path)
    }
}

/// Adds the packages in the files of store paths to what these depend on.
pub fn add_contents(components: &mut [Component]) {
    let mut stored: BTreeMap<(String, usize), usize> = BTreeMap::new();
    for (i, component) in components.iter().enumerate() {
        if component.store.is_some() {
            let platforms = component.places.iter().map(|place| place.platform);
            stored.extend(platforms.map(|platform| ((component.path.clone(), platform), i)));
        }
    }
    for i in 0..components.len() {
        let component = &components[i];
        let root = names::split(component.path.trim_start_matches('/').as_bytes());
        let Some((root, _)) = root.filter(|_| component.store.is_none()) else {
            continue;
        };
        let root = format!("/{root}");
        for place in component.places.clone() {
            if let Some(&owner) = stored.get(&(root.clone(), place.platform)) {
                components[owner].depends_on.insert(i);
            }
        }
    }
}

/// Adds the references between store paths: those that Nix has registered, or else those that are in their
/// bytes.
pub fn add_references(components: &mut [Component], stacks: &Stacks, closures: &Closures) {
    let mut at: BTreeMap<(String, usize), usize> = BTreeMap::new();
    let stored = components.iter().enumerate();
    for (i, component) in stored.filter(|(_, component)| component.store.is_some()) {
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
