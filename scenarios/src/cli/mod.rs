//! The command line: what can be asked. What is done about it is in [`command`](crate::command).

mod bugs;
mod check;
mod list;
mod nightly;
mod repro;
mod run;
mod search;
mod threads;

use clap::builder::ArgAction;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

pub use bugs::{Bugs, SyncName, TableFormat};
pub use check::Check;
pub use list::{List, Listed};
pub use nightly::{Nightly, ReportCommand, ReportOf, Worker};
pub use repro::{Replay, Shrink};
pub use run::{OracleKind, Run, RunCheck};
pub use search::{Explore, Sweep};
pub use threads::{EngineKind, Threads};

use crate::exit;
use crate::report_files::{self, ReportFile};

/// Deterministic, multi-connection concurrency stress tester for database engines with cooperative I/O.
///
/// Many simulated connections step their own state machines over a shared pager and write-ahead log; an invariant checker
/// looks at every completion callback, every cancel and every step. A violation is explained, written to a repro file, and
/// replayed bit for bit.
#[derive(Debug, Parser)]
#[command(name = "falken", version, after_help = exit::TABLE)]
pub struct Cli {
    /// What to do; without a command, the default scenario is run.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// What the arguments of this process say; if they say nothing that makes sense, or ask for help, it ends here.
    pub fn read() -> Self {
        let matches = with_numbers_below_zero(Self::command()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// A number below zero is the value of its option, which says what is wrong with it, and not another option.
fn with_numbers_below_zero(command: clap::Command) -> clap::Command {
    let takes_value =
        |arg: &clap::Arg| arg.get_long().is_some() && matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let command = command.mut_args(|arg| if takes_value(&arg) { arg.allow_negative_numbers(true) } else { arg });
    command.mut_subcommands(with_numbers_below_zero)
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario many times with different seeds
    Run(Run),
    /// Try every schedule of a small scenario whose clients run programs
    Explore(Explore),
    /// Replay a repro file and say whether it still fails in the same way
    Replay(Replay),
    /// Disturb every statement of a scenario at each of its yields in turn
    Sweep(Sweep),
    /// Make a repro file as small as it gets: fewer connections, statements, switches, faults, bytes
    Shrink(Shrink),
    /// Run operations on real threads, in every order (loom), in sampled ones (shuttle), or as the machine likes
    Threads(Threads),
    /// A worker of `threads`: takes a job on stdin
    #[command(hide = true)]
    ThreadsWorker,
    /// Measure how soon planted bugs are found
    Bugs(Bugs),
    /// Run the whole catalogue for hours on all cores, group what fails, and keep everything in a directory
    Nightly(Nightly),
    /// Write the report of a night again, or join the nights of several machines
    Report(ReportOf),
    /// Make runs for a nightly that asks for them; not for people
    #[command(hide = true)]
    Worker(Worker),
    /// Judge a history of client calls: Elle's EDN, or JSON lines
    Check(Check),
    /// List scenarios, planted bugs, invariants, probes or strategies
    List(List),
    /// Print a completion script for a shell
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// A seed: decimal, or hexadecimal with `0x`.
fn seed(text: &str) -> Result<u64, String> {
    let parsed = text.strip_prefix("0x").map_or_else(|| text.parse(), |digits| u64::from_str_radix(digits, 16));
    parsed.map_err(|_| "a seed is a number up to 2^64, decimal or 0x…".into())
}

/// Where reports go, for every command that has one.
#[derive(Args, Clone, Debug, Default)]
pub struct ReportFiles {
    /// Write reports to files as well: `junit=report.xml,md=report.md`
    #[arg(long = "report", value_name = "FORMAT=FILE", value_delimiter = ',', value_parser = report_files::parse, long_help = report_files::help())]
    pub files: Vec<ReportFile>,
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds: &f64| (0.001..=86_400.0).contains(seconds))
        .ok_or_else(|| "seconds are from 0.001 to 86400".into())
}
