//! Trees of every kind of file, compared with Python's `tarfile`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::support::*;

/// A name of 150 bytes.
const LONG: &str = "a-name-that-does-not-fit-into-the-hundred-bytes-of-the-field-of-a-header-and-therefore-needs-a-record-in-an-extended-header-in-front-of-its-own-header";

/// A store path with every kind of file that the store can hold.
fn odd_tree(store: &Store) {
    store.file("odd/a/x", 0o444, b"");
    store.file("odd/a-b", 0o555, b"#!/bin/sh\n");
    store.file("odd/a.b", 0o4755, b"setuid");
    store.file("odd/A", 0o2755, b"setgid");
    store.file("odd/.hidden", 0o1644, b"sticky");
    store.file("odd/private", 0o400, b"private");
    store.directory("odd/empty", 0o555);
    store.directory("odd/a b", 0o1777);
    store.directory("odd/a\n", 0o755);
    for size in [1, 511, 512, 513, 1023, 1024, 1025, 10_239, 10_240, 10_241] {
        store.file(
            format!("odd/sizes/{size}"),
            0o444,
            &noise(size, size as usize),
        );
    }
    for (i, name) in [
        "é".as_bytes(),
        "e\u{301}".as_bytes(),
        "\u{fffd}".as_bytes(),
        "\u{1f600}".as_bytes(),
        "\u{e000}".as_bytes(),
        "\u{7f}".as_bytes(),
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"a\x80b",
        b"\xf5\x80\x80\x80",
    ]
    .into_iter()
    .enumerate()
    {
        let at = |directory: &str, name: &[u8]| [b"odd/", directory.as_bytes(), name].concat();
        store.file(at("names/", name), 0o444, &[i as u8]);
        store.link(at("links/", name), [b"../names/", name].concat());
        store.file(
            [at("directories/", name), b"/x".to_vec()].concat(),
            0o444,
            b"x",
        );
        let long = [LONG.as_bytes(), name].concat();
        store.file(at("long/", &long), 0o444, b"");
        // The links have a short name and a long target, and the other way round.
        store.link(format!("odd/long/to-{i}"), &long);
        store.link([&at("long/", &long)[..], b"-link"].concat(), name);
    }
    store.link("odd/dangling", "/nowhere");
    store.link("odd/loop", "loop");
    store.link("odd/directory-link", "sizes");
    hard_link(store, "odd/sizes/513", "odd/a/second name");
    hard_link(store, "odd/sizes/513", "odd/zzz");
    hard_link(store, "odd/dangling", "odd/dangling too");
    hard_link(store, "odd/a/x", "odd/empty too");
    // Names around the length of the field, of files and of directories, whose slash counts.
    let used = store.path("lengths/").len();
    for len in 97..=101 {
        let name = "n".repeat(len - used);
        store.file(format!("lengths/{name}"), 0o444, b"");
        store.file(format!("lengths/d{}/f", &name[1..]), 0o444, b"");
        store.link(format!("lengths/l{}", &name[1..]), "t".repeat(len));
    }
    store.file("file", 0o444, b"a store path that is a file");
    store.link("link", "odd/sizes");
    store.directory("directory", 0o555);
}

fn hard_link(store: &Store, from: &str, to: &str) {
    rustix::fs::linkat(
        rustix::fs::CWD,
        store.path(from),
        rustix::fs::CWD,
        store.path(to),
        rustix::fs::AtFlags::empty(),
    )
    .unwrap();
}

const ODD: [&str; 5] = ["odd", "file", "link", "lengths", "directory"];

#[test]
fn a_tree_of_every_kind_of_file_is_the_layer_that_python_makes() {
    let store = store();
    odd_tree(&store);
    let odd = conf(&store, &[&ODD]);
    same(&store, &odd);
    for compression in ["gzip", "zstd"] {
        let merge = |input: &str| {
            let options = [
                "-f",
                "--compression",
                compression,
                "--platform-check",
                "off",
            ];
            store.0.merge(&[&options[..], &[input]].concat()).digest
        };
        write(&store, &odd);
        stream(&store, &odd);
        assert_eq!(merge("conf.json"), merge("stream.tar"), "{compression}");
    }
    // The order of layers and of paths is that of the conf, and a path may be in several layers.
    same(
        &store,
        &conf(
            &store,
            &[&["lengths", "file"], &[], &["odd"], &["file", "file"]],
        ),
    );
    same(&store, &conf(&store, &[]));
}

#[test]
fn every_owner_and_time_is_the_one_that_python_writes() {
    let store = store();
    odd_tree(&store);
    let conf = conf(&store, &[&ODD]);
    for (key, values) in [
        (
            "uid",
            json!(["1000", "2097151", "2097152", "4294967295", 7, "007"]),
        ),
        (
            "gid",
            json!(["1000", "2097151", "2097152", "9223372036854775807"]),
        ),
        (
            "uname",
            json!([
                "",
                "a",
                "u".repeat(32),
                "u".repeat(33),
                "größe",
                "\u{1f600}".repeat(40),
                "a\nb"
            ]),
        ),
        (
            "gname",
            json!(["", "g".repeat(32), "g".repeat(33), "größe"]),
        ),
        (
            "mtime",
            json!([
                "0001-01-01T00:00:00+00:00",
                "1969-12-31T23:59:59+00:00",
                "1970-01-01T00:00:00+00:00",
                "1970-01-01T00:00:00+14:00",
                "2024-02-29T23:59:59-12:30",
                "2242-03-16T12:56:31+00:00",
                "2242-03-16T12:56:32+00:00",
                "9999-12-31T23:59:59+00:00",
            ]),
        ),
        (
            "created",
            json!([
                "0001-01-01T00:00:00+00:00",
                "2024-02-29T12:34:56-00:00",
                "2024-02-29T12:34:56+05:30",
            ]),
        ),
        (
            "config",
            json!([
                {},
                { "Env": [] },
                { "b": { "a": [1, -1, 0, true, false, null, 9007199254740993i64] }, "a": [[], {}, [{}]] },
                { "text": "\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}é\u{2028}\u{1f600}" },
            ]),
        ),
    ] {
        for value in values.as_array().unwrap() {
            same(&store, &with(&conf, key, value.clone()));
        }
    }
    // Until nixpkgs 24.05.
    let created = with(&conf, "created", json!("2024-02-29T12:34:56+05:30"));
    same(&store, &with(&created, "mtime", json!(null)));
}

#[test]
fn a_tree_of_300_levels_is_the_layer_that_python_makes() {
    let store = store();
    let mut path = "deep".to_owned();
    for level in 0..300 {
        // What comes after each directory is found when its turn comes again.
        store.file(format!("{path}/zz"), 0o444, &[level as u8]);
        store.file(format!("{path}/d/a"), 0o444, b"");
        path += "/d";
    }
    same(&store, &conf(&store, &[&["deep"]]));
}

#[test]
fn thousands_of_files_and_layers_need_at_most_64_open_files() {
    let store = store();
    let names: Vec<String> = (0..150).map(|i| format!("path{i}")).collect();
    for (i, name) in names.iter().enumerate() {
        for file in 0..20 {
            store.file(
                format!("{name}/lib{}/{file}", file % 3),
                0o444,
                &noise(file, 40 * i),
            );
        }
    }
    for i in 0..5000 {
        store.file(format!("many/{i}"), 0o444, i.to_string().as_bytes());
    }
    let mut layers: Vec<Vec<&str>> = names.iter().map(|name| vec![&**name]).collect();
    layers.push(vec!["many"]);
    let layers: Vec<&[&str]> = layers.iter().map(|paths| &paths[..]).collect();
    let conf = conf(&store, &layers);
    same(&store, &conf);
    write(&store, &conf);
    let expected = store.0.merge(&["-f", "conf.json"]).digest;
    let arguments = ["merge", "-q", "-j", "64", "-f", "-o", "out", "conf.json"];
    for limit in [64, 24] {
        let output = limited(&store.0, &format!("ulimit -n {limit}"), &arguments);
        assert!(output.status.success(), "{limit}: {}", stderr(&output));
        assert_eq!(Merged::read(&store.0.path("out")).digest, expected);
    }
}

/// Numbers below a bound, the same in every run.
struct Dice(Vec<u8>);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        let mut take = || usize::from(self.0.pop().unwrap());
        (take() << 6 | take()) % bound
    }

    fn one_of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

const PARTS: [&[u8]; 16] = [
    b"a",
    b"b",
    b"-",
    b".",
    b"_",
    b" ",
    b"~",
    b"A",
    "ä".as_bytes(),
    "\u{fffd}".as_bytes(),
    "😀".as_bytes(),
    b"\xff",
    b"\xc3",
    b"\x01",
    b"'",
    LONG.as_bytes(),
];

fn grow(dice: &mut Dice, directory: &Path, depth: usize, files: &mut Vec<std::path::PathBuf>) {
    fs::create_dir(directory).unwrap();
    for _ in 0..dice.below(9) {
        let parts = 1 + dice.below(3);
        let mut name: Vec<u8> = (0..parts)
            .flat_map(|_| dice.one_of(&PARTS).to_vec())
            .collect();
        name.truncate(255);
        let path = directory.join(std::ffi::OsStr::from_bytes(&name));
        if path.symlink_metadata().is_ok() {
            continue;
        }
        match dice.below(10) {
            0..=3 if depth < 7 => grow(dice, &path, depth + 1, files),
            4 => std::os::unix::fs::symlink(path.file_name().unwrap(), &path).unwrap(),
            5 if !files.is_empty() => {
                let of = &files[dice.below(files.len())];
                fs::hard_link(of, &path).unwrap();
            }
            _ => {
                let len = *dice.one_of(&[&0, &1, &511, &512, &513, &2000]);
                fs::write(&path, noise(len as u64, len)).unwrap();
                let mode = *dice.one_of(&[&0o444, &0o555, &0o644, &0o4755, &0o7777]);
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
                files.push(path);
            }
        }
    }
    let mode = *dice.one_of(&[&0o555, &0o755, &0o2755, &0o1777]);
    // The owner must be able to write, or the directory of the test could not be removed.
    fs::set_permissions(directory, Permissions::from_mode(mode | 0o700)).unwrap();
}

#[test]
fn generated_trees_are_the_layers_that_python_makes() {
    let mut found = BTreeSet::new();
    for seed in 1..=15 {
        let store = store();
        let mut dice = Dice(noise(seed, 1 << 20));
        let mut files = Vec::new();
        for name in ["one", "two"] {
            grow(&mut dice, &store.0.path("store").join(name), 0, &mut files);
        }
        let conf = conf(&store, &[&["one"], &["two", "one"]]);
        let owner = dice.one_of(&["0", "1000", "2097152"]);
        same(&store, &with(&conf, "uid", json!(owner)));
        found.insert(files.len());
    }
    assert!(found.len() > 5 && found.last() > Some(&50), "{found:?}");
}

#[test]
fn the_variables_of_the_base_image_come_first() {
    let store = store();
    odd_tree(&store);
    let mut base = TestImage::new("linux/amd64");
    base.config["config"] =
        json!({ "Env": ["PATH=/base", "A=1", "=", "A=2", "B"], "Cmd": ["/base"] });
    store.0.write("base.tar", &base.docker_archive());
    let base = store.0.path("base.tar");
    let conf = with(&conf(&store, &[&["odd"]]), "from_image", json!(base));
    for config in [
        json!({}),
        json!({ "Env": ["A=3", "PATH=/own", "C", "B=b=c"], "Cmd": [] }),
        json!({ "Cmd": [], "Env": [] }),
    ] {
        same(&store, &with(&conf, "config", config));
    }
    let mut without = TestImage::new("linux/amd64");
    without.layers.truncate(1);
    File::create(&base).unwrap();
    fs::write(&base, without.docker_archive()).unwrap();
    same(&store, &conf);
    fs::write(&base, gzip(&without.docker_archive())).unwrap();
    same(&store, &conf);
}
