//! The published engine behind the scenarios: deterministic from process to process, clean without faults, and what it was
//! found to do wrong is still found.
#![cfg(feature = "turso")]

use std::path::Path;
use std::process::{Command, Output};

fn falken(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_falken")).args(args).output().unwrap()
}

fn hash(args: &[&str]) -> String {
    let output = falken(&[args, &["--json"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    // The last one is the batch's.
    let line = text.lines().rfind(|line| line.contains("\"hash\"")).expect("a report has a hash");
    line.split('"').nth(3).expect("a hash is text").to_owned()
}

/// What is compared: the scenarios that the engine runs to the end, in both journals, with and without crashes.
const COMPARED: [&str; 6] = [
    "crash-and-recover",
    "readers-writers-checkpointer",
    "tiny-cache",
    "crash-under-full-sync",
    "turso/mvcc.toml",
    "turso/mvcc-crash-and-recover.toml",
];

/// The hashes of long runs: the same in debug builds (this test, and once more in a second process) and in release builds
/// (`.ci/turso` runs it there). They change when the engine, the events or the scenarios change: then run this test once
/// with `FALKEN_BLESS=1`, which writes the new ones into the file.
const PINNED: &str = include_str!("turso-hashes.txt");

#[test]
fn two_processes_of_two_builds_have_the_same_hashes() {
    let repros = tempfile::tempdir().unwrap();
    let hashes = |jobs: &str| {
        let line = |scenario: &&str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(scenario);
            let file = if path.exists() { path.to_str().unwrap() } else { scenario };
            let run = ["run", file, "--subject", "turso", "--strategy", "random", "--runs", "2", "--jobs", jobs];
            let found = ["--no-shrink", "--checks", "TX-9", "--repro-dir", repros.path().to_str().unwrap()];
            format!("{scenario} {}\n", hash(&[&run[..], &found[..]].concat()))
        };
        COMPARED.iter().map(line).collect::<String>()
    };
    let found = hashes("1");
    if std::env::var_os("FALKEN_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/turso-hashes.txt"), found).unwrap();
        return;
    }
    assert_eq!(found, hashes("2"), "two processes of one build differ: --verify-determinism names the first choice");
    assert_eq!(found, PINNED, "another build had other hashes; they are now:\n{found}");
}

#[test]
fn row_versions_are_in_order_without_faults_and_the_models_refuse_them() {
    let repros = tempfile::tempdir().unwrap();
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("turso/mvcc.toml");
    let (scenario, repros) = (scenario.to_str().unwrap(), repros.path().to_str().unwrap());
    let output = falken(&["run", scenario, "--runs", "20", "--repro-dir", repros]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    // Its transactions do run beside each other.
    let skewed =
        falken(&["run", scenario, "--model", "serializable", "--runs", "20", "--no-shrink", "--repro-dir", repros]);
    assert_eq!(skewed.status.code(), Some(1), "{}", String::from_utf8_lossy(&skewed.stdout));
    assert!(String::from_utf8_lossy(&skewed.stdout).contains("write skew"));
    let refused = falken(&["run", scenario, "--subject", "models", "--repro-dir", repros]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("database.journal"), "{refused:?}");
}

#[test]
fn a_batch_goes_on_behind_what_is_known() {
    let repros = tempfile::tempdir().unwrap();
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings/turso");
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("turso/mvcc-crash-and-recover.toml");
    let run = ["run", scenario.to_str().unwrap(), "--runs", "20"];
    let known = ["--known", findings.to_str().unwrap(), "--repro-dir", repros.path().to_str().unwrap()];
    let output = falken(&[&run[..], &known[..]].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("count as passed: mvcc-checkpoint-cut"), "{text}");
}

#[test]
fn a_night_skips_what_the_engine_cannot_run_and_knows_what_is_known() {
    let state = tempfile::tempdir().unwrap();
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings/turso");
    let night =
        ["nightly", "--subject", "turso", "--runs", "40", "--steps", "1500", "--seed-from", "a short night", "--json"];
    let places = ["--state-dir", state.path().to_str().unwrap(), "--regressions", findings.to_str().unwrap()];
    let output = falken(&[&night[..], &places[..]].concat());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let notes = report["notes"].to_string();
    assert!(notes.contains("every run is on turso") && notes.contains("skipped"), "{notes}");
    let kept = report["facts"]["regressions"].as_array().unwrap();
    assert!(kept.len() >= 5 && kept.iter().all(|known| known["outcome"] == "kept"), "{kept:?}");
    assert_eq!(report["facts"]["determinism"]["differences"].as_array().map(Vec::len), Some(0));
}

#[test]
fn without_faults_everything_is_in_order_and_sqlite_agrees() {
    let repros = tempfile::tempdir().unwrap();
    let scenario = repros.path().join("clean.toml");
    let text = "name = \"clean\"\nabout = \"no faults\"\nbounds.steps = 2000\n[[clients]]\ncount = 3\nmix = { put = 2, append = 2, \
                delete = 1, write-tx = 4, get = 1, scan = 1, checkpoint-passive = 1, checkpoint-truncate = 1 }\n";
    std::fs::write(&scenario, text).unwrap();
    let (scenario, repros) = (scenario.to_str().unwrap(), repros.path().to_str().unwrap());
    let run = ["run", scenario, "--subject", "turso", "--oracle", "sqlite", "--runs", "20", "--repro-dir", repros];
    let output = falken(&run);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn everybody_finds_the_same_in_crash_images_and_they_change_nothing() {
    let repros = tempfile::tempdir().unwrap();
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("turso/crash-images.toml");
    let plain = repros.path().join("plain.toml");
    let text = std::fs::read_to_string(&scenario).unwrap();
    let (head, tail) = text.split_once("[crash-images]").unwrap();
    std::fs::write(&plain, head.to_owned() + &tail[tail.find("[bounds]").unwrap()..]).unwrap();
    let run = |scenario: &Path, more: &[&str]| {
        let run = ["run", scenario.to_str().unwrap(), "--runs", "3", "--json"];
        let output = falken(&[&run[..], &["--repro-dir", repros.path().to_str().unwrap()], more].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let [explored, plain] = [run(&scenario, &["--oracle", "sqlite"]), run(&plain, &[])];
    assert_eq!(explored["hash"], plain["hash"]);
    let images = &explored["crash_images"];
    assert!(images["first"]["recovered"].as_u64().unwrap() > 200, "{images}");
    assert!(images["process"]["recovered"].as_u64().unwrap() > 200, "{images}");
}

#[test]
fn every_finding_is_reproduced() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings/turso");
    let directories = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut found = 0;
    for directory in directories {
        let repro = directory.join("repro.toml");
        let output = falken(&["replay", repro.to_str().unwrap()]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{}: {text}", repro.display());
        assert!(text.contains("reproduced bit for bit"), "{}: {text}", repro.display());
        found += 1;
    }
    assert!(found > 0);
}
