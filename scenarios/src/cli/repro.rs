//! Options of the commands that take a repro file: `replay` and `shrink`.

use std::path::PathBuf;

use clap::Args;

use super::{ReportFiles, seconds};

/// Options of `replay`.
#[derive(Args, Debug)]
#[command(after_help = "\
On code that has changed since the file was written, entries of the tape that are not offered are skipped, and the first of
them is named. The exit code is that of the violation as long as it is still there, and 5 if it is not.")]
pub struct Replay {
    /// The repro file
    pub file: PathBuf,
    /// Say for each order on the tape whether another one fails too, and which two steps race
    #[arg(long)]
    pub explain: bool,
    /// Write what the clients called and were told to this .edn or .jsonl file, for `falken check`
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Take anything but the same events, bit for bit, for nondeterminism
    #[arg(long)]
    pub strict: bool,
    /// A call of an engine that takes longer counts as hung, and falken ends (the models' always return)
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub call_limit: f64,
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

/// Options of `shrink`.
#[derive(Args, Debug)]
#[command(after_help = "\
An action of a shrunk repro is a context switch, the end of an operation of the disk, or a fault; what a connection does
between two of them counts as steps. A smaller case counts only if the same invariant fails for the same cause.

Examples:
  falken shrink falken-repros/long-readers-wal-7-1.raw.toml -o small.toml
  falken shrink small.toml --certify      exit code 6 if the search was not finished in time")]
pub struct Shrink {
    /// The repro file
    pub file: PathBuf,
    /// Where the smaller one goes (default: FILE with the ending .shrunk.toml)
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The most seconds to spend; as many again on finding which orders matter, and with --certify
    #[arg(long, default_value_t = 120)]
    pub seconds: u32,
    /// Then search every schedule of what is left that has fewer actions: the repro is a shortest one, or a shorter one follows
    #[arg(long)]
    pub certify: bool,
    /// Print a Rust test of the shrunk case instead of a report
    #[arg(long, conflicts_with = "json")]
    pub emit_test: bool,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}
