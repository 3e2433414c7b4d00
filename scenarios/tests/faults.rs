//! Every kind of fault and every outcome of a cancel happens somewhere in the catalogue.

use std::sync::atomic::AtomicBool;

use falken_harness::fault;
use falken_harness::probe::Hits;
use falken_harness::strategy;
use falken_models::bug::Planted;
use falken_models::disk::CancelOutcome;
use falken_scenarios::batch::Batch;
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
