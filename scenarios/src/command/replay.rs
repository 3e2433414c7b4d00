//! `falken replay`: does a repro file still fail, and in the same way?

use std::fs;

use falken_harness::repro::Repro;
use falken_harness::run::{Run, RunReport, Settings};
use falken_harness::strategy::Replay as Tape;
use falken_models::bug::Bug;
use falken_reports::{Failure as Found, Summary};

use crate::cli::Replay;
use crate::exit::{Exit, Failure};

/// Replays a repro file.
///
/// # Errors
/// The file cannot be read or is none.
pub fn replay(options: &Replay) -> Result<Exit, Failure> {
    let path = options.file.display();
    let text =
        fs::read_to_string(&options.file).map_err(|error| Failure::Input(format!("cannot read {path}: {error}")))?;
    let repro = Repro::from_toml(&text).map_err(|error| Failure::Input(format!("in {path}: {error}")))?;
    let started = std::time::Instant::now();
    let strategy = Box::new(Tape::new(repro.tape.clone()));
    let settings = Settings { seed: repro.seed, planted: repro.planted, strategy, oracle: None };
    let report = Run::models(&repro.scenario, settings).go();
    let same = report.hash == repro.hash;
    let summary = summarise(&repro, report, &path.to_string(), started.elapsed().as_secs_f64());
    super::print(&falken_reports::write(if options.json { "json" } else { "text" }, &summary))?;
    // A replay that fails differently, or not at all, is not the failure that the file is about.
    if same {
        Ok(super::exit_of(summary.failure.as_ref().map(|failure| &failure.violation)))
    } else {
        Ok(Exit::Nondeterminism)
    }
}

fn summarise(repro: &Repro, report: RunReport, path: &str, seconds: f64) -> Summary {
    let mut notes = vec![format!("the file says: {} at action {}", repro.verdict, repro.step)];
    notes.push(if report.hash == repro.hash {
        format!("reproduced bit for bit: event hash {:#018x}", report.hash)
    } else {
        format!("NOT reproduced: event hash {:#018x}, the file has {:#018x}", report.hash, repro.hash)
    });
    notes.extend(report.divergence.clone());
    let failure = report.verdict.violation().map(|violation| Found {
        seed: repro.seed,
        violation: violation.clone(),
        hash: report.hash,
        connections: repro.scenario.connections(),
        last_events: report.last_events.clone(),
        repro: Ok(path.into()),
        replay: Some(super::replay_command(path)),
    });
    Summary {
        scenario: repro.scenario.name.clone(),
        strategy: "replay".into(),
        planted: repro.planted.0.map(Bug::id),
        seed: repro.seed,
        runs: 1,
        runs_asked: 1,
        interrupted: false,
        jobs: 1,
        actions: report.actions,
        commits: report.commits,
        crashes: report.crashes,
        seconds,
        hash: report.hash,
        invariants: Summary::count_invariants(&report.evaluated),
        probes: Summary::count_probes(&report.probes, &[]),
        failure,
        notes,
    }
}
