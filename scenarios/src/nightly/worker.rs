//! The process that makes runs for a night: it reads requests and writes replies, one JSON line each.
//!
//! A run that never comes back, or that eats the machine's memory, cannot be stopped from within its own process: a thread
//! has no kill. So each job of a night is a process of its own (`falken worker`), and the night is somebody who can end it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Write};

use falken_harness::case::Case;
use falken_harness::choice::Tape;
use falken_harness::repro::Repro;
use falken_harness::run::{self, RunReport, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::shrink::{self, Failing, cause};
use falken_harness::strategy;
use falken_harness::subject::Engine;
use falken_harness::verify::verify;
use falken_models::bug::{Bug, Planted};
use falken_reports::night::{Hex, NightFact, NightStory};
use serde::{Deserialize, Serialize};

use super::plan::{self, Spec};
use super::record::{Failed, RunLine, Shrunk};
use crate::command::shrink::explained;
use crate::exit::Failure;
use crate::repro_file;

/// Actions that shrinking one failure may take in all: a few seconds. What has not become small by then stays long.
const SHRINK_ACTIONS: u64 = 20_000_000;

/// Actions that explaining what is left may take: it is run twice for every entry of its tape.
const EXPLAIN_ACTIONS: u64 = 10_000_000;

/// What a worker can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Make a run.
    Run(Spec),
    /// Make a failed run again, shrink it in at most so many runs, and explain what is left.
    Shrink(Spec, u64),
    /// Replay the text of a repro file, as it is and without its planted bug.
    Replay(String),
}

/// What a worker answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The run.
    Run(Box<RunLine>),
    /// The shrunk run.
    Shrunk(Box<Shrunk>),
    /// What came of a replay.
    Replayed(Replayed),
    /// The request makes no sense.
    Refused(String),
}

/// What came of a replay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Replayed {
    /// The cause, if it failed.
    pub cause: Option<String>,
    /// The cause without the planted bug, if it failed; only if one is planted.
    pub cause_without_bug: Option<String>,
}

/// Answers requests until there are no more.
///
/// # Errors
/// A reply cannot be written.
pub fn serve(subject: Option<Engine>, steps: Option<u64>) -> Result<(), Failure> {
    let (sender, requests) = crossbeam::channel::unbounded();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
        // Whoever asked is gone, and the run under way may be one that never ends.
        std::process::exit(0);
    });
    let mut worker = Worker { subject, steps, scenarios: BTreeMap::new() };
    for line in requests {
        let reply = match serde_json::from_str(&line) {
            Ok(request) => worker.answer(request).unwrap_or_else(|failure| Reply::Refused(failure.to_string())),
            Err(error) => Reply::Refused(format!("no request: {error}")),
        };
        let mut text = serde_json::to_string(&reply).expect("a reply has a JSON form");
        text.push('\n');
        let written = std::io::stdout().lock().write_all(text.as_bytes());
        written.map_err(|error| Failure::Harness(format!("cannot answer: {error}")))?;
    }
    Ok(())
}

struct Worker {
    subject: Option<Engine>,
    steps: Option<u64>,
    scenarios: BTreeMap<String, Scenario>,
}

impl Worker {
    fn answer(&mut self, request: Request) -> Result<Reply, Failure> {
        match request {
            Request::Run(spec) => self.run(spec),
            Request::Shrink(spec, replays) => self.shrink(spec, replays),
            Request::Replay(text) => replay(&text),
        }
    }

    fn scenario(&mut self, name: &str) -> Result<&Scenario, Failure> {
        if !self.scenarios.contains_key(name) {
            self.scenarios.insert(name.into(), plan::scenario(name, self.subject, self.steps)?);
        }
        Ok(&self.scenarios[name])
    }

    fn run(&mut self, spec: Spec) -> Result<Reply, Failure> {
        let (strategy, seed) = (find_strategy(&spec.strategy)?, spec.seed.0);
        let scenario = self.scenario(&spec.scenario)?;
        let planted = planted(&spec, scenario)?;
        let mut once = |strategy| run::run(scenario, Settings { seed, planted, strategy, oracle: None });
        let (report, difference) = if spec.twice {
            match verify(&|| (strategy.new)(seed), &mut once) {
                Ok(report) => (report, None),
                Err(difference) => (once((strategy.new)(seed)), Some(difference.to_string())),
            }
        } else {
            (once((strategy.new)(seed)), None)
        };
        Ok(Reply::Run(Box::new(RunLine::of(spec, &report, difference))))
    }

    fn shrink(&mut self, spec: Spec, replays: u64) -> Result<Reply, Failure> {
        let (strategy, seed) = (find_strategy(&spec.strategy)?, spec.seed.0);
        let scenario = self.scenario(&spec.scenario)?.clone();
        let planted = planted(&spec, &scenario)?;
        let case = Case { scenario, seed, planted, tape: Tape::default() };
        let report = case.run_under((strategy.new)(seed));
        let Some(violation) = report.verdict.violation() else {
            return Err(Failure::Harness(format!("run {} did not fail a second time", spec.run)));
        };
        let failed = Failed {
            kind: super::record::kind_of(violation.invariant),
            invariant: violation.invariant.into(),
            cause: cause(violation),
        };
        let case = Case { tape: report.tape.clone(), ..case };
        // Counted and not timed, so that every machine comes to the same end.
        let shrunk = shrink::shrink(case.clone(), &mut |progress| {
            progress.replays < replays && progress.actions < SHRINK_ACTIONS
        });
        Ok(Reply::Shrunk(Box::new(match shrunk {
            Some(shrunk) => told(spec, failed, &shrunk),
            None => untold(spec, failed, case, &report),
        })))
    }
}

fn told(spec: Spec, failed: Failed, shrunk: &shrink::Shrunk) -> Shrunk {
    let smallest = &shrunk.smallest;
    let case = smallest.case.clone();
    let explanation = explain(smallest);
    let shrink::Slice { steps, stages } =
        shrink::slice(smallest, explanation.as_ref().unwrap_or(&shrink::Explanation::default()));
    let story = explanation.map(|explanation| NightStory::from(&explained(shrunk, &explanation)));
    Shrunk { slice: steps, stages, story, ..untold(spec, failed, case, &smallest.report) }
}

/// What a failure hangs on; `None` for a recording of choices and for what stayed too long to be asked about each of its orders.
fn explain(failing: &Failing) -> Option<shrink::Explanation> {
    let entries = failing.case.tape.entries().len() as u64;
    let actions = 2 * entries * failing.report.actions;
    (failing.case.scenario.is_finite() && actions <= EXPLAIN_ACTIONS).then(|| shrink::explain(failing, &mut || true))
}

fn untold(spec: Spec, failed: Failed, case: Case, report: &RunReport) -> Shrunk {
    let violation = report.verdict.violation().expect("the run has failed");
    let repro = repro_file::repro(case, &spec.strategy, report);
    let fact = |fact: &falken_harness::verdict::Fact| NightFact { label: fact.label.into(), value: fact.value.clone() };
    Shrunk {
        spec,
        failed,
        rule: violation.rule().into(),
        summary: violation.evidence.summary.clone(),
        slice: Vec::new(),
        stages: BTreeSet::new(),
        evidence: violation.evidence.facts.iter().map(fact).collect(),
        story: None,
        test: falken_reports::rust_test::write(&repro),
        repro: repro.to_toml(),
        hash: Hex(report.hash),
        is_put_off: false,
    }
}

fn replay(text: &str) -> Result<Reply, Failure> {
    let repro = Repro::from_toml(text).map_err(|error| Failure::Input(error.to_string()))?;
    let mut case = repro.case;
    if repro.is_unfinished {
        let entry = find_strategy(&repro.strategy)?;
        case.tape = case.run_under((entry.new)(case.seed)).tape;
    }
    let mut replayed = Replayed::default();
    if case.planted.0.is_some() {
        let report = Case { planted: Planted(None), ..case.clone() }.run();
        replayed.cause_without_bug = report.verdict.violation().map(cause);
    }
    if let Some(failing) = Failing::of(case) {
        replayed.cause = failing.report.verdict.violation().map(cause);
    }
    Ok(Reply::Replayed(replayed))
}

fn find_strategy(name: &str) -> Result<&'static strategy::Entry, Failure> {
    let found = strategy::TABLE.iter().find(|entry| entry.name == name);
    found.ok_or_else(|| Failure::Input(format!("there is no strategy `{name}`")))
}

/// The bug that a run plants: its own, or its scenario's.
fn planted(spec: &Spec, scenario: &Scenario) -> Result<Planted, Failure> {
    let find = |id: &String| Bug::from_id(id).ok_or_else(|| Failure::Input(format!("there is no bug `{id}`")));
    let own = spec.planted.as_ref().map(find).transpose()?;
    Ok(own.map_or_else(|| scenario.planted(), |bug| Planted(Some(bug))))
}
