//! What the clients of a run saw is enough to catch what a database must not do, with no other invariant's help.

use falken_harness::run::{Run, RunReport, Settings};
use falken_harness::strategy::Random;
use falken_models::bug::{Bug, Planted};
use falken_scenarios::catalog;

/// A run in which TX-9 is the only invariant that is checked while it goes on.
fn run(scenario: &str, planted: Option<Bug>, seed: u64) -> RunReport {
    let scenario = catalog::find(scenario).unwrap();
    let strategy = Box::new(Random::new(seed));
    let settings = Settings { seed, planted: Planted(planted), strategy, oracle: None };
    Run::models(&scenario, settings).only(&["TX-9"]).go()
}

/// A bug, a scenario, and within how many runs it shows there.
const CASES: &[(Bug, &str, u64)] = &[
    (Bug::WalNoBusySnapshotCheck, "overflow-and-freelist", 40),
    (Bug::CacheKeptAcrossCommit, "readers-writers-checkpointer", 10),
    (Bug::CacheCheckpointHidesChange, "readers-writers-checkpointer", 10),
    (Bug::CacheIdentityAba, "readers-writers-checkpointer", 10),
];

#[test]
fn stale_caches_and_lost_updates_are_caught_by_the_history_alone() {
    for (bug, scenario, runs) in CASES {
        let reports = (1..=*runs).map(|seed| run(scenario, Some(*bug), seed));
        let violation = reports.filter_map(|report| report.verdict.violation().cloned()).next();
        let violation = violation.unwrap_or_else(|| panic!("{} is not caught in {runs} runs of {scenario}", bug.id()));
        assert_eq!(violation.invariant, "TX-9", "{}: {:?}", bug.id(), violation.evidence);
        let facts = |label| violation.evidence.facts.iter().filter(|fact| fact.label == label).count();
        let is_cycle = facts("edge") >= 2 && facts("edge") == facts("transaction");
        assert!(is_cycle || facts("operations") == 1, "{}: {:?}", bug.id(), violation.evidence);
    }
}
