//! `--html`: the page.

use std::fs;

use super::*;
use crate::support::*;

#[test]
fn the_html_page_is_self_contained_and_escapes_names() {
    let scratch = Scratch::new();
    let evil = "x/<img src=1 onerror=alert(1)>/</script><script>alert(2)</script>";
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[&[(evil, b"1"), ("y/<!--<script>/z", b"1")]],
    );
    assert_eq!(
        scratch.run(&["analyze", "--html", "page.html", "a.tar"]),
        ""
    );
    let page = fs::read_to_string(scratch.path("page.html")).unwrap();
    assert_eq!(page, scratch.run(&["analyze", "--html", "-", "a.tar"]));
    assert!(page.contains("&lt;img src=1 onerror=alert(1)&gt;"));
    assert!(!page.contains("<img") && !page.contains("<script>alert") && !page.contains("<!--<"));
    // Nothing is loaded from elsewhere. (`https:` appears only in the licence of the treemap.)
    for outside in ["src=\"", "href=\"h", "url(", "@import", "fetch("] {
        assert!(!page.contains(outside), "{outside}");
    }
    // An existing page and an empty file are replaced, a device is written to.
    scratch.run(&["analyze", "--html", "page.html", "a.tar"]);
    scratch.run(&["analyze", "--html", "/dev/null", "a.tar"]);
    scratch.write("empty.html", b"");
    scratch.run(&["analyze", "--html", "empty.html", "a.tar"]);
    // Other files are not replaced.
    let before = fs::read(scratch.path("a.tar")).unwrap();
    assert_eq!(
        scratch.fail(&["analyze", "--html", "a.tar", "a.tar"]),
        "error: a.tar: not replaced: found a file that is not a page, expected an HTML page, or nothing\n\
         hint: choose another output, or remove this one by hand if it is not needed\n"
    );
    assert_eq!(fs::read(scratch.path("a.tar")).unwrap(), before);
    assert!(!std::path::Path::new("/dev/null").is_file());
    assert!(
        scratch
            .fail(&["analyze", "--html", "no/page.html", "a.tar"])
            .contains("does not exist")
    );
}
