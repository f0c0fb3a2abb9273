//! Standard streams that are closed or full.

use std::process::Command;

use super::*;

#[test]
fn closed_standard_streams_do_not_damage_the_output() {
    let merge = Merge::new();
    let program = env!("CARGO_BIN_EXE_polyarch");
    for (how, code) in [
        (">&-", 0),
        ("2>&-", 0),
        ("<&- >&- 2>&-", 0),
        ("2>/dev/full", 0),
        // A digest that cannot be printed is a failure, but the output is complete.
        ("| true; exit ${PIPESTATUS[0]}", 1),
        (">/dev/full", 1),
        // A closed reader of messages does not stop the merge.
        ("2> >(true)", 0),
    ] {
        for which in [0, 1] {
            let arguments = merge.prepare(which, true).join(" ");
            // The reader has exited before anything is printed.
            let script = format!("(sleep 0.05; exec {program} {arguments}) {how}");
            let mut command = Command::new("bash");
            let output = command
                .current_dir(merge.scratch.path(""))
                .args(["-c", &script])
                .output();
            assert_eq!(output.unwrap().status.code(), Some(code), "{how}");
            assert!(merge.is_done(which, true), "{how}");
            assert!(merge.leftovers().is_empty());
        }
    }
}
