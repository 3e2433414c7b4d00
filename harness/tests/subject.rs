//! A subject of one's own behind the trait: here the models, wrapped so that they misbehave in ways no planted bug does.

use falken_harness::choice::Tape;
use falken_harness::run::{Run, RunReport, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy::{Random, Replay, Strategy};
use falken_harness::subject::{Internals, Models, Subject};
use falken_harness::verify::verify;
use falken_models::bug::Planted;
use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::disk::Disk;
use falken_models::event::EventLog;
use falken_models::io::{Completion, CompletionGroup, IOCompletions, IOResult};
use falken_models::session::Error;
use falken_models::sync::Arc;
use falken_models::wal::CheckpointResult;

/// How the wrapper misbehaves, and at which of its steps.
#[derive(Clone, Copy)]
enum Fault {
    Panic(u32),
    /// From then on every step is an explicit yield.
    Livelock(u32),
    /// From then on every step waits for something that never finishes.
    Deadlock(u32),
    /// A put that says OK and does nothing.
    Lie,
    /// A put that commits and says BUSY.
    Deny,
    /// A checkpoint that says it has copied more than it has.
    Boast,
    /// From this step on the next statement gets an explicit yield more in every second run.
    Waver(u32, u32),
}

struct Wrapped {
    models: Models,
    fault: Fault,
    steps: u32,
    parked: IOCompletions,
    lying: [bool; 8],
}

impl Subject for Wrapped {
    fn open(&mut self) {
        self.models.open();
    }

    fn connect(&mut self, conn: u8) {
        self.models.connect(conn);
    }

    fn submit(&mut self, id: StatementId, op: Op) {
        self.lying[id.index()] = matches!((self.fault, &op), (Fault::Lie, Op::Put { .. }));
        if !self.lying[id.index()] {
            self.models.submit(id, op);
        }
    }

    fn step(&mut self, id: StatementId) -> Result<IOResult<Outcome>, Error> {
        self.steps += 1;
        match self.fault {
            Fault::Waver(at, run) if self.steps == at && run % 2 == 1 => {
                Ok(IOResult::IO(IOCompletions::Single(Completion::new_yield())))
            }
            Fault::Panic(at) if self.steps == at => panic!("the engine fell over"),
            Fault::Livelock(at) if self.steps >= at => Ok(IOResult::IO(IOCompletions::Single(Completion::new_yield()))),
            Fault::Deadlock(at) if self.steps >= at => Ok(IOResult::IO(self.parked.clone())),
            Fault::Lie if self.lying[id.index()] => Ok(IOResult::Done(Outcome::Unit)),
            Fault::Deny => match self.models.step(id) {
                Ok(IOResult::Done(Outcome::Unit)) => Err(Error::Busy),
                other => other,
            },
            Fault::Boast => match self.models.step(id) {
                Ok(IOResult::Done(Outcome::Checkpoint(figures))) => {
                    let backfilled = figures.backfilled + 1;
                    Ok(IOResult::Done(Outcome::Checkpoint(CheckpointResult { backfilled, ..figures })))
                }
                other => other,
            },
            _ => self.models.step(id),
        }
    }

    fn awaiting(&self, id: StatementId) -> Option<&IOCompletions> {
        match self.fault {
            Fault::Livelock(at) if self.steps >= at => None,
            Fault::Deadlock(at) if self.steps >= at => Some(&self.parked),
            _ => self.models.awaiting(id),
        }
    }

    fn in_transaction(&self, conn: u8) -> bool {
        self.models.in_transaction(conn)
    }

    fn abandon(&mut self, id: StatementId) {
        self.models.abandon(id);
    }

    fn interrupt(&mut self, conn: u8) {
        self.models.interrupt(conn);
    }

    fn give_up_all(&mut self, conn: u8) {
        self.models.give_up_all(conn);
    }

    fn crash(&mut self) {
        self.models.crash();
    }

    fn spawn(&self, disk: Arc<Disk>, log: Arc<EventLog>) -> Self {
        let models = self.models.spawn(disk, log);
        Self { models, fault: self.fault, steps: 0, parked: self.parked.clone(), lying: [false; 8] }
    }

    fn inspect(&self) -> Option<Internals<'_>> {
        self.models.inspect()
    }
}

fn scenario() -> Scenario {
    let text = "name = \"two\"\nabout = \"two connections\"\nbounds.steps = 3000\n[[clients]]\ncount = 2\nmix = { put = 4, get = 2, checkpoint-passive = 1 }\n";
    Scenario::from_toml(text).unwrap()
}

fn run(fault: Fault, strategy: Box<dyn Strategy>) -> RunReport {
    let settings = Settings { seed: 1, planted: Planted(None), strategy, oracle: None };
    let mut group = CompletionGroup::new(|_| {});
    group.add(&Completion::new_sync(|_| {}));
    group.add(&Completion::new_yield());
    let parked = IOCompletions::Single(group.build());
    Run::over(&scenario(), settings, |config, disk, log| {
        let models = Models::new(config, disk, log);
        Wrapped { models, fault, steps: 0, parked, lying: [false; 8] }
    })
    .go()
}

#[test]
fn whatever_a_subject_does_ends_in_a_verdict_with_a_tape_that_reproduces_it() {
    let cases = [
        (Fault::Panic(700), "LIVE-3", "the subject panicked: the engine fell over"),
        (Fault::Livelock(700), "LIVE-1", "faults have stopped, but statements do not end"),
        (Fault::Deadlock(700), "LIVE-2", "no connection can take a step"),
        (Fault::Lie, "TX-2", "nothing was published"),
        (Fault::Deny, "TX-2", "has been published"),
        (Fault::Boast, "TX-2", "figures that are not true"),
    ];
    for (fault, invariant, summary) in cases {
        let report = run(fault, Box::new(Random::new(1)));
        let violation = report.verdict.violation().unwrap();
        assert_eq!(violation.invariant, invariant, "{violation:?}");
        assert!(violation.evidence.summary.contains(summary), "{violation:?}");
        let lines = report.tape.to_lines();
        let tape = Tape::from_lines(lines.iter().map(String::as_str)).unwrap();
        let again = run(fault, Box::new(Replay::new(tape)));
        assert_eq!((again.hash, again.verdict), (report.hash, report.verdict), "{invariant}");
    }
}

#[test]
fn whoever_is_stuck_is_named_with_what_it_waits_for_and_who_holds_which_lock_and_slot() {
    let mut named = std::collections::BTreeSet::new();
    let mut waits = String::new();
    for at in (300..900).step_by(7) {
        for fault in [Fault::Livelock(at), Fault::Deadlock(at)] {
            let report = run(fault, Box::new(Random::new(1)));
            let facts = &report.verdict.violation().unwrap().evidence.facts;
            let waiting = facts.iter().find(|fact| fact.label == "waiting").expect("somebody waits");
            assert!(waiting.value.starts_with('c') && waiting.value.contains(" at ") && waiting.value.contains("for "));
            waits.extend(facts.iter().filter(|fact| fact.label == "waiting").map(|fact| format!("{}\n", fact.value)));
            named.extend(facts.iter().map(|fact| fact.label));
        }
    }
    assert!(named.is_superset(&["waiting", "lock", "slot"].into()), "{named:?}");
    for wait in [", for WRITE, held by c", ", for a group of 2, of which are unfinished: [Completion(Sync, pending)]"] {
        assert!(waits.contains(wait), "nobody waits like `{wait}`:\n{waits}");
    }
}

#[test]
fn a_subject_that_differs_from_run_to_run_is_caught_at_the_first_choice_that_shows_it() {
    let mut runs = 0;
    let difference = verify(&|| Box::new(Random::new(5)), &mut |strategy| {
        runs += 1;
        run(Fault::Waver(400, runs), strategy)
    })
    .unwrap_err();
    assert!(difference.choice > 100, "{difference}");
    assert!(!difference.first.is_empty() && difference.first != difference.second, "{difference}");
    // The same wrapper without its whim is deterministic, and so is the run that it leads to.
    let steady = verify(&|| Box::new(Random::new(5)), &mut |strategy| run(Fault::Waver(u32::MAX, 0), strategy));
    assert!(steady.is_ok_and(|report| report.verdict.violation().is_none()));
}
