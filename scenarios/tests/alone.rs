//! Every invariant that the catalogue names for a bug catches it when nobody else looks: the run that shows it stands in
//! `alone.txt`, which is what `falken bugs --alone` prints. What has no such run is in [`NOT_ALONE`], with the reason.
//!
//! `FALKEN_WRITE_ALONE=1` looks for the runs again and writes the file; it takes a quarter of an hour.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use falken_harness::scenario::Scenario;
use falken_harness::strategy;
use falken_models::bug::{Bug, Planted};
use falken_reports::alone::to_table;
use falken_reports::table::Style;
use falken_scenarios::catalog;
use falken_scenarios::hunt::run;
use falken_scenarios::matrix::Matrix;
use falken_scenarios::plant::{NOT_ALONE, shown_by};

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alone.txt")
}

/// The runs of the file: bug, invariant, scenario, strategy, seed. Lines of pairs that were not caught have other words.
fn runs_of(text: &str) -> Vec<(Bug, String, String, String, u64)> {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let run = |words: Vec<&str>| match words[..] {
        [bug, check, scenario, strategy, seed, _] => {
            let word = str::to_owned;
            Some((Bug::from_id(bug)?, word(check), word(scenario), word(strategy), seed.parse().ok()?))
        }
        _ => None,
    };
    lines.filter_map(run).collect()
}

fn write_file() {
    let matrix = Matrix {
        bugs: Bug::ALL.to_vec(),
        strategies: Vec::new(),
        modes: Vec::new(),
        trials: 1,
        runs: 300,
        seconds: 30.0,
        shrink_seconds: 0.0,
        checks: Vec::new(),
        jobs: 2,
        stop: Arc::default(),
    };
    let (pairs, _) = matrix.alone(|_, _| {}).unwrap();
    std::fs::write(file(), to_table(&pairs, Style::Text)).unwrap();
}

fn alone(scenario: &str, check: &str) -> Scenario {
    let mut scenario = catalog::find(scenario).unwrap();
    scenario.checks.only = vec![check.to_owned()];
    scenario
}

#[test]
fn each_named_invariant_catches_its_bug_when_it_is_the_only_one_that_is_checked() {
    if std::env::var_os("FALKEN_WRITE_ALONE").is_some() {
        write_file();
    }
    let mut missed = Vec::new();
    for (bug, check, scenario, strategy, seed) in runs_of(&std::fs::read_to_string(file()).unwrap()) {
        let entry = strategy::TABLE.iter().find(|entry| entry.name == strategy).unwrap();
        let judged = |planted| {
            let report = run(&alone(&scenario, &check), Planted(planted), entry, seed);
            report.verdict.violation().map(|violation| violation.invariant)
        };
        match (judged(Some(bug)), judged(None)) {
            (Some(caught), None) if caught == check => {}
            (with, without) => missed.push(format!(
                "{} by {check} in {scenario} under {strategy}, seed {seed}: {with:?}, without it {without:?}",
                bug.id()
            )),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_pair_of_a_bug_and_a_named_invariant_has_its_run_or_a_reason() {
    let shown = Bug::ALL.iter().filter(|bug| shown_by(**bug).is_some());
    let named: BTreeSet<_> = shown.flat_map(|bug| bug.violates().iter().map(|check| (bug.id(), *check))).collect();
    let text = std::fs::read_to_string(file()).unwrap();
    let caught: BTreeSet<_> = runs_of(&text).into_iter().map(|(bug, check, ..)| (bug.id(), check)).collect();
    let caught: BTreeSet<_> = caught.iter().map(|(bug, check)| (*bug, check.as_str())).collect();
    let excused: BTreeSet<_> = NOT_ALONE.iter().map(|(bug, check, _)| (bug.id(), *check)).collect();
    let neither: Vec<_> = named.iter().filter(|pair| !caught.contains(pair) && !excused.contains(pair)).collect();
    assert!(neither.is_empty(), "{neither:?}");
    let own = excused.iter().filter(|(bug, check)| Bug::from_id(bug).unwrap().violates()[0] == *check);
    assert_eq!(own.collect::<Vec<_>>(), [&("reentry.free-chain-io-ignored", "RE-1")]);
    let both: Vec<_> = caught.intersection(&excused).collect();
    assert!(both.is_empty(), "caught after all: {both:?}");
    assert!(excused.is_subset(&named) && caught.is_subset(&named), "a pair that the catalogue does not name");
}
