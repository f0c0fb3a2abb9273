//! Finds unexpected differences between the configs of an index: except for the machine, an image should
//! be the same on every platform.
//!
//! Store paths have another hash on every platform, and those of cross-compiled packages another name
//! (`hello-aarch64-unknown-linux-gnu-2.12`). Neither counts as a difference.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::check::CheckLevel;
use crate::check::image_facts::ImageFacts;
use crate::error::{Code, Error, Problem, Subject, Warning};
use crate::oci::{Execution, Platform};
use crate::util::text::shortened;

/// The number of differences that are reported, and the length of each. Of many images, those that differ
/// from all before them are listed.
const MAX_DIFFERENCES: usize = 64;
const MAX_IMAGES: usize = 16;
const MAX_VALUE: usize = 1000;

/// A property that differs between configs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name in the config: `Env`, `Labels`, `created`.
    pub property: &'static str,
    /// The name of a variable or label.
    pub key: Option<String>,
    /// The value on each platform, in the order of the platforms; none where it is not set.
    pub values: Vec<(Platform, Option<String>)>,
}

/// Returns the differences between images, by property, and how many more there are.
pub fn differences(images: &[(&Platform, &Execution)]) -> (Vec<Difference>, usize) {
    let all: Vec<_> = images
        .iter()
        .map(|(_, execution)| properties(execution))
        .collect();
    let keys: BTreeSet<_> = all.iter().flat_map(BTreeMap::keys).collect();
    let (mut differences, mut more) = (Vec::new(), 0);
    for key in keys {
        let values: Vec<Option<&str>> = (all.iter())
            .map(|properties| properties.get(key).map(|value| &**value))
            .collect();
        let first = values[0].map(masked);
        if values.iter().all(|value| value.map(masked) == first) {
            continue;
        }
        if differences.len() == MAX_DIFFERENCES {
            more += 1;
            continue;
        }
        let (property, key) = key;
        let mut seen = HashSet::new();
        let values = images
            .iter()
            .zip(values)
            .map(|((platform, _), value)| (platform, value));
        let listed = values
            .filter(|(_, value)| images.len() <= MAX_IMAGES || seen.insert(value.map(masked)));
        let listed = listed.take(MAX_IMAGES);
        let listed = listed.map(|(platform, value)| {
            (
                (*platform).clone(),
                value.map(|value| shortened(value, MAX_VALUE)),
            )
        });
        differences.push(Difference {
            property,
            key: key.map(|key| shortened(key, MAX_VALUE)),
            values: listed.collect(),
        });
    }
    (differences, more)
}

/// Compares the configs of images with each other.
pub fn check(
    subjects: &[ImageFacts],
    level: CheckLevel,
    warnings: &mut Vec<Warning>,
) -> Result<(), Error> {
    if level == CheckLevel::Off {
        return Ok(());
    }
    let images: Vec<_> = (subjects.iter())
        .map(|subject| (&subject.platform, &subject.execution))
        .collect();
    let (differences, more) = differences(&images);
    let mut differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
    if more > 0 {
        differences.push(format!("in {more} more properties"));
    }
    match level {
        CheckLevel::Error if !differences.is_empty() => Err(Error::new(
            Subject::ALL,
            Problem::Inconsistent { differences },
        )),
        _ => {
            let warning = |difference| {
                let text = format!("the images differ: {difference}");
                Warning::new(Code::InconsistentImages, Subject::ALL, text)
            };
            warnings.extend(differences.into_iter().map(warning));
            Ok(())
        }
    }
}

type Properties<'a> = BTreeMap<(&'static str, Option<&'a str>), Cow<'a, str>>;

fn properties(execution: &Execution) -> Properties<'_> {
    let mut found = Properties::new();
    for (property, list) in [
        ("Entrypoint", &execution.entrypoint),
        ("Cmd", &execution.cmd),
        ("ExposedPorts", &execution.exposed_ports),
        ("Volumes", &execution.volumes),
    ] {
        if !list.is_empty() {
            found.insert((property, None), format!("{list:?}").into());
        }
    }
    for (property, text) in [
        ("User", Some(&execution.user)),
        ("WorkingDir", Some(&execution.working_dir)),
        ("created", execution.created.as_ref()),
    ] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            found.insert((property, None), text.into());
        }
    }
    for variable in &execution.env {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        found.insert(("Env", Some(name)), value.into());
    }
    for (key, value) in &execution.labels {
        found.insert(("Labels", Some(key)), value.into());
    }
    found
}

/// Returns the name of a store path without the system that cross-compiled packages have in it.
pub fn without_system(name: &str) -> Cow<'_, str> {
    static SYSTEM: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("-[a-z0-9_]+-(unknown|none|apple|w64|pc)-[a-z0-9]+(-[a-z0-9]+)?")
            .unwrap_or_else(|e| unreachable!("{e}"))
    });
    SYSTEM.replace_all(name, "")
}

/// Returns a text without the parts of store paths that differ between platforms.
fn masked(text: &str) -> Cow<'_, str> {
    // A hash has 32 digits of Nix's base 32; a system is a `stdenv.hostPlatform.config`.
    static STORE_PATH: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("/nix/store/[0-9a-df-np-sv-z]{32}-([A-Za-z0-9+._?=-]*)")
            .unwrap_or_else(|e| unreachable!("{e}"))
    });
    STORE_PATH.replace_all(text, |path: &Captures<'_>| {
        let name = without_system(path.get(1).map_or("", |name| name.as_str()));
        format!("/nix/store/*-{name}")
    })
}

/// `Env DEBUG: "1" for linux/amd64, nothing for linux/arm64`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.property)?;
        if let Some(key) = &self.key {
            write!(f, " {key}")?;
        }
        for (i, (platform, value)) in self.values.iter().enumerate() {
            write!(f, "{}", if i == 0 { ": " } else { ", " })?;
            match value {
                // A list is formatted already.
                Some(value) if self.key.is_none() && value.starts_with('[') => {
                    write!(f, "{value}")?;
                }
                Some(value) => write!(f, "{value:?}")?,
                None => write!(f, "nothing")?,
            }
            write!(f, " for {platform}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_paths_of_two_platforms_do_not_differ() {
        let native = "PATH=/nix/store/0123456789abcdfghijklmnpqrsvwxyz-hello-2.12/bin:/bin";
        let cross = "PATH=/nix/store/zzz3456789abcdfghijklmnpqrsvwxyz-hello-aarch64-unknown-linux-gnu-2.12/bin:/bin";
        let static_ = "PATH=/nix/store/zzz3456789abcdfghijklmnpqrsvwxyz-hello-static-armv7l-unknown-linux-musleabihf-2.12/bin:/bin";
        assert_eq!(masked(native), masked(cross));
        assert_ne!(masked(native), masked(static_));
        assert_ne!(masked(native), masked(&native.replace("2.12", "2.13")));
        assert_eq!(
            masked("/bin/x-aarch64-unknown-linux-gnu"),
            "/bin/x-aarch64-unknown-linux-gnu"
        );
    }
}
