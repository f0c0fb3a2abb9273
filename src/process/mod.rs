//! The process: its umask, its signals, and the number of threads that it may use.

use std::env;
use std::sync::{Arc, mpsc};

use polyarch::internals::sink;
use rustix::fs::Mode;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

/// The number of threads that Nix grants this build; 0 if it grants all cores, or outside of Nix.
pub fn default_jobs() -> usize {
    let granted = env::var("NIX_BUILD_CORES").ok();
    granted.and_then(|cores| cores.parse().ok()).unwrap_or(0)
}

/// Leaves the user's own permissions out of the umask. With `0700` in it, the program could neither
/// fill nor remove the directories that it creates.
pub fn keep_umask_usable() {
    let umask = rustix::process::umask(Mode::RWXU);
    rustix::process::umask(umask - Mode::RWXU);
}

/// Removes staged files before a signal ends the process, as it would without a handler.
pub fn clean_up_on_signals() {
    // A file that grows beyond `ulimit -f` is an error like a full disk.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    let mut deadly = vec![SIGINT, SIGTERM, SIGHUP];
    deadly.retain(|signal| !is_ignored(*signal));
    let (ready, wait) = mpsc::channel::<()>();
    // If no thread can be started, a signal leaves the staging directory, which is not a reason to fail.
    // The signal must still be deadly, so nothing is registered before the thread runs.
    let spawned = std::thread::Builder::new().spawn(move || {
        let Ok(mut signals) = Signals::new(deadly) else {
            return;
        };
        drop(ready);
        for signal in signals.forever() {
            sink::clean_up();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
    if spawned.is_ok() {
        let _ = wait.recv();
    }
}

/// Whether the parent process has the signal ignored, as nohup does. Only Linux has a file for it; other
/// systems need an unsafe system call.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) >> (signal - 1) & 1 == 1
}
