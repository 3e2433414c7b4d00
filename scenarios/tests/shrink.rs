//! Every planted bug, shrunk: small, the same failure, nothing left to take away, and clean without the bug.

use std::sync::atomic::AtomicBool;

use falken_harness::case::Case;
use falken_harness::repro::Repro;
use falken_harness::shrink::{Certified, Failing, cause, certify, shrink};
use falken_harness::strategy;
use falken_models::bug::{Bug, Planted};
use falken_scenarios::batch::Batch;
use falken_scenarios::catalog;
use falken_scenarios::plant::SHOWN_BY;

/// The first failure of a planted bug in the scenario that shows it.
fn failure(bug: Bug, scenario: &str, strategy: &str) -> Case {
    let scenario = catalog::find(scenario).unwrap();
    let batch = Batch {
        scenario: &scenario,
        strategy: strategy::TABLE.iter().find(|entry| entry.name == strategy).unwrap(),
        planted: Planted(Some(bug)),
        seed: 1,
        runs: 2000,
        jobs: 2,
        oracle: &|| None,
        stop: &AtomicBool::new(false),
    };
    let (index, report) = batch.go(|_| {}).failure.unwrap_or_else(|| panic!("{} is not found", bug.id()));
    Case { scenario, seed: 1 + index, planted: Planted(Some(bug)), tape: report.tape }
}

fn cause_of(failing: &Failing) -> String {
    cause(failing.report.verdict.violation().unwrap())
}

fn median(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

#[test]
fn planted_bugs_shrink_to_a_page_that_fails_for_the_same_cause_and_shrinking_it_again_changes_nothing() {
    let (mut actions, mut switches, mut fixed_points) = (Vec::new(), Vec::new(), 0);
    println!("{:38} {:>9} {:>9} {:>7} {:>9} {:>9}", "bug", "raw acts", "switches", "actions", "switches", "replays");
    for (bug, scenario, strategy) in SHOWN_BY {
        let raw = failure(*bug, scenario, strategy);
        let before = raw.run();
        // A run that stands still takes as long as it takes to be sure of that, so of those only a few are made.
        let stands_still = before.verdict.violation().unwrap().invariant.starts_with("LIVE");
        let replays_max = if stands_still { 60 } else { 1000 };
        let shrunk = shrink(raw, &mut |progress| progress.replays < replays_max).unwrap();
        let (small, size) = (&shrunk.smallest, shrunk.smallest.size);
        println!(
            "{:38} {:>9} {:>9} {:>7} {:>9} {:>9}",
            bug.id(),
            shrunk.before.actions(),
            shrunk.before.switches,
            size.actions(),
            size.switches,
            shrunk.replays
        );
        fixed_points += u64::from(shrunk.is_fixed_point);
        assert_eq!(cause_of(small), cause(before.verdict.violation().unwrap()), "{}", bug.id());
        small.case.scenario.validate().unwrap();

        let fixed = Case { planted: Planted(None), ..small.case.clone() };
        assert_eq!(fixed.run().verdict.violation(), None, "{} fails without the bug", bug.id());

        if !shrunk.is_fixed_point {
            continue;
        }
        let mut edited = small.case.clone();
        edited.scenario.schedule.rehearse_change = true;
        let after_edit = edited.run().verdict.violation().map(cause);
        assert_eq!(after_edit.as_ref(), Some(&cause_of(small)), "{} does not survive an edit elsewhere", bug.id());

        let again = shrink(small.case.clone(), &mut |_| true).unwrap();
        assert_eq!(again.smallest.case, small.case, "{}", bug.id());

        if size.connections > 1 {
            actions.push(size.actions());
            switches.push(size.switches);
        }
    }
    assert!(fixed_points * 10 >= SHOWN_BY.len() as u64 * 8, "only {fixed_points} came to a fixed point");
    let (actions, switches) = (median(actions), median(switches));
    println!("median of those that need two connections: {actions} actions, {switches} switches");
    assert!(actions <= 25 && switches <= 6, "{actions} actions, {switches} switches");
}

#[test]
fn a_watcher_that_has_enough_still_gets_the_best_so_far() {
    let raw = failure(Bug::CkptIgnoresReadMarks, "long-readers", "random");
    let mut runs = 0;
    let shrunk = shrink(raw, &mut |_| {
        runs += 1;
        runs < 10
    })
    .unwrap();
    assert!(!shrunk.is_fixed_point && shrunk.smallest.size < shrunk.before);
    assert!(shrunk.smallest.report.verdict.violation().is_some());
}

#[test]
fn what_does_not_fail_cannot_be_shrunk() {
    let case = Case {
        scenario: catalog::find("two-writers-one-checkpointer").unwrap(),
        seed: 1,
        planted: Planted(None),
        tape: Default::default(),
    };
    assert!(shrink(case, &mut |_| true).is_none());
}

/// A certificate of a shrunk repro, and none for one that is longer than it must be: that one is replaced.
#[test]
fn a_certificate_says_that_nothing_is_shorter_or_gives_what_is() {
    let text = include_str!("../regressions/ckpt.ignores-read-marks.toml");
    let mut shrunk = Failing::of(Repro::from_toml(text).unwrap().case).unwrap();
    let certified = |failing: &Failing| certify(failing, 2, &mut |_| true).unwrap();
    // The corpus keeps what was found when it was found; each answer is shorter than what was asked about.
    let recorded = shrunk.size.actions();
    let certificate = loop {
        match certified(&shrunk) {
            Certified::None(certificate) => break certificate,
            Certified::Shorter(shorter) => {
                assert!(shorter.size.actions() < shrunk.size.actions() && cause_of(&shorter) == cause_of(&shrunk));
                shrunk = *shorter;
            }
        }
    };
    assert!(shrunk.size.actions() < recorded, "nothing shorter than the recorded one was found");
    assert!(certificate.is_finished && certificate.states > 10, "{certificate:?}");
    assert_eq!((certificate.actions_max, certificate.faults_max), (shrunk.size.actions() - 1, 0));

    let Certified::None(unfinished) = certify(&shrunk, 1, &mut |_| false).unwrap() else { panic!("it was stopped") };
    assert!(!unfinished.is_finished);
}
