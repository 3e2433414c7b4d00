//! Options of `list`.

use clap::{Args, ValueEnum};

/// Options of `list`.
#[derive(Args, Debug)]
pub struct List {
    /// What to list
    #[arg(value_enum, default_value_t = Listed::Scenarios)]
    pub what: Listed,
    /// Write the list as JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Listed {
    Scenarios,
    Bugs,
    Invariants,
    Faults,
    Probes,
    Strategies,
    Threads,
}
