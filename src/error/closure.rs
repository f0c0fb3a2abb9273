//! Problems with the closure of an image.

use std::fmt;

use crate::oci::{Digest, Platform};
use crate::util::text::clean;

/// The number of store paths of each kind that a message names.
const SHOWN: usize = 10;

/// Why a closure cannot be compared, or how it differs from the layers.
#[derive(Debug)]
pub enum ClosureProblem {
    /// It is neither a list nor an object of store paths.
    Form,
    /// A store path lacks a field, or has a wrong one.
    Entry { path: String },
    /// It is not clear which image it is for.
    Platform {
        given: Option<Box<Platform>>,
        offered: Vec<Platform>,
    },
    /// Other platforms have one.
    Missing { platform: Box<Platform> },
    /// A layer was not read: it is not in the image, or has no files that polyarch can read.
    NotRead { layer: Digest },
    /// The layers have something else.
    Differs {
        images: Vec<(Platform, Vec<ClosureDifference>)>,
    },
}

/// A difference between a closure and the layers, with the store path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClosureDifference {
    NotInLayers(String),
    NotInClosure(String),
    Changed(String),
}

impl std::error::Error for ClosureProblem {}

impl fmt::Display for ClosureProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str(
                "is not a closure: expected the JSON of exportReferencesGraph or `nix path-info --json`",
            ),
            Self::Entry { path } => write!(
                f,
                "is not a closure: {} has no valid \"narHash\" or \"references\"",
                clean(path)
            ),
            Self::Platform {
                given: Some(given),
                offered,
            } => write!(
                f,
                "a closure for {given}, but the image has {}",
                Platform::list(offered)
            ),
            Self::Platform {
                given: None,
                offered,
            } => write!(
                f,
                "a closure without a platform, but the image has {}",
                Platform::list(offered)
            ),
            Self::Missing { platform } => {
                write!(f, "no closure for {platform}, but for other platforms")
            }
            Self::NotRead { layer } => write!(
                f,
                "its layers cannot be compared with the closure: the files of layer {layer} are not known"
            ),
            Self::Differs { images } => {
                f.write_str("the layers differ from the closure")?;
                for (platform, differences) in images {
                    write_differences(f, platform, differences)?;
                }
                Ok(())
            }
        }
    }
}

/// Writes the differences of each kind.
fn write_differences(
    f: &mut fmt::Formatter<'_>,
    platform: &Platform,
    differences: &[ClosureDifference],
) -> fmt::Result {
    let (mut missing, mut unknown, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for difference in differences {
        match difference {
            ClosureDifference::NotInLayers(path) => missing.push(path),
            ClosureDifference::NotInClosure(path) => unknown.push(path),
            ClosureDifference::Changed(path) => changed.push(path),
        }
    }
    for (kind, paths) in [
        ("not in the layers", missing),
        ("not in the closure", unknown),
        ("other bytes in the layers", changed),
    ] {
        write_paths(f, platform, kind, &paths)?;
    }
    Ok(())
}

fn write_paths(
    f: &mut fmt::Formatter<'_>,
    platform: &Platform,
    kind: &str,
    paths: &[&String],
) -> fmt::Result {
    if paths.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> = paths.iter().take(SHOWN).map(|path| clean(path)).collect();
    write!(f, "; {platform}, {kind}: {}", shown.join(", "))?;
    match paths.len() - shown.len() {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}
