//! What the clients of a run saw is enough to catch what a database must not do, with no other invariant's help.

use std::process::Command;

use falken_harness::check::{self, Model, Verdict};
use falken_harness::history::{History, edn, jsonl};
use falken_harness::run::{Run, RunReport, Settings};
use falken_harness::strategy::Random;
use falken_models::bug::{Bug, Planted};
use falken_scenarios::catalog;

/// A run in which TX-9 is the only invariant that is checked while it goes on.
fn run(scenario: &str, planted: Option<Bug>, seed: u64) -> RunReport {
    let mut scenario = catalog::find(scenario).unwrap();
    scenario.checks.only = vec!["TX-9".into()];
    let strategy = Box::new(Random::new(seed));
    let settings = Settings { seed, planted: Planted(planted), strategy, oracle: None };
    Run::models(&scenario, settings).go()
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

/// What a check finds, by name.
fn anomalies(history: &History) -> Vec<&'static str> {
    match check::check(history, Model::StrongSerializable).verdict {
        Verdict::Ok => Vec::new(),
        Verdict::Violation(anomalies) => anomalies.iter().map(|anomaly| anomaly.kind.name()).collect(),
        Verdict::Unknown(reason) => panic!("{reason}"),
    }
}

#[test]
fn the_history_of_a_run_is_judged_alike_before_and_after_it_was_written_to_a_file() {
    let runs = [
        ("appends", None),
        ("errors-and-crashes", None),
        ("two-statements", None),
        ("readers-writers-checkpointer", Some(Bug::CacheKeptAcrossCommit)),
    ];
    for (scenario, planted) in runs {
        let mut caught = 0;
        for seed in 1..=3 {
            let report = run(scenario, planted, seed);
            let history = report.history.history();
            assert!(history.transactions.len() > 20, "{scenario} tells little");
            let found = anomalies(&history);
            let violation = report.verdict.violation().map(|violation| violation.invariant);
            assert_eq!(!found.is_empty(), violation == Some("TX-9"), "{scenario}, seed {seed}: {violation:?}");
            caught += found.len();
            let (mut edn_text, mut json_text) = (Vec::new(), Vec::new());
            edn::write(&history, &mut edn_text).unwrap();
            jsonl::write(&history, &mut json_text).unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            for again in [edn::read(&text(edn_text)), jsonl::read(&text(json_text))] {
                assert_eq!(anomalies(&again.unwrap()), found, "{scenario}, seed {seed}");
            }
        }
        assert_eq!(caught > 0, planted.is_some(), "{scenario}");
    }
}

#[test]
fn runs_and_replays_write_histories_that_falken_check_judges() {
    let dir = tempfile::tempdir().unwrap();
    let falken = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_falken"));
        let output = command.args(line.split(' ')).current_dir(dir.path()).output().unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        (output.status.code().unwrap(), text)
    };
    let (code, text) = falken("run appends --runs 3 --history all");
    assert_eq!(code, 0, "{text}");
    for seed in 1..=3 {
        let (code, text) = falken(&format!("check all/{seed}.edn"));
        assert!(code == 0 && text.starts_with("ok: strong-serializable"), "{text}");
    }
    let (code, text) =
        falken("run readers-writers-checkpointer --plant ckpt.ignores-read-marks --history failed.jsonl");
    assert_eq!(code, 1, "{text}");
    assert_eq!(falken("check failed.jsonl --model snapshot-isolation").0, 0, "another invariant was earlier");
    let repro = text.lines().find_map(|line| line.trim().strip_prefix("as found")).unwrap().trim().to_owned();
    let (code, text) = falken(&format!("replay {repro} --history again.edn"));
    assert_eq!(code, 1, "{text}");
    let text = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let lines = |name| text(name).lines().count();
    assert_eq!(lines("again.edn"), lines("failed.jsonl"));
    let (code, text) = falken("run --model linearisable");
    assert!(code == 2 && text.contains("serializable"), "{text}");
}
