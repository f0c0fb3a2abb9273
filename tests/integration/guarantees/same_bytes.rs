//! Guarantee 1: the same inputs give the same bytes.

use std::fs;
use std::process::Command;

use super::*;
use crate::support::*;

#[test]
fn guarantee_1_the_same_inputs_give_the_same_bytes() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &archive_with_noise("linux/amd64", 1));
    scratch.write("b.tar.gz", &gzip(&archive_with_noise("linux/arm64", 2)));
    let binary = env!("CARGO_BIN_EXE_polyarch");
    let root = scratch.path("");
    let root = root.to_str().unwrap();

    let ways = [
        format!(
            "cd {root}; {binary} merge -q --name x --annotation b=2 --annotation a=1 -o 0.tar a.tar b.tar.gz"
        ),
        format!(
            "cd {root}; {binary} merge -q --name x --annotation a=1 --annotation b=2 -o 1.tar b.tar.gz a.tar"
        ),
        format!(
            "cd {root}; umask 077; TZ=Asia/Tokyo LC_ALL=tr_TR.UTF-8 {binary} merge -q --jobs 1 --name x --annotation a=1 --annotation b=2 -o 2.tar ./a.tar ./b.tar.gz"
        ),
        format!(
            "cd /; umask 000; NIX_BUILD_CORES=7 {binary} merge -q --name x --annotation a=1 --annotation b=2 -o {root}/3.tar {root}/b.tar.gz linux/amd64={root}/a.tar"
        ),
        format!(
            "cd {root}; SOURCE_DATE_EPOCH=1 HOME=/nonexistent {binary} merge -q --jobs 16 --name x --annotation a=1 --annotation b=2 -o 4.tar <(cat a.tar) <(cat b.tar.gz)"
        ),
    ];
    for way in &ways {
        let output = Command::new("bash").arg("-c").arg(way).output().unwrap();
        assert!(output.status.success(), "{way}: {}", stderr(&output));
    }
    let first = fs::read(scratch.path("0.tar")).unwrap();
    for (i, way) in ways.iter().enumerate() {
        let other = fs::read(scratch.path(&format!("{i}.tar"))).unwrap();
        assert!(first == other, "{way} wrote other bytes");
    }
    Merged::archive(&scratch.path("0.tar"));

    // A layout has the same names, bytes and modes.
    let trees = ["umask 077", "umask 000"].map(|umask| {
        let output = umask.replace(' ', "-");
        let way = format!("cd {root}; {umask}; {binary} merge -q -o {output} a.tar b.tar.gz");
        assert!(
            Command::new("bash")
                .arg("-c")
                .arg(way)
                .status()
                .unwrap()
                .success()
        );
        let modes: Vec<_> = walkdir::WalkDir::new(scratch.path(&output))
            .sort_by_file_name()
            .into_iter()
            .map(|e| std::os::unix::fs::MetadataExt::mode(&e.unwrap().metadata().unwrap()))
            .collect();
        (modes, tree(&scratch.path(&output)))
    });
    assert!(trees[0] == trees[1]);
    assert!(
        trees[0]
            .0
            .iter()
            .all(|mode| [0o040_755, 0o100_644].contains(mode))
    );
}

#[test]
fn guarantee_1_an_invalid_or_huge_number_of_cores_changes_nothing() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &archive_with_noise("linux/amd64", 7));
    let expected = scratch.run(&["merge", "-o", "o1", "a.tar"]);
    for cores in ["100000", "0", "-1", "many"] {
        let mut command = scratch.command(&["merge", "-f", "-q", "-o", "o2", "a.tar"]);
        let output = command.env("NIX_BUILD_CORES", cores).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected);
    }
}
