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
    let line = text.lines().find(|line| line.contains("\"hash\"")).expect("a report has a hash");
    line.trim().to_owned()
}

#[test]
fn the_same_seeds_have_the_same_hash_in_two_processes() {
    let repros = tempfile::tempdir().unwrap();
    let repros = repros.path().to_str().unwrap();
    let mut hashes = Vec::new();
    for scenario in ["crash-and-recover", "readers-writers-checkpointer", "tiny-cache", "crash-under-full-sync"] {
        let run = ["run", scenario, "--subject", "turso", "--strategy", "random", "--steps", "2000"];
        let few = ["--runs", "4", "--no-shrink", "--checks", "TX-9", "--repro-dir", repros];
        let args = [&run[..], &few[..]].concat();
        let first = hash(&args);
        assert_eq!(first, hash(&args), "{scenario}");
        hashes.push(first);
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 4, "different scenarios have different hashes");
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
