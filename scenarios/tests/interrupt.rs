//! Ctrl-C, as its users meet it: what was done is reported, and is no pass.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

fn start(dir: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_falken"));
    command.current_dir(dir).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.unwrap().success(), "it has ended before the signal");
}

/// Starts something that takes for ever and interrupts it, without which this would never return; longer after its start if it was not listening yet.
fn interrupted(args: &[&str], name: &str) -> (TempDir, Output) {
    for seconds in [1, 3, 9] {
        let dir = TempDir::new().unwrap();
        let child = start(dir.path(), args);
        std::thread::sleep(Duration::from_secs(seconds));
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        if output.status.code().is_some() {
            return (dir, output);
        }
    }
    panic!("{args:?} does not listen to {name}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_was_interrupted_is_no_pass() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&["run", "--runs", "100000000"], "INT", "checkpointer: interrupted"),
        (&["run", "--runs", "100000000", "--json"], "TERM", "\"verdict\": \"interrupted\""),
        (&["run", "--runs", "100000000", "--report", "md=-"], "INT", "# falken run: interrupted"),
        (&["run", "--catalogue", "--runs", "100000000", "--json"], "INT", "\"verdict\": \"interrupted\""),
        (&["run", "--verify-determinism", "--runs", "100000000"], "INT", "interrupted; "),
        (&["run", "--check", "yield-invariance", "--runs", "100000000"], "INT", "yield invariance: interrupted"),
        (&["sweep", "put-overflow-under-checkpoint", "--schedules", "100000"], "INT", ": interrupted"),
        (&["threads", "transactions", "--engine", "shuttle", "--runs", "100000000"], "INT", "shuttle: interrupted"),
        (&["threads", "transactions", "--engine", "shuttle", "--runs", "100000000"], "TERM", "shuttle: interrupted"),
        (&["bugs", "--duel", "--trials", "100000"], "INT", "stopped early"),
        (&["bugs", "--matrix", "--trials", "100000"], "INT", "stopped early"),
        (
            &["nightly", "tiny-cache", "--runs", "100000000", "--state-dir", "n"],
            "TERM",
            "interrupted; --resume goes on",
        ),
    ];
    for (args, name, says) in cases {
        let (dir, output) = interrupted(args, name);
        let out = text(&output.stdout);
        assert_eq!(output.status.code(), Some(6), "{args:?}: {out}{}", text(&output.stderr));
        assert!(out.contains(says), "{args:?}: {out}");
        assert!(!dir.path().join("falken-repros").exists(), "{args:?} leaves a directory with nothing in it");
    }
}

#[test]
fn a_night_that_ends_by_its_time_is_complete() {
    let dir = TempDir::new().unwrap();
    // Whatever the seeds are, each run commits, which is all that this scenario is expected to hit.
    let output = start(dir.path(), &["nightly", "two-commits", "--for", "2s", "--state-dir", "n"]);
    let output = output.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("nightly: pass"), "{}", text(&output.stdout));
}

#[test]
fn shrinking_that_is_interrupted_leaves_the_smallest_case_so_far() {
    let plant = ["run", "io-faults", "--plant", "commit.fsync-error-keeps-frames", "--strategy", "random"];
    let dir = TempDir::new().unwrap();
    let found = start(dir.path(), &[&plant[..], &["--no-shrink"]].concat()).wait_with_output().unwrap();
    assert_eq!(found.status.code(), Some(1), "{}", text(&found.stderr));
    let repro = std::fs::read_dir(dir.path().join("falken-repros")).unwrap().next().unwrap().unwrap().path();
    let (small, output) = interrupted(&["shrink", repro.to_str().unwrap(), "-o", "small.toml"], "INT");
    assert_eq!(output.status.code(), Some(6), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("the smallest case so far"), "{}", text(&output.stdout));
    let status = |dir: &Path, args: &[&str]| -> ExitStatus { start(dir, args).wait_with_output().unwrap().status };
    assert_eq!(status(small.path(), &["replay", "small.toml"]).code(), Some(1));
    // While a run shrinks what it has found, it is the shrinking that ends, and the violation stays one.
    let (dir, output) = interrupted(&[&plant[..], &["--shrink-seconds", "1000"]].concat(), "INT");
    assert_eq!(output.status.code(), Some(1), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("VIOLATION"), "{}", text(&output.stdout));
    let repros = std::fs::read_dir(dir.path().join("falken-repros")).unwrap().map(|entry| entry.unwrap().path());
    for repro in repros {
        assert_eq!(status(dir.path(), &["replay", repro.to_str().unwrap()]).code(), Some(1), "{}", repro.display());
    }
}

#[test]
fn a_night_that_is_interrupted_while_it_shrinks_has_made_its_runs_and_shrinks_when_it_goes_on() {
    let dir = TempDir::new().unwrap();
    // It takes some seconds to shrink one of these.
    let bug = "commit.fsync-error-keeps-frames";
    let plan = ["nightly", "io-faults", "--runs", "4", "--seed-from", "x", "--plant", bug];
    let mut child = start(dir.path(), &[&plan[..], &["--state-dir", "n"]].concat());
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("shrinking")), "nothing is shrunk");
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("not shrunk, because of an interruption") && !out.contains("--resume goes on"), "{out}");
    let resumed = start(dir.path(), &["nightly", "--resume", "--state-dir", "n"]).wait_with_output().unwrap();
    let out = text(&resumed.stdout);
    assert!(resumed.status.code() == Some(1) && !out.contains("not shrunk"), "{out}");
    let whole = start(dir.path(), &[&plan[..], &["--state-dir", "whole"]].concat()).wait_with_output().unwrap();
    assert_eq!(whole.status.code(), Some(1), "{}", text(&whole.stdout));
    let facts = |name: &str| {
        let text = std::fs::read_to_string(dir.path().join(name).join("night.json")).unwrap();
        let night: Value = serde_json::from_str(&text).unwrap();
        night["facts"].to_string().replace(&format!(" replay {name}/"), " replay DIR/")
    };
    assert_eq!(facts("n"), facts("whole"));
}
