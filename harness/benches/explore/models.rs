//! The full models: actions a second under each strategy, states a second of the search.

use falken_harness::explore::{Bounds, Ended, Limits, Subjects, Successor, Tree};
use falken_harness::run::{Run, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy;
use falken_models::bug::Planted;

use crate::timed;

const RUNS: &str = include_str!("../../../scenarios/catalog/readers-writers-checkpointer.toml");

const SEARCHED: &[&str] = &[
    include_str!("../../../scenarios/catalog/two-writers.toml"),
    include_str!("../../../scenarios/catalog/writer-and-checkpointer.toml"),
    include_str!("../../../scenarios/catalog/writer-and-power-loss.toml"),
];

/// Actions a second of every strategy on the default scenario. They take turns, so that noise hits all of them alike.
pub fn strategies(runs: u64) {
    let scenario = Scenario::from_toml(RUNS).expect("a scenario of the catalogue");
    let mut totals = vec![(0, 0.0); strategy::TABLE.len()];
    for seed in 0..runs {
        for (entry, (actions, seconds)) in strategy::TABLE.iter().zip(&mut totals) {
            let settings = Settings { seed, planted: Planted(None), strategy: (entry.new)(seed), oracle: None };
            let (report, took) = timed(|| Run::models(&scenario, settings).go());
            *actions += report.actions;
            *seconds += took;
        }
    }
    println!("{}: actions a second, all invariants, one thread; against random", scenario.name);
    let speed = |(actions, seconds): (u64, f64)| actions as f64 / seconds;
    for (entry, total) in strategy::TABLE.iter().zip(&totals) {
        let (fast, ratio) = (speed(*total) / 1e6, speed(*total) / speed(totals[0]));
        println!("  {:14} {ratio:>5.2} {fast:>7.2} M actions/s", entry.name);
    }
    println!();
}

/// States a second of the exhaustive search, by re-execution.
pub fn searches() {
    println!("exhaustive search over the full models, one thread");
    for text in SEARCHED {
        let scenario = Scenario::from_toml(text).expect("a scenario of the catalogue");
        let bounds = Bounds::default();
        let subjects = Subjects { scenario: &scenario, planted: Planted(None), seed: 1, bounds };
        let Successor::State(initial) = subjects.initial() else { panic!("the setup passes") };
        let mut tree = Tree::new(initial);
        let (outcome, seconds) = timed(|| subjects.search(&mut tree, &Limits::default(), &Default::default(), |_| {}));
        assert_eq!(outcome.ended, Ended::Finished);
        let figures = tree.figures();
        let per_second = figures.states as f64 / seconds;
        println!("  {:26} {:>7} states {seconds:>7.2} s {per_second:>8.0} states/s", scenario.name, figures.states);
    }
}
