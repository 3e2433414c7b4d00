//! falken: see `falken --help`.

use std::process::ExitCode;

use falken_scenarios::cli::Cli;
use falken_scenarios::command;

fn main() -> ExitCode {
    let exit = match command::dispatch(Cli::read()) {
        Ok(exit) => exit,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit()
        }
    };
    ExitCode::from(exit.code())
}
