//! Files of deployments: any text, and texts of the parts that such files have.
//!
//! What is pinned is not pinned again, nothing outside of references changes, and no value stays a reference.

use std::collections::BTreeSet;
use std::fs;

use polyarch::pin::{PinReport, PinRequest, PinnedImage, Replacement};
use saphyr_parser::{Event, Parser};
use tempfile::TempDir;

const NAME: &str = "ghcr.io/me/app";

/// Parts of files, which one byte chooses.
#[rustfmt::skip]
const PARTS: &[&str] = &[
    "\n", "\n  ", "\n    ", "\n- ", "\n  - ", " ", "  ", "\t", "\r\n", ", ", ": ", ":", " = ", "=", "\"", "'", "{", "}", "[", "]",
    "{ ", " }", " # ", "# ", "#", "// ", "/* ", " */", "---\n", "...\n", "|\n  ", ">-\n  ", "? ", "!!str ", "&a ", "*a", "&b ", "*b", "<<: *a", "<<: [*a, *b]",
    "image", "image: ", "\"image\": ", "image = ", "repository: ", "registry: ", "tag: ", "digest: ", "name: ", "newName: ", "newTag: ", "imageTag: ", "hub: ", "x: ", "- ", "null", "~", "\"\"", "17", "v1",
    NAME, "ghcr.io/me/app:v1", "ghcr.io/me/app:latest", "ghcr.io/me/app:v2", "ghcr.io/me", "ghcr.io", "me/app", "app", ":v1", ":latest", ":v2", ":17", "postgres", "postgres:17", "docker.io/library/postgres:17", "docker://", "library/", "docker.io/", "/", "@",
    "${", "}", "${X:-", "${X}", "$X", "$", "{{ .x }}", "{{", "}}", "[[ .x ]]", "%{", "<<EOF\n", "<<-EOF\n", "\nEOF\n", "\\n", "\\", "\\u003a", "\\/", "é", "\u{feff}",
    "@app@", "@app.name@", "@app.tag@", "@app.digest@", "@db@", "@app.x@", "@a@", ".", "-", "_", "sha256:", "@sha256:",
];

/// Pins a text, in one of the kinds of files.
pub fn pin(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let text = match choice & 4 {
        0 => String::from_utf8_lossy(bytes).into_owned(),
        _ => bytes
            .iter()
            .map(|byte| PARTS[usize::from(*byte) % PARTS.len()])
            .collect(),
    };
    let extension = ["yaml", "json", "hcl", "txt"][usize::from(choice & 3)];
    let scratch = tempfile::tempdir().unwrap();
    let Some((report, pinned)) = pin_text(&scratch, &text, extension, "1") else {
        return;
    };
    changes_only_references(&report, &text, &pinned);
    if extension != "hcl" && extension != "txt" && !text.contains('@') {
        is_the_same_document(&text, &pinned);
        if report.warnings.is_empty() {
            has_no_reference(&pinned);
        }
    }
    match pin_text(&scratch, &pinned, extension, "2") {
        Some((report, again)) => {
            assert_eq!(again, pinned);
            assert!(report.replaced.is_empty(), "{:?}", report.replaced);
        }
        // `@app.tag@` alone is a use of an image, and its value is not.
        None => assert!(text.contains('@'), "{pinned:?} cannot be pinned again"),
    }
}

fn images() -> Vec<PinnedImage> {
    let digest = |c: &str| format!("sha256:{}", c.repeat(64)).parse().unwrap();
    let key = |key: &str| Some(key.to_owned());
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    vec![
        PinnedImage::new(
            key("app"),
            NAME.to_owned(),
            tags(&["v1", "latest"]),
            digest("a"),
        ),
        PinnedImage::new(key("db"), "postgres".to_owned(), tags(&["17"]), digest("b")),
    ]
}

/// Returns the pinned text; `None` after an error, whose message must be there. The images that the text does not
/// name are left out.
fn pin_text(
    scratch: &TempDir,
    text: &str,
    extension: &str,
    name: &str,
) -> Option<(PinReport, String)> {
    let source = scratch.path().join(format!("{name}.{extension}"));
    let output = scratch.path().join(format!("{name}.out"));
    fs::write(&source, text).unwrap();
    let mut images = images();
    loop {
        let mut request = PinRequest::new(source.clone(), output.clone(), images.clone());
        request.sync = false;
        let error = match polyarch::pin(&request) {
            Ok(report) => return Some((report, fs::read_to_string(output).unwrap())),
            Err(error) => error.to_string(),
        };
        assert!(!output.exists(), "a failure left an output");
        assert!(!error.is_empty());
        let is_unused = |image: &PinnedImage| {
            error.ends_with(&format!(
                "{}@{} does not occur in it",
                image.name, image.digest
            ))
        };
        let before = images.len();
        images.retain(|image| !is_unused(image));
        if images.len() == before || images.is_empty() {
            return None;
        }
    }
}

/// Checks that each line is that of the input, with the replacements that the report has for it.
fn changes_only_references(report: &PinReport, text: &str, pinned: &str) {
    let (before, after): (Vec<_>, Vec<_>) =
        (text.split('\n').collect(), pinned.split('\n').collect());
    assert_eq!(before.len(), after.len(), "{pinned:?}");
    for (i, (before, after)) in before.into_iter().zip(after).enumerate() {
        let replaced = report
            .replaced
            .iter()
            .filter(|replaced| replaced.line == i + 1);
        let replaced: Vec<&Replacement> = replaced.collect();
        // A placeholder can be a part of a reference that is then replaced.
        let is_simple = !before.contains('@') || replaced.is_empty();
        assert!(
            !is_simple || is_replaced(before, after, &replaced),
            "{before:?} became {after:?}"
        );
    }
}

/// Whether a line becomes another one by replacements, in their order.
fn is_replaced(before: &str, after: &str, replaced: &[&Replacement]) -> bool {
    let (before, after) = (before.as_bytes(), after.as_bytes());
    // The positions in the line before that are reached with the first replacements.
    let mut reached: BTreeSet<usize> = [0].into();
    let mut shift = 0_isize;
    for next in replaced.iter().map(Some).chain([None]) {
        let mut with_next = BTreeSet::new();
        while let Some(at) = reached.pop_first() {
            let in_after = at.checked_add_signed(shift).unwrap();
            let rest = after.get(in_after..).unwrap_or_default();
            match next {
                Some(next)
                    if before[at..].starts_with(next.old.as_bytes())
                        && rest.starts_with(next.new.as_bytes()) =>
                {
                    with_next.insert(at + next.old.len());
                }
                None if at == before.len() && rest.is_empty() => return true,
                _ => {}
            }
            if at < before.len() && rest.first() == Some(&before[at]) {
                reached.insert(at + 1);
            }
        }
        let Some(next) = next else { return false };
        shift += next.new.len() as isize - next.old.len() as isize;
        reached = with_next;
    }
    false
}

/// Returns the events of a text, and `None` if it is not YAML.
fn events(text: &str) -> Option<Vec<Event<'_>>> {
    Parser::new_from_str(text)
        .map(|event| event.ok().map(|(event, _)| event))
        .collect()
}

/// Checks that only scalars differ, which have a digest then.
fn is_the_same_document(text: &str, pinned: &str) {
    let Some(before) = events(text) else { return };
    let after = events(pinned).expect("the output is YAML too");
    assert_eq!(before.len(), after.len(), "{pinned:?}");
    for (before, after) in before.iter().zip(&after) {
        match (before, after) {
            (Event::Scalar(old, ..), Event::Scalar(new, ..)) => {
                assert!(
                    old == new || new.contains("sha256:"),
                    "{old:?} became {new:?}"
                );
            }
            _ => assert_eq!(before, after),
        }
    }
    if serde_json::from_str::<serde_json::Value>(text).is_ok() {
        serde_json::from_str::<serde_json::Value>(pinned).expect("the output is JSON too");
    }
}

/// Checks that no value is a reference by tag. Keys are values here.
fn has_no_reference(pinned: &str) {
    for event in events(pinned).into_iter().flatten() {
        if let Event::Scalar(value, ..) = event {
            let tag = value
                .strip_prefix(NAME)
                .and_then(|rest| rest.strip_prefix(':'));
            let is_tag = |tag: &str| {
                tag.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && tag.bytes().all(|b| b.is_ascii_alphanumeric())
            };
            assert!(!tag.is_some_and(is_tag), "{value:?} is left");
        }
    }
}
