//! `--max-push SIZE` of `image.checkPushed` and `maxPush` of `mkDiffCheck` are the sizes of `polyarch diff`, whose
//! own test reads the same table.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::*;

/// The texts of the table and their bytes.
fn table() -> Vec<(&'static str, Option<u64>)> {
    let rows = include_str!("../fixtures/sizes.tsv").lines();
    let rows = rows.filter(|row| !row.starts_with('#'));
    rows.map(|row| {
        let (text, bytes) = row.split_once('\t').unwrap();
        (text, bytes.parse().ok())
    })
    .collect()
}

#[test]
fn check_pushed_has_the_sizes_of_the_table() {
    if !have(&["jq", "bash"]) {
        return missing("jq or bash");
    }
    // The crate does not have it.
    let Ok(script) = fs::read_to_string("nix/scripts/check-pushed.sh") else {
        return missing("nix/scripts/check-pushed.sh");
    };
    let (_, function) = script.split_once("\nbytes_of() {").unwrap();
    let (body, _) = function.split_once("\n}\n").unwrap();
    let script = format!("bytes_of() {{{body}\n}}\nbytes_of \"$1\"");
    for (text, bytes) in table() {
        let mut command = Command::new("bash");
        let command = command.args(["-c", &script, "bash", text]);
        let found = command.stderr(Stdio::null()).output().unwrap();
        let printed = String::from_utf8(found.stdout).unwrap();
        let found = found.status.success().then(|| printed.trim().to_owned());
        assert_eq!(found, bytes.map(|bytes| bytes.to_string()), "{text:?}");
    }
}

#[test]
fn mk_diff_check_has_the_sizes_of_the_table() {
    if !have(&["nix-instantiate"]) {
        return missing("nix-instantiate");
    }
    let texts: Vec<&str> = table().iter().map(|(text, _)| *text).collect();
    let expression = format!(
        "let rule.forValue = _: _: holds: _: holds;
             sizes = import ./nix/lib/rules/sizes.nix {{ inherit rule; }};
         in map (text: builtins.head (sizes.sizeOrNull \"x\" text)) (builtins.fromJSON ''{}'')",
        serde_json::to_string(&texts).unwrap()
    );
    let mut command = Command::new("nix-instantiate");
    let command = command.args([
        "--store",
        "dummy://",
        "--eval",
        "--strict",
        "--json",
        "--readonly-mode",
        "--expr",
    ]);
    let found = command.arg(expression).output().unwrap();
    let stderr = String::from_utf8_lossy(&found.stderr);
    assert!(found.status.success(), "{stderr}");
    let found: Vec<bool> = serde_json::from_slice(&found.stdout).unwrap();
    let expected: Vec<bool> = table().iter().map(|(_, bytes)| bytes.is_some()).collect();
    assert_eq!(found, expected, "{texts:?}");
}
