//! `falken threads` as a user meets it: exhaustive counts, planted bugs with repros that replay, clear refusals.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn falken(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_falken")).current_dir(dir).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn loom_reports_how_many_executions_there_are() {
    let dir = TempDir::new().unwrap();
    let output = falken(dir.path(), &["threads", "group-cancel", "--engine", "loom", "--preemptions", "2", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert_eq!((&report["verdict"], &report["exhaustive"]), (&"pass".into(), &true.into()));
    assert!(report["executions"].as_u64().unwrap() > 100, "{report}");
    assert!(!report["not_proved"].as_array().unwrap().is_empty());
}

/// The bug's id, the engine, and the exit code.
const PLANTED: &[(&str, &[&str], i32)] = &[
    ("completion.done-before-callback", &[], 1),
    ("group.link-after-finish", &[], 1),
    ("group.link-after-finish", &["link-while-finishing", "--engine", "shuttle"], 1),
    ("completion.done-before-callback", &["group-two", "--engine", "shuttle", "--strategy", "pos"], 1),
    ("callback.lock-reentry", &[], 4),
    ("callback.lock-reentry", &["callback-unlocked", "--engine", "loom"], 4),
    ("completion.done-before-callback", &["page-read", "--engine", "loom"], 1),
    ("group.link-after-finish", &["link-and-wait", "--engine", "loom"], 4),
    ("wal.no-busy-snapshot-check", &["two-commits", "--engine", "shuttle"], 1),
];

#[test]
fn a_planted_bug_fails_with_a_repro_that_replays_with_lanes() {
    for (bug, more, exit) in PLANTED {
        let dir = TempDir::new().unwrap();
        let args = [&["threads", "--plant", bug, "--json"], *more].concat();
        let found = falken(dir.path(), &args);
        let report: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
        assert_eq!(found.status.code(), Some(*exit), "{args:?}: {report}");
        let repro = report["violation"]["repro"].as_str().unwrap_or_else(|| panic!("{args:?}: {report}"));
        assert!(report["notes"].as_array().unwrap().is_empty(), "{args:?}: {report}");
        let replayed = falken(dir.path(), &["replay", repro]);
        let text = stdout(&replayed);
        assert_eq!(replayed.status.code(), Some(*exit), "{args:?}: {text}");
        assert!(text.contains("reproduced: the same schedule"), "{args:?}: {text}");
        assert!(text.contains("What the threads did"), "{args:?}: {text}");
    }
}

#[test]
fn a_repro_whose_bug_is_gone_is_not_reproduced() {
    let dir = TempDir::new().unwrap();
    for engine in ["loom", "shuttle"] {
        let args = ["threads", "link-while-finishing", "--engine", engine, "--plant", "group.link-after-finish"];
        assert_eq!(falken(dir.path(), &args).status.code(), Some(1));
        let file = dir.path().join(format!("falken-repros/link-while-finishing-{engine}-io-3.toml"));
        let text = std::fs::read_to_string(&file).unwrap().replace("planted = \"group.link-after-finish\"\n", "");
        std::fs::write(&file, text).unwrap();
        let replayed = falken(dir.path(), &["replay", file.to_str().unwrap()]);
        assert_eq!(replayed.status.code(), Some(5), "{}", stdout(&replayed));
        assert!(stdout(&replayed).contains("the violation is gone"));
    }
}

#[test]
fn whole_transactions_hold_in_samples_and_on_the_machine() {
    let dir = TempDir::new().unwrap();
    for engine in ["shuttle", "os"] {
        let output = falken(dir.path(), &["threads", "transactions", "--engine", engine, "--runs", "40"]);
        assert_eq!(output.status.code(), Some(0), "{engine}: {}", stdout(&output));
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_exit_code_2() {
    let dir = TempDir::new().unwrap();
    let wide = "name = \"wide\"\nabout = \"x\"\n[threads]\nengines = [\"loom\"]\n\
                [[clients]]\ncount = 5\nprogram = [\"put 1 a\"]\n";
    std::fs::write(dir.path().join("wide.toml"), wide).unwrap();
    std::fs::write(dir.path().join("broken.toml"), "threads-format = 1\nengine = \"loom\"\n").unwrap();
    std::fs::write(dir.path().join("newer.toml"), "threads-format = 9\n").unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["threads", "wide.toml"], "loom models at most 5"),
        (&["threads", "group-eight", "--engine", "loom"], "it runs under shuttle, os"),
        (&["threads", "tiny-cache"], "no `[threads]` section"),
        (&["threads", "group-cancle"], "did you mean `group-cancel`?"),
        (&["threads", "group-cancel", "--runs", "5"], "--runs is for shuttle and os"),
        (&["threads", "group-two", "--engine", "os", "--seed", "5"], "--seed is for shuttle"),
        (&["threads", "group-two", "--engine", "shuttle", "--strategy", "luck"], "no strategy `luck`"),
        (&["threads", "--plant", "dur.sync-before-writes-finish"], "no form shows"),
        (&["threads"], "required"),
        (&["replay", "broken.toml"], "missing field"),
        (&["replay", "newer.toml"], "threads-format 9"),
    ];
    for (args, expected) in cases {
        let output = falken(dir.path(), args);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains(expected), "{args:?}: {text}");
    }
}
