//! Every kind of fault and every outcome of a cancel happens somewhere in the catalogue.

use std::sync::atomic::AtomicBool;

use falken_harness::fault::{self, Damage, Fault, Rate};
use falken_harness::probe::Hits;
use falken_harness::scenario::{Scenario, Sync};
use falken_harness::strategy;
use falken_models::bug::{Bug, Planted};
use falken_models::disk::CancelOutcome;
use falken_scenarios::batch::{Batch, Totals};
use falken_scenarios::catalog;

/// What a few runs of every scenario hit.
fn catalogue() -> Hits {
    let mut hits = Hits::default();
    for (name, _) in catalog::TABLE {
        let scenario = catalog::find(name).unwrap();
        let batch = Batch {
            scenario: &scenario,
            strategy: &strategy::TABLE[0],
            planted: Planted(None),
            seed: 1,
            runs: 30,
            jobs: 2,
            oracle: &|| None,
            stop: &AtomicBool::new(false),
        };
        let totals = batch.go(|_| {});
        assert!(totals.failure.is_none(), "{name}");
        hits.add(&totals.probes);
    }
    hits
}

#[test]
fn every_kind_of_fault_and_every_outcome_of_a_cancel_is_reached_by_some_scenario() {
    let hits = catalogue();
    let kinds = fault::TABLE.iter().map(|entry| entry.fault.probe().to_owned());
    let outcomes = CancelOutcome::ALL.iter().map(|outcome| format!("cancel.{}", outcome.name()));
    let missed: Vec<String> = kinds.chain(outcomes).filter(|probe| hits.of(probe) == 0).collect();
    assert!(missed.is_empty(), "no scenario reaches {}", missed.join(", "));
}

#[test]
fn every_kind_of_fault_is_switched_on_by_some_scenario() {
    let scenarios: Vec<_> = catalog::TABLE.iter().map(|(name, _)| catalog::find(name).unwrap()).collect();
    for entry in fault::TABLE {
        let used = scenarios.iter().any(|scenario| entry.rate(&scenario.faults).is_on());
        assert!(used, "no scenario switches on `{}`", entry.fault.key());
    }
}

fn batch(scenario: &Scenario, planted: Option<Bug>, runs: u64) -> Totals {
    let stop = &AtomicBool::new(false);
    let strategy = &strategy::TABLE[0];
    Batch { scenario, strategy, planted: Planted(planted), seed: 1, runs, jobs: 2, oracle: &|| None, stop }.go(|_| {})
}

#[test]
fn what_the_protocol_writes_again_after_an_fsync_error_is_owed_and_what_it_cannot_is_detected() {
    // One connection under FULL, no process crash: nothing that an fsync error concerned was published before it.
    let mut scenario = catalog::find("fsync-errors").unwrap();
    scenario.faults.process_crash = Rate::NEVER;
    scenario.clients[0].count = 1;
    scenario.clients[0].mix.remove("checkpoint-passive");
    let totals = batch(&scenario, None, 60);
    assert!(totals.failure.is_none() && totals.probes.of("fault.fsync-marked-clean") > 500);
    assert_eq!(totals.damage, Damage::default(), "all of it is owed");
    // A checkpoint's log fsync under NORMAL: the frames were published before.
    scenario.database.sync = Sync::Normal;
    let totals = batch(&scenario, None, 60);
    assert!(totals.failure.is_none());
    let explained =
        |(fault, invariant): &(Fault, &str)| *fault == Fault::FsyncMarkedClean && invariant.starts_with("DUR");
    assert!(!totals.damage.detected.is_empty() && totals.damage.detected.keys().all(explained), "{:?}", totals.damage);
}

#[test]
fn without_padding_a_spoilt_sector_takes_a_commit_that_was_acknowledged() {
    for name in ["spoilt-sectors", "spoilt-large-sectors"] {
        let mut scenario = catalog::find(name).unwrap();
        assert!(batch(&scenario, None, 10).failure.is_none(), "{name}");
        // The engine believes that the disk has powersafe overwrite, and does not pad.
        scenario.disk.powersafe_overwrite = true;
        let failure = batch(&scenario, None, 10).failure.unwrap_or_else(|| panic!("{name} needs no padding"));
        let invariant = failure.1.verdict.violation().unwrap().invariant;
        assert!(invariant.starts_with("DUR"), "{name}: {invariant}");
    }
}

#[test]
fn damage_is_detected_by_invariants_about_contents_and_runs_in_which_nobody_noticed_are_counted() {
    let scenario = catalog::find("damaged-disk").unwrap();
    let totals = batch(&scenario, None, 60);
    assert!(totals.failure.is_none());
    let (damaged, detected): (u64, u64) = (totals.damage.runs.values().sum(), totals.damage.detected.values().sum());
    assert!(detected > 10 && damaged == detected + totals.damage.undetected(), "{:?}", totals.damage);
    // It explains nothing that is not about contents.
    let mut planted = scenario.clone();
    planted.faults.lying_fsync = Rate::NEVER;
    let failure = batch(&planted, Some(Bug::GroupNoProgressWake), 20).failure.expect("still a violation");
    assert_eq!(failure.1.verdict.violation().unwrap().invariant, "IO-8");
}
