//! `polyarch sbom`: the components of an image, and the hashes of their bytes.

mod closure;
mod documents;
mod hygiene;
mod limits;
mod merged;
mod nar;
mod packages;
mod scan;
mod table;

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::*;

/// An entry of a layer.
#[derive(Clone, Copy)]
enum Entry<'a> {
    Directory(&'a str),
    File(&'a str, &'a [u8]),
    Program(&'a str, &'a [u8]),
    Symlink(&'a str, &'a str),
    HardLink(&'a str, &'a str),
    /// A hard link with the permissions of a program.
    ProgramLink(&'a str, &'a str),
    Fifo(&'a str),
}

/// A layer with these entries, in this order.
fn layer(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let (kind, name, mode, content, target) = match *entry {
            Entry::Directory(name) => (tar::EntryType::Directory, name, 0o555, &b""[..], None),
            Entry::File(name, content) => (tar::EntryType::Regular, name, 0o444, content, None),
            Entry::Program(name, content) => (tar::EntryType::Regular, name, 0o555, content, None),
            Entry::Symlink(name, target) => {
                (tar::EntryType::Symlink, name, 0o777, &b""[..], Some(target))
            }
            Entry::HardLink(name, target) => {
                (tar::EntryType::Link, name, 0o444, &b""[..], Some(target))
            }
            Entry::ProgramLink(name, target) => {
                (tar::EntryType::Link, name, 0o555, &b""[..], Some(target))
            }
            Entry::Fifo(name) => (tar::EntryType::Fifo, name, 0o444, &b""[..], None),
        };
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        match target {
            Some(target) => builder.append_link(&mut header, name, target).unwrap(),
            None => builder.append_data(&mut header, name, content).unwrap(),
        }
    }
    builder.into_inner().unwrap()
}

/// Writes an image of these layers.
fn image(scratch: &Scratch, name: &str, platform: &str, layers: &[Vec<u8>]) {
    let mut image = TestImage::new(platform);
    image.layers = layers.to_vec();
    scratch.write(name, &image.docker_archive());
}

fn cyclonedx(scratch: &Scratch, image: &str) -> Value {
    scratch.json(&["sbom", "--format", "cyclonedx", image])
}

/// The component with this name.
#[track_caller]
fn component<'a>(document: &'a Value, name: &str) -> &'a Value {
    let components = document["components"].as_array().unwrap();
    let found = components
        .iter()
        .find(|component| component["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {document}"))
}

/// The values of a property of a component.
fn properties(component: &Value, name: &str) -> Vec<String> {
    let all = component["properties"].as_array().unwrap().iter();
    let named = all.filter(|property| property["name"] == name);
    named
        .map(|property| property["value"].as_str().unwrap().to_owned())
        .collect()
}

fn nar_hash(component: &Value) -> String {
    properties(component, "nix:narinfo:nar_hash").concat()
}

/// Runs a script of this directory with the libraries of `tests/sbom-tools`; `None` without them.
fn python(script: &str, files: &[PathBuf]) -> Option<Output> {
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = project.join("target/sbom-tools/bin/python");
    if !python.exists() {
        missing("target/sbom-tools, which tests/sbom-tools installs");
        return None;
    }
    let script = project.join("tests/integration/sbom").join(script);
    Some(
        Command::new(python)
            .arg(script)
            .args(files)
            .output()
            .unwrap(),
    )
}
