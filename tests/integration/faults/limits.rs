//! Merges with few threads, few open files, or a limit on the size of files.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use super::*;
use crate::support::*;

#[test]
fn a_merge_without_threads_succeeds_and_stops_on_a_signal() {
    if !may_change_user() {
        return;
    }
    let merge = Merge::new();
    let work = tempfile::tempdir().unwrap();
    let work = work.path();
    for name in ["a.tar", "b.tar.gz"] {
        fs::copy(merge.scratch.path(name), work.join(name)).unwrap();
    }
    for (which, output) in OUTPUTS.iter().enumerate() {
        let output = format!("ours/{output}");
        let arguments = ["merge", "-j", "8", "-o", &output, "a.tar", "b.tar.gz"];
        let done = as_other_user(2, &["--nproc=1"], work, &arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", stderr(&done));
        assert!(tree(&work.join(output)) == merge.after[which]);
    }
    let mut command = as_other_user(2, &["--nproc=1"], work, &["merge", "-o", "ours/new", "-"]);
    let mut child = quietly(command.stdin(Stdio::piped())).spawn().unwrap();
    let staged = || fs::read_dir(work.join("ours")).unwrap().count() > OUTPUTS.len();
    wait_until(staged);
    // Standard input stays open: the end of the input must not be what ends the merge.
    let input = child.stdin.take();
    kill(&child, "TERM");
    wait_until(|| child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    drop(input);
}

#[test]
fn a_merge_needs_at_most_64_open_files() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.layers = (0..300)
        .map(|i| tar(&[("file", &noise(i + 1, 3000))]))
        .collect();
    scratch.write("docker.tar", &image.docker_archive());
    scratch.write("docker.tar.gz", &gzip(&image.docker_archive()));
    image.layout(gzipped).directory(&scratch, "layout");
    scratch.write("layout.tar.zst", &zstd(&image.layout(plain).archive()));
    // Images whose shared layer is read from many files at once.
    let inputs: Vec<String> = (0..40).map(|i| format!("{i}.tar.gz")).collect();
    for (i, input) in inputs.iter().enumerate() {
        let mut image = TestImage::new("linux/amd64");
        image.config["os.version"] = i.to_string().into();
        scratch.write(input, &gzip(&image.docker_archive()));
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    for inputs in [
        &["docker.tar"][..],
        &["docker.tar.gz"],
        &["layout"],
        &["layout.tar.zst"],
        &inputs,
    ] {
        for output in OUTPUTS {
            let arguments = [&["merge", "-q", "-j", "64", "-f", "-o", output], inputs].concat();
            let done = limited(&scratch, "ulimit -n 64", &arguments);
            assert!(done.status.success(), "{}", stderr(&done));
            Merged::read(&scratch.path(output));
        }
    }
    // One image needs even fewer.
    let output = limited(
        &scratch,
        "ulimit -n 12",
        &["merge", "-f", "-o", "out", "docker.tar.gz"],
    );
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_with_a_hint() {
    let merge = Merge::new();
    for which in [0, 1] {
        for older in [false, true] {
            let arguments = merge.prepare(which, older);
            // In KiB, which is less than the size of a layer.
            let output = limited(&merge.scratch, "ulimit -f 100", &arguments);
            let problem = format!(
                "error: {}: cannot write: File too large (os error 27)\nhint: the size of files is limited here; raise the limit (ulimit -f)\n",
                OUTPUTS[which]
            );
            assert_eq!(stderr(&output), problem);
            assert_eq!(output.status.code(), Some(1));
            assert!(!merge.is_done(which, older));
            assert!(merge.leftovers().is_empty());
        }
    }
}
