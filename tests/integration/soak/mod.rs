//! Random images, consumers, kills, full disks, failing system calls, and inputs that change, for as long as wanted.
//!
//! `make soak SECONDS=600` runs [`soak`]; an ordinary test runs some rounds of each kind. A round depends on its seed
//! alone, which a failure prints. After the first failure no further round runs.

mod consumers;
mod faulty;
mod sets;
mod trees;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fastrand::Rng;

/// How often each thing was done.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }
}

/// Does something once, as the random numbers decide.
type Kind = fn(&mut Rng, &mut Tally);

/// The kinds of rounds. The remainder of its seed gives the kind of a round.
const KINDS: [(&str, Kind); 6] = [
    ("a random set of images", sets::round),
    ("a merge that is killed", faulty::killed),
    ("a random set of images", sets::round),
    ("a full disk", faulty::full_disk),
    ("a system call that fails", faulty::failing_call),
    ("an input that changes", faulty::changing_input),
];

/// Prints how to repeat a round that panics.
struct Repeat(u64, &'static str);

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(seed, kind) = self;
            eprintln!("soak: this was {kind}; make soak SECONDS=0 SEED={seed} repeats it");
        }
    }
}

fn round(seed: u64, tally: &mut Tally) {
    let (name, kind) = KINDS[(seed % KINDS.len() as u64) as usize];
    let _repeat = Repeat(seed, name);
    kind(&mut Rng::with_seed(seed), tally);
    tally.add(name);
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is not a number")),
    )
}

#[test]
#[ignore = "takes SOAK_SECONDS; `make soak` runs it"]
fn soak() {
    let seconds = number("SOAK_SECONDS").unwrap_or(600);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let first = number("SOAK_SEED").unwrap_or(time.as_secs());
    let (start, mut tally) = (Instant::now(), Tally::default());
    for seed in first.. {
        round(seed, &mut tally);
        if start.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
    }
    println!(
        "soak: {} seconds from seed {first}",
        start.elapsed().as_secs()
    );
    for (what, count) in tally.0 {
        println!("{count:8} {what}");
    }
}

#[test]
fn some_rounds_of_each_kind_find_nothing() {
    let mut tally = Tally::default();
    for seed in 0..KINDS.len() as u64 {
        round(seed, &mut tally);
    }
    for (kind, _) in KINDS {
        assert!(tally.0[kind] > 0);
    }
}

#[test]
fn two_hundred_random_right_images_give_no_warning_and_no_finding() {
    let mut images = 0;
    // The seeds of rounds of the same kind, so that a failure can be repeated.
    for seed in (0..).step_by(KINDS.len()) {
        let _repeat = Repeat(seed, KINDS[0].0);
        images += sets::false_alarms(&mut Rng::with_seed(seed), &mut Tally::default());
        if images >= 200 {
            break;
        }
    }
}
