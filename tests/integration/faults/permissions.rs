//! Merges without permission to read or write some files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::json;

use super::*;
use crate::support::*;

#[test]
fn a_file_without_permission_is_named_in_the_error() {
    if !may_change_user() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let work = work.path();
    let write = |name: &str, bytes: &[u8], mode: u32| {
        let path = work.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let image = TestImage::new("linux/amd64");
    write("a.tar", &image.docker_archive(), 0o644);
    write("secret.tar", &image.docker_archive(), 0);
    let layout = image.layout(plain);
    for (i, (name, bytes)) in layout.files().iter().enumerate() {
        // The third file is the config, the fourth a layer.
        write(
            &format!("config/{name}"),
            bytes,
            if i == 2 { 0 } else { 0o644 },
        );
        write(
            &format!("layer/{name}"),
            bytes,
            if i == 3 { 0 } else { 0o644 },
        );
    }
    write("closed/out/index.json", b"{}", 0o644);
    fs::set_permissions(work.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let (config, layer) = (digest(&layout.blobs[0]), digest(&layout.blobs[1]));
    let here = fs::canonicalize(work).unwrap();
    for (output, input, problem) in [
        (
            "ours/out",
            "secret.tar",
            "secret.tar: cannot read: Permission denied".to_owned(),
        ),
        (
            "ours/out",
            "config",
            format!("config: cannot read {config}: Permission denied"),
        ),
        (
            "ours/out",
            "layer",
            format!("layer: cannot read the layer {layer}: Permission denied"),
        ),
        (
            "ours/out",
            "closed/out",
            "closed/out: cannot read: Permission denied".to_owned(),
        ),
        (
            "out",
            "a.tar",
            format!(
                "{}: cannot create a file there: Permission denied (os error 13)",
                here.display()
            ),
        ),
        (
            "closed/new",
            "a.tar",
            format!(
                "{}: cannot create a file there: Permission denied (os error 13)",
                here.join("closed").display()
            ),
        ),
        (
            "closed/out/new",
            "a.tar",
            "closed/out: cannot read: Permission denied".to_owned(),
        ),
    ] {
        let output = as_other_user(1, &[], work, &["merge", "-o", output, input])
            .output()
            .unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.starts_with(&format!("error: {problem}")),
            "{problem:?} is not in:\n{told}"
        );
        assert_eq!(fs::read_dir(work.join("ours")).unwrap().count(), 0);
    }
}

#[test]
fn a_store_path_without_permission_is_named_in_the_error() {
    if !may_change_user() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let work = work.path();
    let store = fs::canonicalize(work).unwrap().join("store");
    fs::create_dir_all(store.join("data/directory")).unwrap();
    fs::create_dir(store.join("top")).unwrap();
    fs::write(store.join("data/file"), b"x").unwrap();
    fs::write(store.join("top/checksum"), hex(b"")).unwrap();
    fs::write(store.join("top/layer.tar"), b"").unwrap();
    let conf = json!({
        "architecture": "amd64", "os": "linux", "config": {}, "repo_tag": "app:v1",
        "store_dir": store, "from_image": null, "store_layers": [[store.join("data")]],
        "customisation_layer": store.join("top"),
        "created": "1970-01-01T00:00:01+00:00", "mtime": "1970-01-01T00:00:01+00:00",
        "uid": "0", "gid": "0", "uname": "root", "gname": "root",
    });
    fs::write(work.join("conf.json"), conf.to_string()).unwrap();
    for (path, layer) in [
        ("data/file", "1 (STORE/data)"),
        ("data/directory", "1 (STORE/data)"),
        ("top/checksum", "STORE/top/layer.tar"),
        ("top/layer.tar", "STORE/top/layer.tar"),
    ] {
        let mode = |mode| {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(store.join(path), mode).unwrap();
        };
        mode(0);
        let output = as_other_user(4, &[], work, &["merge", "-o", "ours/out", "conf.json"])
            .output()
            .unwrap();
        mode(0o755);
        let expected = format!(
            "error: conf.json: layer {layer}: STORE/{path}: Permission denied (os error 13)\nhint: a store path is missing, or has changed since the image was built; build the image again on this machine\n"
        );
        assert_eq!(
            stderr(&output).replace(store.to_str().unwrap(), "STORE"),
            expected
        );
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(fs::read_dir(work.join("ours")).unwrap().count(), 0);
    }
}

/// Such a umask removes permissions of the user who runs the merge.
#[test]
fn a_umask_that_excludes_the_owner_does_not_change_modes() {
    if !may_change_user() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let work = work.path();
    let image = TestImage::new("linux/amd64").docker_archive();
    fs::write(work.join("a.tar"), image).unwrap();
    let ours = work.join("ours");
    for umask in ["0700", "0777", "0200", "0277"] {
        for arguments in [
            ["merge", "-o", "ours/out"],
            ["merge", "-o", "ours/out.tar"],
            ["analyze", "--html", "ours/page.html"],
        ] {
            let arguments = [&arguments[..], &["a.tar"]].concat();
            let command = as_other_user(3, &[], work, &arguments);
            let mut under = Command::new("bash");
            under.args(["-c", "umask \"$0\"; exec \"$@\"", umask]);
            under.arg(command.get_program()).args(command.get_args());
            let output = under.current_dir(work).output().unwrap();
            assert!(output.status.success(), "{umask}: {}", stderr(&output));
        }
        let mode = |name: &str| fs::metadata(ours.join(name)).unwrap().permissions().mode();
        let modes = ["out", "out/blobs", "out/index.json", "out.tar"].map(mode);
        let modes = modes.map(|mode| mode & 0o777);
        assert_eq!(modes, [0o755, 0o755, 0o644, 0o644], "{umask}");
        assert_eq!(fs::read_dir(&ours).unwrap().count(), 3, "{umask}");
        fs::remove_dir_all(&ours).unwrap();
    }
}

/// Staged blobs were verified already, so other users must not change them.
#[test]
fn only_the_owner_can_read_the_staging_directory() {
    let scratch = Scratch::new();
    let script = format!(
        "umask 000; exec {} merge -o out -",
        env!("CARGO_BIN_EXE_polyarch")
    );
    let mut command = Command::new("bash");
    command
        .current_dir(scratch.path(""))
        .args(["-c", &script])
        .stdin(Stdio::piped());
    let mut child = quietly(&mut command).spawn().unwrap();
    let staging = || fs::read_dir(scratch.path("")).unwrap().next();
    wait_until(|| staging().is_some());
    let mode = staging()
        .unwrap()
        .unwrap()
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    kill(&child, "TERM");
    child.wait().unwrap();
}
