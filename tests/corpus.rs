//! The properties that the fuzz targets look for, on the seeds: what the fuzzer has found once, and
//! images to start from. CONTRIBUTING.md, "Fuzzing", tells how seeds come here.

#[path = "fuzz/src/lib.rs"]
mod properties;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};
use std::{fs, panic};

use properties::TARGETS;

/// A panic on a thread that nobody joins would not be seen otherwise.
static PANICKED: AtomicBool = AtomicBool::new(false);

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz")
        .join(name)
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Runs a target on its seeds.
fn run(name: &str) {
    // A panic is that of the target that runs, so one runs at a time.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICKED.store(true, Ordering::Relaxed);
            tell(info);
        }));
    });
    let (_, property) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let seeds = directory("corpus").join(name);
    let mut failed = Vec::new();
    for seed in names(&seeds) {
        let bytes = fs::read(seeds.join(&seed)).unwrap();
        let held = panic::catch_unwind(|| property(&bytes));
        if held.is_err() | PANICKED.swap(false, Ordering::Relaxed) {
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "{name}: {failed:?}");
}

macro_rules! targets {
    ($($name:ident)*) => {
        mod what_was_found_once_is_not_found_again {
            $(
                #[test]
                fn $name() {
                    super::run(stringify!($name));
                }
            )*
        }

        #[test]
        fn every_target_is_run_on_its_seeds() {
            let known: BTreeSet<String> = [$(stringify!($name).to_owned()),*].into();
            let targets = TARGETS.iter().map(|(name, _)| (*name).to_owned());
            assert_eq!(targets.collect::<BTreeSet<_>>(), known);
            assert_eq!(names(&directory("corpus")), known);
            let programs = names(&directory("targets")).into_iter();
            let programs = programs.map(|name| name.trim_end_matches(".rs").to_owned());
            assert_eq!(programs.collect::<BTreeSet<_>>(), known);
        }
    };
}

targets! {
    archive codecs docker_archive documents layout merge names nix2container platform programs verify
}
