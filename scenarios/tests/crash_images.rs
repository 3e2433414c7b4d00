//! Crash images of whole runs: stock SQLite agrees on each, every bug that breaks durability shows in very few runs, and a
//! failure is replayed from its file with the same image.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use falken_harness::choice::Tape;
use falken_harness::run::{Oracle, Run, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy::{self, Random, Replay};
use falken_models::bug::{Bug, Planted};
use falken_scenarios::batch::{Batch, Totals};
use falken_scenarios::catalog;

const LATTICES: [&str; 6] = [
    "crash-lattice",
    "crash-lattice-normal",
    "crash-lattice-large-pages",
    "killed-lattice",
    "close-lattice",
    "create-lattice",
];

fn batch(
    scenario: &Scenario,
    bug: Option<Bug>,
    runs: u64,
    oracle: &(dyn Fn() -> Option<Box<dyn Oracle>> + Sync),
) -> Totals {
    let stop = &AtomicBool::new(false);
    let strategy = &strategy::TABLE[0];
    Batch { scenario, strategy, planted: Planted(bug), seed: 1, runs, jobs: 2, oracle, stop }.go(|_| {})
}

/// Within how many runs of which scenario a bug shows. Some of these are noticed by an invariant that watches the protocol
/// before any image is recovered.
#[rustfmt::skip]
const CASES: &[(Bug, &str, u64)] = &[
    (Bug::CkptDbSyncSkipped, "crash-lattice", 5),
    (Bug::DurSyncBeforeWritesFinish, "crash-lattice", 2),
    (Bug::DurSyncSkippedStaleFlag, "crash-lattice", 2),
    (Bug::DurRestartHeaderNotWritten, "crash-lattice", 2),
    (Bug::DurCommitMarkOnEveryFrame, "crash-lattice", 2),
    (Bug::DurCommitMarkOnEveryFrame, "crash-lattice-normal", 2),
    (Bug::RecoverySeedFromUncommittedTail, "crash-lattice", 5),
    (Bug::RecoverySeedFromUncommittedTail, "crash-lattice-normal", 5),
];

#[test]
fn bugs_of_durability_and_recovery_show_in_very_few_runs() {
    for (bug, name, runs) in CASES {
        let totals = batch(&catalog::find(name).unwrap(), Some(*bug), *runs, &|| None);
        let (index, report) = totals.failure.unwrap_or_else(|| panic!("{} in {runs} runs of {name}", bug.id()));
        let violation = report.verdict.violation().unwrap();
        println!("{:38} {:22} run {}  {}", bug.id(), name, index + 1, violation.invariant);
        assert!(bug.violates().contains(&violation.invariant), "{violation:?}");
    }
}

#[test]
fn a_violation_carries_its_image_and_is_replayed_from_the_tape() {
    let scenario = catalog::find("crash-lattice").unwrap();
    let run = |strategy| {
        let settings =
            Settings { seed: 1, planted: Planted(Some(Bug::DurCommitMarkOnEveryFrame)), strategy, oracle: None };
        Run::models(&scenario, settings).go()
    };
    let report = run(Box::new(Random::new(1)));
    let facts = &report.verdict.violation().unwrap().evidence.facts;
    for label in ["nearest prefix", "image: db", "image: wal", "crash"] {
        assert!(facts.iter().any(|fact| fact.label == label), "no {label}: {facts:?}");
    }
    let lines = report.tape.to_lines();
    let again = run(Box::new(Replay::new(Tape::from_lines(lines.iter().map(String::as_str)).unwrap())));
    assert_eq!((again.hash, again.verdict, again.images), (report.hash, report.verdict, report.images));
}

#[test]
fn exploring_changes_nothing_in_the_run() {
    for name in LATTICES {
        let scenario = catalog::find(name).unwrap();
        let without = Scenario { crash_images: None, ..scenario.clone() };
        let [explored, plain] = [&scenario, &without].map(|scenario| batch(scenario, None, 3, &|| None));
        assert_eq!(explored.hash, plain.hash, "{name}");
        let images = explored.images.unwrap();
        assert!(images.first.images + images.process.images > 500 && plain.images.is_none());
    }
}

#[cfg(feature = "sqlite-oracle")]
#[test]
fn sqlite_agrees_on_every_crash_image_at_all_page_sizes() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    for name in LATTICES {
        for (page_size, sector_size) in [(512, 512), (1024, 512), (4096, 512), (4096, 4096)] {
            let mut scenario = catalog::find(name).unwrap();
            scenario.database.page_size = page_size;
            scenario.disk.sector_size = sector_size;
            let images = scenario.crash_images.as_mut().unwrap();
            (images.images_max, images.second_images_max) = (40, 20);
            let oracle = || -> Option<Box<dyn Oracle>> {
                Some(Box::new(falken_scenarios::oracle::Sqlite::new(Arc::clone(&directory))))
            };
            let totals = batch(&scenario, None, 2, &oracle);
            if let Some((index, report)) = totals.failure {
                panic!("{name} at {page_size} on {sector_size}, run {index}: {:?}", report.verdict);
            }
            let images = totals.images.unwrap();
            let first = images.first.recovered + images.process.recovered;
            assert!(first > 50 && images.second.recovered > 50, "{images:?}");
        }
    }
}
