//! The night as its users meet it: killed, split, merged, full disks, hung runs, planted bugs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

const BIN: &str = env!("CARGO_BIN_EXE_falken");

fn falken(dir: &Path, args: &[&str]) -> Output {
    Command::new(BIN).current_dir(dir).args(args).env_remove("GITHUB_STEP_SUMMARY").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A night of short runs of two cheap scenarios.
fn night(dir: &Path, more: &[&str]) -> Output {
    falken(dir, &[&["nightly", "tiny-cache", "two-writers", "--steps", "400", "--jobs", "2"], more].concat())
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The lines of all result files, finished or not.
fn results(dir: &Path) -> BTreeMap<u64, Value> {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("results"))
        .flat_map(|path| lines(&path))
        .map(|line| (line["run"].as_u64().unwrap(), line))
        .collect()
}

#[test]
fn three_planted_bugs_make_three_groups_and_each_groups_command_reproduces_it() {
    let dir = TempDir::new().unwrap();
    let output = falken(
        dir.path(),
        &[
            "nightly",
            "tiny-cache",
            "io-faults",
            "--runs",
            "60",
            "--seed-from",
            "three bugs",
            "--state-dir",
            "night",
            "--plant",
            "ckpt.ignores-read-marks",
            "--plant",
            "reentry.group-rebuilt",
            "--plant",
            "reentry.free-chain-io-ignored",
            "--report",
            "junit=night.xml",
        ],
    );
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{report}{}", text(&output.stderr));
    let night = json(&dir.path().join("night/night.json"));
    let groups = night["facts"]["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 3, "{report}");
    let mut planted: Vec<&str> = Vec::new();
    for group in groups {
        let [bug] = group["planted"].as_array().unwrap().as_slice() else { panic!("a mixed group: {group}") };
        planted.push(bug.as_str().unwrap());
        let command: Vec<&str> = group["replay"].as_str().unwrap().split(' ').collect();
        let replayed = falken(dir.path(), &command[1..]);
        assert_eq!(replayed.status.code(), Some(1), "{}", text(&replayed.stdout));
        assert!(text(&replayed.stdout).contains("reproduced bit for bit"), "{}", text(&replayed.stdout));
        assert!(report.contains(group["replay"].as_str().unwrap()), "{report}");
        assert!(group["count"].as_u64().unwrap() >= group["shrunk"].as_u64().unwrap());
    }
    planted.sort_unstable();
    assert_eq!(planted, ["ckpt.ignores-read-marks", "reentry.free-chain-io-ignored", "reentry.group-rebuilt"]);
    let counted: u64 = groups.iter().map(|group| group["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, night["facts"]["failed"].as_u64().unwrap(), "every failed run is in one group");
    let junit = fs::read_to_string(dir.path().join("night.xml")).unwrap();
    assert_eq!(junit.matches("<failure").count(), 3, "{junit}");

    // The next night knows them. What it does not plant itself is none of its business, unless it was found without a plant.
    // A repro that passes is fixed: here the one whose bug is not in its file any more.
    let corpus = dir.path().join("night/corpus/groups.json");
    let mut known = json(&corpus);
    let id_of =
        |bug: &str| groups.iter().find(|group| group["planted"][0] == bug).unwrap()["id"].as_str().unwrap().to_owned();
    let ids =
        [id_of("reentry.group-rebuilt"), id_of("reentry.free-chain-io-ignored"), id_of("ckpt.ignores-read-marks")];
    for known in known.as_array_mut().unwrap() {
        let group = &mut known["group"];
        if ids[1..].iter().any(|id| group["id"] == **id) {
            group["planted"] = Value::Array(Vec::new());
        }
        let repro = group["repro"].as_str().unwrap().replace("planted = \"ckpt.ignores-read-marks\"\n", "");
        group["repro"] = repro.into();
    }
    fs::write(&corpus, known.to_string()).unwrap();
    let next = |name: &str, plant: &[&str]| {
        let plan = ["nightly", "tiny-cache", "io-faults", "--runs", "60", "--seed-from", "three bugs", "--json"];
        let output = falken(dir.path(), &[&plan[..], &["--state-dir", name, "--previous", "night"], plant].concat());
        (output.status.code(), json(&dir.path().join(name).join("night.json"))["facts"]["groups"].clone())
    };
    let (code, groups) = next("next", &["--plant", "reentry.group-rebuilt"]);
    assert_eq!(code, Some(1), "{groups:#}");
    let of = |groups: &Value, id: &String| groups.as_array().unwrap().iter().find(|group| group["id"] == **id).cloned();
    let [seen, not_seen, fixed] = ids.each_ref().map(|id| of(&groups, id).unwrap_or_else(|| panic!("{groups:#}")));
    assert!(
        seen["known"]["from"] == "night" && seen["standing"] == "failing" && seen["count"].as_u64() > Some(0),
        "{seen}"
    );
    assert!(not_seen["standing"] == "failing" && not_seen["count"] == 0, "{not_seen}");
    assert!(fixed["standing"] == "fixed" && fixed["count"] == 0, "{fixed}");
    let (_, plain) = next("plain", &[]);
    assert_eq!(of(&plain, &ids[0]), None, "a planted group was carried into a plain night");
}

#[test]
fn a_planted_night_says_nothing_about_the_plain_one_after_it() {
    let dir = TempDir::new().unwrap();
    let plan = ["--runs", "30", "--seed-from", "plain"];
    let plain = || night(dir.path(), &plan);
    assert_eq!(plain().status.code(), Some(0));
    // Nights are named after the second in which they begin.
    let next_second = || std::thread::sleep(Duration::from_millis(1_100));
    next_second();
    let planted = night(dir.path(), &[&plan[..], &["--plant", "commit.error-leaves-dangling-tx"]].concat());
    assert_eq!(planted.status.code(), Some(1), "{}", text(&planted.stdout));
    next_second();
    let last = plain();
    assert_eq!(last.status.code(), Some(0), "{}{}", text(&last.stdout), text(&last.stderr));
    let mut nights: Vec<PathBuf> =
        fs::read_dir(dir.path().join("falken-nights")).unwrap().map(|entry| entry.unwrap().path()).collect();
    nights.sort();
    let baseline = json(&nights[2].join("night.json"))["timing"]["baseline"]["from"].clone();
    let first = nights[0].file_name().unwrap().to_str().unwrap();
    assert!(baseline.as_str().unwrap().ends_with(first), "it was compared with {baseline}");
}

#[test]
fn a_killed_night_goes_on_with_resume_and_loses_only_the_runs_under_way() {
    let dir = TempDir::new().unwrap();
    let plan = ["--runs", "110", "--seed-from", "kill"];
    night(dir.path(), &[&plan[..], &["--state-dir", "whole"]].concat());
    let mut child = Command::new(BIN)
        .current_dir(dir.path())
        .args(["nightly", "tiny-cache", "two-writers", "--steps", "400", "--jobs", "2", "--state-dir", "killed"])
        .args(plan)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let killed = dir.path().join("killed");
    while !killed.join("results-000000.jsonl").exists() || results(&killed).len() < 20 {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = results(&killed);
    let highest = *before.keys().max().unwrap();
    assert!(
        highest + 1 - before.len() as u64 <= 2,
        "of {highest} runs only those under way are missing: {}",
        before.len()
    );
    let resumed = falken(dir.path(), &["nightly", "--resume", "--state-dir", "killed", "--jobs", "2"]);
    assert_eq!(resumed.status.code(), Some(0), "{}{}", text(&resumed.stdout), text(&resumed.stderr));
    let after = results(&killed);
    before.iter().for_each(|(run, line)| assert_eq!(&after[run], line, "run {run} was made again"));
    assert_eq!(json(&killed.join("night.json"))["facts"], json(&dir.path().join("whole/night.json"))["facts"]);
}

/// Everything in a directory, with the fields of clocks and machines taken out.
fn without_clocks(dir: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut pending = vec![dir.to_path_buf()];
    while let Some(next) = pending.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(dir).unwrap().to_path_buf();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let stripped = match name.to_str().unwrap() {
                "lock" => continue,
                "results.jsonl" => lines(&path).into_iter().map(|line| strip(line, &["ms", "at", "ended"])).collect(),
                "sums.json" => strip(json(&path), &["clocks"]),
                "night.json" => strip(json(&path), &["timing"]),
                "corpus/groups.json" => {
                    let groups = json(&path).as_array().unwrap().clone();
                    groups.into_iter().map(|group| strip(group, &["since"])).collect()
                }
                _ => text,
            };
            found.insert(name, stripped);
        }
    }
    found
}

fn strip(mut value: Value, fields: &[&str]) -> String {
    for field in fields {
        assert!(value.as_object_mut().unwrap().remove(*field).is_some(), "{field} is a field");
    }
    value.to_string() + "\n"
}

#[test]
fn merged_shards_are_byte_for_byte_what_one_machine_leaves_but_for_clocks() {
    let dir = TempDir::new().unwrap();
    let [one, many] = ["one", "many"].map(|name| dir.path().join(name));
    [&one, &many].into_iter().for_each(|dir| fs::create_dir(dir).unwrap());
    let night = |dir: &Path, more: &[&str]| {
        let plan =
            ["nightly", "long-readers", "two-writers", "--runs", "41", "--keep-results", "30", "--seed-from", "merge"];
        falken(dir, &[&plan[..], &["--steps", "1500", "--plant", "ckpt.ignores-read-marks"], more].concat())
    };
    night(&one, &["--state-dir", "night"]);
    for shard in ["1/3", "2/3", "3/3"] {
        let name = shard.replace('/', "-");
        night(&many, &["--state-dir", &name, "--shard", shard]);
    }
    // In any order.
    let merged = falken(&many, &["report", "merge", "3-3", "1-3", "2-3", "--out", "night"]);
    assert_eq!(merged.status.code(), Some(1), "{}{}", text(&merged.stdout), text(&merged.stderr));
    let (one, joined) = (without_clocks(&one.join("night")), without_clocks(&many.join("night")));
    assert_eq!(one.keys().collect::<Vec<_>>(), joined.keys().collect::<Vec<_>>());
    for (name, content) in &one {
        assert_eq!(&joined[name], content, "{}", name.display());
    }
    assert_eq!(one[Path::new("results.jsonl")].lines().count(), 30);
    assert!(one.keys().any(|name| name.starts_with("repros")), "something was shrunk");

    for (dirs, says) in [
        (&["1-3", "1-3"][..], "1-3 is given twice"),
        (&["1-3", "./1-3"][..], "./1-3 is 1-3 again"),
        (&["1-3", "night"][..], "not shards of one plan"),
        (&["1-3", "nowhere"][..], "no state directory"),
    ] {
        let output = falken(&many, &[&["report", "merge", "--out", "x"], dirs].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
    }
    let part = falken(&many, &["report", "merge", "1-3", "3-3", "--out", "part"]);
    assert!(text(&part.stdout).contains("shards 2/3 are missing"), "{}", text(&part.stdout));
}

#[test]
fn corrupt_lines_are_skipped_counted_and_said_and_their_runs_are_made_again() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("night");
    let plan = ["--runs", "30", "--seed-from", "corrupt", "--state-dir", "night"];
    night(dir.path(), &plan);
    let facts = json(&path.join("night.json"))["facts"].clone();
    // As if it had been killed in the middle of its 21st line, after a disk has eaten the third one.
    let mut kept: Vec<String> =
        fs::read_to_string(path.join("results.jsonl")).unwrap().lines().map(str::to_owned).collect();
    kept[2] = "\u{0}\u{0}{]".into();
    kept[20].truncate(30);
    fs::write(path.join("results-000000.jsonl"), kept[..21].join("\n")).unwrap();
    ["results.jsonl", "sums.json", "night.json"].iter().for_each(|name| fs::remove_file(path.join(name)).unwrap());
    let unfinished = falken(dir.path(), &["report", "night"]);
    assert_eq!(unfinished.status.code(), Some(2));
    assert!(text(&unfinished.stderr).contains("has not ended"), "{}", text(&unfinished.stderr));
    let resumed = falken(dir.path(), &["nightly", "--resume", "--state-dir", "night"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", text(&resumed.stderr));
    assert!(text(&resumed.stderr).contains("2 lines could not be read"), "{}", text(&resumed.stderr));
    assert!(text(&resumed.stdout).contains("2 lines of the state directory could not be read"));
    assert_eq!(json(&path.join("night.json"))["facts"], facts);
}

#[test]
fn bad_input_to_a_night_is_refused_with_one_clear_error() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    night(dir.path(), &["--runs", "2", "--state-dir", "night"]);
    fs::create_dir(dir.path().join("old")).unwrap();
    write("old/state.json", "{\"format\": 99, \"plan\": 7}");
    fs::create_dir(dir.path().join("other")).unwrap();
    let head = fs::read_to_string(dir.path().join("night/state.json")).unwrap().replace("\"WAL-7\"", "\"WAL-77\"");
    write("other/state.json", &head);
    write("plan.toml", "[default]\nweight = 1\n[scenario.tiny-cash]\nweight = 2\n");
    write("zero.toml", "[default]\nweight = 0\n");
    write("file", "");
    let cases: &[(&[&str], &str)] = &[
        (&["nightly"], "--for 8h, or --runs"),
        (&["nightly", "--for", "8x"], "no length of time"),
        (&["nightly", "--for", "0s"], "no length of time"),
        (&["nightly", "--for", "1h", "--runs", "3"], "cannot be used with"),
        (&["nightly", "--runs", "0"], "--runs"),
        (&["nightly", "tiny-cash", "--runs", "3"], "did you mean `tiny-cache`"),
        (&["nightly", "--runs", "3", "--plant", "x"], "no bug `x`"),
        (&["nightly", "--runs", "3", "--shard", "4/3"], "is no shard"),
        (&["nightly", "--runs", "3", "--shard", "1/2"], "--shard needs --seed-from"),
        (&["nightly", "--runs", "3", "--shard", "auto", "--seed-from", "x"], "JOB_COMPLETION_INDEX"),
        (&["nightly", "--runs", "3", "--state-dir", "night"], "there is a night in it already"),
        (&["nightly", "--runs", "3", "--state-dir", "file"], "cannot write to"),
        (&["nightly", "--runs", "3", "--plan", "plan.toml"], "did you mean `tiny-cache`"),
        (&["nightly", "--runs", "3", "--plan", "zero.toml"], "every weight is 0"),
        (&["nightly", "--runs", "3", "--previous", "nowhere", "--state-dir", "n"], "no state directory"),
        (&["nightly", "--runs", "3", "--regressions", "nowhere", "--state-dir", "n"], "cannot read regressions"),
        (&["nightly", "--resume"], "no night below falken-nights"),
        (&["nightly", "--resume", "--state-dir", "old"], "format 99"),
        (&["nightly", "--resume", "--state-dir", "other"], "other invariants or probes"),
        (&["report", "nowhere"], "no state directory"),
        (&["report", "night", "--format", "htm"], "no format `htm`"),
        (&["report"], "DIR"),
    ];
    for (args, says) in cases {
        let output = falken(dir.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(says), "{args:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn a_rate_that_falls_fails_the_night_and_one_that_does_not_holds() {
    let dir = TempDir::new().unwrap();
    let plan = ["--runs", "70", "--seed-from", "rate"];
    night(dir.path(), &[&plan[..], &["--state-dir", "before"]].concat());
    let path = dir.path().join("before/night.json");
    let measured = json(&path);
    // As if the night before had been so many times as fast: far more, or far less, than a busy machine makes of it.
    for (factor, name, exit, outcome) in [(100.0, "slow", 7, "failed"), (0.01, "fast", 0, "held")] {
        let mut before = measured.clone();
        for scenario in before["timing"]["scenarios"].as_array_mut().unwrap() {
            scenario["seconds"] = (scenario["seconds"].as_f64().unwrap() / factor).into();
        }
        fs::write(&path, before.to_string()).unwrap();
        let files = format!("--report=junit={name}.xml");
        let output = night(dir.path(), &[&plan[..], &["--state-dir", name, "--previous", "before", &files]].concat());
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(exit), "{said}{}", text(&output.stderr));
        let timing = &json(&dir.path().join(name).join("night.json"))["timing"];
        let gate = timing["gates"].as_array().unwrap().iter().find(|gate| gate["name"] == "rate").unwrap();
        assert_eq!(gate["outcome"], outcome, "{gate}");
        assert!(gate["what"].as_str().unwrap().contains("of before (at least 75 %)"), "{gate}");
        assert!(said.contains(gate["what"].as_str().unwrap()), "{said}");
        let junit = fs::read_to_string(dir.path().join(format!("{name}.xml"))).unwrap();
        assert_eq!(junit.matches("<failure").count(), usize::from(exit != 0), "{junit}");
    }
}

#[test]
fn a_second_nightly_on_one_directory_is_refused_and_a_dead_one_locks_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("night");
    let mut first = Command::new(BIN)
        .current_dir(dir.path())
        .args(["nightly", "tiny-cache", "--for", "1h", "--jobs", "1", "--state-dir", "night"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !path.join("results-000000.jsonl").exists() {
        assert!(first.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = falken(dir.path(), &["nightly", "--resume", "--state-dir", "night"]);
    assert_eq!(second.status.code(), Some(2));
    let says = format!("another nightly works in night (process {})", first.id());
    assert!(text(&second.stderr).contains(&says), "{}", text(&second.stderr));
    first.kill().unwrap();
    first.wait().unwrap();
    let merged = falken(dir.path(), &["report", "merge", "night", "--out", "joined"]);
    assert_eq!(merged.status.code(), Some(0), "the lock has died with its owner: {}", text(&merged.stderr));
}

#[test]
fn a_hung_or_greedy_run_is_a_verdict_and_the_night_goes_on() {
    let dir = TempDir::new().unwrap();
    let run = |name: &str, more: &[&str]| {
        let args = [&["nightly", "many-rows", "--runs", "4", "--jobs", "2", "--state-dir", name], more].concat();
        let output = falken(dir.path(), &args);
        (output.status.code(), json(&dir.path().join(name).join("night.json"))["facts"].clone())
    };
    let (code, facts) = run("hung", &["--wall-limit", "0.001"]);
    assert_eq!((code, facts["groups"][0]["invariant"].as_str()), (Some(4), Some("RUN-HUNG")), "{facts:#}");
    assert_eq!((facts["runs"].as_u64(), facts["groups"][0]["count"].as_u64()), (Some(4), Some(4)));
    assert!(facts["groups"][0]["repro"].as_str().unwrap().contains("unfinished = true"));
    fs::write(dir.path().join("greedy.toml"), GREEDY).unwrap();
    let args =
        ["nightly", "greedy.toml", "--runs", "2", "--jobs", "1", "--memory-limit", "60", "--state-dir", "greedy"];
    assert_eq!(falken(dir.path(), &args).status.code(), Some(1));
    let facts = json(&dir.path().join("greedy/night.json"))["facts"].clone();
    assert_eq!(facts["groups"][0]["invariant"], "RUN-MEMORY", "{facts:#}");
    assert_eq!((facts["runs"].as_u64(), facts["groups"][0]["count"].as_u64()), (Some(2), Some(2)));
}

/// A log that nobody ever checkpoints.
const GREEDY: &str = r#"
name = "greedy"
about = "a log that nobody ever checkpoints"
database = { page-size = 4096 }
rows = { value-bytes-max = 60000 }
bounds = { steps = 60000 }
[[clients]]
count = 2
mix = { put = 1 }
"#;

/// A limit on the size of files gives the same error as a full disk does: a write that fails.
#[test]
#[cfg(unix)]
fn a_disk_that_takes_no_more_stops_the_night_with_what_it_has() {
    let dir = TempDir::new().unwrap();
    let script = format!(
        "trap '' XFSZ; ulimit -f 24; exec {BIN} nightly tiny-cache --steps 400 --runs 100000 --jobs 2 --state-dir night"
    );
    let output = Command::new("bash").current_dir(dir.path()).args(["-c", &script]).output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(3), "{out}{err}");
    assert!(out.contains("stopped: cannot write"), "{out}");
    assert!(err.contains("error: cannot write"), "{err}");
    let runs: u64 = out.split("  runs        ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((3..1000).contains(&runs), "{runs}");
    // With room again it goes on where it was.
    let before = results(&dir.path().join("night")).len();
    assert_eq!(before as u64, runs);
    let child = Command::new(BIN)
        .current_dir(dir.path())
        .args(["nightly", "--resume", "--state-dir", "night", "--jobs", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.unwrap();
    while results(&dir.path().join("night")).len() <= before {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
