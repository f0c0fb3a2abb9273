//! Random right images: they are merged without a warning, `verify` finds nothing, and every consumer takes them.

use std::process::Command;

use fastrand::Rng;
use serde_json::{Value, json};

use super::trees::{self, Tree};
use super::{Tally, consumers};
use crate::inputs::dockertools_conf::{conf, customise, with};
use crate::inputs::store::Store;
use crate::programs::{Elf, static_elf};
use crate::support::*;
use crate::verify::samples::{archive, entries};

/// Each platform with the header of its programs.
const PLATFORMS: [(&str, Elf); 9] = [
    ("linux/amd64", static_elf(64, true, 62, 0)),
    ("linux/arm64", static_elf(64, true, 183, 0)),
    ("linux/arm/v7", static_elf(32, true, 40, 0x0500_0400)),
    ("linux/arm/v6", static_elf(32, true, 40, 0x0500_0200)),
    ("linux/386", static_elf(32, true, 3, 0)),
    ("linux/ppc64le", static_elf(64, true, 21, 2)),
    ("linux/s390x", static_elf(64, false, 22, 0)),
    ("linux/riscv64", static_elf(64, true, 243, 5)),
    ("linux/loong64", static_elf(64, true, 258, 3)),
];

/// A random set of images, each a file or a directory.
struct Set {
    store: Store,
    inputs: Vec<String>,
}

pub fn round(rng: &mut Rng, tally: &mut Tally) {
    let mut set = Set::new(rng, tally);
    let options = options(rng);
    let is_archive = rng.bool();
    let [first, second] = match is_archive {
        true => ["out.tar", "again.tar"],
        false => ["out", "again"],
    };
    let merged = set.merge_without_findings(first, &options, tally);

    // The same inputs give the same bytes.
    rng.shuffle(&mut set.inputs);
    let jobs = rng.usize(1..=9).to_string();
    let scratch = &set.store.0;
    std::fs::create_dir_all(scratch.path("temporary")).unwrap();
    let mut command = scratch.command(&["merge", "-q", "-o", second, "--jobs", &jobs]);
    command.env("TMPDIR", scratch.path("temporary"));
    let done = command.args(&options).args(&set.inputs).output().unwrap();
    assert!(done.status.success(), "{}", stderr(&done));
    let same = tree(&scratch.path(first)) == tree(&scratch.path(second));
    assert!(same, "{options:?} {:?} gives other bytes", set.inputs);
    // The digest does not depend on the format.
    let other = if is_archive { "other" } else { "other.tar" };
    assert_eq!(set.merge(other, &options).digest, merged.digest);
    tally.add("merges again, in another order and format");

    consumers::take(scratch, first, &merged, rng, tally);
}

/// As [`round`], without consumers. Returns the number of images.
pub fn false_alarms(rng: &mut Rng, tally: &mut Tally) -> usize {
    let set = Set::new(rng, tally);
    let options = options(rng);
    let output = if rng.bool() { "out.tar" } else { "out" };
    set.merge_without_findings(output, &options, tally);
    set.inputs.len()
}

/// Expects that `verify` has no finding.
fn right(scratch: &Scratch, images: &[&str]) {
    let mut command: Command = scratch.command(&["verify", "--json"]);
    let output = command.args(images).output().unwrap();
    assert_eq!(stderr(&output), "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["findings"], json!([]));
    assert!(output.status.success());
}

/// Random options that change the output.
fn options(rng: &mut Rng) -> Vec<String> {
    let compression = rng.choice(["gzip", "zstd", "none", "keep"]).unwrap();
    let mut options = vec!["--compression".to_owned(), compression.to_owned()];
    if rng.bool() && matches!(compression, "gzip" | "zstd") {
        options.push(format!("--compression-level={}", rng.u8(1..=12)));
    }
    if rng.bool() {
        let name = rng.choice(["hello", "ghcr.io/me/hello:v1", "localhost:5000/a/b:c"]);
        options.push(format!("--name={}", name.unwrap()));
        if rng.u8(..4) == 0 {
            options.push("--docker-manifest".to_owned());
        }
    }
    if rng.bool() {
        let level = rng.choice([
            "",
            "manifest:",
            "index-descriptor:",
            "index,manifest-descriptor:",
        ]);
        options.push(format!(
            "--annotation={}a.b/c={}",
            level.unwrap(),
            name(rng)
        ));
    }
    options
}

fn name(rng: &mut Rng) -> String {
    std::iter::repeat_with(|| rng.alphanumeric())
        .take(8)
        .collect()
}

impl Set {
    fn new(rng: &mut Rng, tally: &mut Tally) -> Self {
        let mut set = Self {
            store: Store(Scratch::new()),
            inputs: Vec::new(),
        };
        // Layers that images share, each with the tree up to it.
        let mut tree = Tree::default();
        let mut shared = Vec::new();
        for _ in 0..rng.usize(..5) {
            let layer = trees::layer(rng, &mut tree);
            shared.push((layer, tree.clone()));
        }
        let mut platforms = PLATFORMS;
        rng.shuffle(&mut platforms);
        let count = rng.usize(1..=4);
        for (i, (platform, program)) in platforms.into_iter().take(count).enumerate() {
            let input = format!("input{i}");
            // The conf of a layered image has no variant. A store has room for one.
            let has_conf = set.store.0.path("store").exists();
            if rng.u8(..4) == 0 && !platform.contains("/v") && !has_conf {
                set.conf(rng, &input, platform, program);
                tally.add("inputs: confs of layered images");
            } else {
                let image = image(rng, platform, program, &shared);
                tally.add(set.write(rng, &input, &image));
            }
            let assertion = rng.bool().then(|| format!("{platform}={input}"));
            set.inputs.push(assertion.unwrap_or(input));
        }
        set
    }

    fn merge(&self, output: &str, options: &[String]) -> Merged {
        let arguments: Vec<&str> = options
            .iter()
            .chain(&self.inputs)
            .map(|argument| &**argument)
            .collect();
        self.store.0.merge_to(output, &arguments)
    }

    /// Merges the images; neither `merge` nor `verify` may have anything to say about them and the output.
    fn merge_without_findings(
        &self,
        output: &str,
        options: &[String],
        tally: &mut Tally,
    ) -> Merged {
        let merged = self.merge(output, options);
        let said = &merged.stderr;
        assert!(!said.contains("warning"), "{options:?}: {said}");
        tally.add("merges, verified");
        let outputs = self.inputs.iter().map(|input| &**input).chain([output]);
        right(&self.store.0, &outputs.collect::<Vec<_>>());
        tally.add("images and outputs without a finding");
        merged
    }

    /// Writes an image in a random format, whose name is returned.
    fn write(&self, rng: &mut Rng, name: &str, image: &TestImage) -> &'static str {
        let scratch = &self.store.0;
        let compress = |rng: &mut Rng, bytes: Vec<u8>| match rng.u8(..3) {
            0 => bytes,
            1 => gzip(&bytes),
            _ => zstd(&bytes),
        };
        if rng.bool() {
            let bytes = compress(rng, image.docker_archive());
            scratch.write(name, &bytes);
            return "inputs: docker-archives";
        }
        let layout = match rng.u8(..3) {
            0 => image.layout(plain),
            1 => image.layout(gzipped),
            _ => image.layout(|layer| {
                let media_type = "application/vnd.oci.image.layer.v1.tar+zstd";
                (media_type, zstd(layer))
            }),
        };
        if rng.bool() {
            layout.directory(scratch, name);
            return "inputs: image layouts";
        }
        let bytes = compress(rng, archive(entries(&layout)));
        scratch.write(name, &bytes);
        "inputs: oci-archives"
    }

    /// Writes the conf of a layered image, with files of a store.
    fn conf(&self, rng: &mut Rng, name: &str, platform: &str, program: Elf) {
        let store = &self.store;
        let paths = [format!("{name}-a"), format!("{name}-b")];
        for path in &paths {
            for i in 0..rng.usize(1..6) {
                let len = rng.usize(..20_000);
                store.file(format!("{path}/file{i}"), 0o444, &noise(rng.u64(..), len));
            }
            store.link(format!("{path}/link"), "file0");
        }
        let mut header = tar_header("./app", 4096);
        header.set_mode(0o755);
        header.set_cksum();
        let layer = [blocks::entry(&header, &program.bytes()), vec![0; 1024]].concat();
        customise(store, &layer);
        let [a, b] = paths.each_ref().map(|path| &**path);
        let layers: &[&[&str]] = if rng.bool() {
            &[&[a, b]]
        } else {
            &[&[a], &[b]]
        };
        let conf = conf(store, layers);
        let conf = with(&conf, "architecture", platform.split('/').nth(1).into());
        let conf = with(&conf, "config", json!({ "Cmd": ["/app"] }));
        store.0.write(name, conf.to_string().as_bytes());
    }
}

/// An image of some shared layers, a program, and own layers.
fn image(rng: &mut Rng, platform: &str, program: Elf, shared: &[(Vec<u8>, Tree)]) -> TestImage {
    let mut image = TestImage::new(platform);
    let shared = &shared[..rng.usize(..=shared.len())];
    let mut tree = shared
        .last()
        .map(|(_, tree)| tree.clone())
        .unwrap_or_default();
    image.layers = shared.iter().map(|(layer, _)| layer.clone()).collect();
    for _ in 0..rng.usize(..3) {
        image.layers.push(trees::layer(rng, &mut tree));
    }
    // No layer above it removes the program.
    let path = rng.choice([
        "start",
        "usr/local/bin/start",
        "nix/store/x-start/bin/start",
    ]);
    let path = path.unwrap();
    image
        .layers
        .push(trees::program(rng, &mut tree, path, &program.bytes()));
    let mut unique = Vec::new();
    for layer in image.layers {
        if !unique.contains(&layer) {
            unique.push(layer);
        }
    }
    image.layers = unique;
    image.config["config"] = match rng.u8(..4) {
        0 => json!({}),
        1 => json!({ "Cmd": [format!("/{path}"), "x"], "WorkingDir": "/tmp", "User": "1000:1000" }),
        2 => {
            json!({ "Entrypoint": ["start"], "Env": [format!("PATH=/bin:/{}", path.trim_end_matches("start"))] })
        }
        _ => {
            json!({ "Entrypoint": [format!("/{path}")], "Labels": { "a": "b" }, "Volumes": { "/data": {} }, "ExposedPorts": { "80/tcp": {} } })
        }
    };
    if rng.bool() {
        image.config["created"] = "2024-02-29T23:59:59.5+01:00".into();
    }
    if rng.bool() {
        let mut history = vec![json!({ "created_by": "ENV a=b", "empty_layer": true })];
        history.extend(image.layers.iter().map(|_| json!({ "comment": "a layer" })));
        image.config["history"] = history.into();
    }
    image
}
