//! Files that are read and written: blobs that are not regular files, names of created files.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use tar::EntryType;

use crate::support::blocks::*;
use crate::support::*;

#[test]
fn blobs_that_are_not_regular_files_are_refused() {
    let layout = amd64().layout(plain);
    let blob = format!("in/blobs/sha256/{}", hex(&layout.blobs[1]));
    let name = digest(&layout.blobs[1]);
    let missing = format!("names the layer \"{name}\"; no such file in it");
    let replace = |make: &dyn Fn(&std::path::Path)| {
        let scratch = Scratch::new();
        layout.directory(&scratch, "in");
        fs::remove_file(scratch.path(&blob)).unwrap();
        make(&scratch.path(&blob));
        scratch
    };
    let fifo = |path: &std::path::Path| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    for scratch in [
        replace(&fifo),
        replace(&|path| symlink("/dev/zero", path).unwrap()),
        replace(&|path| symlink("/dev", path).unwrap()),
        replace(&|path| symlink("nothing", path).unwrap()),
        replace(&|path| fs::create_dir(path).unwrap()),
    ] {
        let output = scratch
            .command(&["merge", "-o", "out", "in"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(&missing), "{}", stderr(&output));
    }
    let scratch = replace(&|path| symlink(path, path).unwrap());
    let output = scratch
        .command(&["merge", "-o", "out", "in"])
        .output()
        .unwrap();
    assert!(
        stderr(&output).contains(": cannot read: Too many levels of symbolic links"),
        "{}",
        stderr(&output)
    );
    // A link to another file of this machine is followed, but the file must have the digest.
    let scratch = replace(&|path| symlink("/etc/passwd", path).unwrap());
    let output = scratch
        .command(&["merge", "-o", "out", "in"])
        .output()
        .unwrap();
    assert!(
        stderr(&output).contains(&format!("in: blob {name} has the wrong ")),
        "{}",
        stderr(&output)
    );
}

/// The paths of all system calls that create files are those of the output and its staging directory.
#[test]
fn no_file_is_created_under_a_name_from_an_input() {
    if !have(&["strace"]) {
        return;
    }
    let image = amd64();
    let file = |name: &str| entry(&tar_header(name, 4), b"evil");
    let mut link = header("blobs", EntryType::Symlink, 0);
    link.set_link_name("/tmp").unwrap();
    link.set_cksum();
    let evil = [
        file("../evil"),
        file("/evil"),
        file("blobs/sha256/../../evil"),
        file("blobs/0"),
        file("output"),
        entry(&header("evil", EntryType::Directory, 0), b""),
        entry(&link, b""),
    ]
    .concat();
    let scratch = Scratch::new();
    for (name, archive) in [
        ("docker", image.docker_archive()),
        ("oci", image.layout(plain).archive()),
    ] {
        let archive = [&evil[..], &archive].concat();
        scratch.write(&format!("{name}.tar"), &archive);
        scratch.write(&format!("{name}.tar.gz"), &gzip(&archive));
    }
    let made = regex::Regex::new(
        r"^(/\.(out|out\.tar)\.polyarch-\w{6}(/blobs(/[0-9]+)?|/output(/oci-layout|/index\.json|/blobs(/sha256(/[0-9a-f]{64})?)?)?)?|/out|/out\.tar)$",
    )
    .unwrap();
    for input in ["docker.tar", "docker.tar.gz", "oci.tar", "oci.tar.gz"] {
        for output in ["out", "out.tar"] {
            let mut found = Vec::new();
            for call in calls(&scratch, "%file", &["merge", "-f", "-o", output, input]) {
                let name = call.split('(').next().unwrap();
                let makes = match name {
                    "open" | "openat" => call.contains("O_CREAT") || call.contains("O_TRUNC"),
                    _ => [
                        "mkdir", "rename", "link", "symlink", "mknod", "creat", "truncate",
                        "chmod", "chown",
                    ]
                    .iter()
                    .any(|word| name.starts_with(word)),
                };
                let quoted = call.split('"').skip(1).step_by(2);
                found.extend(quoted.filter(|_| makes).map(str::to_owned));
            }
            assert!(found.len() > 5, "{found:?}");
            let root = fs::canonicalize(scratch.path("")).unwrap();
            for path in found {
                let below = path.strip_prefix(root.to_str().unwrap());
                assert!(
                    below.is_some_and(|path| made.is_match(path)),
                    "{path:?} was made"
                );
            }
        }
    }
}
