//! Digests that are not valid.

use crate::support::*;

#[test]
fn invalid_digests_and_unknown_algorithms_are_refused() {
    let hex = digest(b"x")[7..].to_owned();
    let hint = "hint: a digest of another algorithm cannot be verified here; build the image again, with sha256";
    let lower = |count| format!("expected {count} hex digits in lower case after ");
    for (text, problem, hint) in [
        (
            format!("sha384:{}", "0".repeat(96)),
            "found the algorithm \"sha384\", expected sha256 or sha512".to_owned(),
            hint,
        ),
        (
            format!("blake3:{hex}"),
            "found the algorithm \"blake3\", expected sha256 or sha512".to_owned(),
            hint,
        ),
        (
            format!("SHA256:{hex}"),
            "found the algorithm \"SHA256\", expected sha256 or sha512".to_owned(),
            hint,
        ),
        (
            hex.clone(),
            format!("found the algorithm \"{hex}\", expected sha256 or sha512"),
            hint,
        ),
        (
            format!("sha256:{}", hex.to_uppercase()),
            lower(64) + "sha256:",
            "",
        ),
        (format!("sha256:{}", &hex[1..]), lower(64) + "sha256:", ""),
        (format!("sha512:{hex}"), lower(128) + "sha512:", ""),
        (
            format!("sha256:../../../{}", &hex[9..]),
            lower(64) + "sha256:",
            "",
        ),
        (format!("sha256:{hex}/../{hex}"), lower(64) + "sha256:", ""),
    ] {
        let scratch = Scratch::new();
        let mut layout = amd64().layout(plain);
        layout.index["manifests"][0]["digest"] = text.clone().into();
        layout.directory(&scratch, "in");
        let problem = format!(
            "error: in: index.json is not valid: {text:?} is not a digest: {problem} at line 1 column "
        );
        expect(&scratch, &["in"], &[&problem, hint]);
    }
}
