//! What a night says while it goes on: bars on a terminal, one plain line a minute elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::plan::Spec;
use super::sums::Sums;

/// How often a plain line is printed.
const PLAIN: Duration = Duration::from_secs(60);

/// How the night ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After this many runs here.
    Runs(u64),
    /// After this much work.
    Time(Duration),
}

/// The bars, or the lines.
pub struct Progress {
    until: Until,
    night: ProgressBar,
    failed: ProgressBar,
    jobs: Vec<ProgressBar>,
    is_plain: bool,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// Begins to show a night.
    pub fn new(until: Until, jobs: usize) -> Self {
        let is_plain = !std::io::stderr().is_terminal();
        let bars = if is_plain {
            MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden())
        } else {
            MultiProgress::new()
        };
        let style = |template| ProgressStyle::with_template(template).expect("a well-formed template");
        let (length, template) = match until {
            Until::Runs(runs) => (runs, "night {wide_bar} {pos}/{len} runs, {per_sec}, {eta} left"),
            Until::Time(time) => (time.as_secs(), "night {wide_bar} {pos}/{len} s {msg}"),
        };
        let night = bars.add(ProgressBar::new(length).with_style(style(template)));
        let line = |prefix: String| {
            bars.add(ProgressBar::new_spinner().with_style(style("  {prefix}  {msg}")).with_prefix(prefix))
        };
        let jobs = (0..jobs).map(|job| line(format!("job {job}"))).collect();
        let failed = line("failed".into());
        Self { until, night, failed, jobs, is_plain, last_line: Mutex::new(Instant::now()) }
    }

    /// A job begins something.
    pub fn begins(&self, job: usize, spec: &Spec) {
        if !self.is_plain {
            self.jobs[job].set_message(format!("run {} {} under {}", spec.run, spec.scenario, spec.strategy));
        }
    }

    /// A run has ended; `seconds` is the work so far.
    pub fn update(&self, runs: u64, seconds: f64, sums: &Sums) {
        let failed: u64 = sums.failures.iter().map(|failures| failures.count).sum();
        let kinds = sums.failures.len();
        match self.until {
            Until::Runs(_) => self.night.set_position(runs),
            Until::Time(_) => {
                self.night.set_position(seconds as u64);
                self.night.set_message(format!("{runs} runs"));
            }
        }
        self.failed.set_message(format!("{failed} runs, {kinds} kinds before triage"));
        let mut last = self.last_line.lock().expect("nobody panics while holding it");
        if self.is_plain && last.elapsed() >= PLAIN {
            eprintln!("nightly: {seconds:.0} s, {runs} runs, {failed} failed ({kinds} kinds before triage)");
            *last = Instant::now();
        }
    }

    /// Says something that stays.
    pub fn say(&self, text: &str) {
        if self.is_plain { eprintln!("nightly: {text}") } else { self.night.println(format!("nightly: {text}")) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.jobs.iter().chain([&self.failed, &self.night]).for_each(ProgressBar::finish_and_clear);
    }
}
