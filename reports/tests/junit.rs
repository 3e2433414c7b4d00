//! The JUnit report, read back by the library that wrote it.

mod support;

use std::collections::BTreeMap;

use falken_reports::{Report, format};
use quick_junit::{NonSuccessKind, TestCaseStatus};

fn read(report: &Report) -> quick_junit::Report {
    let xml = format::find("junit").unwrap().format.write(report);
    quick_junit::Report::deserialize_from_str(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"))
}

/// Every case by suite and name, with `pass`, `skip`, `fail` or `error`.
fn cases(report: &quick_junit::Report) -> BTreeMap<(String, String), &'static str> {
    let word = |status: &TestCaseStatus| match status {
        TestCaseStatus::Success { .. } => "pass",
        TestCaseStatus::Skipped { .. } => "skip",
        TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => "fail",
        TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => "error",
    };
    let suites = report.test_suites.iter();
    let each = suites.flat_map(|suite| suite.test_cases.iter().map(move |case| (suite, case)));
    each.map(|(suite, case)| ((suite.name.to_string(), case.name.to_string()), word(&case.status))).collect()
}

#[test]
fn each_group_is_one_failure_and_each_property_of_each_scenario_one_case() {
    let report = read(&support::night(240, 3));
    assert_eq!((report.failures, report.errors), (3, 0));
    let cases = cases(&report);
    // Thirty invariants and the probes, twelve times, and the proof of determinism.
    assert_eq!(cases.len(), 12 * 31 + 1);
    let of = |suite: &str, name: &str| cases[&(suite.into(), name.into())];
    assert_eq!(of("scenario-1", "WAL-0 a-name"), "fail");
    assert_eq!(of("scenario-2", "WAL-0 a-name"), "skip");
    assert_eq!(of("scenario-3", "WAL-0 a-name"), "pass");
    assert_eq!(of("scenario-3", "WAL-3 a-name"), "skip", "nothing has evaluated it");
    assert_eq!(of("scenario-3", "expected probes"), "skip", "probe-0 was not hit");
}

#[test]
fn what_belongs_to_no_scenario_has_a_suite_of_its_own() {
    let report = read(&support::eventful());
    let cases = cases(&report);
    let of = |name: &str| cases[&("night".into(), name.into())];
    assert_eq!(of("gate probes"), "fail");
    assert_eq!(of("gate canary"), "pass");
    assert_eq!(of("gate rate"), "skip");
    assert_eq!(of("determinism"), "fail");
    assert_eq!(of("regression kept.toml"), "pass");
    assert_eq!(of("regression failing.toml"), "fail");
    assert_eq!(of("wal-9-0123abcd"), "fail", "a group of no scenario of the plan is not lost");
    assert_eq!(cases[&("scenario-4".into(), "RUN-HUNG (wal-8-0123abcd)".into())], "error");
    assert!(!cases.keys().any(|(_, name)| name.contains("wal-7")), "a fixed group is no case");
}

#[test]
fn a_search_threads_and_a_kill_matrix_have_a_case_for_what_they_covered() {
    let [search, racing, kills] = support::without_runs().map(|report| read(&report));
    assert_eq!(cases(&search)[&("two-writers".into(), "every schedule".into())], "skip", "it ended at a violation");
    assert_eq!(cases(&racing)[&("group-two".into(), "executions under loom".into())], "skip");
    for (report, case) in
        [(&search, ("two-writers", "WAL-1")), (&racing, ("group-two", "WAL-2")), (&kills, ("planted bugs", "b.bug"))]
    {
        assert_eq!((report.failures, report.errors), (1, 0), "{report:?}");
        let failed: Vec<_> =
            cases(report).into_iter().filter(|(_, status)| *status == "fail").map(|(name, _)| name).collect();
        assert_eq!(failed.iter().map(|(suite, case)| (suite.as_str(), case.as_str())).collect::<Vec<_>>(), [case]);
    }
    assert_eq!(cases(&kills)[&("planted bugs".into(), "a.bug".into())], "pass");
}
