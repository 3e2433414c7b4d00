//! The same protocol in SPIN: generated Promela, compiled by `cc`, verified breadth first without reductions.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::{Other, Searched, timed};

/// Searches if SPIN and a C compiler are there.
pub fn search(participants: usize) -> Other {
    let dir = std::env::temp_dir().join(format!("falken-spin-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let searched = search_in(&dir, participants);
    let _ = std::fs::remove_dir_all(&dir);
    searched
}

fn search_in(dir: &Path, participants: usize) -> Other {
    std::fs::write(dir.join("two-phase.pml"), promela(participants)).map_err(|error| error.to_string())?;
    run(dir, "spin", &["-a", "two-phase.pml"])?;
    // Only safety, every state stored whole in a hash table, breadth first as the others. SPIN's own C code does
    // not compile without warnings (`cc -w`); `pan -w22` makes room for four million states in the table.
    run(dir, "cc", &["-O2", "-DBFS", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=8000", "-w", "-o", "pan", "pan.c"])?;
    let (output, seconds) = timed(|| run(dir, "./pan", &["-E", "-n", "-w22", "-m1000000"]));
    let output = output?;
    let count = |label: &str| {
        let line = output.lines().find(|line| line.contains(label))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    match (count("states, stored"), count(" transitions")) {
        (Some(states), Some(transitions)) if output.contains("errors: 0") => {
            Ok(Searched { states: states as u64, transitions: transitions as u64, seconds })
        }
        _ => Err(format!("its output was not understood: {output}")),
    }
}

fn run(dir: &Path, program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).current_dir(dir).output();
    let output = output.map_err(|error| format!("`{program}` does not run: {error} (Debian's package spin has it)"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("`{program}` failed: {text}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// One process with one atomic option for each step, so that its states are those of the protocol. The loop is where the
/// process starts, since a start of its own would be a state more.
fn promela(participants: usize) -> String {
    let pairs = (0..participants).flat_map(|a| (0..participants).map(move |b| (a, b))).filter(|(a, b)| a != b);
    let disagree: Vec<String> =
        pairs.map(|(a, b)| format!("(participant[{a}] == 2 && participant[{b}] == 3)")).collect();
    let mut text = format!(
        "#define DISAGREE ({})\n\
         byte participant[{participants}]; /* 0 working, 1 prepared, 2 committed, 3 aborted */\n\
         bit sent[{participants}], received[{participants}], commit_sent, abort_sent;\n\
         byte manager; /* 0 deciding, 1 committed, 2 aborted */\n\
         active proctype protocol() {{\n  end: do\n",
        disagree.join(" || ")
    );
    let all: Vec<String> = (0..participants).map(|at| format!("received[{at}]")).collect();
    let mut option =
        |guard: &str, effect: &str| _ = writeln!(text, "  :: d_step {{ {guard} -> {effect}; assert(!DISAGREE) }}");
    option("manager == 0", "manager = 2; abort_sent = 1");
    option(&format!("manager == 0 && {}", all.join(" && ")), "manager = 1; commit_sent = 1");
    for at in 0..participants {
        option(&format!("participant[{at}] == 0"), &format!("participant[{at}] = 1; sent[{at}] = 1"));
        option(&format!("participant[{at}] == 0"), &format!("participant[{at}] = 3"));
        option("commit_sent", &format!("participant[{at}] = 2"));
        option("abort_sent", &format!("participant[{at}] = 3"));
        option(&format!("manager == 0 && sent[{at}]"), &format!("received[{at}] = 1"));
    }
    text.push_str("  od\n}\n");
    text
}
