//! What a night costs: runs a second with one job and with two, memory, and the time and size of its report.
//!
//! `cargo bench -p falken --bench night` on a machine that does nothing else; ratios first. `-- --quick` makes a tenth of
//! the runs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A night that has ended.
struct Night {
    runs_per_second: f64,
    /// The most that all its processes together had resident, in MB; 0 where the system does not tell.
    memory_mb: u64,
}

fn falken() -> Command {
    Command::new(env!("CARGO_BIN_EXE_falken"))
}

fn night(state: &Path, runs: u64, jobs: u64) -> Night {
    let mut command = falken();
    command.args(["nightly", "--json", "--seed-from", "the-bench", "--state-dir"]).arg(state);
    command.args(["--runs", &runs.to_string(), "--jobs", &jobs.to_string()]);
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("falken starts");
    let mut memory_mb = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        memory_mb = memory_mb.max(resident_mb(child.id()));
        std::thread::sleep(Duration::from_millis(200));
    };
    assert_eq!(status.code(), Some(0), "a night with nothing planted passes");
    Night { runs_per_second: runs as f64 / started.elapsed().as_secs_f64(), memory_mb }
}

/// What a process and its children have resident.
fn resident_mb(process: u32) -> u64 {
    let process = process.to_string();
    let listed = Command::new("ps").args(["-o", "rss=", "--pid", &process, "--ppid", &process]).output();
    let output = listed.map(|output| output.stdout).unwrap_or_default();
    let kilobytes =
        String::from_utf8_lossy(&output).split_whitespace().filter_map(|word| word.parse::<u64>().ok()).sum::<u64>();
    kilobytes / 1024
}

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let runs = if is_quick { 1_000 } else { 10_000 };
    let dir = tempfile::tempdir().expect("a directory for the nights");
    let [one, two] = [1, 2].map(|jobs| night(&dir.path().join(jobs.to_string()), runs, jobs));
    println!("a night of {runs} runs over the catalogue");
    println!("  two jobs : one   {:.2} : 1 in runs a second", two.runs_per_second / one.runs_per_second);
    for (jobs, night) in [(1, one), (2, two)] {
        println!(
            "  {jobs} job(s)   {:>8.1} runs/s   at most {} MB resident in all",
            night.runs_per_second, night.memory_mb
        );
    }
    for format in ["html", "json", "text"] {
        let file = dir.path().join(format!("report.{format}"));
        let started = Instant::now();
        let status =
            falken().arg("report").arg(dir.path().join("2")).args(["--format", format, "-o"]).arg(&file).status();
        let seconds = started.elapsed().as_secs_f64();
        assert!(status.expect("falken starts").success());
        let bytes = std::fs::metadata(&file).expect("the report was written").len();
        println!("  report as {format:4}  {seconds:>6.2} s   {:>8.1} KB", bytes as f64 / 1024.0);
    }
    let report = std::fs::read(dir.path().join("report.json")).expect("the report was written");
    serde_json::from_slice::<Value>(&report).expect("it is JSON");
}
