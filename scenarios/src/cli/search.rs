//! Options of the commands that go through a scenario: `explore` and `sweep`.

use std::path::PathBuf;

use clap::Args;
use falken_harness::strategy::Aim;

use super::{ReportFiles, seed};
use crate::command;

/// Options of `explore`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken explore two-writers-one-checkpointer                  every schedule; exit 0 says that all were tried
  falken explore my.toml --preemptions 2                       only those with at most two preemptions
  falken explore my.toml --state-dir search                    Ctrl-C and the same command again: it goes on
  falken explore writer-and-checkpointer --plant ckpt.ignores-read-marks

The clients of the scenario must run programs (see `falken list scenarios`). Each state is looked at once, so what counts
is how many states there are: keep programs short, `busy-retries` and `read-retries` small, `read-slots` few, and
`[schedule] header = \"copies\"`. Faults of the scenario are tried wherever they can happen; bound them with --faults.
A failed write leaves none or all of its bytes, and the proof at the end runs with one order of its I/O.")]
pub struct Explore {
    /// A scenario's name (see `falken list`) or the path of a scenario file
    pub scenario: String,
    /// Plant a bug of the catalogue (see `falken list bugs`)
    #[arg(long, value_name = "BUG")]
    pub plant: Option<String>,
    /// Only schedules in which a connection that could go on has to wait at most this often
    #[arg(long, value_name = "K")]
    pub preemptions: Option<u32>,
    /// Only runs with at most this many faults: crashes, dropped connections, abandoned statements, failed operations
    #[arg(long, value_name = "N")]
    pub faults: Option<u32>,
    /// Give up beyond this many actions after the setup (exit code 6)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub depth: Option<u64>,
    /// Give up once this many states were found (exit code 6)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=4_000_000_000))]
    pub states: Option<u64>,
    /// Keep the search in this directory; the same command goes on where it was
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Threads; the result is the same for any number (default: one per core)
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// From which salts are made (decimal, or hexadecimal with 0x)
    #[arg(long, value_parser = seed, default_value = "1")]
    pub seed: u64,
    /// Where repro files go
    #[arg(long, value_name = "DIR", default_value = "falken-repros")]
    pub repro_dir: PathBuf,
    /// Which invariants are checked: `all`, `cheap`, `none`, or ids and names with commas between (see `falken list invariants`)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub checks: Vec<String>,
    /// Where reports go.
    #[command(flatten)]
    pub report: ReportFiles,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `sweep`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken sweep put-overflow-under-checkpoint                 abandon, drop, interrupt, cancel and fail at every point of one schedule
  falken sweep mine.toml --with abandon --schedules 20       abandon only, in twenty schedules

One run per point: statements times yields. Scenarios of fixed programs are made for this; others need few --steps.")]
pub struct Sweep {
    /// A scenario's name (see `falken list`) or the path of a scenario file
    pub scenario: String,
    /// What happens at each point
    #[arg(long, value_delimiter = ',', value_parser = command::sweep::aim, default_values = Aim::ALL.map(Aim::name))]
    pub with: Vec<Aim>,
    /// What decides the schedule
    #[arg(long, default_value = "random")]
    pub strategy: String,
    /// Seed of the first schedule; the others follow it (decimal, or hexadecimal with 0x)
    #[arg(long, value_parser = seed, default_value = "1")]
    pub seed: u64,
    /// How many schedules
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub schedules: u64,
    /// Actions per run after which clients start nothing new (default: the scenario's)
    #[arg(long)]
    pub steps: Option<u64>,
    /// Runs at a time (default: one per core)
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Plant a bug of the catalogue (see `falken list bugs`)
    #[arg(long, value_name = "BUG")]
    pub plant: Option<String>,
    /// Where repro files go
    #[arg(long, value_name = "DIR", default_value = "falken-repros")]
    pub repro_dir: PathBuf,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}
