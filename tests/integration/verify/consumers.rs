//! Which programs refuse the image that breaks a rule, compared with the table in docs/verify.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::cases::{Case, all, case, file};
use super::samples::*;
use super::verify;
use crate::support::*;

/// The programs, in the order of the table. Most are tried in two versions: that of this machine and the newest one.
const CONSUMERS: [&str; 6] = ["skopeo", "podman", "umoci", "containerd", "crane", "oras"];

/// The rules with a separate table, which `unpackers.rs` compares.
const LAYER_ROWS: [&str; 2] = ["layer-unpack", "layer-unpack-some"];

/// The rows of the table.
fn documented() -> BTreeMap<&'static str, &'static str> {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify.md"));
    let (_, section) = page
        .split_once("\n| id | refused by |\n| --- | --- |\n")
        .unwrap();
    let rows = section.lines().take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let (id, refused_by) = row.trim_matches(['|', ' ']).split_once(" | ").unwrap();
        (id.trim_matches('`'), refused_by)
    })
    .collect()
}

#[test]
fn the_table_of_consumers_in_the_docs_has_all_rules() {
    let rules: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    let rows: BTreeSet<&str> = documented().into_keys().collect();
    assert_eq!(rows, rules);
}

/// The programs, and the servers that some of them need.
struct World {
    skopeos: [String; 2],
    umocis: [String; 2],
    crane: String,
    oras: String,
    ctr: String,
    _containerd: Daemon,
}

impl World {
    fn new(scratch: &Scratch) -> Option<Self> {
        let here = ["skopeo", "umoci", "containerd", "ctr"];
        let [skopeo, umoci, crane, oras] = ["skopeo", "umoci", "crane", "oras"].map(newer);
        let (skopeo, umoci, crane, oras) = (skopeo?, umoci?, crane?, oras?);
        if !is_root() || !have(&here) {
            return None;
        }
        let (containerd, ctr) = containerd(scratch);
        Some(Self {
            skopeos: ["skopeo".to_owned(), skopeo],
            umocis: ["umoci".to_owned(), umoci],
            crane,
            oras,
            ctr,
            _containerd: containerd,
        })
    }

    /// Starts an empty registry, and returns its address. A blob that is there would not be pushed again.
    fn registry(&self) -> (Daemon, String) {
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let mut serve = Command::new(&self.crane);
        let serve = serve.args(["registry", "serve", "--address", &port.to_string()]);
        let serve = serve.stdout(Stdio::null()).stderr(Stdio::null());
        let registry = Daemon(serve.spawn().unwrap());
        let is_up = |_| {
            std::thread::sleep(Duration::from_millis(20));
            TcpStream::connect(port).is_ok()
        };
        assert!((0..1500).any(is_up), "the registry did not start");
        (registry, port.to_string())
    }

    /// Returns the consumers that were tried with an image, and whether each refuses it.
    fn judge(&self, scratch: &Scratch, report: &Value) -> BTreeMap<String, bool> {
        let format = report["inputs"][0]["format"].as_str();
        let Some(format @ ("oci-layout" | "oci-archive" | "docker-archive")) = format else {
            return BTreeMap::new();
        };
        let transport = if format == "oci-layout" {
            "oci"
        } else {
            format
        };
        let platforms = platforms(report);
        let mut refuses = BTreeMap::new();
        let mut tried = |name: &str, commands: &[String]| {
            // Once more, because a command can fail on a busy machine.
            let is_taken = |command: &String| (0..2).any(|_| succeeds(scratch, command));
            refuses.insert(name.to_owned(), !commands.iter().all(is_taken));
        };
        for (age, skopeo) in ["old", "new"].iter().zip(&self.skopeos) {
            let copy =
                format!("{skopeo} --insecure-policy copy -q --all {transport}:image dir:out");
            tried(&format!("{age} skopeo"), &[copy]);
            let store = |platform: Option<&str>| podman(skopeo, transport, platform);
            tried(&format!("{age} podman"), &for_each(&platforms, store));
        }
        let tarred = match transport {
            "oci" => "tar -C image -cf image.tar .",
            _ => "cp image image.tar",
        };
        // Each sample has its own namespace, which does not have the blobs of others.
        let namespace = scratch.path("").file_name().unwrap().display().to_string();
        let namespace = namespace.trim_start_matches('.').to_owned();
        let import = |platform: &str| {
            format!(
                "{tarred} && {} -n {namespace} images import --snapshotter native {platform} --base-name x --digests image.tar",
                self.ctr
            )
        };
        tried(
            "containerd",
            &for_each(&platforms, |platform| match platform {
                None => import("--all-platforms"),
                Some(platform) => import(&format!("--platform {platform}")),
            }),
        );
        if transport != "oci-archive" {
            let (_registry, address) = self.registry();
            let push = format!("{} push --insecure image {address}/image:x", self.crane);
            tried("crane", &[push]);
        }
        if transport != "docker-archive" {
            let index = scratch.path("image/index.json");
            let digest = match transport {
                "oci" => {
                    let index = serde_json::from_slice(&std::fs::read(index).unwrap());
                    let index: Value = index.unwrap_or_default();
                    index["manifests"][0]["digest"].as_str().map(str::to_owned)
                }
                _ => good().index["manifests"][0]["digest"]
                    .as_str()
                    .map(str::to_owned),
            };
            if let Some(digest) = digest {
                tried(
                    "oras",
                    &[format!(
                        "{} cp --recursive --from-oci-layout image@{digest} --to-oci-layout copy:x",
                        self.oras
                    )],
                );
            }
        }
        if transport == "oci" {
            let manifests = one_by_one(scratch);
            for (age, umoci) in ["old", "new"].iter().zip(&self.umocis) {
                let unpack = |manifest: &String| {
                    format!("rm -rf bundle; {umoci} unpack --image {manifest}:latest bundle")
                };
                let commands: Vec<String> = manifests.iter().map(unpack).collect();
                if !commands.is_empty() {
                    tried(&format!("{age} umoci"), &commands);
                }
            }
        }
        refuses
    }
}

/// The first platforms of an image.
fn platforms(report: &Value) -> BTreeSet<&str> {
    let images = report["inputs"][0]["images"].as_array().unwrap().iter();
    let platforms: BTreeSet<&str> = images
        .filter_map(|image| image["platform"].as_str())
        .collect();
    let is_whole = |platform: &&str| !platform.split('/').any(str::is_empty);
    platforms.into_iter().filter(is_whole).take(2).collect()
}

/// The commands for each platform, or the one for none.
fn for_each(platforms: &BTreeSet<&str>, command: impl Fn(Option<&str>) -> String) -> Vec<String> {
    match platforms.is_empty() {
        true => vec![command(None)],
        false => platforms
            .iter()
            .map(|platform| command(Some(platform)))
            .collect(),
    }
}

/// The code of podman stores an image.
fn podman(skopeo: &str, transport: &str, platform: Option<&str>) -> String {
    let storage = "containers-storage:[vfs@$PWD/storage+$PWD/run]localhost/x:latest";
    let words = platform.unwrap_or_default().split('/');
    let options = ["--override-os", "--override-arch", "--override-variant"];
    let options = options
        .iter()
        .zip(words)
        .filter(|(_, word)| !word.is_empty());
    let options: String = options
        .map(|(option, word)| format!("{option} '{word}' "))
        .collect();
    format!("{skopeo} --insecure-policy {options} copy -q {transport}:image \"{storage}\"")
}

/// Writes a layout for each image manifest of `image`, as umoci does not look into an index, and returns their names.
fn one_by_one(scratch: &Scratch) -> Vec<String> {
    let read = |path: &str| -> Option<Value> {
        serde_json::from_slice(&std::fs::read(scratch.path(path)).ok()?).ok()
    };
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str()?;
        read(&format!("image/blobs/{}", digest.replace(':', "/")))
    };
    let manifests = || {
        let root = read("image/index.json")?;
        let index = blob(&root["manifests"][0])?;
        index["manifests"].as_array().cloned()
    };
    let mut names = Vec::new();
    for mut manifest in manifests().unwrap_or_default().into_iter().take(2) {
        // umoci reads no other type, and an attestation is not an image.
        if manifest["mediaType"] != MANIFEST || manifest["platform"]["os"] == "unknown" {
            continue;
        }
        let name = format!("one{}", names.len());
        sh(scratch, &format!("cp -r image {name}"));
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
        let root = json!({ "schemaVersion": 2, "manifests": [manifest] });
        scratch.write(&format!("{name}/index.json"), root.to_string().as_bytes());
        names.push(name);
    }
    names
}

/// The verdicts on a sample.
fn verdicts(world: &World, case: &Case) -> BTreeMap<String, bool> {
    let scratch = Scratch::new();
    (case.write)(&scratch);
    // Consumers would look for the 10,500 layers of one sample for minutes.
    if case.arguments != ["image"] || case.expected.contains(&"too-many-findings") {
        return BTreeMap::new();
    }
    let report = verify(&scratch, &["--json", "image"]);
    world.judge(&scratch, &serde_json::from_slice(&report.stdout).unwrap())
}

/// The text of the table for the programs that refuse a sample, out of those that were tried.
fn text(verdicts: &BTreeMap<String, bool>) -> String {
    if verdicts.is_empty() {
        return "not tried".to_owned();
    }
    let refuses = |name: &str| verdicts.get(name) == Some(&true);
    let mut names = Vec::new();
    for name in CONSUMERS {
        let [old, new] = ["old", "new"].map(|age| format!("{age} {name}"));
        match (refuses(&old), refuses(&new)) {
            (true, true) => names.push(name.to_owned()),
            (true, false) => names.push(old),
            (false, true) => names.push(new),
            (false, false) if refuses(name) => names.push(name.to_owned()),
            (false, false) => {}
        }
    }
    match names.is_empty() {
        true => "none of those tried".to_owned(),
        false => names.join(", "),
    }
}

#[test]
#[ignore = "takes some minutes, and starts containerd and a registry"]
fn consumers_refuse_the_images_in_the_table() {
    let servers = Scratch::new();
    let Some(world) = World::new(&servers) else {
        return;
    };
    let accepted = [
        case(&[], &["image"], |s| good().directory(s, "image")),
        file(&[], || archive(entries(&good()))),
        file(&[], || docker_archive(|_| ())),
    ];
    for case in accepted {
        let refusing = verdicts(&world, &case);
        assert_eq!(text(&refusing), "none of those tried", "{refusing:?}");
    }
    let mut found: BTreeMap<&str, BTreeMap<String, bool>> = BTreeMap::new();
    let (alone, others): (Vec<Case>, Vec<Case>) =
        all().into_iter().partition(|case| case.expected.len() == 1);
    let lonely: BTreeSet<&str> = alone.iter().map(|case| case.expected[0]).collect();
    for case in alone.iter().chain(&others) {
        // A sample that breaks several rules counts only for those without another sample, and a program that refuses
        // the other rules does not count.
        let (known, new): (Vec<&str>, Vec<&str>) = (case.expected.iter())
            .partition(|rule| case.expected.len() > 1 && lonely.contains(*rule));
        if new.is_empty() || LAYER_ROWS.contains(&new[0]) {
            continue;
        }
        let refuses_other = |consumer: &String| {
            let verdicts = known
                .iter()
                .filter_map(|rule| found.get(rule)?.get(consumer));
            verdicts.fold(false, |any, refuses| any | refuses)
        };
        let mut verdicts = verdicts(&world, case);
        verdicts.retain(|consumer, _| !refuses_other(consumer));
        for rule in new {
            let known = found.entry(rule).or_default();
            for (consumer, refuses) in &verdicts {
                *known.entry(consumer.clone()).or_default() |= refuses;
            }
        }
    }
    let documented = documented();
    let (mut table, mut differs) = (String::new(), false);
    for rule in RULES {
        let text = match LAYER_ROWS.contains(&rule.id) {
            true => "the next section lists them".to_owned(),
            false => text(&found[rule.id]),
        };
        differs |= documented.get(rule.id) != Some(&&*text);
        writeln!(table, "| `{}` | {text} |", rule.id).unwrap();
    }
    assert!(!differs, "docs/verify.md must have these rows:\n{table}");
}
