//! The canary must fail, and its failure must reach everybody who may look.

use std::path::Path;
use std::process::{Command, Output};

fn falken(dir: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_falken")).args(line.split(' ')).current_dir(dir).output().unwrap()
}

#[test]
fn the_canary_s_failure_surfaces_in_exit_code_text_json_junit_and_repro_file() {
    let dir = tempfile::tempdir().unwrap();
    let stdout = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    for seed in 1..=5 {
        let text = falken(dir.path(), &format!("run canary --runs 1 --seed {seed}"));
        assert_eq!(text.status.code(), Some(1), "{}", stdout(&text));
        assert!(
            stdout(&text).contains("is broken:") && stdout(&text).contains("canary: VIOLATION"),
            "{}",
            stdout(&text)
        );
    }
    let json = falken(dir.path(), "run canary --runs 100 --json");
    assert_eq!(json.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["verdict"], "violation");
    assert_eq!(report["runs"], 1, "the first run fails already");
    let files = falken(dir.path(), "run canary --runs 3 --report junit=report.xml");
    assert_eq!(files.status.code(), Some(1));
    let junit = std::fs::read_to_string(dir.path().join("report.xml")).unwrap();
    assert!(junit.contains("<failure") && junit.contains("failures=\"1\"") && junit.contains("canary"), "{junit}");
    let repro = report["violation"]["repro"].as_str().unwrap();
    assert_eq!(falken(dir.path(), &format!("replay {repro}")).status.code(), Some(1));
    let swept = falken(dir.path(), "list scenarios");
    assert!(!stdout(&swept).contains("canary"), "it is in no sweep");
}
