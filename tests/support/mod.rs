//! Builds images in code, runs the real binary on them, and reads back what it wrote.
#![allow(dead_code, reason = "every test file uses another part of it")]

pub mod blocks;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::read::MultiGzDecoder;
use polyarch::oci::Digest;
use serde_json::{Value, json};

/// A directory for one test, with a command that runs in it.
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    pub fn new() -> Self {
        Self(tempfile::tempdir_in(in_memory()).unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// `polyarch` with the arguments, in this directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polyarch"));
        command
            .current_dir(self.0.path())
            .env_remove("NIX_BUILD_CORES")
            .args(arguments);
        command
    }

    /// Runs `polyarch` and expects it to succeed; what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Runs `polyarch`, expects it to fail with nothing left behind; its message.
    pub fn fail(&self, arguments: &[&str]) -> String {
        let before = self.tree();
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(output.stdout.is_empty(), "a failure printed a result");
        assert_eq!(self.tree(), before, "a failure left something behind");
        stderr(&output)
    }

    /// The names of all files, with their contents.
    pub fn tree(&self) -> BTreeSet<(PathBuf, Option<Vec<u8>>)> {
        tree(self.0.path())
    }
}

/// Where files are in memory, if there is room: every merge waits until its output is on the disk.
fn in_memory() -> PathBuf {
    let shared = Path::new("/dev/shm");
    match rustix::fs::statvfs(shared) {
        Ok(stat) if stat.f_bavail * stat.f_frsize > 4 << 30 => shared.to_owned(),
        _ => std::env::temp_dir(),
    }
}

pub fn tree(root: &Path) -> BTreeSet<(PathBuf, Option<Vec<u8>>)> {
    walkdir::WalkDir::new(root)
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let content = entry
                .file_type()
                .is_file()
                .then(|| fs::read(entry.path()).unwrap());
            (entry.path().strip_prefix(root).unwrap().to_owned(), content)
        })
        .collect()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a merge that must fail, and looks for every text in what it says.
#[track_caller]
pub fn expect(scratch: &Scratch, arguments: &[&str], texts: &[&str]) {
    let message = scratch.fail(&[&["merge", "-o", "out"], arguments].concat());
    assert!(message.starts_with("error: "), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    for text in texts {
        assert!(message.contains(text), "{text:?} is not in:\n{message}");
    }
}

/// Whether all of the tools are there. `make test` installs them and does not let them be skipped.
pub fn have(tools: &[&str]) -> bool {
    let absent = tools.iter().find(|tool| {
        let found = Command::new("sh")
            .arg("-c")
            .arg(format!("command -v {tool}"))
            .output();
        !found.unwrap().status.success()
    });
    if let Some(tool) = absent {
        missing(tool);
    }
    absent.is_none()
}

/// A test is about to do nothing, which is no success where all that it needs should be there.
pub fn missing(what: &str) {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    let required = is("POLYARCH_TOOLS", "required") || is("CI", "true");
    assert!(!required, "missing: {what}");
    eprintln!("skipped, because this is missing: {what}");
}

/// The system calls of a kind that `polyarch` makes, which must succeed, one a line. Behind a file
/// descriptor stands its path.
pub fn calls(scratch: &Scratch, kind: &str, arguments: &[&str]) -> Vec<String> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let traced = Command::new("strace")
        .current_dir(scratch.path(""))
        .args([
            "-f",
            "-y",
            "-qq",
            "-s",
            "4096",
            "-e",
            &format!("trace={kind}"),
            "-o",
        ])
        .arg(log.path())
        .arg(env!("CARGO_BIN_EXE_polyarch"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(traced.status.success(), "{}", stderr(&traced));
    let log = fs::read_to_string(log.path()).unwrap();
    // Behind the number of the thread.
    let call = |line: &str| {
        line.split_once(' ')
            .map(|(_, call)| call.trim_start().to_owned())
    };
    log.lines().filter_map(call).collect()
}

/// A tar archive of regular files.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        builder
            .append(&tar_header(name, content.len() as u64), *content)
            .unwrap();
    }
    builder.into_inner().unwrap()
}

/// A header for any name, also those that the tar crate refuses to write.
pub fn tar_header(name: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Bytes that look random but are the same in every run (xorshift).
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8 & 0x3f
    })
    .take(len)
    .collect()
}

/// Runs a script in the directory of the test; what it printed.
#[track_caller]
pub fn sh(scratch: &Scratch, script: &str) -> String {
    let output = Command::new("bash")
        .current_dir(scratch.path(""))
        .args(["-euo", "pipefail", "-c", script])
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}\n{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The path of an image that the real dockerTools wrote.
pub fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Compares with the file of that name in tests/snapshots; with POLYARCH_SNAPSHOTS=write in the
/// environment it writes that file instead, for `git diff` to be read.
pub fn snapshot(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let path = path.join(name);
    if std::env::var_os("POLYARCH_SNAPSHOTS").is_some_and(|what| what == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is not what came out (POLYARCH_SNAPSHOTS=write writes it anew):\n{found}",
        path.display()
    );
}

/// The merged image of two dockerTools images, `hello.tar` in the directory.
pub fn hello(scratch: &Scratch) {
    let inputs = ["amd64", "arm64"].map(|arch| fixture(&format!("{arch}-bli-hello-gz.tar.gz")));
    let source = "org.opencontainers.image.source=https://example.org/hello";
    let options = [
        "merge",
        "--name",
        "hello",
        "--tag",
        "v1",
        "--annotation",
        source,
    ];
    let files = ["-o", "hello.tar", &inputs[0], &inputs[1]];
    scratch.run(&[&options[..], &files].concat());
}

/// An image to be.
#[derive(Clone)]
pub struct TestImage {
    /// What the config says besides `rootfs`.
    pub config: Value,
    /// Uncompressed layers, bottom first.
    pub layers: Vec<Vec<u8>>,
}

impl TestImage {
    /// An image with a layer of its own over one that all test images share.
    pub fn new(platform: &str) -> Self {
        let mut words = platform.split('/');
        let (os, architecture) = (words.next().unwrap(), words.next().unwrap());
        let mut config = json!({ "os": os, "architecture": architecture, "config": {} });
        if let Some(variant) = words.next() {
            config["variant"] = variant.into();
        }
        Self {
            config,
            layers: vec![
                tar(&[("etc/shared", b"the same on all platforms")]),
                tar(&[("bin/program", platform.as_bytes())]),
            ],
        }
    }

    pub fn config_bytes(&self) -> Vec<u8> {
        let mut config = self.config.clone();
        let diff_ids: Vec<String> = self.layers.iter().map(|l| digest(l)).collect();
        config["rootfs"] = json!({ "type": "layers", "diff_ids": diff_ids });
        // As dockerTools: indented, which a re-serialisation would not survive.
        serde_json::to_vec_pretty(&config).unwrap()
    }

    /// As `buildLayeredImage` writes it: layers, config, `manifest.json`.
    pub fn docker_archive(&self) -> Vec<u8> {
        let config = self.config_bytes();
        let config_name = format!("{}.json", hex(&config));
        let names: Vec<String> = (self.layers.iter())
            .map(|l| format!("{}/layer.tar", hex(l)))
            .collect();
        let manifest = serde_json::to_vec(&json!([
            { "Config": config_name, "RepoTags": ["test:v1"], "Layers": names }
        ]))
        .unwrap();
        let mut files: Vec<(&str, &[u8])> = Vec::new();
        for (name, layer) in names.iter().zip(&self.layers) {
            files.push((name, layer));
        }
        files.push((&config_name, &config));
        files.push(("manifest.json", &manifest));
        tar(&files)
    }

    /// The files of an image layout; `encode` gives a layer its media type and bytes.
    pub fn layout(&self, encode: impl Fn(&[u8]) -> (&'static str, Vec<u8>)) -> Layout {
        let mut layout = Layout::default();
        let config = layout.blob(
            "application/vnd.oci.image.config.v1+json",
            &self.config_bytes(),
        );
        let layers: Vec<Value> = (self.layers.iter())
            .map(|layer| {
                let (media_type, bytes) = encode(layer);
                layout.blob(media_type, &bytes)
            })
            .collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers,
        });
        // Indented again, for the same reason.
        let manifest = serde_json::to_vec_pretty(&manifest).unwrap();
        let descriptor = layout.blob(MANIFEST, &manifest);
        layout.index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
        layout
    }
}

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

pub fn plain(layer: &[u8]) -> (&'static str, Vec<u8>) {
    ("application/vnd.oci.image.layer.v1.tar", layer.to_vec())
}

pub fn gzipped(layer: &[u8]) -> (&'static str, Vec<u8>) {
    ("application/vnd.oci.image.layer.v1.tar+gzip", gzip(layer))
}

/// The files of an image layout.
#[derive(Clone, Default)]
pub struct Layout {
    pub blobs: Vec<Vec<u8>>,
    pub index: Value,
}

impl Layout {
    /// Adds a blob; its descriptor.
    pub fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        self.blobs.push(bytes.to_vec());
        json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
    }

    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = vec![
            (
                "oci-layout".to_owned(),
                br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
            ),
            (
                "index.json".to_owned(),
                serde_json::to_vec(&self.index).unwrap(),
            ),
        ];
        for blob in &self.blobs {
            files.push((format!("blobs/sha256/{}", hex(blob)), blob.clone()));
        }
        files
    }

    pub fn directory(&self, scratch: &Scratch, name: &str) {
        for (file, bytes) in self.files() {
            scratch.write(&format!("{name}/{file}"), &bytes);
        }
    }

    pub fn archive(&self) -> Vec<u8> {
        let files = self.files();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (&n[..], &b[..])).collect();
        tar(&files)
    }
}

pub fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

pub fn hex(bytes: &[u8]) -> String {
    Digest::of(bytes).hex().to_owned()
}

/// A merged image that was read back: every digest, size and diff ID in it was right.
pub struct Merged {
    files: BTreeMap<String, Vec<u8>>,
    pub root: Value,
    pub digest: String,
    pub index: Value,
    pub manifests: Vec<Value>,
    pub configs: Vec<Value>,
}

impl Merged {
    pub fn directory(path: &Path) -> Self {
        verified(path);
        let files = tree_following(path);
        Self::new(files)
    }

    pub fn archive(path: &Path) -> Self {
        verified(path);
        let bytes = fs::read(path).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut files = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header().clone();
            assert!(header.as_ustar().is_some());
            let owner = (header.uid().unwrap(), header.gid().unwrap());
            assert_eq!((owner, header.mtime().unwrap()), ((0, 0), 0));
            if header.entry_type() == tar::EntryType::Directory {
                assert_eq!(header.mode().unwrap(), 0o755);
                continue;
            }
            assert_eq!(header.entry_type(), tar::EntryType::Regular);
            assert_eq!(header.mode().unwrap(), 0o644);
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            assert!(
                files.insert(name, content).is_none(),
                "an entry is there twice"
            );
        }
        Self::new(files)
    }

    fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        assert_eq!(files["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
        let root: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let [top] = &root["manifests"].as_array().unwrap()[..] else {
            panic!("index.json must have one descriptor: {root}");
        };
        assert_eq!(top["mediaType"], INDEX);
        let mut seen = BTreeSet::from(["oci-layout".to_owned(), "index.json".to_owned()]);
        let mut blob = |descriptor: &Value| {
            seen.insert(blob_path(descriptor));
            content(&files, descriptor)
        };
        let mut json =
            |descriptor: &Value| serde_json::from_slice::<Value>(&blob(descriptor)).unwrap();
        let digest_of_index = top["digest"].as_str().unwrap().to_owned();
        let index = json(top);
        let mut manifests = Vec::new();
        let mut configs = Vec::new();
        for descriptor in index["manifests"].as_array().unwrap() {
            assert_eq!(descriptor["mediaType"], MANIFEST);
            let manifest = json(descriptor);
            configs.push(json(&manifest["config"]));
            manifests.push(manifest);
        }
        for (manifest, config) in manifests.iter().zip(&configs) {
            for (i, layer) in manifest["layers"].as_array().unwrap().iter().enumerate() {
                let content = decode(layer["mediaType"].as_str().unwrap(), &blob(layer));
                if let Some(content) = content {
                    assert_eq!(config["rootfs"]["diff_ids"][i], digest(&content));
                }
            }
        }
        let names: BTreeSet<String> = files.keys().cloned().collect();
        assert_eq!(seen, names, "there is a file that nothing names");
        Self {
            digest: digest_of_index,
            root,
            files,
            index,
            manifests,
            configs,
        }
    }

    /// The bytes that a descriptor names, held against it.
    pub fn content(&self, descriptor: &Value) -> Vec<u8> {
        content(&self.files, descriptor)
    }

    pub fn platforms(&self) -> Vec<String> {
        (self.index["manifests"].as_array().unwrap().iter())
            .map(|m| serde_json::from_value::<polyarch::oci::Platform>(m["platform"].clone()))
            .map(|p| p.unwrap().to_string())
            .collect()
    }

    pub fn layer_types(&self) -> BTreeSet<String> {
        (self.manifests.iter())
            .flat_map(|m| m["layers"].as_array().unwrap())
            .map(|l| {
                l["mediaType"]
                    .as_str()
                    .unwrap()
                    .rsplit('.')
                    .next()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }
}

/// `polyarch verify` finds no error in it. What merge carries untouched may be odd: these tests have
/// layers that are no archives.
fn verified(image: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polyarch"));
    let output = command
        .args(["verify", "--json"])
        .arg(image)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let errors: Vec<&Value> = findings
        .filter(|f| f["severity"] == "error" && f["id"] != "layer-tar")
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn blob_path(descriptor: &Value) -> String {
    let digest = descriptor["digest"].as_str().unwrap();
    format!("blobs/{}", digest.replace(':', "/"))
}

fn content(files: &BTreeMap<String, Vec<u8>>, descriptor: &Value) -> Vec<u8> {
    let bytes = files[&blob_path(descriptor)].clone();
    assert_eq!(descriptor["digest"], digest(&bytes));
    assert_eq!(descriptor["size"], bytes.len());
    bytes
}

fn tree_following(root: &Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(root)
        .follow_links(true)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap();
            (name.to_owned(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn decode(media_type: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    match media_type {
        "application/vnd.oci.image.layer.v1.tar" => content.extend(bytes),
        "application/vnd.oci.image.layer.v1.tar+gzip" => {
            MultiGzDecoder::new(bytes)
                .read_to_end(&mut content)
                .unwrap();
        }
        "application/vnd.oci.image.layer.v1.tar+zstd" => {
            zstd::stream::copy_decode(bytes, &mut content).unwrap();
        }
        _ => return None,
    }
    Some(content)
}
