//! Reports of the program: what it writes on stdout with `--json`, and with `--report`, against the published schemas.

#[path = "../../reports/tests/support/schema.rs"]
mod conforms;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn falken(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_falken"));
    command.args(arguments).current_dir(dir).env("GITHUB_STEP_SUMMARY", dir.join("summary.md"));
    command.env("GITHUB_ACTIONS", "true").output().unwrap()
}

fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reports/schema").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(text)))
}

const PLANTED: [&str; 6] = ["run", "--plant", "ckpt.ignores-read-marks", "--jobs", "1", "--json"];

#[test]
fn every_format_of_a_real_violation_says_what_it_must() {
    let dir = tempfile::tempdir().unwrap();
    let files = "--report=html=a.html,json=a.json,junit=a.xml,md=a.md,perfetto=a.trace.json";
    let output = falken(dir.path(), &[&PLANTED[..], &[files]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let run = json(&output.stdout);
    conforms::check(&schema("run.schema.json"), &run).unwrap();
    let scene = run["violation"]["scene"].as_array().unwrap_or_else(|| panic!("{run}"));
    assert!(scene.iter().any(|line| line["told"].as_str().unwrap().contains("holds CKPT excl")), "{scene:?}");
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let night = json(read("a.json").as_bytes());
    conforms::check(&schema("night.schema.json"), &night).unwrap();
    let group = &night["facts"]["groups"][0];
    assert_eq!(group["invariant"], "WAL-7");
    assert!(group["test"].as_str().unwrap().contains("#[test]"));
    let junit = quick_junit::Report::deserialize_from_str(&read("a.xml")).unwrap();
    assert_eq!((junit.failures, junit.errors), (1, 0));
    let replay = group["replay"].as_str().unwrap();
    assert!(read("a.md").contains(replay) && read("a.html").contains(replay));
    // GitHub gets the same page for the step, and an annotation.
    assert_eq!(read("summary.md"), read("a.md"));
    let annotation =
        String::from_utf8_lossy(&output.stderr).lines().filter(|line| line.starts_with("::error title=WAL-7")).count();
    assert_eq!(annotation, 1, "{}", String::from_utf8_lossy(&output.stderr));
    trace(&json(read("a.trace.json").as_bytes()));
}

#[test]
fn the_figures_of_crash_images_are_as_the_schema_says() {
    let dir = tempfile::tempdir().unwrap();
    for (scenario, kind) in [("crash-lattice", "first"), ("killed-lattice", "process")] {
        let output = falken(dir.path(), &["run", scenario, "--runs", "1", "--json"]);
        let run = json(&output.stdout);
        conforms::check(&schema("run.schema.json"), &run).unwrap();
        let images = run["crash_images"].as_object().unwrap_or_else(|| panic!("{run}"));
        assert!(images[kind]["explored"].as_u64().unwrap() > 100, "{images:?}");
    }
}

/// What a viewer needs of a trace: slices that nest, spans that end, arrows that begin and end in slices.
fn trace(trace: &Value) {
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |phase: &'static str| events.iter().filter(move |event| event["ph"] == phase);
    assert!(of("X").count() > 20 && of("C").count() > 20);
    assert_eq!(
        of("b").count(),
        of("e").count() + unfinished(events),
        "a span that has begun ends, or is in flight still"
    );
    let names: Vec<&str> = of("M").filter_map(|event| event["args"]["name"].as_str()).collect();
    ["connection c0", "I/O", "disk and log", "WRITE", "READ1"]
        .iter()
        .for_each(|name| assert!(names.contains(name), "{names:?}"));
    let [begun, passed, woken] = ["s", "t", "f"].map(|phase| of(phase).count());
    // A finish and a callback for each operation that has ended.
    assert!(begun > 0 && woken > 0 && passed > begun && woken <= begun, "{begun} {passed} {woken}");
    for arrow in of("s").chain(of("t")).chain(of("f")) {
        let is_in = |slice: &&Value| {
            let (from, length, at) =
                (slice["ts"].as_u64().unwrap(), slice["dur"].as_u64().unwrap(), arrow["ts"].as_u64().unwrap());
            slice["tid"] == arrow["tid"] && (from..from + length).contains(&at)
        };
        assert!(of("X").any(|slice| is_in(&slice)), "an arrow hangs in the air: {arrow}");
    }
}

/// Operations that are in flight when the trace ends.
fn unfinished(events: &[Value]) -> usize {
    let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase && event["cat"] == "in flight").count();
    of("b") - of("e")
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_any_work() {
    let dir = tempfile::tempdir().unwrap();
    for (file, said) in [
        ("--report=html=no/such/dir.html", "its directory does not exist"),
        ("--report=html=.", "it is a directory"),
        ("--report=htm=a.html", "did you mean `html`?"),
        ("--report=html", "FORMAT=FILE"),
    ] {
        let output = falken(dir.path(), &["run", "--runs", "1", file]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    }
}

/// A command that is no batch, its exit code, and what its reports must say.
struct Told {
    args: &'static [&'static str],
    exit: i32,
    /// A suite and a case of it, and the failures among all cases.
    junit: (&'static str, &'static str, usize),
    /// Where the part of its own is in the JSON report.
    part: &'static str,
    /// Words that Markdown, text and the page must all have.
    words: &'static [&'static str],
}

const TOLD: &[Told] = &[
    Told {
        args: &["explore", "two-writers"],
        exit: 0,
        junit: ("two-writers", "every schedule", 0),
        part: "search",
        words: &["were not looked at", "states per second"],
    },
    Told {
        args: &["explore", "two-writers", "--depth", "10"],
        exit: 6,
        junit: ("two-writers", "every schedule", 0),
        part: "search",
        words: &["unknown", "depth 10"],
    },
    Told {
        args: &["explore", "two-writers", "--plant", "wal.no-busy-snapshot-check"],
        exit: 1,
        junit: ("two-writers", "TX-5", 1),
        part: "search",
        words: &["TX-5", "wal.no-busy-snapshot-check", "falken replay"],
    },
    Told {
        args: &["threads", "group-cancel-one", "--engine", "loom"],
        exit: 0,
        junit: ("group-cancel-one", "executions under loom", 0),
        part: "racing",
        words: &["all there are within the bound"],
    },
    Told {
        args: &["threads", "link-while-finishing", "--engine", "shuttle", "--plant", "group.link-after-finish"],
        exit: 1,
        junit: ("link-while-finishing", "IO-3", 1),
        part: "racing",
        words: &["IO-3", "until it failed", "falken replay"],
    },
    Told {
        args: &[
            "bugs",
            "--matrix",
            "--bug",
            "completion.double-complete",
            "--strategy",
            "random",
            "--trials",
            "1",
            "--mode",
            "full",
        ],
        exit: 0,
        junit: ("planted bugs", "completion.double-complete full", 0),
        part: "kill_matrix",
        words: &["completion.double-complete", "caught", "shuttle"],
    },
    Told {
        args: &[
            "bugs",
            "--matrix",
            "--bug",
            "group.no-progress-wake",
            "--strategy",
            "random",
            "--trials",
            "1",
            "--mode",
            "full",
            "--checks",
            "CK-1",
        ],
        exit: 1,
        junit: ("planted bugs", "group.no-progress-wake full", 1),
        part: "kill_matrix",
        words: &["survived"],
    },
    Told {
        args: &["bugs", "--alone", "--bug", "reentry.group-rebuilt"],
        exit: 0,
        junit: ("planted bugs", "reentry.group-rebuilt IO-3", 0),
        part: "kill_matrix",
        words: &["checked alone"],
    },
    Told {
        args: &["bugs", "--duel", "--bug", "reentry.group-rebuilt", "--strategy", "random", "--trials", "1"],
        exit: 0,
        junit: ("planted bugs", "reentry.group-rebuilt", 0),
        part: "kill_matrix",
        words: &["random"],
    },
];

#[test]
fn what_is_no_batch_of_runs_is_told_in_every_format() {
    for told in TOLD {
        let dir = tempfile::tempdir().unwrap();
        let files = "--report=html=a.html,json=a.json,junit=a.xml,md=a.md,perfetto=a.trace.json,text=a.txt";
        let output = falken(dir.path(), &[told.args, &[files]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(told.exit), "{:?}: {said}", told.args);
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        let night = json(read("a.json").as_bytes());
        conforms::check(&schema("night.schema.json"), &night).unwrap();
        for part in ["search", "racing", "kill_matrix"] {
            assert_eq!(night[part].is_null(), part != told.part, "{:?}: {part}", told.args);
        }
        let junit = quick_junit::Report::deserialize_from_str(&read("a.xml")).unwrap();
        let (suite, case, failures) = told.junit;
        let suite =
            junit.test_suites.iter().find(|known| known.name.as_str() == suite).unwrap_or_else(|| panic!("{junit:?}"));
        assert!(suite.test_cases.iter().any(|known| known.name.as_str() == case), "{suite:?}");
        assert_eq!((junit.failures, junit.errors), (failures, 0), "{junit:?}");
        assert_eq!(said.matches("::error").count(), failures, "{said}");
        let texts = ["a.html", "a.md", "a.txt"].map(|name| (name, read(name)));
        for (word, (name, text)) in told.words.iter().flat_map(|word| texts.iter().map(move |text| (word, text))) {
            assert!(text.replace('\\', "").contains(word), "{:?}: {name} without `{word}`: {text}", told.args);
        }
        assert_eq!(read("summary.md"), texts[1].1);
        let trace = json(read("a.trace.json").as_bytes());
        assert_eq!(
            trace["traceEvents"].as_array().unwrap().is_empty(),
            night["facts"]["groups"].as_array().unwrap().is_empty()
        );
    }
}

#[test]
fn the_report_of_failing_threads_has_what_they_did_and_a_repro_that_replays() {
    let dir = tempfile::tempdir().unwrap();
    let plant = ["threads", "--plant", "group.link-after-finish", "--report=json=a.json"];
    assert_eq!(falken(dir.path(), &plant).status.code(), Some(1));
    let night = json(fs::read_to_string(dir.path().join("a.json")).unwrap().as_bytes());
    let group = &night["facts"]["groups"][0];
    let lanes: Vec<&str> =
        group["lanes"].as_array().unwrap().iter().map(|event| event["lane"].as_str().unwrap()).collect();
    assert!(lanes.iter().any(|lane| *lane != lanes[0]), "{group:#}");
    fs::write(dir.path().join("again.toml"), group["repro"].as_str().unwrap()).unwrap();
    let replayed = falken(dir.path(), &["replay", "again.toml", "--report=json=b.json"]);
    assert_eq!(replayed.status.code(), Some(1), "{}", String::from_utf8_lossy(&replayed.stderr));
    let again = json(fs::read_to_string(dir.path().join("b.json")).unwrap().as_bytes());
    assert_eq!(again["facts"]["groups"][0]["id"], group["id"], "the same failure has the same name");
}
