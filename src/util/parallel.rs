//! Maps many items on a few threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::{Resource, getrlimit};

use crate::util::lock::{lock, unpoisoned};

/// How many files one item may have open: one that is read, one that is written, and while the files of a
/// store path are listed, as many directories as `walkdir` keeps open.
const FILES: u64 = 12;

/// How many files the rest of the process has open.
const OTHER_FILES: u64 = 16;

/// Returns the number of threads that a request asks for; 0 stands for one on each core.
pub fn threads(jobs: usize) -> usize {
    match jobs {
        0 => std::thread::available_parallelism().map_or(1, Into::into),
        jobs => jobs,
    }
}

/// Returns the number of jobs that `ulimit -n` allows.
fn affordable(jobs: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let affordable = limit.saturating_sub(OTHER_FILES) / FILES;
    jobs.min(usize::try_from(affordable).unwrap_or(jobs).max(1))
}

/// Returns how many more files each of `jobs` threads may open.
pub fn spare_files(jobs: usize) -> u64 {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let jobs = affordable(jobs.max(1)) as u64;
    limit.saturating_sub(OTHER_FILES + jobs * FILES) / jobs
}

/// Applies `work` to each item on up to `jobs` threads. The results are in the order of the items. If
/// several fail, the error is that of the first of them, among those that were worked on.
pub fn map<T: Sync, R: Send, E: Send>(
    jobs: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(i) else { break };
            let result = work(item);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            lock(&done).push((i, result));
        }
    };
    std::thread::scope(|scope| {
        // This thread works too, so the work is done even if no other thread can be started.
        for _ in 1..affordable(jobs).min(items.len()) {
            if std::thread::Builder::new()
                .spawn_scoped(scope, work)
                .is_err()
            {
                break;
            }
        }
        work();
    });
    let mut done = unpoisoned(done.into_inner());
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..100).collect();
        let doubled = map(4, &items, |i| Ok::<_, ()>(i * 2)).unwrap();
        assert_eq!(doubled, items.iter().map(|i| i * 2).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_is_returned() {
        let found = map(2, &[1, 2, 3], |i| if *i == 2 { Err(*i) } else { Ok(()) });
        assert_eq!(found, Err(2));
    }
}
