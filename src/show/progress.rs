//! A progress bar for each input, on a terminal.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use polyarch::Progress;
use polyarch::internals::text::{bytes, clean};

/// The time between two drawings of the bars.
const PERIOD: Duration = Duration::from_millis(100);

/// Does work and draws its progress on standard error, if that is a terminal. The bars are wiped off
/// before this returns, so that nothing else is printed among them.
pub fn with_bars<T>(progress: &Progress, quiet: bool, work: impl FnOnce() -> T) -> T {
    // Nix runs builds on a pseudo-terminal, but keeps their output as a log.
    if quiet || is_nix_build() || !io::stderr().is_terminal() {
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

/// Whether the program runs in a Nix build, and not in the shell of one.
pub fn is_nix_build() -> bool {
    env::var_os("NIX_BUILD_TOP").is_some() && env::var_os("IN_NIX_SHELL").is_none()
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

/// The time in its largest units: `1h02m`, `3m04s`, `5s`.
fn time(left: Duration) -> String {
    let seconds = left.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..360_000 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => "days".to_owned(),
    }
}

fn bar(name: &str) -> ProgressBar {
    // 79 columns: a line that fills the last one is broken by some terminals.
    let template = "{prefix:18!} {bar:16.cyan} {done:>7} of {total:<7} {rate:>9} {left:>12}";
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let style = style
        .with_key(
            "done",
            |state: &ProgressState, line: &mut dyn fmt::Write| {
                let _ = line.write_str(&bytes(state.pos()));
            },
        )
        .with_key(
            "total",
            |state: &ProgressState, line: &mut dyn fmt::Write| {
                let _ = line.write_str(&bytes(state.len().unwrap_or(0)));
            },
        )
        .with_key(
            "rate",
            |state: &ProgressState, line: &mut dyn fmt::Write| {
                // Not negative, and no rate has more digits than fit.
                let _ = write!(line, "{}/s", bytes(state.per_sec() as u64));
            },
        )
        .with_key(
            "left",
            |state: &ProgressState, line: &mut dyn fmt::Write| {
                // Unknown before the first bytes were read.
                if state.pos() > 0 {
                    let _ = write!(line, "{} left", time(state.eta()));
                }
            },
        );
    let name = name
        .rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or(name);
    let bar = ProgressBar::new(0).with_style(style.progress_chars("━╸ "));
    bar.with_prefix(clean(name))
}
