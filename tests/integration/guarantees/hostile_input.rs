//! Guarantee 9: input is not trusted. The folder `hostile` has more of these tests.

use serde_json::json;

use crate::support::*;

#[test]
fn guarantee_9_nothing_is_written_under_a_name_from_an_input() {
    // Entries whose names lead out of the archive do not prevent that it is read.
    let image = TestImage::new("linux/amd64");
    let config = image.config_bytes();
    let manifest = json!([{ "Config": "x/../config", "Layers": ["/a", "./b"] }]);
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let archive = tar(&[
        ("config", &config),
        ("/a", &image.layers[0]),
        ("b", &image.layers[1]),
        ("../escape", &image.layers[0]),
        ("../../escape", b"{}"),
        ("/escape", &image.layers[1]),
        ("manifest.json", &manifest),
    ]);
    let scratch = Scratch::new();
    scratch.write("deep/in/a.tar", &archive);
    scratch.write("deep/in/a.tar.gz", &gzip(&archive));
    for (output, input) in [
        ("deep/in/o1", "deep/in/a.tar"),
        ("deep/in/o2", "deep/in/a.tar.gz"),
    ] {
        let before = scratch.tree();
        scratch.merge_to(output, &[input]);
        let new: Vec<_> = scratch
            .tree()
            .difference(&before)
            .map(|(path, _)| path.clone())
            .collect();
        assert!(
            !new.is_empty() && new.iter().all(|path| path.starts_with(output)),
            "{new:?}"
        );
    }
    assert!(!std::path::Path::new("/escape").exists());
    // A config or a layer whose name leads out matches no entry.
    let manifest = br#"[{"Config":"../../config","Layers":["../a","../b"]}]"#;
    scratch.write(
        "in.tar",
        &tar(&[("../../config", &config), ("manifest.json", manifest)]),
    );
    let message = scratch.fail(&["merge", "-o", "out", "in.tar"]);
    assert!(
        message.contains("../../config\"; no such file in it"),
        "{message}"
    );
}
