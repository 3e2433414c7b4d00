//! Options of `run`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use falken_harness::check::Model;
use falken_harness::subject::Engine;

use super::{ReportFiles, seconds, seed};
use crate::{command, subject};

/// Options of `run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken run                                      the default scenario
  falken run crash-and-recover --runs 5000        five thousand runs of another one
  falken run my.toml --seed 7 --steps 1000        a scenario of your own
  falken run --catalogue --runs 100 --probes      every scenario, and what none of them ever came to
  falken run --plant ckpt.ignores-read-marks      see a planted bug caught, in a scenario that shows it")]
pub struct Run {
    /// A scenario's name (see `falken list`) or the path of a scenario file (default: readers-writers-checkpointer, or with
    /// `--plant` a scenario that shows the bug)
    pub scenario: Option<String>,
    /// Run every scenario of the catalogue; --runs is for each of them
    #[arg(long, conflicts_with_all = ["scenario", "plant", "verify_determinism", "keep_files", "history", "check", "files"])]
    pub catalogue: bool,
    /// Say which probes were never hit: conditions, sites, states of the machines, errors of each kind of statement
    #[arg(long)]
    pub probes: bool,
    /// Seed of the first run; the others follow it (decimal, or hexadecimal with 0x)
    #[arg(long, value_parser = seed, default_value = "1")]
    pub seed: u64,
    /// How many runs
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: u64,
    /// Actions per run after which clients start nothing new (default: the scenario's)
    #[arg(long)]
    pub steps: Option<u64>,
    /// Runs at a time (default: one per core)
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// What answers the choices (default: portfolio, or with `--plant` and no scenario one that shows the bug)
    #[arg(long)]
    pub strategy: Option<String>,
    /// Plant a bug of the catalogue (see `falken list bugs`)
    #[arg(long, value_name = "BUG")]
    pub plant: Option<String>,
    /// The engine that is run: `models`, or `turso` in a build with that feature (default: the scenario's, or else models)
    #[arg(long, value_parser = subject::engine, conflicts_with_all = ["plant", "check"])]
    pub subject: Option<Engine>,
    /// A call of an engine that takes longer counts as hung, and falken ends (the models' always return)
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub call_limit: f64,
    /// Where repro files go
    #[arg(long, value_name = "DIR", default_value = "falken-repros")]
    pub repro_dir: PathBuf,
    /// Go on behind violations that fail as a repro of this directory does, and count them
    #[arg(long, value_name = "DIR", conflicts_with_all = ["verify_determinism", "check"])]
    pub known: Option<PathBuf>,
    /// Report a violation as it was found
    #[arg(long)]
    pub no_shrink: bool,
    /// The most seconds to spend on shrinking a violation, and as many again on finding which orders matter
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub shrink_seconds: u32,
    /// Make every run twice, compare all choices and events, and report nothing but that
    #[arg(long)]
    pub verify_determinism: bool,
    /// Write the database and log of the last run to real files in this directory
    #[arg(long, value_name = "DIR")]
    pub keep_files: Option<PathBuf>,
    /// Write what the clients called and were told: to a .edn or .jsonl file for the failed run, or else the last one; any
    /// other name is a directory, which is made, and gets a file for every run
    #[arg(long, value_name = "FILE|DIR")]
    pub history: Option<PathBuf>,
    /// What that history must satisfy (TX-9; default: the scenario's, which is strong-serializable unless it says otherwise)
    #[arg(long, value_parser = command::check::model)]
    pub model: Option<Model>,
    /// Ask for a second opinion on the files after each crash and at the end of each run
    #[arg(long, value_enum, default_value_t = OracleKind::None)]
    pub oracle: OracleKind,
    /// Where reports go.
    #[command(flatten)]
    pub report: ReportFiles,
    /// Check this instead of running schedules; --runs is the number of seeds
    #[arg(long, value_enum)]
    pub check: Option<RunCheck>,
    /// Which invariants are checked: `all`, `cheap`, `none`, or ids and names with commas between (see `falken list invariants`)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub checks: Vec<String>,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Checks that replace the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RunCheck {
    /// Each statement does the same without a yield, with a yield at each site, and with yields everywhere
    YieldInvariance,
}

/// Second opinions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OracleKind {
    /// None: the independent parser of falken judges alone
    None,
    /// Stock SQLite recovers a copy of the files
    Sqlite,
}
