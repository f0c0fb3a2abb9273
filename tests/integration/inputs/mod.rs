//! Every format of image that is read, and the errors for inputs that are damaged or not images.

mod damaged;
mod docker_archive;
pub mod dockertools_conf;
mod documents;
mod layers;
mod nix2container;
mod not_images;
mod skopeo_dir;
pub mod store;
mod streams;

use crate::support::*;

/// Merges an archive as a file, in gzip and in zstd, and expects `image` in each output.
#[track_caller]
fn is_read(image: &TestImage, archive: &[u8]) {
    let scratch = Scratch::new();
    scratch.write("plain", archive);
    scratch.write("gzip", &gzip(archive));
    scratch.write("zstd", &zstd(archive));
    let digests = ["plain", "gzip", "zstd"].map(|input| {
        let output = format!("{input}.out");
        let merged = scratch.merge_to(&output, &[input]);
        assert_eq!(
            merged.manifests[0]["config"]["digest"],
            digest_of_config(image)
        );
        merged.digest
    });
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

fn digest_of_config(image: &TestImage) -> String {
    digest(&image.config_bytes())
}

#[test]
fn every_input_format_gives_the_same_layers() {
    let image = TestImage::new("linux/arm64");
    let layout = image.layout(plain);
    let scratch = Scratch::new();
    let archive = image.docker_archive();
    layout.directory(&scratch, "layout");
    scratch.write("docker.tar", &archive);
    scratch.write("docker.tar.gz", &gzip(&archive));
    scratch.write("docker.any-name", &zstd(&archive));
    scratch.write("oci.tar", &layout.archive());
    scratch.write("oci.tar.gz", &gzip(&layout.archive()));
    scratch.write("oci.tar.zst", &zstd(&layout.archive()));

    let inputs = [
        "layout",
        "docker.tar",
        "docker.tar.gz",
        "docker.any-name",
        "oci.tar",
        "oci.tar.gz",
        "oci.tar.zst",
    ];
    for compression in ["gzip", "zstd", "none"] {
        let digests = inputs.map(|input| {
            let output = format!("{compression}-{input}.out");
            let merged = scratch.merge_to(&output, &["--compression", compression, input]);
            let digests = merged.layers[0].iter().map(|l| l["digest"].to_string());
            digests.collect::<Vec<_>>()
        });
        assert!(
            digests.windows(2).all(|w| w[0] == w[1]),
            "{compression}: {digests:?}"
        );
    }
}

#[test]
fn an_archive_that_is_also_a_layout_is_read_as_a_layout() {
    // Docker 25 saves both: its manifest.json names blobs of the layout.
    let image = TestImage::new("linux/amd64");
    let layout = image.layout(gzipped);
    let mut files = layout.files();
    let bad = br#"[{"Config":"no such file","Layers":[]}]"#;
    files.push(("manifest.json".into(), bad.to_vec()));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (&n[..], &b[..])).collect();
    is_read(&image, &tar(&files));
}

#[test]
fn an_image_may_have_no_layers_or_empty_layers() {
    let mut image = TestImage::new("linux/amd64");
    image.layers = vec![Vec::new(), vec![0; 1024]];
    is_read(&image, &image.docker_archive());
    image.layers.clear();
    is_read(&image, &image.docker_archive());
}
