//! `--link`: an output whose blobs are symbolic links to those of the inputs.

use std::fs;

use crate::support::*;

#[test]
fn linked_blobs_are_symbolic_links_to_the_blobs_of_the_inputs() {
    let scratch = two_archives();
    scratch.run(&["merge", "-o", "la", "a.tar"]);
    scratch.run(&["merge", "-o", "lb", "b.tar"]);
    let linked = scratch.merge(&["--link", "la", "lb"]);
    let copied = scratch.merge_to("copy", &["la", "lb"]);
    assert_eq!(linked.digest, copied.digest);
    let mut links = 0;
    for layer in linked.layers.iter().flatten() {
        let name = layer["digest"].as_str().unwrap().replace(':', "/");
        let target = fs::read_link(scratch.path(&format!("out/blobs/{name}"))).unwrap();
        assert!(target.is_absolute() && !target.is_symlink());
        links += 1;
    }
    assert_eq!(links, 4);
}

#[test]
fn merging_a_linked_layout_links_to_the_original_layout() {
    let scratch = two_archives();
    scratch.run(&["merge", "-o", "la", "a.tar"]);
    scratch.run(&["merge", "--link", "-o", "l1", "la"]);
    scratch.run(&["merge", "--link", "-o", "l2", "l1"]);
    let first = scratch.path("la").canonicalize().unwrap();
    let links: Vec<_> = fs::read_dir(scratch.path("l2/blobs/sha256"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .collect();
    assert!(
        !links.is_empty() && links.iter().all(|l| l.starts_with(&first)),
        "{links:?}"
    );
}

#[test]
fn a_linked_output_cannot_replace_the_layout_it_links_to() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.run(&["merge", "-o", "layout", "a.tar"]);
    scratch.run(&["merge", "--link", "-o", "linked", "layout"]);
    let message = scratch.fail(&["merge", "--link", "--force", "-o", "layout", "linked"]);
    assert!(
        message.contains("replacing the output would delete"),
        "{message}"
    );
    scratch.run(&["merge", "-o", "copy", "linked"]);
}
