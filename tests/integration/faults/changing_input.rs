//! Inputs that change while they are read.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use super::*;
use crate::support::*;

/// Runs a merge that has opened `input` and waits for another image, which comes through a pipe after
/// `change`.
fn while_it_waits(scratch: &Scratch, input: &str, change: impl FnOnce()) -> Output {
    let pipe = scratch.path("pipe");
    if !pipe.exists() {
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
    }
    let child = scratch
        .command(&["merge", "--jobs", "1", "-o", "out", input, "pipe"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // With one job, images are opened one after the other. This blocks until the merge opens the pipe.
    let mut pipe = File::options().write(true).open(pipe).unwrap();
    change();
    pipe.write_all(&TestImage::new("linux/arm64").docker_archive())
        .unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert!(!scratch.path("out").exists() || output.status.success());
    output
}

#[test]
fn an_input_that_changes_while_it_is_read_is_refused() {
    let image = image("linux/amd64", 1);
    let layout = image.layout(plain);
    let layer = format!("a/blobs/sha256/{}", hex(&image.layers[3]));
    let name = hex(&image.layers[3]);
    let scratch = Scratch::new();
    let archive = image.docker_archive();
    let at = archive
        .windows(100)
        .position(|window| *window == image.layers[3][600..700])
        .unwrap();
    let change = |path: &str, at: usize| {
        let file = File::options()
            .write(true)
            .open(scratch.path(path))
            .unwrap();
        std::os::unix::fs::FileExt::write_at(&file, b"\xff", at as u64).unwrap();
    };
    let cut = |path: &str, len: usize| {
        let file = File::options()
            .write(true)
            .open(scratch.path(path))
            .unwrap();
        file.set_len(len as u64).unwrap();
    };
    let grow = |path: &str| {
        let mut file = File::options()
            .append(true)
            .open(scratch.path(path))
            .unwrap();
        file.write_all(b"more").unwrap();
    };
    type Change<'a> = &'a dyn Fn();
    let other = "has the wrong content: found diff ID";
    let gone = "No such file or directory";
    let changes: [(&str, Change<'_>, &str); 7] = [
        ("a.tar", &|| change("a.tar", at), other),
        ("a.tar", &|| cut("a.tar", at), other),
        ("a.tar", &|| remove(&scratch.path("a.tar")), gone),
        ("a", &|| change(&layer, 600), other),
        ("a", &|| cut(&layer, 600), other),
        ("a", &|| grow(&layer), other),
        ("a", &|| remove(&scratch.path(&layer)), gone),
    ];
    for (input, change, problem) in changes {
        scratch.write("a.tar", &archive);
        layout.directory(&scratch, "a");
        let output = while_it_waits(&scratch, input, change);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.starts_with(&format!("error: {input}: ")) && told.contains(problem),
            "{told}"
        );
        let all_gone = (input, problem) == ("a.tar", gone);
        assert!(all_gone || told.contains(&name), "{told}");
        let entries = fs::read_dir(scratch.path("")).unwrap();
        let mut names = entries.map(|entry| entry.unwrap().file_name());
        assert!(names.all(|name| ["a", "a.tar", "pipe"].contains(&name.to_str().unwrap())));
    }
    // Bytes that are appended to an archive are not part of it.
    scratch.write("a.tar", &archive);
    let output = while_it_waits(&scratch, "a.tar", || grow("a.tar"));
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Merges the conf of a store path with a file of 3000 bytes. The process stops before it reads the
/// file, and goes on after `change`. Returns the message, which must be an error.
fn while_a_store_path_is_read(change: &str) -> Option<String> {
    if !have(&["strace"]) {
        return None;
    }
    let scratch = Scratch::new();
    let store = scratch.path("store");
    scratch.write("store/data/file", &noise(1, 3000));
    let conf = json!({
        "architecture": "amd64", "os": "linux", "config": {}, "repo_tag": "app:v1",
        "store_dir": store, "from_image": null, "store_layers": [[store.join("data")]],
        "customisation_layer": store.join("customisation-layer"),
        "created": "1970-01-01T00:00:01+00:00", "mtime": "1970-01-01T00:00:01+00:00",
        "uid": "0", "gid": "0", "uname": "root", "gname": "root",
    });
    scratch.write("conf.json", conf.to_string().as_bytes());
    let arguments = "merge --jobs 1 -o out conf.json";
    let script = format!(
        "echo $$ >pid; exec '{}' {arguments}",
        env!("CARGO_BIN_EXE_polyarch")
    );
    // It stops between opening the file and reading it.
    let stop = "inject=fadvise64:signal=STOP:when=1";
    let child = Command::new("strace")
        .current_dir(scratch.path(""))
        .args(["-f", "-o", "log", "-e", "trace=fadvise64", "-e", stop])
        .args(["bash", "-euc", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(|| {
        let log = fs::read_to_string(scratch.path("log"));
        log.is_ok_and(|log| log.contains("stopped by SIGSTOP"))
    });
    let pid = fs::read_to_string(scratch.path("pid")).unwrap();
    sh(
        &scratch,
        &format!("cd store/data; {change}; kill -s CONT {pid}"),
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(!scratch.path("out").exists());
    Some(stderr(&output).replace(store.to_str().unwrap(), "STORE"))
}

#[test]
fn a_store_path_that_changes_while_it_is_read_is_refused() {
    for (change, problem) in [
        ("truncate -s 2000 file", "it ends 1000 bytes too early"),
        ("truncate -s 0 file", "it ends 3000 bytes too early"),
        ("echo more >>file", "it was changed while it was read"),
        (
            "printf x | dd of=file conv=notrunc status=none",
            "it was changed while it was read",
        ),
        (
            "mv file other; head -c 3000 /dev/zero >file",
            "it was changed while it was read",
        ),
    ] {
        let Some(message) = while_a_store_path_is_read(change) else {
            return;
        };
        let expected = format!(
            "error: conf.json: layer 1 (STORE/data): STORE/data/file: {problem}\nhint: a store path is missing, or has changed since the image was built; build the image again on this machine\n"
        );
        assert_eq!(message, expected, "{change}");
    }
}
