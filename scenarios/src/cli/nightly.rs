//! Options of `nightly`, its workers, and its reports.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use falken_harness::subject::Engine;

use super::{ReportFiles, seconds};
use crate::nightly::{Shard, shard};
use crate::{command, subject};

/// A length of time: `8h`, `90m`, `2m30s`, `45s`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no length of time: write 8h, 90m, 2m30s or 45s");
    let (mut seconds, mut number) = (0_u64, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return Err(wrong()),
        };
        let parsed = std::mem::take(&mut number).parse::<u64>().map_err(|_| wrong())?;
        seconds = parsed.checked_mul(unit).and_then(|part| seconds.checked_add(part)).ok_or_else(wrong)?;
    }
    if seconds > 0 && number.is_empty() { Ok(Duration::from_secs(seconds)) } else { Err(wrong()) }
}

fn shard(text: &str) -> Result<Shard, String> {
    shard::read(text, &|name| std::env::var(name).ok())
}

/// Options of `nightly`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken nightly --for 8h                                    fresh seeds, a directory of its own below falken-nights
  falken nightly --for 8h --resume                           goes on with the last one after a kill or a power cut
  falken nightly --runs 20000 --seed-from $(git rev-parse HEAD)   the same runs for the same commit
  falken nightly --runs 20000 --seed-from X --shard 2/5      the second of five machines; see `falken report merge`
  falken nightly --for 2m --plant ckpt.ignores-read-marks --plant pin.leak-on-invalidate   does triage tell them apart?

What is in the state directory, ready files for GitHub Actions, Kubernetes and Slurm: scenarios/nightly/README.md.
A full disk stops the runs; what there is is reported, and the exit code is 3.")]
pub struct Nightly {
    /// Only these scenarios (default: the whole catalogue)
    pub scenarios: Vec<String>,
    /// How long: 8h, 90m, 2m30s, 45s. Triage comes after it
    #[arg(long = "for", value_name = "TIME", allow_hyphen_values = true, value_parser = duration, conflicts_with = "runs")]
    pub time: Option<Duration>,
    /// How many runs, on all machines together
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: Option<u64>,
    /// Make all seeds from a text, such as a commit hash (default: fresh seeds)
    #[arg(long, value_name = "COMMIT")]
    pub seed_from: Option<String>,
    /// Make only part K of N of the runs, or `auto`: what GitHub Actions, Kubernetes or Slurm says
    #[arg(long, value_name = "K/N", value_parser = shard, default_value = "1/1")]
    pub shard: Shard,
    /// Where everything goes (default: a new directory below falken-nights)
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Go on with the night in --state-dir, or with the last one below falken-nights; the plan is taken from there
    #[arg(long, conflicts_with_all = ["time", "runs", "seed_from", "plan", "plant", "scenarios", "steps", "subject"])]
    pub resume: bool,
    /// An earlier night to compare with (default: the last one below falken-nights with the same bugs planted)
    #[arg(long, value_name = "DIR")]
    pub previous: Option<PathBuf>,
    /// How runs are shared out over the scenarios (default: scenarios/nightly/plan.toml as it was when falken was built)
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The engine to run on: models or turso. Scenarios that it cannot run are skipped (default: what each scenario says)
    #[arg(long, value_parser = subject::engine, conflicts_with = "plant")]
    pub subject: Option<Engine>,
    /// Plant a bug; may be given several times: each run has one of them
    #[arg(long, value_name = "BUG")]
    pub plant: Vec<String>,
    /// Actions per run after which clients start nothing new (default: the scenario's)
    #[arg(long)]
    pub steps: Option<u64>,
    /// A run that takes longer is stopped and counts as hung
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub wall_limit: f64,
    /// A run that wants more memory is stopped (Unix only)
    #[arg(long, value_name = "MB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..))]
    pub memory_limit: u64,
    /// Known repros that are replayed first (default: scenarios/regressions, if it is there)
    #[arg(long, value_name = "DIR")]
    pub regressions: Option<PathBuf>,
    /// Lines of results.jsonl that are kept; sums and failures are kept of all runs
    #[arg(long, value_name = "RUNS", default_value_t = 100_000)]
    pub keep_results: u64,
    /// Nights below falken-nights that are kept
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(2..))]
    pub keep_nights: u64,
    /// Runs at a time (default: one per core)
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Where reports go.
    #[command(flatten)]
    pub report: ReportFiles,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `worker`.
#[derive(Args, Debug)]
pub struct Worker {
    /// Megabytes of address space.
    #[arg(long)]
    pub memory_mb: u64,
    /// Actions per run after which clients start nothing new.
    #[arg(long)]
    pub steps: Option<u64>,
    /// The engine, if it is not the scenarios'.
    #[arg(long, value_parser = subject::engine)]
    pub subject: Option<Engine>,
}

/// Options of `report`.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  falken report falken-nights/2026-11-24T010000Z                        as text
  falken report DIR --format junit -o report.xml
  falken report DIR --format html --open                                and show it
  falken report merge shard-1 shard-2 shard-3 --out night               as if one machine had made the runs"
)]
pub struct ReportOf {
    /// Join instead of writing a report
    #[command(subcommand)]
    pub merge: Option<ReportCommand>,
    /// The state directory of a night that has ended
    #[arg(required = true)]
    pub dir: Option<PathBuf>,
    /// How it is written
    #[arg(long, default_value = "text", value_parser = command::report::format)]
    pub format: command::report::Format,
    /// Where it goes (default: stdout, or with --open report.FORMAT in DIR)
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show it with the program that is meant for such files
    #[arg(long)]
    pub open: bool,
}

/// What else `report` does.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// Join the state directories of a plan's shards as if one machine had made the runs
    Merge {
        /// The state directories.
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        /// Where the joined night goes: a new directory.
        #[arg(long)]
        out: PathBuf,
        /// Write the report of the joined night as JSON
        #[arg(long)]
        json: bool,
    },
}
