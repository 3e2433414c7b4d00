//! The corpus of shrunk repros keeps reproducing: on this code, and on code that has changed in a place that has nothing to
//! do with them.

use std::path::PathBuf;

use falken_harness::case::Case;
use falken_harness::repro::Repro;
use falken_harness::shrink::cause;
use falken_models::bug::Planted;

fn corpus() -> Vec<(PathBuf, Repro)> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let repro = Repro::from_toml(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, repro)
    };
    files.into_iter().map(read).collect()
}

/// The invariant and what is said about it, without numbers.
fn failure(case: &Case) -> Option<String> {
    case.run().verdict.violation().map(cause)
}

#[test]
fn every_regression_fails_as_its_file_says_and_passes_without_its_bug() {
    for (path, repro) in corpus() {
        let name = path.display();
        let invariant = repro.verdict.split(':').next().unwrap();
        let report = repro.case.run();
        let violation = report.verdict.violation().unwrap_or_else(|| panic!("{name} does not fail any more"));
        assert_eq!(violation.invariant, invariant, "{name}");
        assert!(report.divergence.is_none_or(|divergence| divergence.unused.is_empty()), "{name}");
        let fixed = Case { planted: Planted(None), ..repro.case };
        assert_eq!(fixed.run().verdict.violation(), None, "{name} fails without its bug");
    }
}

#[test]
fn a_yield_and_a_draw_added_elsewhere_leave_every_regression_reproducing() {
    for (path, repro) in corpus() {
        let mut changed = repro.case.clone();
        changed.scenario.schedule.rehearse_change = true;
        let (before, after) = (repro.case.run(), changed.run());
        assert!(after.actions > before.actions, "{}: the change was not felt", path.display());
        assert_eq!(failure(&changed), failure(&repro.case), "{}", path.display());
    }
}
