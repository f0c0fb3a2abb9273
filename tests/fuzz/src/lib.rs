//! Properties of polyarch that hold for every input: one function for each fuzz target, which takes the bytes
//! of the fuzzer and panics if the property is violated.
//!
//! `tests/fuzz/targets` gives them to libFuzzer; `tests/corpus.rs` runs them on the seeds, without it.

mod codecs;
mod dockertools_conf;
mod documents;
mod grammars;
mod merging;
mod nix2container;
mod packages;
mod pin;
mod programs;
mod readback;
mod readers;
mod recipe;
mod scratch;
mod sources;
mod stores;

pub use codecs::codecs;
pub use dockertools_conf::dockertools_conf;
pub use documents::documents;
pub use grammars::{names, platform};
pub use nix2container::nix2container;
pub use packages::packages;
pub use pin::pin;
pub use programs::programs;
pub use readers::{Comparison, Lists, are_there as readers_are_there, compare_readers, readers};
pub use sources::{archive, docker_archive, layout, merge, verify};

/// A property that holds for all inputs.
pub type Property = fn(&[u8]);

/// All targets by name; the directory of the seeds has the same name.
pub const TARGETS: &[(&str, Property)] = &[
    ("platform", platform),
    ("names", names),
    ("documents", documents),
    ("codecs", codecs),
    ("archive", archive),
    ("docker_archive", docker_archive),
    ("layout", layout),
    ("nix2container", nix2container),
    ("dockertools_conf", dockertools_conf),
    ("programs", programs),
    ("readers", readers),
    ("merge", merge),
    ("packages", packages),
    ("pin", pin),
    ("verify", verify),
];
