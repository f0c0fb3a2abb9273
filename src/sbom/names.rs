//! Names of store paths: package, version and output.

use crate::analyze::package;

/// The directories of stores, whose paths have names of the same form.
const STORES: [&str; 2] = ["nix/store/", "gnu/store/"];

/// The longest name in a store, with its hash.
const MAX_NAME: usize = 32 + 1 + 211;

/// The outputs of packages in nixpkgs. A name like `openssl-3.0.13-bin` is split only at these.
const OUTPUTS: [&str; 25] = [
    "bin", "cli", "contrib", "data", "debug", "dev", "devdoc", "devman", "dist", "doc", "getent",
    "headers", "html", "info", "lib", "libgcc", "libs", "locale", "man", "mysql", "out", "plugins",
    "python", "static", "terminfo",
];

/// Splits a path into a store path and the path in it; none if it is not in a store path. Both are relative.
pub fn split(path: &[u8]) -> Option<(&str, &[u8])> {
    let store = STORES
        .iter()
        .find(|store| path.starts_with(store.as_bytes()))?;
    let name = path[store.len()..].split(|b| *b == b'/').next()?;
    if !is_store_name(name) {
        return None;
    }
    let (root, inner) = path.split_at(store.len() + name.len());
    let root = std::str::from_utf8(root).ok()?;
    Some((root, inner.strip_prefix(b"/").unwrap_or(inner)))
}

/// Whether a name has the form of one in a store: 32 digits, a dash, and letters that Nix allows.
fn is_store_name(name: &[u8]) -> bool {
    let is_allowed = |b: &u8| b.is_ascii_alphanumeric() || b"+-._?=".contains(b);
    let (hash, rest) = name.split_at_checked(32).unwrap_or_default();
    hash.iter()
        .all(|b| super::hashes::IS_DIGIT[usize::from(*b)])
        && rest.len() > 1
        && rest[0] == b'-'
        && name.len() <= MAX_NAME
        && rest.iter().all(is_allowed)
}

/// Returns the hash in a relative store path.
pub fn hash_of(root: &str) -> &str {
    let name = root.rsplit('/').next().unwrap_or(root);
    name.get(..32).unwrap_or(name)
}

/// The parts of the name of a store path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageName {
    pub name: String,
    /// Empty without a version in the name.
    pub version: String,
    /// `out` unless the name has another one.
    pub output: String,
}

impl PackageName {
    /// Parses a relative store path.
    pub fn of(root: &str) -> Self {
        let name = root.rsplit('/').next().unwrap_or(root);
        let rest = name.get(33..).unwrap_or(name);
        let (name, version) = match package(rest) {
            (name, _) if name.is_empty() => (rest.to_owned(), String::new()),
            split => split,
        };
        let split = version.rsplit_once('-');
        let output = split.filter(|(_, output)| OUTPUTS.contains(output));
        let (version, output) = match output {
            Some((version, output)) => (version.to_owned(), output.to_owned()),
            None => (version, "out".to_owned()),
        };
        Self {
            name,
            version,
            output,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_package_a_version_and_an_output() {
        for (name, expected) in [
            ("hello-2.12.1", ("hello", "2.12.1", "out")),
            ("glibc-2.40-66-dev", ("glibc", "2.40-66", "dev")),
            ("openssl-3.0.13-bin", ("openssl", "3.0.13", "bin")),
            (
                "python3.12-requests-2.32.3",
                ("python3.12-requests", "2.32.3", "out"),
            ),
            (
                "hello-customisation-layer",
                ("hello-customisation-layer", "", "out"),
            ),
            ("foo-lib", ("foo-lib", "", "out")),
            ("-1.0", ("-1.0", "", "out")),
            (
                "x-0-unstable-2024-01-01",
                ("x", "0-unstable-2024-01-01", "out"),
            ),
        ] {
            let root = format!("nix/store/9z364a2vnvi1j6x5aqb7nab9ijkx5pgz-{name}");
            let found = PackageName::of(&root);
            let found = (&*found.name, &*found.version, &*found.output);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn only_names_of_store_paths_are_store_paths() {
        let hash = "9z364a2vnvi1j6x5aqb7nab9ijkx5pgz";
        let inner = format!("gnu/store/{hash}-x/bin/x");
        let root = format!("gnu/store/{hash}-x");
        assert_eq!(split(inner.as_bytes()), Some((&*root, &b"bin/x"[..])));
        assert_eq!(split(root.as_bytes()), Some((&*root, &b""[..])));
        assert_eq!(hash_of(&root), hash);
        for other in [
            format!("nix/store/{hash}"),
            format!("nix/store/{hash}-"),
            format!("nix/store/{hash}-a b"),
            format!("nix/store/{}-x", "e".repeat(32)),
            "nix/store/.links/x".to_owned(),
            "bin/x".to_owned(),
        ] {
            assert_eq!(split(other.as_bytes()), None, "{other}");
        }
    }
}
