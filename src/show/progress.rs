//! A progress bar for each input, on a terminal.

use std::env;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use polyarch::Progress;
use polyarch::internals::text::clean;

/// The time between two drawings of the bars.
const PERIOD: Duration = Duration::from_millis(100);

/// Does work and draws its progress on standard error, if that is a terminal. The bars are wiped off
/// before this returns, so that nothing else is printed among them.
pub fn with_bars<T>(progress: &Progress, quiet: bool, work: impl FnOnce() -> T) -> T {
    // Nix runs builds on a terminal of its own, but keeps what they print as a log.
    let is_nix_build =
        env::var_os("NIX_BUILD_TOP").is_some() && env::var_os("IN_NIX_SHELL").is_none();
    if quiet || is_nix_build || !io::stderr().is_terminal() {
        return work();
    }
    thread::scope(|scope| {
        // Dropping `working` ends the drawing, also when the work panics.
        let (working, done) = channel::<()>();
        // A thread that cannot be started is not a reason to fail.
        let _ = thread::Builder::new().spawn_scoped(scope, move || draw(progress, &done));
        let result = work();
        drop(working);
        result
    })
}

fn draw(progress: &Progress, done: &Receiver<()>) {
    let all = MultiProgress::new();
    let mut bars: Vec<ProgressBar> = Vec::new();
    while done.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
        for (i, input) in progress.inputs().iter().enumerate() {
            if i == bars.len() {
                bars.push(all.add(bar(&input.input)));
            }
            bars[i].set_length(input.total.max(input.done));
            bars[i].set_position(input.done);
        }
    }
    bars.iter().for_each(ProgressBar::finish_and_clear);
}

fn bar(name: &str) -> ProgressBar {
    let template = "{prefix:24!} {bar:24.cyan} {bytes:>10} of {total_bytes:<10} {bytes_per_sec}";
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let name = name
        .rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or(name);
    let bar = ProgressBar::new(0).with_style(style.progress_chars("━╸ "));
    bar.with_prefix(clean(name))
}
