//! Files that are not text, links, pipes: nothing is copied with a reference in it that was overlooked.

use std::fs;
use std::os::unix::fs::symlink;

use super::{NAME, digest_of};
use crate::support::*;

fn image() -> String {
    format!("app={NAME}:v1@{}", digest_of('a'))
}

/// Pins the directory `deploy`, and returns the trimmed standard error.
#[track_caller]
fn warnings(scratch: &Scratch) -> String {
    let arguments = ["pin", "-q", "--image", &image(), "-o", "out", "deploy"];
    let output = scratch.command(&arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    stderr.trim().to_owned()
}

#[track_caller]
fn refuses(scratch: &Scratch, message: &str) {
    let found = scratch.fail(&["pin", "--image", &image(), "-o", "out", "deploy"]);
    assert!(found.contains(message), "{message:?} is not in {found}");
}

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("deploy/pod.yaml", b"image: ghcr.io/me/app:v1\n");
    scratch
}

#[test]
fn a_file_that_is_not_utf8_is_searched() {
    let utf16 = |text: &str| -> Vec<u8> {
        let text = format!("\u{feff}{text}");
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    for content in [
        b"image: ghcr.io/me/app:v1 # \xe9t\xe9\n".to_vec(),
        utf16("image: ghcr.io/me/app:v1\n"),
    ] {
        let scratch = scratch();
        scratch.write("deploy/old.yaml", &content);
        refuses(
            &scratch,
            "deploy/old.yaml: has ghcr.io/me/app:v1, but is not text in UTF-8",
        );
        fs::remove_file(scratch.path("deploy/old.yaml")).unwrap();
        scratch.write("deploy/old.bin", &content);
        assert_eq!(
            warnings(&scratch),
            "warning: deploy/old.bin: has ghcr.io/me/app:v1, but is not text in UTF-8; it is copied as it is"
        );
    }
    let scratch = scratch();
    scratch.write("deploy/logo.png", b"\x89PNG ghcr.io/me/app \xff");
    scratch.write(
        "deploy/pinned.yaml",
        format!("x: \u{e9} {NAME}@{}", digest_of('a')).as_bytes(),
    );
    assert_eq!(warnings(&scratch), "");
}

#[test]
fn a_large_file_is_searched() {
    let mut content = vec![b' '; 17 << 20];
    let at = (1 << 20) - 10;
    content[at..at + 18].copy_from_slice(b"\nghcr.io/me/app:v1");
    let scratch = scratch();
    scratch.write("deploy/crds.yaml", &content);
    refuses(
        &scratch,
        "deploy/crds.yaml: has ghcr.io/me/app:v1, but is larger than 16 MiB",
    );
    content[at] = b'x';
    scratch.write("deploy/crds.yaml", &content);
    assert_eq!(warnings(&scratch), "");
    assert_eq!(fs::read(scratch.path("out/crds.yaml")).unwrap(), content);
}

#[test]
fn a_link_that_leads_out_of_the_source_is_replaced_by_its_target() {
    let scratch = scratch();
    scratch.write("common/job.yaml", b"image: ghcr.io/me/app:v1\n");
    fs::create_dir(scratch.path("deploy/sub")).unwrap();
    let links = [
        ("deploy/sub/inside.yaml", "../pod.yaml".to_owned()),
        ("deploy/file.yaml", "../common/job.yaml".to_owned()),
        ("deploy/directory", "../common".to_owned()),
        ("deploy/back.yaml", "../deploy/pod.yaml".to_owned()),
        (
            "deploy/absolute.yaml",
            scratch.path("deploy/pod.yaml").display().to_string(),
        ),
        ("deploy/twice.yaml", "sub/../../common/job.yaml".to_owned()),
    ];
    for (link, to) in &links {
        symlink(to, scratch.path(link)).unwrap();
    }
    symlink("pod.yaml", scratch.path("common/inside.yaml")).unwrap();
    scratch.write("common/pod.yaml", b"image: ghcr.io/me/app:v1\n");
    assert_eq!(warnings(&scratch), "");
    let pinned = format!("image: {NAME}@{}\n", digest_of('a'));
    for name in [
        "sub/inside.yaml",
        "file.yaml",
        "directory/job.yaml",
        "directory/inside.yaml",
        "back.yaml",
        "absolute.yaml",
        "twice.yaml",
    ] {
        let path = scratch.path(&format!("out/{name}"));
        assert_eq!(fs::read_to_string(&path).unwrap(), pinned, "{name}");
        assert_eq!(path.is_symlink(), name.contains("inside"), "{name}");
    }
}

#[test]
fn links_without_an_end_and_without_a_target_are_reported() {
    let scratch = scratch();
    symlink("../common/pod.yaml", scratch.path("deploy/link.yaml")).unwrap();
    assert_eq!(
        warnings(&scratch),
        "warning: deploy/link.yaml: leads to ../common/pod.yaml, which does not exist"
    );
    fs::remove_dir_all(scratch.path("out")).unwrap();
    symlink("..", scratch.path("deploy/up")).unwrap();
    refuses(&scratch, "deploy/up: leads to ");
    fs::remove_file(scratch.path("deploy/up")).unwrap();
    scratch.write("other/x.yaml", b"");
    symlink("../deploy", scratch.path("other/deploy")).unwrap();
    symlink("../other", scratch.path("deploy/other")).unwrap();
    refuses(&scratch, "deploy/other/deploy: leads to ");
}

#[test]
fn directories_of_links_to_each_other_do_not_fill_the_disk() {
    let scratch = scratch();
    for i in 0..12 {
        scratch.write(&format!("{i}/x"), b"");
        for link in ["a", "b"] {
            let to = format!("../{}", i + 1);
            symlink(to, scratch.path(&format!("{i}/{link}"))).unwrap();
        }
    }
    scratch.write("12/x", b"");
    symlink("../0", scratch.path("deploy/0")).unwrap();
    refuses(
        &scratch,
        "there are more than 1000 links that lead out of the source",
    );
}

#[test]
fn a_pipe_or_a_device_is_an_error() {
    let scratch = scratch();
    let fifo = scratch.path("deploy/pipe.yaml");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    refuses(
        &scratch,
        "deploy/pipe.yaml: is a named pipe, expected a file or a directory",
    );
    let found = scratch.fail(&["pin", "--image", &image(), "-o", "out", "deploy/pipe.yaml"]);
    assert!(found.contains("is a named pipe"), "{found}");
    fs::remove_file(fifo).unwrap();
    symlink("/dev/zero", scratch.path("deploy/zero.yaml")).unwrap();
    refuses(&scratch, "deploy/zero.yaml: is a device, expected a file");
}
