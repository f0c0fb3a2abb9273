//! How the program is found in the layers, from the entrypoint on.

use serde_json::json;

use super::*;

#[test]
fn the_program_is_found_as_a_runtime_finds_it() {
    let bad = || AMD64.bytes();
    let good = || ARM64.bytes();
    let script = |first: &str| format!("{first}\necho\n").into_bytes();
    let entry = |word: &str| json!({ "Entrypoint": [word] });
    let library = bad();
    let [deep, too_deep] = [2000, 2100].map(|parts| "d".to_owned() + &"d/".repeat(parts) + "x");
    let names: Vec<String> = (1..=42).map(|i| format!("l{i}")).collect();
    let links = |n: usize| {
        let links = names
            .windows(2)
            .take(n)
            .map(|pair| Link(&pair[0], &pair[1]));
        let mut entries: Vec<Entry<'_>> = links.collect();
        entries.push(Program(&names[n], bad()));
        vec![entries]
    };
    let cases: Vec<(&str, serde_json::Value, Vec<Vec<Entry<'_>>>, bool)> = vec![
        (
            "Cmd without an entrypoint",
            json!({ "Cmd": ["/x"] }),
            vec![vec![Program("x", bad())]],
            false,
        ),
        (
            "Cmd is only an argument of an entrypoint",
            json!({ "Entrypoint": ["/y"], "Cmd": ["/x"] }),
            vec![vec![Program("x", bad()), Program("y", good())]],
            true,
        ),
        (
            "an empty entrypoint is ignored",
            json!({ "Entrypoint": [], "Cmd": ["/x"] }),
            vec![vec![Program("x", bad())]],
            false,
        ),
        (
            "names as tools write them",
            entry("/x"),
            vec![vec![Program("./x", bad())]],
            false,
        ),
        (
            "from the working directory",
            json!({ "Entrypoint": ["./x"], "WorkingDir": "/app" }),
            vec![vec![Program("app/x", bad())]],
            false,
        ),
        (
            "an absolute name ignores the working directory",
            json!({ "Entrypoint": ["/x"], "WorkingDir": "/app" }),
            vec![vec![Program("x", bad()), Program("app/x", good())]],
            false,
        ),
        (
            "the default PATH",
            entry("x"),
            vec![vec![Program("usr/local/bin/x", bad())]],
            false,
        ),
        (
            "the first of PATH",
            json!({ "Entrypoint": ["x"], "Env": ["PATH=/a:/b"] }),
            vec![vec![Program("a/x", good()), Program("b/x", bad())]],
            true,
        ),
        (
            "PATH skips directories",
            json!({ "Entrypoint": ["x"], "Env": ["PATH=/a:/b"] }),
            vec![vec![Directory("a/x"), Program("b/x", bad())]],
            false,
        ),
        (
            "PATH skips scripts that are not executable",
            json!({ "Entrypoint": ["x"], "Env": ["PATH=/a:/b"] }),
            vec![vec![
                Data("a/x", b"#!/s"),
                Program("s", good()),
                Program("b/x", bad()),
            ]],
            false,
        ),
        (
            "not on PATH",
            json!({ "Entrypoint": ["x"], "Env": ["PATH=/a"] }),
            vec![vec![Program("b/x", bad())]],
            true,
        ),
        (
            "links, relative and upwards",
            entry("/a/b/x"),
            vec![vec![
                Link("a/b", "../c/d"),
                Link("c/d/x", "../y"),
                Program("c/y", bad()),
            ]],
            false,
        ),
        (
            "a link across layers",
            entry("/bin/x"),
            vec![
                vec![Program("usr/bin/x", bad())],
                vec![Link("bin", "usr/bin")],
            ],
            false,
        ),
        (
            "a directory in the place of a link",
            entry("/bin/x"),
            vec![
                vec![Link("bin", "usr/bin"), Program("usr/bin/x", bad())],
                vec![Directory("bin"), Program("bin/x", good())],
            ],
            true,
        ),
        (
            "a name that Linux finds",
            entry(&format!("/{deep}")),
            vec![vec![Program(&deep, bad())]],
            false,
        ),
        (
            "a name that is too long for Linux",
            entry(&format!("/{too_deep}")),
            vec![vec![Program(&too_deep, bad())]],
            true,
        ),
        (
            "as many links as Linux follows",
            entry("/l1"),
            links(40),
            false,
        ),
        (
            "more links than Linux follows",
            entry("/l1"),
            links(41),
            true,
        ),
        (
            "a dangling link",
            entry("/bin/x"),
            vec![vec![Link("bin/x", "/y")]],
            true,
        ),
        (
            "a link to itself",
            entry("/x"),
            vec![vec![Link("x", "y"), Link("y", "x")]],
            true,
        ),
        (
            "a hard link",
            entry("/x"),
            vec![vec![Program("y", bad()), Hardlink("x", "y")]],
            false,
        ),
        (
            "a hard link to a layer below",
            entry("/x"),
            vec![vec![Program("y", bad())], vec![Hardlink("x", "/y")]],
            false,
        ),
        (
            "a hard link to itself",
            entry("/x"),
            vec![vec![Hardlink("x", "x")]],
            true,
        ),
        (
            "replaced in a layer above",
            entry("/x"),
            vec![vec![Program("x", bad())], vec![Program("x", good())]],
            true,
        ),
        (
            "replaced by a text",
            entry("/x"),
            vec![vec![Program("x", bad())], vec![Data("x", b"text")]],
            true,
        ),
        (
            "replaced by a device",
            entry("/x"),
            vec![vec![Program("x", bad())], vec![Device("x")]],
            true,
        ),
        (
            "its directory is replaced by a text",
            entry("/a/x"),
            vec![vec![Program("a/x", bad())], vec![Data("a", b"text")]],
            true,
        ),
        (
            "its directory was a text",
            entry("/a/x"),
            vec![
                vec![Program("a/x", bad())],
                vec![Data("a", b"text")],
                vec![Directory("a")],
            ],
            true,
        ),
        (
            "PATH skips libraries that are not executable",
            json!({ "Entrypoint": ["x"], "Env": ["PATH=/a:/b"] }),
            vec![vec![Data("a/x", &library), Program("b/x", good())]],
            true,
        ),
        (
            "unpacked through a link of a layer below",
            entry("/bin/x"),
            vec![
                vec![Link("bin", "usr/bin"), Program("usr/bin/x", good())],
                vec![Program("bin/x", bad())],
            ],
            false,
        ),
        (
            "not unpacked through a link of a layer above",
            entry("/bin/x"),
            vec![
                vec![Program("bin/x", bad())],
                vec![Link("bin", "usr/bin"), Program("usr/bin/x", good())],
            ],
            true,
        ),
        (
            "a hard link to a file that was deleted later",
            entry("/x"),
            vec![
                vec![Program("y", bad()), Hardlink("x", "y")],
                vec![Data(".wh.y", b"")],
            ],
            false,
        ),
        (
            "the upper layer counts",
            entry("/x"),
            vec![vec![Program("x", good())], vec![Program("x", bad())]],
            false,
        ),
        (
            "the last of two entries counts",
            entry("/x"),
            vec![vec![Program("x", good()), Program("x", bad())]],
            false,
        ),
        (
            "deleted",
            entry("/x"),
            vec![vec![Program("x", bad())], vec![Data(".wh.x", b"")]],
            true,
        ),
        (
            "another is deleted",
            entry("/x"),
            vec![vec![Program("x", bad())], vec![Data(".wh.y", b"")]],
            false,
        ),
        (
            "its directory is deleted",
            entry("/a/x"),
            vec![vec![Program("a/x", bad())], vec![Data(".wh.a", b"")]],
            true,
        ),
        (
            "its directory is opaque in a layer above",
            entry("/a/x"),
            vec![
                vec![Program("a/x", bad())],
                vec![Data("a/.wh..wh..opq", b"")],
            ],
            true,
        ),
        (
            "deleted and made again in one layer",
            entry("/x"),
            vec![
                vec![Program("x", good())],
                vec![Data(".wh.x", b""), Program("x", bad())],
            ],
            false,
        ),
        (
            "a script",
            entry("/x"),
            vec![vec![
                Program("x", script("#!/bin/sh -e")),
                Program("bin/sh", bad()),
            ]],
            false,
        ),
        (
            "a script with a blank",
            entry("/x"),
            vec![vec![
                Program("x", script("#! /bin/env x")),
                Program("bin/env", bad()),
            ]],
            false,
        ),
        (
            "a script of a script",
            entry("/x"),
            vec![vec![
                Program("x", script("#!/y")),
                Program("y", script("#!/z")),
                Program("z", bad()),
            ]],
            false,
        ),
        (
            "a script of itself",
            entry("/x"),
            vec![vec![Program("x", script("#!/x"))]],
            true,
        ),
        (
            "a script that is not executable",
            entry("/x"),
            vec![vec![Data("x", b"#!/bin/sh"), Program("bin/sh", bad())]],
            true,
        ),
        (
            "a hard link to a symbolic link",
            entry("/x"),
            vec![vec![
                Program("d/y", bad()),
                Link("l", "d/y"),
                Hardlink("x", "l"),
            ]],
            false,
        ),
        (
            "a hard link to a symbolic link, which is relative to the hard link",
            entry("/d/x"),
            vec![vec![
                Program("y", good()),
                Program("d/y", bad()),
                Link("l", "y"),
                Hardlink("d/x", "l"),
            ]],
            false,
        ),
        (
            "a hard link to a symbolic link to a directory",
            entry("/sbin/x"),
            vec![vec![
                Program("usr/bin/x", bad()),
                Link("bin", "usr/bin"),
                Hardlink("sbin", "bin"),
            ]],
            false,
        ),
        (
            "a hard link through a symbolic link",
            entry("/x"),
            vec![
                vec![Link("bin", "usr/bin"), Program("usr/bin/y", bad())],
                vec![Hardlink("x", "bin/y")],
            ],
            false,
        ),
        (
            "a hard link to itself",
            entry("/x"),
            vec![vec![Program("y", bad()), Hardlink("x", "x")]],
            true,
        ),
        (
            "a name with `..` in a layer",
            entry("/bin/x"),
            vec![vec![Program("usr/../bin/x", bad())]],
            false,
        ),
        (
            "a hard link with `..`",
            entry("/x"),
            vec![vec![Program("y", bad()), Hardlink("x", "usr/../y")]],
            false,
        ),
        (
            "a name in a layer that leads out of it",
            entry("/x"),
            vec![vec![Program("../x", bad())]],
            true,
        ),
        (
            "through a directory that has only entries",
            entry("/usr/lib/../../x"),
            vec![vec![Program("x", bad()), Data("usr/lib/y", b"")]],
            false,
        ),
        (
            "through a directory that is missing",
            entry("/none/../x"),
            vec![vec![Program("x", bad())]],
            true,
        ),
        (
            "through a directory that is deleted",
            entry("/usr/../x"),
            vec![
                vec![Program("x", bad()), Data("usr/y", b"")],
                vec![Data(".wh.usr", b"")],
            ],
            true,
        ),
        (
            "through a file",
            entry("/y/../x"),
            vec![vec![Program("x", bad()), Data("y", b"")]],
            true,
        ),
        (
            "through directories that runtimes make or mount",
            json!({ "Entrypoint": ["../../proc/../x"], "WorkingDir": "/none/none" }),
            vec![vec![Program("x", bad())]],
            false,
        ),
        (
            "nothing to start",
            json!({}),
            vec![vec![Program("x", bad())]],
            true,
        ),
        (
            "not in the image",
            entry("/x"),
            vec![vec![Data("y", b"")]],
            true,
        ),
    ];
    for (case, execution, layers, fits) in cases {
        let layers: Vec<&[Entry<'_>]> = layers.iter().map(|layer| &layer[..]).collect();
        let (merged, said) = merge(&image("linux/arm64", execution, &layers), &[]);
        assert_eq!(merged, fits, "{case}: {said}");
        assert_eq!(said.contains("is a program for"), !fits, "{case}: {said}");
    }
}

/// Without a limit, each of these searches took minutes.
#[test]
fn a_hostile_config_cannot_prolong_the_search_for_its_program() {
    let deep = format!("/{}x", "d/".repeat(30_000));
    let long_path = format!("PATH={}", "/a/b/c/d/e/f:".repeat(100_000));
    let files = [Link("l", &deep), Program("x", ARM64.bytes())];
    let layers: Vec<&[Entry<'_>]> = vec![&files; 100];
    for (execution, told) in [
        (
            json!({ "Cmd": [deep] }),
            "its layers do not have the program that it starts",
        ),
        (
            json!({ "Cmd": ["/l/x"] }),
            "its layers do not have the program that it starts",
        ),
        (
            json!({ "Cmd": ["y"], "Env": [long_path] }),
            "too many steps",
        ),
        (
            json!({ "Cmd": ["y"], "Env": [long_path.replace(':', ";")] }),
            "too many steps",
        ),
    ] {
        let platform = match execution["Env"][0].as_str().unwrap_or_default() {
            path if path.contains(';') => "windows/amd64",
            _ => "linux/arm64",
        };
        let (merged, said) = merge(&image(platform, execution, &layers), &[]);
        assert!(merged && said.len() < 1000 && said.contains(told), "{told}");
    }
}
