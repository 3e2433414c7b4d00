//! The `falken` command line: the scenario catalogue, batches of runs on all cores, oracles, commands.
//!
//! What this is not: it never inspects a schedule; the harness does. `catalog` holds the scenarios, `batch` runs many
//! seeds, `command` has one file per subcommand.

pub mod batch;
pub mod catalog;
pub mod cli;
pub mod command;
pub mod duel;
pub mod exit;
pub mod history_file;
pub mod hunt;
pub mod known;
pub mod matrix;
pub mod nightly;
#[cfg(feature = "sqlite-oracle")]
pub mod oracle;
pub mod plant;
pub mod report_files;
pub mod repro_file;
pub mod subject;
pub mod watchdog;
