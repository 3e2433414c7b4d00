//! Options of `bugs`.

use clap::{Args, ValueEnum};

use super::ReportFiles;

/// Options of `bugs`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken bugs --matrix                                 every bug x strategy x sync mode: what catches it, how soon
  falken bugs --matrix --format markdown --strategy random --strategy portfolio
  falken bugs --alone                                  does each invariant named for a bug catch it by itself?
  falken bugs --matrix --report html=kills.html,junit=kills.xml
  falken bugs --duel --trials 200                      every strategy on every planted bug
  falken bugs --duel --bug wal.slot0-not-revalidated   on one of them
  falken bugs --duel --strategy pos --strategy pct-3   two strategies only")]
pub struct Bugs {
    /// The kill matrix: which check catches each bug under each strategy and sync mode, how soon, and how small it shrinks;
    /// exit 1 if one survives
    #[arg(long, group = "what")]
    pub matrix: bool,
    /// Whether each invariant that the catalogue names for a bug catches it when it is the only one checked; exit 1 if not
    /// and no reason is known
    #[arg(long, group = "what")]
    pub alone: bool,
    /// Compare strategies: how many runs, actions and seconds until each finds each bug
    #[arg(long, group = "what")]
    pub duel: bool,
    /// Which invariants are checked: `all`, `cheap`, `none`, or ids and names with commas between (see `falken list invariants`)
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "alone")]
    pub checks: Vec<String>,
    /// Trials of each strategy on each bug (default: 20 of a duel, 3 of the matrix)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub trials: Option<u64>,
    /// Runs after which a trial gives up; in a duel it counts with them
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    pub cap: u64,
    /// Seconds after which a trial of the matrix, or the search for a named check, gives up
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: u32,
    /// One line a bug: the sync mode in which it is caught soonest
    #[arg(long, requires = "matrix", conflicts_with = "json")]
    pub brief: bool,
    /// The most seconds to spend on shrinking a catch of the matrix; 0 shrinks nothing
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub shrink_seconds: u32,
    /// Only this sync mode; may be given several times (default: full and normal)
    #[arg(long, value_enum)]
    pub mode: Vec<SyncName>,
    /// Only this bug; may be given several times
    #[arg(long, value_name = "BUG")]
    pub bug: Vec<String>,
    /// Only this strategy; may be given several times
    #[arg(long, value_name = "STRATEGY")]
    pub strategy: Vec<String>,
    /// Trials at a time (default: one per core)
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = TableFormat::Text, conflicts_with = "json")]
    pub format: TableFormat,
    /// Where reports go.
    #[command(flatten)]
    pub report: ReportFiles,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// `PRAGMA synchronous`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SyncName {
    /// Every commit is synced
    Full,
    /// Checkpoints are synced
    Normal,
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// Columns of the same width
    Text,
    /// A Markdown table
    Markdown,
    /// For programs
    Json,
}
