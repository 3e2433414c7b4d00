//! The columns loom and shuttle of the kill matrix: the same search as `falken threads`, over a form that shows the bug.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use falken_harness::scenario::ThreadEngine;
use falken_models::bug::Bug;
use falken_models::threads::{self, Bound, Form};
use falken_reports::kill::ThreadKill;
use falken_threads::{Failing, Job, Subject, Task, Workers, engine, sampler, supervise};

use crate::command::{SHUTTLE_RUNS, worker_command};
use crate::exit::Failure;

/// Whether any form shows the bug.
pub(super) fn shows(bug: Bug) -> bool {
    forms(bug).next().is_some()
}

fn forms(bug: Bug) -> impl Iterator<Item = &'static Form> {
    threads::TABLE.iter().filter(move |form| form.shows.contains(&bug))
}

/// What loom and shuttle make of a bug: each gets the first form that is made for its size.
pub(super) fn hunt(bug: Bug, stop: &AtomicBool) -> Result<Vec<ThreadKill>, Failure> {
    let is_small = |form: &&Form| form.bound != Bound::TooLarge;
    let for_loom = forms(bug).find(is_small).map(|form| (form, ThreadEngine::Loom));
    let large = forms(bug).find(|form| !is_small(form)).or_else(|| forms(bug).next());
    let for_shuttle = large.map(|form| (form, ThreadEngine::Shuttle));
    for_loom.into_iter().chain(for_shuttle).map(|(form, engine)| hunt_in(bug, form, engine, stop)).collect()
}

fn hunt_in(bug: Bug, form: &Form, engine: ThreadEngine, stop: &AtomicBool) -> Result<ThreadKill, Failure> {
    let subject = Subject::Form(form.name.into());
    let job = Job {
        engine,
        preemptions: subject.preemptions().filter(|_| engine == ThreadEngine::Loom),
        subject,
        planted: Some(bug.id().into()),
        runs: SHUTTLE_RUNS,
        seed: 1,
        sampler: sampler::ALL.into(),
        task: Task::Explore(PathBuf::new()),
    };
    let started = Instant::now();
    let outcome = supervise(Workers { command: &worker_command, stop }, &job, &mut |_| {})?;
    Ok(ThreadKill {
        engine: engine::of(engine).name,
        form: form.name,
        caught_by: outcome.failure.as_ref().map(Failing::invariant),
        executions: outcome.failure.as_ref().map_or(outcome.executions, |failing| failing.execution),
        replays: outcome.failure.as_ref().is_some_and(|failing| failing.is_reproduced),
        seconds: started.elapsed().as_secs_f64(),
    })
}
