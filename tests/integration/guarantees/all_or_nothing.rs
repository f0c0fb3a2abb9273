//! Guarantee 6: after an error or a signal nothing is left, and the existing output is unchanged.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::support::*;

#[test]
fn guarantee_6_a_failure_leaves_the_existing_output_unchanged() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/amd64").docker_archive());
    for output in ["out", "out.tar"] {
        scratch.run(&["merge", "-o", output, "a.tar"]);
        let mut cut = archive_with_noise("linux/arm64", 4);
        cut.truncate(cut.len() / 2);
        scratch.write("cut.tar", &cut);
        scratch.write("cut.tar.gz", &gzip(&cut));
        // `fail` checks that no file of the directory has changed.
        scratch.fail(&["merge", "--force", "-o", output, "a.tar", "cut.tar"]);
        scratch.fail(&["merge", "--force", "-o", output, "a.tar", "cut.tar.gz"]);
    }
}

#[test]
fn guarantee_6_force_replaces_an_output_of_either_format() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/amd64").docker_archive());
    scratch.write("b.tar", &TestImage::new("linux/arm64").docker_archive());
    for (from, to) in [
        ("oci-layout", "oci-layout"),
        ("oci-layout", "oci-archive"),
        ("oci-archive", "oci-archive"),
        ("oci-archive", "oci-layout"),
    ] {
        scratch.run(&["merge", "--force", "--format", from, "-o", "out", "a.tar"]);
        let merged = scratch.merge(&["-f", "--format", to, "b.tar"]);
        assert_eq!(scratch.path("out").is_dir(), to == "oci-layout");
        assert_eq!(merged.stdout, merged.digest);
        let names: Vec<_> = fs::read_dir(scratch.path(""))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 3, "{names:?}");
    }
}

#[test]
fn guarantee_6_a_signal_leaves_no_files() {
    for signal in ["TERM", "INT", "HUP"] {
        let scratch = Scratch::new();
        let (mut child, mut pipe) = start_on_a_pipe(&scratch, "gzip");
        pipe.write_all(tar_header("a/layer.tar", 1 << 20).as_bytes())
            .unwrap();
        pipe.write_all(&[0; 300 << 10]).unwrap();
        let files = || fs::read_dir(scratch.path("")).unwrap().count();
        let deadline = Instant::now() + Duration::from_secs(20);
        while files() < 2 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(files(), 2, "the pipe and the staging directory");
        let kill = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(child.id().to_string())
            .status();
        assert!(kill.unwrap().success());
        let status = child.wait().unwrap();
        assert!(
            std::os::unix::process::ExitStatusExt::signal(&status).is_some(),
            "{status}"
        );
        assert_eq!(files(), 1, "only the pipe is left after SIG{signal}");
    }
}

#[test]
fn an_ignored_sighup_does_not_stop_a_merge() {
    let scratch = Scratch::new();
    assert!(
        Command::new("mkfifo")
            .arg(scratch.path("pipe"))
            .status()
            .unwrap()
            .success()
    );
    let script = format!(
        "trap '' HUP; exec {} merge -q -o out pipe",
        env!("CARGO_BIN_EXE_polyarch")
    );
    let mut child = Command::new("bash")
        .current_dir(scratch.path(""))
        .args(["-c", &script])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut pipe = File::options()
        .write(true)
        .open(scratch.path("pipe"))
        .unwrap();
    let archive = TestImage::new("linux/amd64").docker_archive();
    pipe.write_all(&archive[..100]).unwrap();
    assert!(
        Command::new("kill")
            .args(["-HUP", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    pipe.write_all(&archive[100..]).unwrap();
    drop(pipe);
    assert!(child.wait().unwrap().success());
}
