//! The sweep: a put with overflow under a checkpointer survives every disturbance at every point, bugs of cancellation do not,
//! and what a sweep finds is replayed from its tape.

use std::collections::BTreeMap;

use falken_harness::case::Case;
use falken_harness::run::RunReport;
use falken_harness::strategy::{self, Aim, Point};
use falken_harness::sweep::Sweep;
use falken_models::bug::{Bug, Planted};
use falken_scenarios::catalog;

fn sweep(seed: u64, strategy: usize, planted: Option<Bug>, aims: &[Aim]) -> Sweep {
    let scenario = catalog::find("put-overflow-under-checkpoint").unwrap();
    Sweep::new(&scenario, seed, Planted(planted), &strategy::TABLE[strategy], aims)
}

/// The first point that breaks something.
fn first_failure(sweep: &Sweep) -> Option<(Point, RunReport)> {
    first_failure_counting(sweep, &mut Covered::new())
}

/// At how many points each kind did what it is about.
type Covered = BTreeMap<Aim, usize>;

fn first_failure_counting(sweep: &Sweep, covered: &mut Covered) -> Option<(Point, RunReport)> {
    let survey = sweep.survey();
    assert_eq!(survey.report.verdict.violation(), None);
    survey.points.into_iter().find_map(|(point, _)| {
        let report = sweep.disturb(point).unwrap_or_else(|| panic!("{point:?} was not reached"));
        *covered.entry(point.aim).or_default() += usize::from(Sweep::is_covered(point, &report));
        report.verdict.violation().is_some().then_some((point, report))
    })
}

#[test]
fn a_put_with_overflow_under_a_checkpointer_is_clean_at_every_point_under_every_strategy() {
    for strategy in 0..strategy::TABLE.len() {
        for seed in 1..=2 {
            let sweep = sweep(seed, strategy, None, &Aim::ALL);
            let points = sweep.survey().points;
            for aim in Aim::ALL {
                let of_puts =
                    points.iter().filter(|(point, statement)| point.aim == aim && *statement == "put").count();
                assert!(of_puts >= 5, "{of_puts} points of puts for {}", aim.name());
            }
            assert!(points.len() > 500, "{} points", points.len());
            let members = points.iter().filter(|(point, _)| point.aim == Aim::Cancel && point.nth > 0).count();
            assert!(members >= 5, "{members} points at which one member of a group is cancelled");
            let mut covered = Covered::new();
            if let Some((point, report)) = first_failure_counting(&sweep, &mut covered) {
                panic!("seed {seed}, {point:?}: {:?}", report.verdict);
            }
            println!("{} seed {seed}: {} points, covered {covered:?}", strategy::TABLE[strategy].name, points.len());
            for aim in Aim::ALL {
                assert!(covered.get(&aim).is_some_and(|points| *points >= 5), "{} is not covered", aim.name());
            }
        }
    }
}

#[test]
fn each_disturbance_has_points_when_it_is_the_only_one() {
    let all = sweep(1, 0, None, &Aim::ALL).survey().points;
    for aim in Aim::ALL {
        let alone = sweep(1, 0, None, &[aim]).survey().points;
        let among_all = all.iter().filter(|(point, _)| point.aim == aim).count();
        assert_eq!(alone.len(), among_all, "points for {}", aim.name());
    }
}

#[test]
fn bugs_of_cancellation_show_in_the_sweep_of_one_schedule_and_replay() {
    let cases = [
        (Bug::AbandonPartialStatementKept, Aim::Abandon),
        (Bug::ConnDropKeepsLocks, Aim::Drop),
        (Bug::CommitErrorLeavesDanglingTx, Aim::Eio),
        (Bug::CompletionErrorCountsAsSuccess, Aim::Eio),
        (Bug::AbandonPartialStatementKept, Aim::CancelDone),
        (Bug::CompletionErrorCountsAsSuccess, Aim::Cancel),
    ];
    for (bug, aim) in cases {
        let sweep = sweep(1, 0, Some(bug), &[aim]);
        let (point, report) = first_failure(&sweep).unwrap_or_else(|| panic!("{} is not found", bug.id()));
        println!(
            "{:36} {:8} {:28} {}",
            bug.id(),
            aim.name(),
            point.site.name(),
            report.verdict.violation().unwrap().invariant
        );
        assert_eq!(point.aim, aim);
        let case: Case = sweep.case_of(&report);
        assert_eq!(case.run().hash, report.hash, "{}", bug.id());
    }
}
