//! What falken says of an engine that does not return from a call, before it ends without it.

use std::time::Duration;

use falken_harness::scenario::Scenario;
use falken_reports::{Failure as Found, Summary};

use crate::cli::ReportFiles;
use crate::exit::Exit;
use crate::{report_files, watchdog};

/// Describes a run whose engine does not return.
pub(super) fn found(scenario: &Scenario, seed: u64, limit: f64, repro: Result<String, String>) -> Found {
    Found {
        seed,
        violation: watchdog::violation(Duration::from_secs_f64(limit)),
        hash: 0,
        connections: scenario.connections(),
        // They are the engine's thread's, and so is everything else that could be looked at.
        last_events: Vec::new(),
        scene: None,
        replay: repro.as_ref().ok().map(|path| super::replay_command(path)),
        repro,
        story: None,
    }
}

/// Reports that an engine does not return, and ends the process: a thread cannot be ended.
pub(super) fn end(command: &str, summary: &Summary, json: bool, report: &ReportFiles) -> ! {
    let _ = super::print(&falken_reports::write(if json { "json" } else { "text" }, summary));
    let _ = report_files::deliver(&report.files, &report_files::of_batch(command, summary, &report.files));
    std::process::exit(Exit::Liveness.code().into())
}
