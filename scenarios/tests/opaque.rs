//! An engine of another crate, which shows no internals. Here it is the models behind a wall, so that bugs can be planted in it: its
//! crash images show them, and whoever watches is told of a call that does not return.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clap::Parser;
use falken_harness::run::{RunReport, Settings, run};
use falken_harness::scenario::{Faults, Scenario};
use falken_harness::strategy::Random;
use falken_harness::subject::{self, Engine, Internals, Models, Subject};
use falken_models::bug::{Bug, Planted};
use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::disk::Disk;
use falken_models::event::EventLog;
use falken_models::io::{IOCompletions, IOResult};
use falken_models::session::Error;
use falken_scenarios::cli::Cli;
use falken_scenarios::{catalog, command, watchdog};

/// Whether scans return.
static RETURNS: AtomicBool = AtomicBool::new(true);

/// One test at a time decides that.
static TEST: Mutex<()> = Mutex::new(());

/// The models, without a look inside.
struct Opaque(Models);

impl Subject for Opaque {
    fn open(&mut self) {
        self.0.open();
    }

    fn connect(&mut self, conn: u8) {
        self.0.connect(conn);
    }

    fn submit(&mut self, id: StatementId, op: Op) {
        while op == Op::Scan && !RETURNS.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        self.0.submit(id, op);
    }

    fn step(&mut self, id: StatementId) -> Result<IOResult<Outcome>, Error> {
        self.0.step(id)
    }

    fn awaiting(&self, id: StatementId) -> Option<&IOCompletions> {
        self.0.awaiting(id)
    }

    fn in_transaction(&self, conn: u8) -> bool {
        self.0.in_transaction(conn)
    }

    fn abandon(&mut self, id: StatementId) {
        self.0.abandon(id);
    }

    fn interrupt(&mut self, conn: u8) {
        self.0.interrupt(conn);
    }

    fn give_up_all(&mut self, conn: u8) {
        self.0.give_up_all(conn);
    }

    fn crash(&mut self) {
        self.0.crash();
    }

    fn spawn(&self, disk: Arc<Disk>, log: Arc<EventLog>) -> Self {
        Self(self.0.spawn(disk, log))
    }

    fn inspect(&self) -> Option<Internals<'_>> {
        None
    }
}

fn register() {
    subject::register(|engine, _, config, disk, log| {
        assert_eq!(engine, Engine::Turso);
        Box::new(Opaque(Models::new(config, disk, log)))
    });
}

/// `crash-lattice` without crashes of its own: what its images do not show, nothing does.
fn lattice() -> Scenario {
    let mut scenario = catalog::find("crash-lattice").unwrap();
    scenario.subject = Engine::Turso;
    scenario.faults = Faults::default();
    let images = scenario.crash_images.as_mut().unwrap();
    (images.images_max, images.second_images_max) = (100, 0);
    scenario
}

fn run_lattice(scenario: &Scenario, bug: Option<Bug>, seed: u64) -> RunReport {
    run(scenario, Settings { seed, planted: Planted(bug), strategy: Box::new(Random::new(seed)), oracle: None })
}

#[test]
fn crash_images_show_what_is_lost_and_what_readers_disagree_on() {
    let _alone = TEST.lock().unwrap_or_else(PoisonError::into_inner);
    register();
    let scenario = lattice();
    for (bug, invariants) in [
        (Bug::DurSyncSkippedStaleFlag, &["TX-9"][..]),
        (Bug::DurSyncBeforeWritesFinish, &["TX-9"]),
        (Bug::CkptDbSyncSkipped, &["TX-9", "FILES"]),
    ] {
        let reports = (1..=20).map(|seed| run_lattice(&scenario, Some(bug), seed));
        let found = reports.filter_map(|report| report.verdict.violation().cloned()).next();
        let found = found.unwrap_or_else(|| panic!("{} is not found", bug.id()));
        assert!(invariants.contains(&found.invariant), "{}: {found:?}", bug.id());
        assert!(found.evidence.facts.iter().any(|fact| fact.label == "image: wal"), "{found:?}");
    }
}

#[test]
fn crash_images_of_what_is_correct_are_in_order_and_change_nothing_in_the_run() {
    let _alone = TEST.lock().unwrap_or_else(PoisonError::into_inner);
    register();
    let scenario = lattice();
    let report = run_lattice(&scenario, None, 1);
    assert!(report.verdict.violation().is_none(), "{:?}", report.verdict);
    let images = report.images.unwrap();
    assert!(images.first.images > 100 && images.first.states > 10 && images.process.recovered > 20, "{images:?}");
    let plain = run_lattice(&Scenario { crash_images: None, ..scenario }, None, 1);
    assert_eq!(plain.hash, report.hash);
}

const SCENARIO: &str = "name = \"loop\"\nabout = \"a scan that does not return\"\nsubject = \"turso\"\n\
    bounds.steps = 100\n[[clients]]\ncount = 1\nmix = { put = 1, scan = 1 }\n";

#[test]
fn a_call_that_does_not_return_is_noticed_once_and_others_are_not() {
    let _alone = TEST.lock().unwrap_or_else(PoisonError::into_inner);
    register();
    let scenario = Scenario::from_toml(SCENARIO).unwrap();
    RETURNS.store(false, Ordering::Relaxed);
    let (told, times) = (AtomicU64::new(0), AtomicU64::new(0));
    let hangs = |seed| {
        told.store(seed, Ordering::Relaxed);
        times.fetch_add(1, Ordering::Relaxed);
        RETURNS.store(true, Ordering::Relaxed);
    };
    let report = watchdog::watched(Duration::from_millis(300), hangs, || {
        let settings = Settings { seed: 7, planted: Planted(None), strategy: Box::new(Random::new(7)), oracle: None };
        run(&scenario, settings)
    });
    assert!(report.verdict.violation().is_none(), "{:?}", report.verdict);
    assert_eq!((told.into_inner(), times.into_inner()), (7, 1));
    assert_eq!(watchdog::violation(Duration::from_secs(60)).invariant, "LIVE-3");
}

/// What the process that is started by the next test is to do: the arguments of falken, with blanks between.
const LOOPING: &str = "FALKEN_TEST_LOOPING";

#[test]
fn falken_ends_where_an_engine_does_not_return_and_leaves_the_run() {
    if let Ok(arguments) = std::env::var(LOOPING) {
        register();
        RETURNS.store(false, Ordering::Relaxed);
        let ended = command::dispatch(Cli::parse_from(arguments.split(' ')));
        unreachable!("nobody can end such a run but the whole process: {ended:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let scenario = dir.path().join("loop.toml");
    std::fs::write(&scenario, SCENARIO).unwrap();
    let falken = |arguments: &str| {
        let this = "falken_ends_where_an_engine_does_not_return_and_leaves_the_run";
        let mut process = Command::new(std::env::current_exe().unwrap());
        let output = process.args(["--exact", this, "--nocapture"]).env(LOOPING, arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (repros, scenario) = (dir.path().display(), scenario.display());
    let (code, report) = falken(&format!("falken run {scenario} --jobs 1 --call-limit 0.3 --repro-dir {repros}"));
    assert_eq!(code, Some(4), "{report}");
    assert!(report.contains("a call of the engine has not returned for 0.3 seconds"), "{report}");
    let files = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let left = files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("unfinished-"));
    let left: Vec<_> = left.collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(report.contains(left[0].to_str().unwrap()), "{report}");
    let (code, report) = falken(&format!("falken replay {} --call-limit 0.3", left[0].display()));
    assert_eq!(code, Some(4), "{report}");
    assert!(report.contains("LIVE-3 is broken"), "{report}");
}
