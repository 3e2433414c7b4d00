//! The same scenario, seed and build give the same event hash: with one job and two, in two processes, in replay.

use std::process::Command;
use std::sync::atomic::AtomicBool;

use falken_harness::choice::Tape;
use falken_harness::run::{Run, RunReport, Settings};
use falken_harness::strategy::{self, Random, Replay, Strategy};
use falken_models::bug::Planted;
use falken_scenarios::batch::Batch;
use falken_scenarios::catalog;

fn run(scenario: &str, seed: u64, strategy: Box<dyn Strategy>) -> RunReport {
    let scenario = catalog::find(scenario).unwrap();
    Run::models(&scenario, Settings { seed, planted: Planted(None), strategy, oracle: None }).go()
}

/// The hashes of the first five runs of each scenario. They are the same in debug builds (this test) and release builds
/// (`.ci/run` compares the same file), and change when the models, the events or the scenarios change: then look at why,
/// and run this test once with `FALKEN_BLESS=1`, which writes the new ones into the file.
const PINNED: &str = include_str!("pinned-hashes.txt");

#[test]
fn five_runs_of_each_scenario_have_the_pinned_hash() {
    let found: String =
        catalog::TABLE.iter().map(|(name, _)| format!("{name} {:#018x}\n", batch_hash(name, 1, 5, 2))).collect();
    if std::env::var_os("FALKEN_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pinned-hashes.txt"), found).unwrap();
        return;
    }
    assert_eq!(found, PINNED, "the hashes have changed; they are now:\n{found}");
}

fn batch_hash(name: &str, seed: u64, runs: u64, jobs: usize) -> u64 {
    let scenario = catalog::find(name).unwrap();
    let batch = Batch {
        scenario: &scenario,
        strategy: &strategy::TABLE[0],
        planted: Planted(None),
        seed,
        runs,
        jobs,
        oracle: &|| None,
        stop: &AtomicBool::new(false),
    };
    batch.go(|_| {}).hash
}

#[test]
fn a_batch_has_the_same_hash_with_one_job_and_two() {
    for (name, _) in catalog::TABLE {
        assert_eq!(batch_hash(name, 9, 12, 1), batch_hash(name, 9, 12, 2), "{name}");
    }
}

#[test]
fn two_processes_print_the_same_hash() {
    let hash = || {
        let output = Command::new(env!("CARGO_BIN_EXE_falken"))
            .args(["run", "crash-and-recover", "--runs", "10", "--seed", "77", "--json", "--repro-dir"])
            .arg(std::env::temp_dir().join("falken-determinism"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["hash"].as_str().unwrap().to_owned()
    };
    assert_eq!(hash(), hash());
}

#[test]
fn a_replay_of_the_tape_has_the_same_hash_and_follows_every_choice() {
    for (name, _) in catalog::TABLE {
        let original = run(name, 3, Box::new(Random::new(3)));
        // Through the text form, as a repro file has it.
        let lines = original.tape.to_lines();
        let tape = Tape::from_lines(lines.iter().map(String::as_str)).unwrap();
        assert_eq!(tape, original.tape);
        let replayed = run(name, 3, Box::new(Replay::new(tape)));
        assert_eq!(replayed.hash, original.hash, "{name}: {:?}", replayed.divergence);
        assert_eq!(replayed.divergence, None, "{name}");
    }
}

#[test]
fn a_tape_that_was_cut_says_where_and_goes_on() {
    let original = run("tiny-cache", 3, Box::new(Random::new(3)));
    let lines = original.tape.to_lines();
    let tape = Tape::from_lines(lines[..lines.len() / 2].iter().map(String::as_str)).unwrap();
    let replayed = run("tiny-cache", 3, Box::new(Replay::new(tape)));
    assert!(replayed.divergence.unwrap().past_end > 0);
}
