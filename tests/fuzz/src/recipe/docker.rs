//! Docker archives.

use arbitrary::Unstructured;
use polyarch::oci::Digest;
use serde_json::{Value, json};

use super::tar::{Entry, archive};
use super::{Dice, Packing, document, layer, pack};

/// Generates an archive of one image, or a few.
pub fn docker_archive(u: &mut Unstructured<'_>) -> Vec<u8> {
    let mut entries = Vec::new();
    let mut items = Vec::new();
    for i in 0..=u.up_to(2) / 2 {
        items.push(image(u, i, &mut entries));
    }
    let manifest = document(u, items.into());
    entries.push(Entry::file("manifest.json", manifest));
    if u.rarely() {
        entries.push(Entry::file("repositories", "{}"));
    }
    archive(u, entries)
}

fn image(u: &mut Unstructured<'_>, i: usize, entries: &mut Vec<Entry>) -> Value {
    let mut names = Vec::new();
    let mut diff_ids = Vec::new();
    for _ in 0..u.up_to(3) {
        let content = layer(u);
        let digest = Digest::of(&content);
        let packing = *u.one_of(&[
            &Packing::Plain,
            &Packing::Plain,
            &Packing::Gzip,
            &Packing::Zstd,
        ]);
        let name = match u.up_to(4) {
            0 | 1 => format!("{}/layer.tar", digest.hex()),
            2 => format!("{}.tar", digest.hex()),
            3 => digest.blob_path(),
            _ => u.text(),
        };
        let packed = pack(u, packing, &content);
        entries.push(Entry::file(name.clone(), packed));
        names.push(name);
        diff_ids.push(digest.to_string());
    }
    let config = super::layout::config(u, &diff_ids);
    let config = document(u, config);
    let name = match u.rarely() {
        false => format!("{}.json", Digest::of(&config).hex()),
        true => u.text(),
    };
    entries.push(Entry::file(name.clone(), config));
    json!({ "Config": name, "RepoTags": [format!("test:{}", i * u.up_to(1))], "Layers": names })
}
