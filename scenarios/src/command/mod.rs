//! The subcommands, one file each.

mod bugs;
mod catalogue;
pub mod check;
mod explore;
mod hung;
mod invariance;
mod list;
mod nightly;
mod progress;
mod replay;
pub mod report;
mod run;
pub(crate) mod shrink;
pub mod sweep;
mod threads;
mod verify;

use std::io::Write;

use clap::{CommandFactory, Parser};
use falken_harness::verdict::Violation;

use crate::cli::{Cli, Command};
use crate::exit::{Exit, Failure};
pub(crate) use run::prepare_directory;
pub(crate) use threads::{RUNS_DEFAULT as SHUTTLE_RUNS, worker_command};

/// Does what the command line says.
///
/// # Errors
/// The command could not do its work.
pub fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    // A panic in a model becomes a violation; the standard message about it would only be noise in the progress output.
    std::panic::set_hook(Box::new(|_| {}));
    falken_turso::register();
    match cli.command {
        None => {
            let Some(Command::Run(default)) = Cli::parse_from(["falken", "run"]).command else {
                unreachable!("`falken run` is a run")
            };
            run::run(&default)
        }
        Some(Command::Run(options)) => run::run(&options),
        Some(Command::Explore(options)) => explore::explore(&options),
        Some(Command::Replay(options)) => replay::replay(&options),
        Some(Command::Shrink(options)) => shrink::shrink(&options),
        Some(Command::Sweep(options)) => sweep::sweep(&options),
        Some(Command::Threads(options)) => threads::threads(&options),
        Some(Command::ThreadsWorker) => threads::worker(),
        Some(Command::Bugs(options)) => bugs::bugs(&options),
        Some(Command::Nightly(options)) => nightly::nightly(&options),
        Some(Command::Report(options)) => report::report(&options),
        Some(Command::Worker(options)) => nightly::worker(&options),
        Some(Command::Check(options)) => check::check(&options),
        Some(Command::List(options)) => list::list(&options),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "falken", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

/// The command that replays a file, as it can be typed where this program was started.
pub(crate) fn replay_command(path: &str) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "falken".into());
    let quoted = if path.contains(' ') { format!("'{path}'") } else { path.into() };
    format!("{program} replay {quoted}")
}

/// Writes a result to stdout. A reader that has gone away is no error.
pub(crate) fn print(text: &str) -> Result<Exit, Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Ok(Exit::Pass),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Pass),
        Err(error) => Err(Failure::Harness(format!("cannot write the report: {error}"))),
    }
}

/// The exit code that a verdict calls for.
fn exit_of(violation: Option<&Violation>) -> Exit {
    match violation {
        None => Exit::Pass,
        Some(violation) if matches!(violation.invariant, "LIVE-1" | "LIVE-2") => Exit::Liveness,
        Some(_) => Exit::Violation,
    }
}
