//! Ordinary images give no warning, whatever polyarch knows of odd ones.

use crate::real_tools::corpus::decompressed;
use crate::support::*;

#[test]
fn ordinary_images_give_no_warning() {
    let docker_tools = [
        "amd64-bi-hello-gz.tar.gz",
        "amd64-bli-hello-gz.tar.gz",
        "amd64-bli-hello-zstd.tar.zst",
        "arm64-bi-hello-gz.tar.gz",
        "arm64-bli-hello-gz.tar.gz",
        "arm64-bli-hello-zstd.tar.zst",
    ];
    let tools = [
        "docker-classic-save-id.tar.zst",
        "docker-classic-save-tag.tar.zst",
        "docker-ctd-save-id.tar.zst",
        "docker-ctd-save-multi.tar.zst",
        "docker-ctd-save-att.tar.zst",
        "podman-save-id.tar.zst",
        "podman-save-docker-archive-uncompressed.tar.zst",
        "podman-save-docker-dir-healthcheck.dir.tar.zst",
        "podman-save-oci-dir-healthcheck.dir.tar.zst",
        "podman-save-list.tar.zst",
    ];
    let scratch = Scratch::new();
    let mut wrong = String::new();
    let mut check = |input: &str, name: &str| {
        let arguments = ["merge", "--no-sync", "--force", "--output", "out", input];
        let output = scratch.command(&arguments).output().unwrap();
        let message = stderr(&output);
        let is_quiet = ["warning", "note", "hint"]
            .iter()
            .all(|word| !message.contains(word));
        if !(output.status.success() && is_quiet) {
            wrong += &format!("{name}: {message}\n");
        }
    };
    docker_tools
        .iter()
        .for_each(|name| check(&fixture(name), name));
    for file in tools {
        let name = match file.ends_with(".dir.tar.zst") {
            true => file.trim_end_matches(".dir.tar.zst"),
            false => file.trim_end_matches(".zst"),
        };
        decompressed(&scratch, file, name);
        check(name, name);
    }
    assert!(wrong.is_empty(), "{wrong}");
}
