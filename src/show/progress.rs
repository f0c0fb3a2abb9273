//! A bar for each image, on a terminal.

use std::env;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use polyarch::bytes::progress::Progress;
use polyarch::util::text::clean;

/// How often the bars are drawn anew.
const PERIOD: Duration = Duration::from_millis(100);

/// The bars. They are gone when this is dropped, so that nothing else is printed among them.
pub struct Bars {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bars {
    /// Draws bars on standard error while this lives; nothing where that is no terminal.
    pub fn show(progress: &Progress) -> Self {
        use std::io::IsTerminal as _;
        let nothing = Self {
            stop: None,
            thread: None,
        };
        // Nix runs builds on a terminal of its own, but keeps what they print as a log.
        let is_nix_build =
            env::var_os("NIX_BUILD_TOP").is_some() && env::var_os("IN_NIX_SHELL").is_none();
        if is_nix_build || !std::io::stderr().is_terminal() {
            return nothing;
        }
        let (stop, stopped) = channel();
        let progress = progress.clone();
        let draw = move || {
            let all = MultiProgress::new();
            let bars: Vec<_> = (progress.inputs())
                .map(|(name, counter)| (all.add(bar(&name.to_string())), Arc::clone(counter)))
                .collect();
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                for (bar, counter) in &bars {
                    bar.set_length(counter.total().max(counter.done()));
                    bar.set_position(counter.done());
                }
            }
            bars.iter().for_each(|(bar, _)| bar.finish_and_clear());
        };
        match std::thread::Builder::new().spawn(draw) {
            Ok(thread) => Self {
                stop: Some(stop),
                thread: Some(thread),
            },
            // A bar is no reason to fail.
            Err(_) => nothing,
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
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
