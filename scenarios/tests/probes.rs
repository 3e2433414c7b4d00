//! What the catalogue reaches: conditions, sites, states of the machines, errors. Reaching less than before fails.

use std::fs;
use std::sync::atomic::AtomicBool;

use falken_harness::probe::Hits;
use falken_harness::strategy;
use falken_models::bug::Planted;
use falken_scenarios::batch::Batch;
use falken_scenarios::catalog;

/// Probes that a few runs of each scenario hit so often that a change of schedules alone does not lose them.
const BASELINE: &str = include_str!("probes-baseline.txt");

/// What counts as often.
const HITS_MIN: u64 = 12;

fn reach() -> Hits {
    let mut hits = Hits::default();
    for (name, _) in catalog::TABLE {
        let scenario = catalog::find(name).unwrap();
        let batch = Batch {
            scenario: &scenario,
            strategy: strategy::TABLE.iter().find(|entry| entry.name == "random").unwrap(),
            planted: Planted(None),
            seed: 1,
            runs: if scenario.crash_images.is_some() { 1 } else { 10 },
            jobs: 2,
            oracle: &|| None,
            stop: &AtomicBool::new(false),
        };
        hits.add(&batch.go(|_| {}).probes);
    }
    hits
}

#[test]
fn the_catalogue_reaches_what_it_reached_before() {
    let hits = reach();
    if std::env::var_os("FALKEN_WRITE_BASELINE").is_some() {
        let often: String = hits.all().filter(|(_, hits)| *hits >= HITS_MIN).map(|(name, _)| name + "\n").collect();
        fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/probes-baseline.txt"), often).unwrap();
        return;
    }
    let reached: Vec<String> = hits.all().filter(|(_, hits)| *hits > 0).map(|(name, _)| name).collect();
    let lost: Vec<&str> = BASELINE.lines().filter(|name| !reached.iter().any(|reached| reached == name)).collect();
    assert!(
        lost.is_empty(),
        "no run reaches these any more:\n{}\nIf that is right: FALKEN_WRITE_BASELINE=1 cargo test -p falken --test probes",
        lost.join("\n")
    );
    assert!(BASELINE.lines().count() > 250, "the baseline holds less than was ever reached");
}
