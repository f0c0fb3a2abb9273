//! Images of nix2container: store paths become exactly the layers and the config that nix2container itself
//! writes.
//!
//! The golden values come from nix2container's own Go code (`TarPathsSum`, `GetConfigBlob` at commit
//! 20d3395, image-spec 1.1.1), run on the trees that are built here. Each path is rewritten, because its
//! digest would otherwise depend on the directory of the test.

mod errors;
mod golden;

use std::path::Path;

use serde_json::{Value, json};

use super::store::Store;
use crate::support::*;

const TAR: &str = "application/vnd.oci.image.layer.v1.tar";

impl Store {
    /// A path with a rewrite: `regex`, which follows the directory of the store, is replaced with `repl`.
    fn rewritten(&self, name: &str, regex: &str, repl: &str) -> Value {
        let regex = format!(
            "^{}{regex}",
            regex::escape(&self.0.path("store").to_string_lossy())
        );
        json!({ "path": self.path(name), "options": { "rewrite": { "regex": regex, "repl": repl } } })
    }

    /// A path that is in /nix/store in the image.
    fn stored(&self, name: &str) -> Value {
        self.rewritten(name, "", "/nix/store")
    }

    /// A path as `copyToRoot` rewrites it.
    fn at_root(&self, name: &str) -> Value {
        self.rewritten(name, &format!("/{name}"), "")
    }

    /// Merges an image of one layer, and returns the descriptor of the layer in the output.
    fn merge(&self, layer: &Value) -> Value {
        self.0
            .write("image.json", &image(std::slice::from_ref(layer)));
        let arguments = ["-f", "--compression", "none", "image.json"];
        self.0.merge(&arguments).layers[0][0].clone()
    }

    /// Merges an image of one layer, which must fail with a message that has all of these texts.
    #[track_caller]
    fn expect(&self, layer: &Value, texts: &[&str]) {
        self.expect_image(&image(std::slice::from_ref(layer)), texts);
    }

    #[track_caller]
    fn expect_image(&self, image: &[u8], texts: &[&str]) {
        self.0.write("image.json", image);
        // The error is the same for a compressed layer, which is staged, and a copied one.
        for compression in ["gzip", "none"] {
            let arguments = [
                "merge",
                "--compression",
                compression,
                "-o",
                "out",
                "image.json",
            ];
            let message = self.0.fail(&arguments);
            assert!(message.starts_with("error: image.json: "), "{message}");
            assert!(!message.contains("panicked"), "{message}");
            for text in texts {
                assert!(message.contains(text), "{text:?} is not in:\n{message}");
            }
        }
    }
}

fn layer(paths: &[Value], digest: &str, size: u64) -> Value {
    json!({
        "digest": digest, "size": size, "diff_ids": digest, "mediatype": TAR,
        "paths": paths, "History": { "created_by": "nix2container" },
    })
}

/// A layer with a digest and a size that are wrong for every path.
fn unknown(paths: &[Value]) -> Value {
    layer(paths, &digest(b""), 1024)
}

/// A layer that is a file on disk.
fn on_disk(path: &Path, media_type: &str, bytes: &[u8], tar: &[u8]) -> Value {
    json!({
        "digest": digest(bytes), "size": 0, "diff_ids": digest(tar), "mediatype": media_type,
        "layer-path": path, "History": {},
    })
}

fn image(layers: &[Value]) -> Vec<u8> {
    serde_json::to_vec_pretty(&json!({
        "version": 1,
        "image-config": {
            "User": "1000",
            "ExposedPorts": { "8080/tcp": {}, "53/udp": {} },
            "Env": ["PATH=/bin", "HTML=<b>&amp;</b>\u{2028}\u{2029}", "C=\"\\\n\t\u{1}\u{7f}é😀"],
            "Cmd": ["/bin/hello"],
            "Labels": { "b<": "2", "a": "1", "a&": "3" },
            "Healthcheck": { "Test": ["not in image-spec"] },
        },
        "layers": layers,
        "arch": "arm64",
        "created": "2025-01-31T12:34:56.120+02:00",
    }))
    .unwrap()
}

const CONFIG: &str = "sha256:b21bd869883be441eb00c8c1faccd0a81fdab9a128298c6b1d670694551cc1c4";
