//! Options of `threads`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ReportFiles, seed};

/// Options of `threads`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken threads group-cancel                            every execution within the form's bound, under loom
  falken threads group-cancel --preemptions 2            fewer of them
  falken threads transactions --engine shuttle           sampled schedules of whole transactions with an I/O pool
  falken threads two-commits --engine os --runs 2000     the machine's own threads
  falken threads --plant group.link-after-finish         see a planted bug caught, in a form that shows it
  falken list threads                                    the forms, and the scenarios that run on threads

Loom explores all executions with at most K preemptions; shuttle draws N schedules from the seed; the machine's threads run
N times. The worker is a process of its own, so that whatever a failing execution does its schedule is kept.")]
pub struct Threads {
    /// A form's name, a scenario's name or the path of a scenario file with a `[threads]` section (default with `--plant`: a
    /// form that shows the bug)
    #[arg(required_unless_present = "plant")]
    pub scenario: Option<String>,
    /// What explores (default: the first that the form or scenario supports)
    #[arg(long, value_enum)]
    pub engine: Option<EngineKind>,
    /// Loom: only executions with at most this many preemptions (default: the form's or scenario's bound)
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u8).range(0..=20))]
    pub preemptions: Option<u8>,
    /// Loom: all executions, whatever the bound of the form or scenario is
    #[arg(long, conflicts_with = "preemptions")]
    pub full: bool,
    /// Shuttle and os: how many executions
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub runs: Option<u64>,
    /// Shuttle: from which schedules are drawn (decimal, or hexadecimal with 0x)
    #[arg(long, value_parser = seed)]
    pub seed: Option<u64>,
    /// Shuttle: what samples schedules: random, pct-3, pos, urw, all of them in turn, or dfs for all schedules in order
    #[arg(long)]
    pub strategy: Option<String>,
    /// Plant a bug of the catalogue (see `falken list bugs`)
    #[arg(long, value_name = "BUG")]
    pub plant: Option<String>,
    /// Where repro files go
    #[arg(long, value_name = "DIR", default_value = "falken-repros")]
    pub repro_dir: PathBuf,
    /// Where reports go.
    #[command(flatten)]
    pub report: ReportFiles,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Engines of `threads`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineKind {
    /// Every execution within a bound on preemptions
    Loom,
    /// Sampled schedules
    Shuttle,
    /// The machine's own threads
    Os,
}
