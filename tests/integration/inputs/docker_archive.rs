//! Docker-archives: every order, link and dialect of tar that tools write.

use serde_json::json;

use super::*;
use crate::support::*;

/// The parts of a docker-archive, which a test puts together.
struct Parts {
    image: TestImage,
    config: Vec<u8>,
    manifest: Vec<u8>,
}

fn parts(layers: &[&str]) -> Parts {
    let image = TestImage::new("linux/arm64");
    let manifest = json!([{ "Config": "config.json", "RepoTags": null, "Layers": layers }]);
    Parts {
        config: image.config_bytes(),
        manifest: serde_json::to_vec(&manifest).unwrap(),
        image,
    }
}

#[test]
fn manifest_json_may_be_anywhere_in_a_docker_archive() {
    let p = parts(&["a/layer.tar", "b/layer.tar"]);
    let files: [(&str, &[u8]); 4] = [
        ("b/layer.tar", &p.image.layers[1]),
        ("config.json", &p.config),
        ("a/layer.tar", &p.image.layers[0]),
        ("manifest.json", &p.manifest),
    ];
    for rotation in 0..4 {
        let mut files = files;
        files.rotate_left(rotation);
        is_read(&p.image, &tar(&files));
    }
}

#[test]
fn legacy_and_unknown_files_are_ignored() {
    let p = parts(&["a/layer.tar", "b/layer.tar"]);
    is_read(
        &p.image,
        &tar(&[
            ("a/VERSION", b"1.0"),
            ("a/json", b"{\"not\": \"read\""),
            ("a/layer.tar", &p.image.layers[0]),
            ("b/layer.tar", &p.image.layers[1]),
            ("config.json", &p.config),
            ("manifest.json", &p.manifest),
            ("README", b"unused"),
            ("repositories", b"null"),
        ]),
    );
}

#[test]
fn layers_may_be_links_to_other_entries() {
    for (kind, target) in [
        (tar::EntryType::Symlink, "../x/real.tar"),
        (tar::EntryType::Symlink, "/x/real.tar"),
        (tar::EntryType::Link, "x/real.tar"),
        (tar::EntryType::Link, "./x/real.tar"),
    ] {
        let p = parts(&["a/layer.tar", "b/layer.tar"]);
        let mut builder = tar::Builder::new(Vec::new());
        let mut link = tar_header("a/layer.tar", 0);
        link.set_entry_type(kind);
        builder
            .append_link(&mut link, "a/layer.tar", target)
            .unwrap();
        for (name, bytes) in [
            ("x/real.tar", &p.image.layers[0]),
            ("b/layer.tar", &p.image.layers[1]),
            ("config.json", &p.config),
            ("manifest.json", &p.manifest),
        ] {
            builder
                .append(&tar_header(name, bytes.len() as u64), &bytes[..])
                .unwrap();
        }
        is_read(&p.image, &builder.into_inner().unwrap());
    }
}

#[test]
fn symlinked_and_compressed_layers_are_found() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    let config = image.config_bytes();
    let manifest = json!([{ "Config": "config.json", "Layers": ["id/layer.tar", "./b.tar.gz"] }]);
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        builder
            .append(&tar_header(name, bytes.len() as u64), bytes)
            .unwrap();
    };
    add("./manifest.json", &manifest);
    add("./a.tar", &image.layers[0]);
    add("./config.json", &config);
    add("b.tar.gz", &gzip(&image.layers[1]));
    let mut link = tar_header("id/layer.tar", 0);
    link.set_entry_type(tar::EntryType::Symlink);
    builder
        .append_link(&mut link, "id/layer.tar", "../a.tar")
        .unwrap();
    let archive = builder.into_inner().unwrap();
    scratch.write("in.tar", &archive);
    scratch.write("in.tar.gz", &gzip(&archive));
    let plain = scratch.merge_to("o1", &["in.tar"]).digest;
    assert_eq!(scratch.run(&["merge", "-o", "o2", "in.tar.gz"]), plain);
}

#[test]
fn small_compressed_layers_are_decompressed() {
    let p = parts(&["a", "b"]);
    let mut image = p.image.clone();
    image.layers = vec![vec![0; 1024], Vec::new()];
    is_read(
        &image,
        &tar(&[
            ("a", &gzip(&image.layers[0])),
            ("b", &gzip(&image.layers[1])),
            ("config.json", &image.config_bytes()),
            ("manifest.json", &p.manifest),
        ]),
    );
}

#[test]
fn small_compressed_layers_are_decompressed_after_64_mib_of_documents() {
    // Nine documents of 8 MiB: entries after the first 64 MiB are not kept in memory.
    let mut image = parts(&["a", "b"]).image;
    image.layers = vec![vec![0; 1024], tar(&[("file", b"content")])];
    let mut document = b"{}".to_vec();
    document.resize(8 << 20, b' ');
    let (a, b) = (gzip(&image.layers[0]), zstd(&image.layers[1]));
    let (config, manifest) = (image.config_bytes(), parts(&["a", "b"]).manifest);
    let mut files: Vec<(&str, &[u8])> = vec![("unused.json", &document); 9];
    files.extend([("a", &a[..]), ("b", &b), ("config.json", &config)]);
    files.push(("manifest.json", &manifest));
    let scratch = Scratch::new();
    scratch.write("in.tar.gz", &gzip(&tar(&files)));
    let merged = scratch.merge(&["in.tar.gz"]);
    assert_eq!(
        merged.configs[0]["rootfs"]["diff_ids"][0],
        digest(&image.layers[0])
    );
}

#[test]
fn a_layer_may_be_listed_twice_and_an_entry_may_appear_twice() {
    // dockerTools writes such an archive if the base image has the same layers.
    let mut p = parts(&["a/layer.tar", "b/layer.tar", "a/layer.tar"]);
    p.image.layers.push(p.image.layers[0].clone());
    is_read(
        &p.image,
        &tar(&[
            ("a/layer.tar", &p.image.layers[0]),
            ("b/layer.tar", &p.image.layers[1]),
            ("a/layer.tar", &p.image.layers[0]),
            ("config.json", &p.image.config_bytes()),
            ("manifest.json", &p.manifest),
        ]),
    );
}

#[test]
fn entry_names_are_read_in_gnu_pax_and_v7_format() {
    let long = format!("{}/layer.tar", "d".repeat(120));
    let p = parts(&[&long, "/b/../c/layer.tar"]);
    // GNU long names, pax headers, and headers of the seventh edition of Unix.
    for dialect in ["gnu", "pax", "v7"] {
        let mut builder = tar::Builder::new(Vec::new());
        match dialect {
            "pax" => {
                builder
                    .append_pax_extensions([("path", long.as_bytes())])
                    .unwrap();
                let header = tar_header("short", p.image.layers[0].len() as u64);
                builder.append(&header, &p.image.layers[0][..]).unwrap();
            }
            _ => {
                let mut header = tar::Header::new_gnu();
                header.set_size(p.image.layers[0].len() as u64);
                header.set_mode(0o644);
                builder
                    .append_data(&mut header, &long, &p.image.layers[0][..])
                    .unwrap();
            }
        }
        for (name, bytes) in [
            ("./c/layer.tar", &p.image.layers[1]),
            ("./config.json", &p.config),
            ("./manifest.json", &p.manifest),
        ] {
            let mut header = match dialect {
                "v7" => tar::Header::new_old(),
                _ => tar::Header::new_ustar(),
            };
            header.set_path(name).unwrap();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, &bytes[..]).unwrap();
        }
        is_read(&p.image, &builder.into_inner().unwrap());
    }
}
