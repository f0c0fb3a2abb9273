//! Hostile input: how it is refused, and that it cannot take much memory or time.
//!
//! `expect` checks that a refused input leaves no files. `files` checks that no file is created under a name
//! from an input, and so does guarantee 9.

mod bombs;
mod digests;
mod entries;
mod files;
mod json;
mod limits;
mod messages;
mod pax;

use serde_json::json;

use crate::support::*;

/// Expects that an archive is refused with exactly this problem, as a file and as a stream. `of_stream` is the
/// problem in a stream, where it differs because only the end of the stream is known.
#[track_caller]
fn refused(archive: &[u8], problem: &str, of_stream: Option<&str>) {
    let scratch = Scratch::new();
    scratch.write("a.tar", archive);
    scratch.write("a.tar.gz", &gzip(archive));
    expect(
        &scratch,
        &["a.tar"],
        &[&format!("error: a.tar: {problem}\n")],
    );
    let problem = of_stream.unwrap_or(problem);
    expect(
        &scratch,
        &["a.tar.gz"],
        &[&format!("error: a.tar.gz: {problem}\n")],
    );
}

/// A docker-archive that starts with `blocks` and whose manifest.json names `layer` as the first layer.
fn with_layer(blocks: &[u8], layer: &str) -> Vec<u8> {
    let image = amd64();
    let config = image.config_bytes();
    let manifest = serde_json::to_vec(&json!([{ "Config": "c", "Layers": [layer, "1"] }])).unwrap();
    let rest = tar(&[
        ("0", &image.layers[0]),
        ("1", &image.layers[1]),
        ("c", &config),
        ("manifest.json", &manifest),
    ]);
    [blocks, &rest].concat()
}
