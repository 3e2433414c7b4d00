//! `falken threads` as a user meets it: exhaustive counts, planted bugs with repros that replay, clear refusals.

use std::path::Path;
use std::process::{Command, Output};

use falken_models::bug::Bug;
use falken_models::threads::{Bound, TABLE};
use falken_threads::repro::ThreadsRepro;
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
    ("callback.lock-reentry", &["callback-unlocked", "--engine", "shuttle"], 4),
    ("callback.lock-reentry", &["callback-unlocked", "--engine", "shuttle", "--strategy", "dfs"], 4),
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

/// Every bug that a form shows, with the engines for it and the first form for each.
fn every_bug_of_threads() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut pairs = Vec::new();
    for bug in Bug::ALL {
        let mut forms = TABLE.iter().filter(|form| form.shows.contains(bug));
        let large = forms.clone().find(|form| form.bound == Bound::TooLarge);
        let small = forms.find(|form| form.bound != Bound::TooLarge);
        pairs.extend(small.map(|form| (bug.id(), form.name, "loom")));
        pairs.extend(large.or(small).map(|form| (bug.id(), form.name, "shuttle")));
    }
    pairs
}

#[test]
fn every_bug_of_threads_fails_under_loom_or_shuttle_with_a_repro_that_replays() {
    let pairs = every_bug_of_threads();
    let needy = Bug::ALL.iter().filter(|bug| bug.needs_threads());
    needy.for_each(|bug| assert!(pairs.iter().any(|(id, ..)| *id == bug.id()), "no form shows {}", bug.id()));
    let mut missed: Vec<&str> = Vec::new();
    let mut caught: Vec<&str> = Vec::new();
    for (bug, form, engine) in pairs {
        let dir = TempDir::new().unwrap();
        let found = falken(dir.path(), &["threads", form, "--engine", engine, "--plant", bug, "--json"]);
        let report: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
        println!("{bug} in {form} under {engine}: {}, {} executions", report["verdict"], report["executions"]);
        let Some(repro) = report["violation"]["repro"].as_str() else {
            missed.push(bug);
            continue;
        };
        caught.push(bug);
        let replayed = falken(dir.path(), &["replay", repro]);
        assert_eq!(replayed.status.code(), found.status.code(), "{bug}: {}", stdout(&replayed));
        assert!(stdout(&replayed).contains("reproduced: the same schedule"), "{bug}: {}", stdout(&replayed));
    }
    missed.retain(|bug| !caught.contains(bug));
    assert!(missed.is_empty(), "neither engine has caught {missed:?}");
}

#[test]
fn a_repro_of_whole_transactions_shrinks_to_a_page_and_still_replays() {
    let dir = TempDir::new().unwrap();
    let plant = ["threads", "transactions", "--engine", "shuttle", "--plant", "wal.no-busy-snapshot-check"];
    assert_eq!(falken(dir.path(), &plant).status.code(), Some(1));
    let file = "falken-repros/transactions-shuttle-tx-5.toml";
    let shrunk = falken(dir.path(), &["shrink", file, "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&shrunk.stdout).unwrap();
    assert_eq!(shrunk.status.code(), Some(1), "{report}");
    let size = |path: &str| {
        let text = std::fs::read_to_string(dir.path().join(path)).unwrap();
        let repro = ThreadsRepro::from_toml(&text).unwrap().unwrap();
        let clients: Vec<usize> = repro.scenario.unwrap().each_client().map(|client| client.program.len()).collect();
        (clients.len(), clients.iter().sum::<usize>(), repro.schedule.switches())
    };
    let (before, after) = (size(file), size("falken-repros/transactions-shuttle-tx-5.shrunk.toml"));
    assert!(after.0 == 2 && after.1 <= 8 && after.2 < before.2 / 2, "{before:?} to {after:?}");
    let replayed = falken(dir.path(), &["replay", report["violation"]["repro"].as_str().unwrap()]);
    assert!(stdout(&replayed).contains("reproduced: the same schedule"), "{}", stdout(&replayed));
    // What cannot be made smaller says so.
    let loom = ["threads", "link-while-finishing", "--engine", "loom", "--plant", "group.link-after-finish"];
    assert_eq!(falken(dir.path(), &loom).status.code(), Some(1));
    let refused = falken(dir.path(), &["shrink", "falken-repros/link-while-finishing-loom-io-3.toml"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("only those of shuttle"));
}

#[test]
fn a_depth_first_search_lets_nobody_wait_for_ever() {
    let dir = TempDir::new().unwrap();
    for name in ["link-and-wait", "two-commits"] {
        let args = ["threads", name, "--engine", "shuttle", "--strategy", "dfs", "--runs", "300"];
        let output = falken(dir.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stdout(&output));
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
