//! Guarantee 7: memory does not grow with the size of an image.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use super::*;
use crate::support::*;

#[test]
fn guarantee_7_memory_does_not_grow_with_the_image() {
    // A stream with the layer first needs the most memory. Zeros are compressed quickly; the next test has
    // layers that cannot be compressed.
    let peaks = [16u64, 2048].map(|mebibytes| {
        let scratch = Scratch::new();
        let mut child = scratch
            .command(&["merge", "-q", "--jobs", "2", "-o", "out", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let (block, size) = (vec![0; 1 << 20], mebibytes << 20);
        let mut hasher = Hasher::new(Algorithm::Sha256);
        input
            .write_all(tar_header("layer.tar", size).as_bytes())
            .unwrap();
        for _ in 0..mebibytes {
            hasher.update(&block);
            input.write_all(&block).unwrap();
        }
        let config = json!({
            "os": "linux", "architecture": "amd64",
            "rootfs": { "type": "layers", "diff_ids": [hasher.finish()] },
        });
        let config = serde_json::to_vec(&config).unwrap();
        let manifest = br#"[{"Config":"c","Layers":["layer.tar"]}]"#;
        input
            .write_all(&tar(&[("c", &config), ("manifest.json", manifest)]))
            .unwrap();
        let peak = peak_memory(&child).unwrap();
        drop(input);
        assert!(child.wait().unwrap().success());
        peak
    });
    // 32 MiB, and 8 MiB for each of two jobs.
    assert!(peaks.iter().all(|peak| *peak < 48), "{peaks:?} MiB");
}

#[test]
fn guarantee_7_memory_does_not_grow_with_incompressible_layers() {
    for compression in ["gzip", "zstd"] {
        let scratch = Scratch::new();
        let (mut child, mut pipe) = start_on_a_pipe(&scratch, compression);
        pipe.write_all(tar_header("a/layer.tar", 300 << 20).as_bytes())
            .unwrap();
        let block = noise(5, 1 << 20);
        for _ in 0..300 {
            pipe.write_all(&block).unwrap();
        }
        let peak = peak_memory(&child).unwrap();
        drop(pipe);
        assert!(
            !child.wait().unwrap().success(),
            "there was no manifest.json"
        );
        assert!(peak < 48, "{compression}: {peak} MiB");
    }
}
