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
