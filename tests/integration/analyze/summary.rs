//! The summary: the title, the avoidable bytes and the score; and which advice an image gets.

use super::*;

#[test]
fn the_title_is_a_whole_name_and_never_a_tag_alone() {
    let scratch = Scratch::new();
    image(&scratch, "a.tar", "linux/amd64", &[&[("a/1", b"1")]]);
    let name = "zoo.example/app:latest";
    scratch.run(&["merge", "--name", name, "-o", "out", "a.tar"]);
    let shown = scratch.run(&["analyze", "out"]);
    assert_eq!(shown.lines().next(), Some(name), "{shown}");
    let page = scratch.run(&["analyze", "--html", "-", "out"]);
    assert!(page.contains(&format!("<h1>{name}</h1>")), "{page:.2000}");
}

#[test]
fn avoidable_bytes_of_several_kinds_are_counted_once() {
    let scratch = Scratch::new();
    // The same content twice, both in the documentation; a file that is hidden; one that is needed.
    let (twice, old) = (noise(1, 30_000), noise(2, 10_000));
    let needed = noise(3, 60_000);
    let layers: [&[(&str, &[u8])]; 2] = [
        &[
            ("usr/share/doc/a/x", &twice),
            ("usr/share/doc/b/x", &twice),
            ("app/old", &old),
        ],
        &[("app/old", b""), ("app/new", &needed)],
    ];
    image(&scratch, "a.tar", "linux/amd64", &layers);
    let found = analyze(&scratch, "a.tar");
    let platform = &found["platforms"][0];
    assert_eq!(waste(&found, "duplicates")["bytes"], 30_000);
    assert_eq!(waste(&found, "documentation")["bytes"], 60_000);
    assert_eq!(waste(&found, "overwritten")["bytes"], 10_000);
    assert_eq!(platform["avoidable"], 70_000);
    assert_eq!(platform["fileSize"], 130_000);
    assert_eq!(platform["score"], 46);
    let shown = scratch.run(&["analyze", "a.tar"]);
    assert!(shown.contains("70.0 kB  46/100"), "{shown}");
    assert!(shown.contains("AVOIDABLE: "), "{shown}");
    let page = scratch.run(&["analyze", "--html", "-", "a.tar"]);
    assert!(page.contains("46/100") && page.contains("70.0 kB (53.8%)"));
}

#[test]
fn directories_below_usr_are_counted_separately() {
    let scratch = Scratch::new();
    let file = noise(1, 2000);
    let layers: [&[(&str, &[u8])]; 1] = [&[
        ("usr/lib/python3/a/b", &file),
        ("usr/local/lib/node/a/b", &file[1..]),
        ("opt/app/a/b", &file[2..]),
    ]];
    image(&scratch, "a.tar", "linux/amd64", &layers);
    let found = analyze(&scratch, "a.tar");
    let paths = found["platforms"][0]["paths"].as_array().unwrap().iter();
    let paths: Vec<&str> = paths.map(|path| path["path"].as_str().unwrap()).collect();
    assert_eq!(
        paths,
        ["/usr/lib/python3", "/usr/local/lib/node", "/opt/app"]
    );
}

#[test]
fn only_images_of_nix_get_the_advice_for_nix() {
    let scratch = Scratch::new();
    let file = noise(1, 5000);
    let store = "nix/store/kx8i4ifbgxnk27s25p4kdkkvqcjvfw25-x-1.0";
    for (store, is_nix) in [("opt/x", false), (store, true)] {
        let doc = format!("{store}/share/man/man1/x.1");
        let header = format!("{store}/include/x.h");
        image(
            &scratch,
            "a.tar",
            "linux/amd64",
            &[&[(&doc, &file), (&header, &file)]],
        );
        let shown = scratch.run(&["analyze", "a.tar"]);
        let speaks_of_nix = ["nix why-depends", "buildEnv", "glibcLocales"];
        let found = speaks_of_nix.iter().any(|word| shown.contains(word));
        assert_eq!(found, is_nix, "{shown}");
    }
}

#[test]
fn layers_are_shown_with_the_commands_of_the_history() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.config["history"] = serde_json::json!([
        { "created_by": "COPY app /app" },
        { "created_by": "ENV A=b", "empty_layer": true },
        { "created_by": "RUN make", "comment": "buildkit" },
    ]);
    scratch.write("a.tar", &image.docker_archive());
    let found = analyze(&scratch, "a.tar");
    let layers = &found["platforms"][0]["layers"];
    assert_eq!(layers[0]["history"]["created_by"], "COPY app /app");
    assert_eq!(layers[1]["history"]["created_by"], "RUN make");
    let shown = scratch.run(&["analyze", "a.tar"]);
    assert!(shown.contains("RUN make · buildkit"), "{shown}");
    assert!(!shown.contains("ENV A=b"), "{shown}");
    let page = scratch.run(&["analyze", "--html", "-", "a.tar"]);
    assert!(page.contains("RUN make · buildkit"));
    assert!(page.contains("2 layers") && !page.contains("1 files"));
}
