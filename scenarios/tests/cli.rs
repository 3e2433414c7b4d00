//! The command line as a user meets it: exit codes, error messages, repro files, replay.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn falken(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_falken")).current_dir(dir).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn bad_input_gives_one_clear_error_and_exit_code_2() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("broken.toml", "name = \"x\nabout = 1");
    write("unknown.toml", "name = \"x\"\nabout = \"y\"\nsurprise = 1\n[[clients]]\ncount = 1\nmix = { get = 1 }\n");
    write("zero.toml", "name = \"x\"\nabout = \"y\"\n[[clients]]\ncount = 0\nmix = { get = 1 }\n");
    write("none.toml", "name = \"x\"\nabout = \"y\"\nclients = []\n");
    write(
        "page.toml",
        "name = \"x\"\nabout = \"y\"\ndatabase.page-size = 1000\n[[clients]]\ncount = 1\nmix = { get = 1 }\n",
    );
    write(
        "huge.toml",
        "name = \"x\"\nabout = \"y\"\nrows.value-bytes-max = 4000000000\n[[clients]]\ncount = 1\nmix = { get = 1 }\n",
    );
    write("mix.toml", "name = \"x\"\nabout = \"y\"\n[[clients]]\ncount = 1\nmix = { fly = 1 }\n");
    let images = "name = \"x\"\nabout = \"y\"\ncrash-images = { crashes = [\"power\"], barriers = [\"change\"] }\n";
    write("images.toml", &format!("{images}[[clients]]\ncount = 1\nmix = {{ get = 1 }}\n"));
    write("old.toml", "format = 99\n");
    write("norepro.toml", "format = 2\nfalken = \"0.1.0\"\n");
    write("file", "");
    let cases: &[(&[&str], &[&str])] = &[
        (&["run", "crash-and-recovr"], &["no scenario `crash-and-recovr`", "did you mean `crash-and-recover`"]),
        (&["run", "missing.toml"], &["cannot read scenario missing.toml"]),
        (&["run", "broken.toml"], &["line 1"]),
        (&["run", "unknown.toml"], &["line 3", "surprise"]),
        (&["run", "zero.toml"], &["must be from 1"]),
        (&["run", "none.toml"], &["connections in all", "must be from 1 to 64"]),
        (&["run", "page.toml"], &["database.page-size", "512, 1024, 4096"]),
        (&["run", "huge.toml"], &["rows.value-bytes-max"]),
        (&["run", "mix.toml"], &["names `fly`"]),
        (&["run", "images.toml"], &["crash-images.crashes", "at one of the `barriers`"]),
        (&["run", "--plant", "ckpt.ignore-read-marks"], &["did you mean `ckpt.ignores-read-marks`"]),
        (&["run", "--strategy", "randon"], &["did you mean `random`"]),
        (&["run", "--repro-dir", "file/below"], &["cannot write to directory file/below"]),
        (&["run", "--steps", "0"], &["bounds.steps"]),
        (&["run", "--history", "none/x.edn"], &["cannot write to none/x.edn", "its directory does not exist"]),
        (&["run", "--history", "file/x"], &["cannot write to directory file/x"]),
        (&["run", "--report", "html=r,md=./r"], &["./r cannot hold two reports, html and md"]),
        (&["run", "--checks", "WAL-7,"], &["comma too many"]),
        (&["run", "--checks", "IO-2"], &["IO-2", "only `falken threads` judges it"]),
        (&["run", "--seed", "-1"], &["a seed is a number"]),
        (&["run", "--runs", "-1"], &["invalid value '-1' for '--runs"]),
        (&["nightly", "--for", "-5s"], &["`-5s` is no length of time"]),
        (&["run", "--runs", "0"], &["--runs"]),
        (&["run", "--jobs", "0"], &["--jobs"]),
        (&["run", "--seed", "x"], &["a seed is a number"]),
        (&["replay", "missing.toml"], &["cannot read missing.toml"]),
        (&["replay", "old.toml"], &["format 99", "reads format 2"]),
        (&["replay", "norepro.toml"], &["missing field"]),
        (&["fly"], &["fly"]),
    ];
    for (args, fragments) in cases {
        let output = falken(dir.path(), args);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(output.stdout.is_empty(), "{args:?} wrote a result: {}", stdout(&output));
        fragments.iter().for_each(|fragment| assert!(text.contains(fragment), "{args:?}: {text}"));
        assert!(!text.contains("panicked"), "{args:?}: {text}");
    }
}

#[test]
fn a_planted_bug_ends_in_a_readable_violation_a_repro_and_a_replay_with_the_same_hash() {
    let dir = TempDir::new().unwrap();
    let found = falken(dir.path(), &["run", "long-readers", "--plant", "ckpt.ignores-read-marks", "--no-shrink"]);
    let text = stdout(&found);
    assert_eq!(found.status.code(), Some(1), "{text}{}", stderr(&found));
    for fragment in ["WAL-7 is broken", "reader c", "disk", "copy frame", " replay falken-repros/"] {
        assert!(text.contains(fragment), "`{fragment}` is missing in:\n{text}");
    }
    let hash = text.split("event hash ").nth(1).unwrap().split_whitespace().next().unwrap();
    let repro = std::fs::read_dir(dir.path().join("falken-repros")).unwrap().next().unwrap().unwrap().path();
    let replayed = falken(dir.path(), &["replay", repro.to_str().unwrap()]);
    assert_eq!(replayed.status.code(), Some(1));
    assert!(stdout(&replayed).contains(&format!("reproduced bit for bit: event hash {hash}")), "{}", stdout(&replayed));

    // Without the bug the same tape shows nothing, and that is said.
    let text = std::fs::read_to_string(&repro).unwrap();
    let fixed: String = text.lines().filter(|line| !line.starts_with("planted")).collect::<Vec<_>>().join("\n");
    std::fs::write(&repro, fixed).unwrap();
    let replayed = falken(dir.path(), &["replay", repro.to_str().unwrap()]);
    assert_eq!(replayed.status.code(), Some(5));
    assert!(stdout(&replayed).contains("NOT reproduced"), "{}", stdout(&replayed));
}

#[test]
fn a_violation_arrives_shrunk_with_its_story_and_can_be_shrunk_by_hand() {
    let dir = TempDir::new().unwrap();
    let found =
        falken(dir.path(), &["run", "long-readers", "--strategy", "random", "--plant", "ckpt.ignores-read-marks"]);
    let text = stdout(&found);
    assert_eq!(found.status.code(), Some(1), "{text}{}", stderr(&found));
    for fragment in
        ["WAL-7 is broken", "Shrunk in", "runs  ", "run c", "only this order", "race  c", "as found    falken-repros/"]
    {
        assert!(text.contains(fragment), "`{fragment}` is missing in:\n{text}");
    }
    let repros = dir.path().join("falken-repros");
    let raw = repros.join("long-readers-wal-7-1.raw.toml");
    let shrunk = std::fs::read_to_string(repros.join("long-readers-wal-7-1.toml")).unwrap();
    for file in ["long-readers-wal-7-1.raw.toml", "long-readers-wal-7-1.toml"] {
        let replayed = falken(&repros, &["replay", file]);
        assert_eq!(replayed.status.code(), Some(1), "{}", stdout(&replayed));
        assert!(stdout(&replayed).contains("reproduced bit for bit"), "{}", stdout(&replayed));
    }
    let explained = stdout(&falken(&repros, &["replay", "long-readers-wal-7-1.toml", "--explain"]));
    assert!(explained.contains("only this order") && explained.contains("race  c"), "{explained}");
    let by_hand = falken(&repros, &["shrink", raw.to_str().unwrap(), "-o", "again.toml", "--json"]);
    assert_eq!(by_hand.status.code(), Some(1), "{}", stderr(&by_hand));
    assert_eq!(std::fs::read_to_string(repros.join("again.toml")).unwrap(), shrunk);
    let report: serde_json::Value = serde_json::from_slice(&by_hand.stdout).unwrap();
    assert!(report["violation"]["story"]["after"]["actions"].as_u64().unwrap() <= 12, "{report}");
}

#[test]
fn a_repro_is_not_replayed_or_shrunk_where_that_would_say_nothing() {
    let dir = TempDir::new().unwrap();
    falken(dir.path(), &["run", "long-readers", "--plant", "ckpt.ignores-read-marks", "--no-shrink"]);
    let repro = std::fs::read_dir(dir.path().join("falken-repros")).unwrap().next().unwrap().unwrap().path();
    let file = repro.to_str().unwrap();
    let refused = falken(dir.path(), &["replay", file, "--checks", "TX-3"]);
    assert_eq!(refused.status.code(), Some(2), "{}", stdout(&refused));
    assert!(stderr(&refused).contains("WAL-7, which is not among the checks TX-3"), "{}", stderr(&refused));
    assert_eq!(falken(dir.path(), &["replay", file, "--checks", "TX-3,WAL-7"]).status.code(), Some(1));
    let unwritable = falken(dir.path(), &["shrink", file, "-o", "none/small.toml"]);
    assert_eq!(unwritable.status.code(), Some(2), "{}", stdout(&unwritable));
    assert!(stderr(&unwritable).contains("its directory does not exist"), "{}", stderr(&unwritable));

    let text = std::fs::read_to_string(&repro).unwrap();
    let own = format!("falken = \"{}\"", env!("CARGO_PKG_VERSION"));
    let lines = text.replace(&own, "falken = \"9.9.9\"");
    std::fs::write(&repro, lines.lines().filter(|line| !line.starts_with("planted")).collect::<Vec<_>>().join("\n"))
        .unwrap();
    let gone = falken(dir.path(), &["shrink", file]);
    assert_eq!(gone.status.code(), Some(5), "{}", stdout(&gone));
    let replayed = stderr(&falken(dir.path(), &["replay", file]));
    assert_eq!(replayed.matches("was written by falken 9.9.9").count(), 1, "{replayed}");
    assert!(stderr(&gone).contains("does not fail any more"), "{}", stderr(&gone));
    assert!(stderr(&gone).contains("was written by falken 9.9.9"), "{}", stderr(&gone));
}

#[test]
fn a_batch_that_passes_leaves_nothing_behind_and_a_report_can_go_to_stdout() {
    let dir = TempDir::new().unwrap();
    let output = falken(dir.path(), &["run", "tiny-cache", "--runs", "2", "--report", "md=-"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("# falken run: pass"), "{}", stdout(&output));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Nobody can make a directory in /proc, whoever he is.
#[test]
#[cfg(target_os = "linux")]
fn where_nothing_can_be_written_a_repro_is_printed() {
    let proc = Path::new("/proc");
    let passed = falken(proc, &["run", "tiny-cache", "--runs", "2"]);
    assert_eq!(passed.status.code(), Some(0), "{}", stderr(&passed));
    let found = falken(proc, &["run", "long-readers", "--plant", "ckpt.ignores-read-marks"]);
    assert_eq!(found.status.code(), Some(1), "{}{}", stdout(&found), stderr(&found));
    assert!(stdout(&found).contains("repro       not written"), "{}", stdout(&found));
    let printed = stderr(&found);
    let (_, repro) = printed.split_once("follows\n\n").unwrap_or_else(|| panic!("{printed}"));
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("repro.toml"), repro).unwrap();
    let replayed = falken(dir.path(), &["replay", "repro.toml"]);
    assert_eq!(replayed.status.code(), Some(1), "{repro}{}", stderr(&replayed));
    assert!(stdout(&replayed).contains("reproduced bit for bit"), "{}", stdout(&replayed));
}

#[test]
fn a_verdict_is_printed_before_a_file_that_cannot_be_written() {
    let dir = TempDir::new().unwrap();
    let args = ["run", "tiny-cache", "--runs", "2", "--report", "md=/dev/full,json=report.json"];
    let output = falken(dir.path(), &args);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("tiny-cache: pass"), "{}", stdout(&output));
    assert!(stderr(&output).contains("/dev/full"), "{}", stderr(&output));
    assert!(dir.path().join("report.json").exists(), "the other report is written");
}

#[test]
fn a_tape_edited_by_hand_gives_a_clear_error_or_a_stated_divergence() {
    let dir = TempDir::new().unwrap();
    falken(dir.path(), &["run", "long-readers", "--plant", "ckpt.ignores-read-marks", "--no-shrink"]);
    let repro = std::fs::read_dir(dir.path().join("falken-repros")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&repro).unwrap();
    let replay_edited = |from: &str, to: &str| {
        std::fs::write(&repro, text.replacen(from, to, 1)).unwrap();
        falken(dir.path(), &["replay", repro.to_str().unwrap()])
    };
    let nonsense = replay_edited("step c1", "jump c1");
    assert_eq!(nonsense.status.code(), Some(2));
    assert!(stderr(&nonsense).contains("`jump c1` is no choice"), "{}", stderr(&nonsense));
    let absent = replay_edited("step c1", "step c63");
    assert!(stdout(&absent).contains("not offered, first at choice"), "{}", stdout(&absent));
    let strict = falken(dir.path(), &["replay", "--strict", repro.to_str().unwrap()]);
    assert_eq!(strict.status.code(), Some(5), "{}", stdout(&strict));
}

/// `emitted.rs` is what `--emit-test` writes, and is compiled and run with the other tests.
#[test]
fn an_emitted_test_is_the_one_that_is_compiled_here() {
    let dir = TempDir::new().unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions/ckpt.ignores-read-marks.toml");
    let output = falken(dir.path(), &["shrink", file, "-o", "small.toml", "--emit-test"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // The case itself changes with the models; the test around it does not.
    let frame = |text: &str| {
        let (code, rest) = text.split_once("const REPRO").unwrap();
        assert!(rest.contains("format = 2"), "{rest}");
        code.lines().filter(|line| !line.starts_with("///")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(frame(&stdout(&output)), frame(include_str!("emitted.rs")));
}

/// A run that never returns to say goodbye.
#[test]
fn a_killed_falken_leaves_a_file_that_makes_the_run_under_way_again() {
    let dir = TempDir::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_falken"))
        .current_dir(dir.path())
        .args(["run", "crash-and-recover", "--runs", "100000000", "--jobs", "1"])
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let repros = dir.path().join("falken-repros");
    let begun = || {
        let file = std::fs::read_dir(&repros)
            .ok()?
            .flatten()
            .find(|entry| entry.file_name().to_string_lossy().contains("unfinished"))?;
        // The seed that it was made with is nought; the first run has another one.
        let text = std::fs::read_to_string(file.path()).ok()?;
        (!text.starts_with("seed = \"0x0000000000000000\"") && !text.is_empty()).then(|| file.path())
    };
    let file = loop {
        if let Some(file) = begun() {
            break file;
        }
        assert!(child.try_wait().unwrap().is_none(), "falken has ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let seed = text.split('"').nth(1).unwrap();
    let replayed = falken(dir.path(), &["replay", file.to_str().unwrap(), "--json"]);
    assert_eq!(replayed.status.code(), Some(0), "{}{}", stdout(&replayed), stderr(&replayed));
    let again: serde_json::Value = serde_json::from_slice(&replayed.stdout).unwrap();
    let strategy = again["strategy"].as_str().unwrap();
    let args = ["run", "crash-and-recover", "--runs", "1", "--seed", seed, "--strategy", strategy, "--json"];
    let alone: serde_json::Value = serde_json::from_slice(&falken(dir.path(), &args).stdout).unwrap();
    assert_eq!(again["actions"], alone["actions"]);
    assert_eq!(again["commits"], alone["commits"]);
    // A batch that comes to its end leaves nothing.
    let left = std::fs::read_dir(&repros).unwrap().flatten().count();
    assert_eq!(left, 1, "only the killed one has left its file");
}

#[test]
fn determinism_is_proved_run_by_run() {
    let dir = TempDir::new().unwrap();
    let output = falken(dir.path(), &["run", "tiny-cache", "--runs", "3", "--verify-determinism"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("3 runs, each made twice, were the same at every choice"), "{}", stdout(&output));
}

#[test]
fn a_duel_compares_strategies_in_text_markdown_and_json() {
    let dir = TempDir::new().unwrap();
    let base = ["bugs", "--duel", "--bug", "ckpt.no-slot0-exclusive", "--trials", "3", "--cap", "20"];
    let strategies = ["--strategy", "random", "--strategy", "portfolio"];
    let duel = |more: &[&str]| falken(dir.path(), &[&base[..], &strategies[..], more].concat());
    let text = stdout(&duel(&[]));
    assert!(text.contains("3/3") && text.contains("worst regret"), "{text}");
    assert!(stdout(&duel(&["--format", "markdown"])).contains("| bug "));
    let report: serde_json::Value = serde_json::from_slice(&duel(&["--json"]).stdout).unwrap();
    assert_eq!(report["cells"].as_array().unwrap().len(), 2);
    assert_eq!(falken(dir.path(), &["bugs"]).status.code(), Some(2));
    let threads = falken(dir.path(), &["bugs", "--duel", "--bug", "group.link-after-finish"]);
    assert!(stderr(&threads).contains("real threads"), "{}", stderr(&threads));
}

#[test]
fn a_named_check_that_cannot_catch_its_bug_says_why_and_is_no_failure() {
    let dir = TempDir::new().unwrap();
    let args = ["bugs", "--alone", "--bug", "reentry.append-repeated", "--cap", "20", "--seconds", "3"];
    let output = falken(dir.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("grew twice is a well-formed row"), "{}", stdout(&output));
}

#[test]
fn kept_files_are_a_database_that_sqlite_opens() {
    let dir = TempDir::new().unwrap();
    let output = falken(dir.path(), &["run", "overflow-and-freelist", "--runs", "3", "--keep-files", "kept"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(dir.path().join("kept/falken.db-wal").metadata().unwrap().len() > 32);
    let database = rusqlite::Connection::open(dir.path().join("kept/falken.db")).unwrap();
    let text = |sql: &str| database.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(text("PRAGMA integrity_check"), "ok");
    assert_eq!(text("PRAGMA journal_mode"), "wal");
    assert_eq!(text("SELECT CAST(v AS TEXT) FROM kv WHERE k = 1"), "the end");
}

#[test]
fn lists_and_reports_have_a_json_form_and_completions_are_scripts() {
    let dir = TempDir::new().unwrap();
    for what in ["scenarios", "bugs", "invariants", "probes", "strategies"] {
        let output = falken(dir.path(), &["list", what, "--json"]);
        let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(!list.as_array().unwrap().is_empty(), "{what}");
        let of_threads = list.as_array().unwrap().iter().filter(|entry| entry["name"] == "of threads");
        assert_eq!(of_threads.count(), if what == "invariants" { 2 } else { 0 }, "IO-2 and IO-7");
        assert!(stdout(&falken(dir.path(), &["list", what])).lines().count() > list.as_array().unwrap().len());
    }
    let output = falken(dir.path(), &["run", "--runs", "2", "--steps", "500", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["verdict"].as_str(), report["runs"].as_u64()), (Some("pass"), Some(2)));
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&falken(dir.path(), &["completions", shell])).contains("falken"));
    }
    let help = stdout(&falken(dir.path(), &["--help"]));
    assert!(help.contains("Exit codes") && help.contains("nondeterminism"), "{help}");
}

#[test]
fn a_history_that_somebody_else_made_is_judged() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let serial = "{:type :invoke :process 0 :f :txn :value [[:append 1 1]]}\n{:type :ok :process 0 :f :txn :value [[:append 1 1]]}\n\
                  {:type :invoke :process 1 :f :txn :value [[:r 1 nil]]}\n{:type :ok :process 1 :f :txn :value [[:r 1 [1]]]}\n";
    write("serial.edn", serial);
    write("stale.edn", &serial.replace("[:r 1 [1]]", "[:r 1 []]"));
    write("broken.edn", "{:type :invoke :process 0 :f :txn :value [[:append 1 1]]}\n{:type ]\n");
    write("odd.txt", "");
    let judge = |args: &[&str]| falken(dir.path(), &[&["check"], args].concat());
    assert_eq!(judge(&["serial.edn"]).status.code(), Some(0));
    let stale = judge(&["stale.edn"]);
    assert_eq!(stale.status.code(), Some(1));
    assert!(stdout(&stale).contains("realtime"), "{}", stdout(&stale));
    assert_eq!(judge(&["stale.edn", "--model", "serializable"]).status.code(), Some(0), "no real time, no anomaly");
    assert_eq!(judge(&["stale.edn", "--json"]).status.code(), Some(1));
    let broken = judge(&["broken.edn"]);
    assert_eq!(broken.status.code(), Some(2));
    assert!(stderr(&broken).contains("line 2"), "{}", stderr(&broken));
    let says = |args: &[&str], code: i32, fragment: &str| {
        let output = judge(args);
        let text = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(text.contains(fragment), "{args:?}: {text}");
    };
    says(&["odd.txt"], 2, "--format edn or --format jsonl");
    says(&["odd.txt", "--format", "edn"], 6, "it holds no transaction");
    says(&["."], 2, ". is a directory");
    write("mistaken.jsonl", serial);
    says(&["mistaken.jsonl"], 2, "it looks like EDN: try --format edn");
    says(&["mistaken.jsonl", "--format", "edn"], 0, "ok: strong-serializable");
    says(&["serial.edn", "--svg", "none/x.svg"], 2, "cannot write to none/x.svg");
    let event =
        |kind: &str| format!("{{\"type\":\"{kind}\",\"process\":0,\"f\":\"txn\",\"value\":[[\"append\",1,1]]}}");
    for cut in [7, 20, 50] {
        let (whole, cut) = (event("invoke"), event("ok")[..cut].to_owned());
        write("cut.jsonl", &format!("{whole}\n{cut}\n{whole}\n"));
        says(&["cut.jsonl"], 2, "line 2");
    }
    write("failed.jsonl", &format!("{}\n{}\n", event("invoke"), event("fail")));
    says(&["failed.jsonl"], 6, "its only transaction has not committed");
    let mut piped = Command::new(env!("CARGO_BIN_EXE_falken"));
    let piped = piped.current_dir(dir.path()).args(["check", "-", "--format", "edn"]);
    let stdin = std::fs::File::open(dir.path().join("stale.edn")).unwrap();
    assert_eq!(piped.stdin(stdin).output().unwrap().status.code(), Some(1));
    assert_eq!(judge(&["serial.edn", "--model", "linearisable"]).status.code(), Some(2));
}
