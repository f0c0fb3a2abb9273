//! The output is on the disk before it gets its name.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::support::*;

/// By the order of system calls: every file and directory is synced, then the output is renamed, then the
/// directory that contains it is synced.
#[test]
fn the_output_is_synced_before_it_gets_its_name() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    let root = fs::canonicalize(merge.scratch.path("")).unwrap();
    for which in [0, 1] {
        let arguments = merge.prepare(which, false);
        let trace = "fsync,fdatasync,syncfs,/rename,/^open";
        let calls = calls(&merge.scratch, trace, &arguments);
        // strace -y prints the path after each file descriptor.
        let synced = |calls: &[String]| -> BTreeSet<PathBuf> {
            let call = |call: &String| {
                Some(
                    call.strip_prefix("fsync(")?
                        .split_once('<')?
                        .1
                        .split_once('>')?
                        .0
                        .into(),
                )
            };
            calls.iter().filter_map(call).collect()
        };
        let at = calls
            .iter()
            .position(|call| call.starts_with("renameat2"))
            .unwrap();
        let made = calls[at].split('"').nth(1).unwrap();
        let before: BTreeSet<PathBuf> = synced(&calls[..at])
            .iter()
            .map(|path| path.strip_prefix(made).unwrap_or(path).to_owned())
            .collect();
        let expected = merge.after[which].iter().map(|(path, _)| path.clone());
        assert_eq!(before, expected.collect());
        assert_eq!(synced(&calls[at..]), [root.clone()].into());
        let made_later = calls[at..].iter().any(|call| call.contains("O_CREAT"));
        assert!(!made_later);

        let arguments = [&merge.prepare(which, false)[..], &["--no-sync"]].concat();
        let calls = self::calls(&merge.scratch, trace, &arguments);
        assert!(synced(&calls).is_empty());
        assert!(merge.is_done(which, false));
    }
}

#[test]
fn an_output_that_cannot_be_synced_is_an_error() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    for which in [0, 1] {
        for older in [false, true] {
            let arguments = merge.prepare(which, older);
            let output = faulty(&merge.scratch, &["fsync:error=EIO"], &arguments);
            let problem = format!("error: {}: cannot sync: Input/output error", OUTPUTS[which]);
            assert!(stderr(&output).contains(&problem), "{}", stderr(&output));
            assert_eq!(output.status.code(), Some(1));
            assert!(!merge.is_done(which, older));
            assert!(merge.leftovers().is_empty());
        }
        // Some file systems cannot sync, which is not an error.
        let arguments = merge.prepare(which, true);
        let output = faulty(&merge.scratch, &["fsync:error=EINVAL"], &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(merge.is_done(which, true));
    }
    // The last sync is that of the directory, when the output has its name already.
    let arguments = merge.prepare(1, false);
    let output = faulty(&merge.scratch, &["fsync:error=EIO:when=2"], &arguments);
    let warning = "warning: out.tar: it is complete, but a crash of the machine may lose it: Input/output error";
    assert!(stderr(&output).contains(warning), "{}", stderr(&output));
    assert!(output.status.success() && merge.is_done(1, false));
}
