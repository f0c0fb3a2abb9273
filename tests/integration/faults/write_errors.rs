//! Files that cannot be created, written or renamed, and file systems that are full or read-only.

use super::*;
use crate::support::*;

/// As on FAT and on some network shares.
#[test]
fn a_file_system_that_has_no_modes_is_not_a_failure() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    for which in [0, 1] {
        for error in ["EPERM", "EOPNOTSUPP"] {
            let arguments = merge.prepare(which, false);
            let fault = format!("/chmod:error={error}");
            let output = faulty(&merge.scratch, &[&fault], &arguments);
            assert!(output.status.success(), "{}", stderr(&output));
            assert!(merge.is_done(which, false));
        }
    }
}

#[test]
fn a_file_that_cannot_be_created_or_renamed_is_an_error() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    for which in [0, 1] {
        for (fault, problem) in [
            (
                "mkdir:error=EACCES:when=2",
                "cannot create: Permission denied",
            ),
            (
                "/chmod:error=EIO",
                "cannot set the mode of: Input/output error",
            ),
            (
                "renameat2:error=EXDEV",
                "cannot create: Invalid cross-device link",
            ),
        ] {
            for older in [false, true] {
                let arguments = merge.prepare(which, older);
                let output = faulty(&merge.scratch, &[fault], &arguments);
                let told = stderr(&output);
                assert_eq!(output.status.code(), Some(1), "{fault}: {told}");
                let text = format!("{}: {problem}", OUTPUTS[which]);
                assert!(told.contains(&text), "{fault}: {text:?} is not in:\n{told}");
                assert!(!merge.is_done(which, older));
                assert!(merge.leftovers().is_empty());
            }
        }
    }
}

#[test]
fn the_output_is_replaced_where_no_rename_can_exchange_it() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    for (which, older) in [(0, false), (0, true), (1, false), (1, true)] {
        let arguments = merge.prepare(which, older);
        let output = faulty(&merge.scratch, &["renameat2:error=EINVAL"], &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(merge.is_done(which, older));
        assert!(merge.leftovers().is_empty());
    }
}

/// Merges on a file system with a limit. The exit code is 77 if not even the older output has room there, and 78 if
/// anything there changed despite a failure, or the output is not complete. `None` on a machine that does not allow
/// mounting.
pub fn on_a_small_disk(merge: &Merge, which: usize, older: bool, limit: &str) -> Option<Output> {
    let output = OUTPUTS[which];
    merge.prepare(which, older);
    let script = format!(
        "mkdir disk; mount -t tmpfs -o {limit} none disk
         [ ! -e {output} ] || cp -r {output} disk || exit 77
         find disk -type f -exec sha256sum {{}} + >before; find disk >>before
         status=0; $polyarch merge -q --force -o disk/{output} a.tar b.tar.gz || status=$?
         find disk -type f -exec sha256sum {{}} + >after; find disk >>after
         if [ $status = 0 ]; then $polyarch verify disk/{output}; else cmp before after; fi >&2 || exit 78
         exit $status"
    );
    let done = in_namespace(&merge.scratch, &script)?;
    for path in merge.leftovers() {
        remove(&path);
    }
    Some(done)
}

#[test]
fn a_full_disk_leaves_the_existing_output_unchanged() {
    let merge = Merge::new();
    for older in [false, true] {
        for which in [0, 1] {
            let output = OUTPUTS[which];
            // Less room than the new output needs, then too few files. A layout is staged in its own files,
            // an archive is one file that is made of staged blobs.
            let few = ["size=3000k,nr_inodes=20", "size=1400k"][which];
            let fewer = ["nr_inodes=10", "nr_inodes=5"][which];
            for limit in ["size=400k", "size=700k", few, fewer] {
                let Some(done) = on_a_small_disk(&merge, which, older, limit) else {
                    return;
                };
                if done.status.code() == Some(77) {
                    continue;
                }
                let told = stderr(&done);
                assert_eq!(done.status.code(), Some(1), "{limit}: {told}");
                let problem = format!("error: disk/{output}: cannot ");
                let full = "No space left on device (os error 28)\nhint: the file system of the output needs space for ";
                assert!(
                    told.starts_with(&problem) && told.contains(full),
                    "{limit}: {told}"
                );
            }
        }
    }
}

#[test]
fn a_read_only_file_system_is_an_error() {
    let merge = Merge::new();
    let script = "mkdir disk; mount -t tmpfs -o ro none disk; $polyarch merge -o disk/out a.tar";
    let Some(output) = in_namespace(&merge.scratch, script) else {
        return;
    };
    assert_eq!(output.status.code(), Some(1));
    let disk = merge.scratch.path("disk");
    let problem = format!(
        "error: {}: cannot create a file there: Read-only file system (os error 30)\n",
        disk.display()
    );
    assert_eq!(stderr(&output), problem);
}

/// Only the directory of the output is written to.
#[test]
fn a_merge_needs_no_directory_for_temporary_files() {
    let merge = Merge::new();
    // The program and the images may be in one of the directories that become read-only.
    let script = "mkdir here; mount --bind . /mnt; touch /mnt/here/polyarch; mount --bind $polyarch /mnt/here/polyarch
        cd /mnt; for directory in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o ro none $directory; done
        unset TMPDIR TMP TEMP HOME
        here/polyarch merge --force -o out a.tar b.tar.gz; here/polyarch merge --force -o out.tar a.tar b.tar.gz";
    merge.prepare(0, false);
    merge.prepare(1, true);
    let Some(output) = in_namespace(&merge.scratch, script) else {
        return;
    };
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(merge.is_done(0, false) && merge.is_done(1, true));
}
