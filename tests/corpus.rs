//! Checks the properties of the fuzz targets on the seeds: inputs that the fuzzer has found, and images to start
//! from. CONTRIBUTING.md, "Fuzzing", explains how seeds are added.
//!
//! Not a module of `tests/integration`, because a panic of any thread is a failure of the target that runs, and
//! because the published package has no seeds.

#[path = "fuzz/src/lib.rs"]
mod properties;
#[path = "integration/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the tests in tests/integration use the rest"
)]
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};
use std::{fs, panic};

use properties::{Comparison, Lists, TARGETS};
use serde_json::{Value, json};
use support::*;

/// A panic of a thread that is not joined would not be seen otherwise.
static PANICKED: AtomicBool = AtomicBool::new(false);

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz")
        .join(name)
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Runs a target on its seeds.
fn run(name: &str) {
    // One target runs at a time, so that a panic belongs to it.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICKED.store(true, Ordering::Relaxed);
            tell(info);
        }));
    });
    let (_, property) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let seeds = directory("corpus").join(name);
    let mut failed = Vec::new();
    for seed in names(&seeds) {
        let bytes = fs::read(seeds.join(&seed)).unwrap();
        let held = panic::catch_unwind(|| property(&bytes));
        if held.is_err() | PANICKED.swap(false, Ordering::Relaxed) {
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "{name}: {failed:?}");
}

macro_rules! targets {
    ($($name:ident)*) => {
        mod no_seed_breaks_the_property_of {
            $(
                #[test]
                fn $name() {
                    super::run(stringify!($name));
                }
            )*
        }

        #[test]
        fn every_target_has_seeds_a_program_and_a_test() {
            let known: BTreeSet<String> = [$(stringify!($name).to_owned()),*].into();
            let targets = TARGETS.iter().map(|(name, _)| (*name).to_owned());
            assert_eq!(targets.collect::<BTreeSet<_>>(), known);
            assert_eq!(names(&directory("corpus")), known);
            let programs = names(&directory("targets")).into_iter();
            let programs = programs.map(|name| name.trim_end_matches(".rs").to_owned());
            assert_eq!(programs.collect::<BTreeSet<_>>(), known);
        }
    };
}

targets! {
    archive codecs docker_archive dockertools_conf documents layout merge names nix2container packages pin platform programs readers verify
}

/// Polyarch must not accept what readers read in different ways. `POLYARCH_READERS` is the number of archives, 500 by
/// default; the fuzzer tries more, and chooses them better.
#[test]
fn readers_agree_about_random_archives() {
    if !properties::readers_are_there() {
        return missing("go or python3");
    }
    let count = std::env::var("POLYARCH_READERS").map_or(500, |count| count.parse().unwrap());
    let (mut same, mut differs) = (0, Vec::new());
    for seed in 1..=count {
        let mut state = u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15);
        let bytes = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        });
        let bytes: Vec<u8> = [1].into_iter().chain(bytes.take(400)).collect();
        match properties::compare_readers(&bytes) {
            Comparison::Refused => {}
            Comparison::Same => same += 1,
            Comparison::Different(how) => differs.push(format!("archive {seed}\n{how}")),
        }
    }
    let number = differs.len();
    differs.truncate(10);
    assert!(
        number == 0,
        "{number} of {count} archives differ\n{}",
        differs.join("\n")
    );
    assert!(
        same > count / 10,
        "only {same} of {count} archives are accepted"
    );
}

/// Each format of GNU tar, with sparse files of each dialect where it has them.
#[test]
fn archives_of_gnu_tar_are_accepted_and_read_alike() {
    if !properties::readers_are_there() {
        return missing("go or python3");
    }
    let seeds = directory("corpus").join("readers");
    for seed in names(&seeds) {
        let bytes = fs::read(seeds.join(&seed)).unwrap();
        let is_accepted = matches!(properties::compare_readers(&bytes), Comparison::Same);
        assert!(is_accepted || !seed.starts_with("seed-gnu-tar"), "{seed}");
    }
}

/// No rule refuses what all readers read alike.
#[test]
fn readers_disagree_about_archives_that_are_refused() {
    if !properties::readers_are_there() {
        return missing("go or python3");
    }
    // Read in another way by readers in Rust (the tar crate before 0.4.46, and its forks), or by star and libarchive.
    let of_others = [
        "has 1024 bytes, but is not a file",
        "in a format without such headers",
        "has a name with a zero byte",
        "contradict each other about its size",
        // Star's prefix is shorter.
        "has a name of which some readers take more than others",
    ];
    let mut alike = Vec::new();
    for (mut archive, problem) in blocks::ambiguous() {
        if !problem.contains("the end") {
            archive.extend(tar(&[("last", b"last")]));
        }
        let lists = Lists::of(&archive);
        let is_known = of_others.iter().any(|text| problem.contains(text));
        if lists.are_one() && !is_known {
            alike.push(format!("{problem}\n{lists}"));
        }
    }
    assert!(alike.is_empty(), "{}", alike.join("\n"));
}

/// Images to start from, for targets that read bytes directly. The other targets build images from recipes.
fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let image = TestImage::new("linux/arm64");
    let docker = image.docker_archive();
    let layout = image.layout(gzipped).archive();
    let mut long = tar::Builder::new(Vec::new());
    let mut header = tar_header("", 2);
    let name = "long/".repeat(30);
    long.append_data(&mut header, name, &b"{}"[..]).unwrap();
    let document =
        |choice: u8, document: &Value| [&[choice][..], document.to_string().as_bytes()].concat();
    let nothing = digest(b"");
    let descriptor = json!({
        "mediaType": MANIFEST, "digest": nothing, "size": 0, "annotations": { "a": "b" }, "data": "",
        "platform": { "os": "windows", "architecture": "amd64", "os.version": "10.0.1" },
    });
    let paths = [
        json!({ "path": "/nix/store/path0", "options": { "rewrite": { "regex": "^.*/path", "repl": "/" }, "perms": [] } }),
    ];
    let layer = json!({
        "digest": nothing, "diff_ids": nothing, "size": 1024, "paths": paths,
        "mediatype": "application/vnd.oci.image.layer.v1.tar", "History": {},
    });
    let conf = json!({
        "architecture": "arm64", "config": { "Env": ["A=1"] }, "os": "linux", "store_dir": "/nix/store",
        "from_image": null, "store_layers": [["/nix/store/path0"]],
        "customisation_layer": "/nix/store/top", "repo_tag": "app:v1",
        "created": "2024-02-29T22:00:00+00:00", "mtime": "1970-01-01T00:00:01+00:00",
        "uid": "0", "gid": "0", "uname": "root", "gname": "root",
    });
    // Each of these bytes is a choice of `tests/fuzz/src/dockertools_conf.rs`.
    let recipe = (0..=255).cycle().step_by(7).take(600).collect();
    let content = b"what a layer holds, ".repeat(5);
    vec![
        // The first byte selects the compression and the way in; an odd one keeps the checksums of the archive.
        ("archive", "seed-docker", [&[0][..], &docker].concat()),
        (
            "archive",
            "seed-docker-gzip-and-pipe",
            [&[0b01100][..], &docker].concat(),
        ),
        ("archive", "seed-layout", [&[0][..], &layout].concat()),
        (
            "archive",
            "seed-layout-zstd",
            [&[0b00110][..], &layout].concat(),
        ),
        (
            "archive",
            "seed-long-name",
            [&[1][..], &long.into_inner().unwrap()].concat(),
        ),
        ("codecs", "seed-gzip", [&[0][..], &gzip(&content)].concat()),
        (
            "codecs",
            "seed-gzip-members",
            [&[0][..], &gzip(&content), &gzip(b""), &gzip(b"x")].concat(),
        ),
        ("codecs", "seed-zstd", [&[0][..], &zstd(&content)].concat()),
        (
            "codecs",
            "seed-content-for-gzip",
            [&[1][..], &content].concat(),
        ),
        (
            "codecs",
            "seed-content-for-zstd",
            [&[3][..], &content].concat(),
        ),
        (
            "codecs",
            "seed-several-blocks",
            [&[255][..], &content].concat(),
        ),
        ("documents", "seed-config", image.config_bytes()),
        (
            "documents",
            "seed-descriptor",
            descriptor.to_string().into(),
        ),
        (
            "documents",
            "seed-index",
            json!({ "schemaVersion": 2, "manifests": [descriptor] })
                .to_string()
                .into(),
        ),
        (
            "documents",
            "seed-layout",
            br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
        ),
        (
            "documents",
            "seed-manifest",
            json!({ "schemaVersion": 2, "config": descriptor, "layers": [descriptor] })
                .to_string()
                .into(),
        ),
        ("names", "seed-hub", format!("x\nlatest\n{nothing}").into()),
        (
            "names",
            "seed-registry",
            format!("ghcr.io:443/me/x__y-z.w\nv1.0-rc_1\nsha512:{:0128}", 0).into(),
        ),
        (
            "nix2container",
            "seed-document",
            document(
                1,
                &json!({ "version": 1, "arch": "arm64", "layers": [layer], "image-config": {} }),
            ),
        ),
        ("dockertools_conf", "seed-document", document(1, &conf)),
        ("dockertools_conf", "seed-recipe", recipe),
        (
            "platform",
            "seed-known",
            b"linux/amd64\nlinux/arm/v7\nlinux/arm\nlinux/aarch64\nlinux/arm64/v8".to_vec(),
        ),
        (
            "platform",
            "seed-wrong",
            b"linux\nLinux/amd64\n/amd64\nlinux/\nlinux/arm/v7/x".to_vec(),
        ),
    ]
}

/// `cargo test --test corpus -- --ignored` writes the seeds again.
#[test]
#[ignore = "writes into the tree"]
fn write_seeds() {
    for (target, name, bytes) in seeds() {
        fs::write(directory("corpus").join(target).join(name), bytes).unwrap();
    }
}
