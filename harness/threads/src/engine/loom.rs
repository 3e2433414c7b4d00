//! Loom: exhaustive within a bound on preemptions.
//!
//! Loom knows a failing execution only by its place in the search. So the search is saved now and then; after a failure
//! it goes on from there once more with every execution written down before it is run, which is deterministic. What is kept
//! of an execution is one word for each branch; loom's own file, which says much more, is made again from that.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::body;
use crate::job::{Job, Task};
use crate::programs;
use crate::schedule::{Schedule, Step};
use crate::worker::Witness;

/// Executions between two saves of the search.
const SAVED_EVERY: usize = 2_000;
/// Branches in one execution; one with more is taken for a loop.
const BRANCHES_MAX: usize = 20_000;

pub(super) fn run(job: &Job, witness: &Arc<Witness>) -> bool {
    let mut builder = ::loom::model::Builder::new();
    builder.max_threads = ::loom::MAX_THREADS;
    builder.max_branches = BRANCHES_MAX;
    (builder.max_duration, builder.max_permutations, builder.log) = (None, None, false);
    builder.preemption_bound = job.preemptions.map(usize::from);
    builder.checkpoint_interval = SAVED_EVERY;
    match &job.task {
        Task::Explore(file) => builder.checkpoint_file = Some(file.clone()),
        Task::WriteAhead(file) => {
            builder.checkpoint_file = Some(file.clone());
            builder.checkpoint_interval = 1;
        }
        Task::Replay(schedule, file) => {
            if let Err(error) = fs::write(file, path_of(schedule, job.preemptions).to_string()) {
                witness.fail(format!("cannot write {}: {error}", file.display()));
            }
            builder.checkpoint_file = Some(file.clone());
            builder.checkpoint_interval = usize::MAX;
        }
        // An exhaustive search finds short executions first; there is nothing to gain.
        Task::Shrink(..) => return false,
    }
    builder.check(body!(falken_models_loom, programs::on_loom, job, witness));
    true
}

/// Loom's file of an execution in which every branch is decided and none is explored further.
fn path_of(schedule: &Schedule, preemptions: Option<u8>) -> Value {
    let mut last_schedule = None;
    let mut entries = Vec::new();
    for (at, step) in schedule.0.iter().enumerate() {
        entries.push(match step {
            Step::Thread(_) | Step::Nobody => {
                let active = |thread| if *step == Step::Thread(thread) { "Active" } else { "Disabled" };
                let threads: Vec<_> = (0..::loom::MAX_THREADS).map(active).collect();
                let prev = last_schedule.replace(at).map(|index| json!({ "index": index, "_p": null }));
                json!({ "Schedule": {
                    "preemptions": 0, "initial_active": null, "threads": threads, "prev": prev, "exploring": false,
                } })
            }
            Step::Load(store) => {
                let mut values = [0; LOADS_MAX];
                values[0] = *store;
                json!({ "Load": { "values": values, "pos": 0, "len": 1, "exploring": false } })
            }
            Step::Spurious(spurious) => json!({ "Spurious": { "spur": spurious, "exploring": false } }),
        });
    }
    json!({
        "preemption_bound": preemptions,
        "pos": 0,
        "branches": { "entries": entries },
        "exploring": false,
        "skipping": false,
        "exploring_on_start": false,
    })
}

/// How many stores loom remembers of an atomic: the length of a list in its file.
const LOADS_MAX: usize = 7;

/// The choices of the execution in a file of loom's.
///
/// # Errors
/// The file cannot be read, or is not what this version of loom writes.
pub(crate) fn schedule_of(file: &Path) -> Result<Schedule, String> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {name}: {error}"))?;
    let path: Value = serde_json::from_str(&text).map_err(|error| format!("in {name}: {error}"))?;
    let entries = path["branches"]["entries"].as_array().ok_or_else(|| format!("{name} is no path of loom's"))?;
    let step = |entry: &Value| -> Option<Step> {
        if let Some(threads) = entry["Schedule"]["threads"].as_array() {
            let active = threads.iter().position(|thread| thread == "Active");
            return Some(active.map_or(Step::Nobody, Step::Thread));
        }
        if let Some(values) = entry["Load"]["values"].as_array() {
            let store = values.get(entry["Load"]["pos"].as_u64()? as usize)?.as_u64()?;
            return Some(Step::Load(u8::try_from(store).ok()?));
        }
        Some(Step::Spurious(entry["Spurious"]["spur"].as_bool()?))
    };
    let steps: Option<Vec<Step>> = entries.iter().map(step).collect();
    steps.map(Schedule).ok_or_else(|| format!("{name} is no path of this version of loom"))
}
