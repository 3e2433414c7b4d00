//! How far long work has come: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is printed where there is no terminal.
const PLAIN: Duration = Duration::from_secs(10);

/// The progress of some work, on stderr.
pub(super) struct Progress {
    what: &'static str,
    unit: &'static str,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    /// Progress of `what`, counted in `unit`.
    pub(super) fn new(what: &'static str, unit: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {prefix}, {eta} left");
            let style = style.expect("the template is well formed");
            ProgressBar::new(0).with_style(style).with_message(what).with_prefix(unit)
        });
        Self { what, unit, bar, last_line: Instant::now() }
    }

    /// So much is done.
    pub(super) fn update(&mut self, done: u64, total: u64) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total);
                bar.set_position(done);
            }
            None if self.last_line.elapsed() >= PLAIN => {
                eprintln!("{}: {done} of {total} {}", self.what, self.unit);
                self.last_line = Instant::now();
            }
            None => {}
        }
    }

    /// All is done.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
