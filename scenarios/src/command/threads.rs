//! `falken threads`: racing threads, explored by loom, by shuttle, or left to the machine.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use falken_harness::scenario::ThreadEngine;
use falken_models::bug::Bug;
use falken_models::threads as forms;
use falken_reports::threads::{Threads as Report, ThreadsFailure};
use falken_threads::repro::{FORMAT, ThreadsRepro};
use falken_threads::{
    Failing, Job, JobError, Outcome, Reduced, Schedule, Size, Subject, SuperviseError, Task, Workers, choose, engine,
    reduce, sampler, supervise,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::run::{find_bug, stop_on_ctrl_c};
use crate::catalog;
use crate::cli::{EngineKind, Replay, Shrink, Threads};
use crate::exit::{Exit, Failure, suggest};
use crate::{report_files, repro_file};

/// Executions of shuttle and of the machine if nothing else is asked for.
pub(crate) const RUNS_DEFAULT: u64 = 2_000;
/// How often a line of progress is printed where there is no terminal.
const PLAIN_PROGRESS: Duration = Duration::from_secs(10);

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<SuperviseError> for Failure {
    fn from(error: SuperviseError) -> Self {
        Self::Harness(error.to_string())
    }
}

/// Does the job that stands on stdin.
///
/// # Errors
/// There is none.
pub fn worker() -> Result<Exit, Failure> {
    falken_threads::work().map_err(Failure::Input)?;
    Ok(Exit::Pass)
}

/// Explores a form or a scenario.
///
/// # Errors
/// The options make no sense, or files cannot be written.
pub fn threads(options: &Threads) -> Result<Exit, Failure> {
    let planted = options.plant.as_deref().map(find_bug).transpose()?;
    let job = job(options, planted)?;
    job.validate()?;
    report_files::prepare(&options.report.files)?;
    repro_file::prepare(&options.repro_dir)?;
    let stop = stop_on_ctrl_c()?;
    let (outcome, seconds) = go(&job, &stop)?;
    let failure = outcome.failure.as_ref().map(|failing| found(&options.repro_dir, &job, failing));
    let exit = exit_of(outcome.failure.as_ref()).unless_cut(outcome.stopped);
    let mut report = report(&job, &outcome, seconds, failure, Vec::new());
    if outcome.stopped && report.failure.is_some() {
        report.notes = vec!["interrupted before the schedule was made shorter and run again".into()];
    }
    report.interrupted = outcome.stopped;
    print(options.json, &report)?;
    report_files::deliver(&options.report.files, &report_files::of_racing(&report))?;
    Ok(exit)
}

fn job(options: &Threads, planted: Option<Bug>) -> Result<Job, Failure> {
    let (subject, shown_by) = match (&options.scenario, planted) {
        (Some(name), _) => (find(name)?, None),
        (None, Some(bug)) => {
            let (form, engine) = choose(bug).ok_or_else(|| {
                let id = bug.id();
                Failure::Input(format!("no form shows `{id}`; name a scenario, or try `falken run --plant {id}`"))
            })?;
            (Subject::Form(form.name.into()), Some(engine))
        }
        (None, None) => return Err(Failure::Input("name a form or a scenario (see `falken list threads`)".into())),
    };
    let asked = options.engine.map(|engine| match engine {
        EngineKind::Loom => ThreadEngine::Loom,
        EngineKind::Shuttle => ThreadEngine::Shuttle,
        EngineKind::Os => ThreadEngine::Os,
    });
    let engine = match asked.or(shown_by) {
        Some(engine) => engine,
        None => subject.engines()?[0],
    };
    refuse_what_the_engine_ignores(options, engine)?;
    let preemptions = if options.full { None } else { options.preemptions.or(subject.preemptions()) };
    Ok(Job {
        engine,
        subject,
        planted: planted.map(|bug| bug.id().into()),
        preemptions: preemptions.filter(|_| engine == ThreadEngine::Loom),
        runs: options.runs.unwrap_or(RUNS_DEFAULT),
        seed: options.seed.unwrap_or(1),
        sampler: options.strategy.clone().unwrap_or_else(|| sampler::ALL.into()),
        task: Task::Explore(PathBuf::new()),
    })
}

/// An option that would be ignored is a misunderstanding.
fn refuse_what_the_engine_ignores(options: &Threads, engine: ThreadEngine) -> Result<(), Failure> {
    let (loom, shuttle) = (engine == ThreadEngine::Loom, engine == ThreadEngine::Shuttle);
    let ignored = [
        (options.preemptions.is_some() && !loom, "--preemptions", "loom"),
        (options.full && !loom, "--full", "loom"),
        (options.runs.is_some() && loom, "--runs", "shuttle and os"),
        (options.seed.is_some() && !shuttle, "--seed", "shuttle"),
        (options.strategy.is_some() && !shuttle, "--strategy", "shuttle"),
    ];
    if let Some((_, option, engines)) = ignored.iter().find(|(is_ignored, ..)| *is_ignored) {
        return Err(Failure::Input(format!("{option} is for {engines}, not for {}", self::engine::of(engine).name)));
    }
    let samplers = || sampler::TABLE.iter().map(|entry| entry.name).chain([sampler::ALL, sampler::DFS]);
    match &options.strategy {
        Some(name) if !samplers().any(|known| known == name) => {
            let known = samplers().collect::<Vec<_>>().join(", ");
            Err(Failure::Input(format!("there is no strategy `{name}` of threads; known are {known}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// A form by its name, or a scenario.
fn find(name: &str) -> Result<Subject, Failure> {
    if forms::find(name).is_some() {
        return Ok(Subject::Form(name.into()));
    }
    let is_scenario = name.ends_with(".toml") || catalog::TABLE.iter().any(|(known, _)| *known == name);
    if !is_scenario {
        let known = forms::TABLE.iter().map(|form| form.name).chain(catalog::TABLE.iter().map(|(name, _)| *name));
        let hint = suggest(name, known);
        return Err(Failure::Input(format!("there is no form or scenario `{name}`{hint} (see `falken list threads`)")));
    }
    let scenario = catalog::find(name)?;
    crate::subject::must_be_models(&scenario)?;
    Ok(Subject::Scenario(Box::new(scenario)))
}

/// This program as a worker, in a process group of its own: Ctrl-C goes to everybody at the terminal, and a worker that it
/// ends looks as if its execution had ended it.
pub(crate) fn worker_command() -> Command {
    let program = std::env::current_exe().unwrap_or_else(|_| std::env::args_os().next().unwrap_or_default().into());
    let mut command = Command::new(program);
    command.arg("threads-worker");
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// Does a job, with progress on stderr.
fn go(job: &Job, stop: &AtomicBool) -> Result<(Outcome, f64), Failure> {
    let started = Instant::now();
    let bar = std::io::stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template("{spinner} {msg}").expect("the template is well formed");
        ProgressBar::new_spinner().with_style(style)
    });
    let mut last_line = Instant::now();
    let mut progress = |executions: u64| {
        let (name, seconds) = (job.subject.name(), started.elapsed().as_secs());
        let line = || format!("{name} under {}: {executions} executions, {seconds} s", engine::of(job.engine).name);
        match &bar {
            Some(bar) => {
                bar.set_message(line());
                bar.tick();
            }
            None if last_line.elapsed() >= PLAIN_PROGRESS => {
                eprintln!("{}", line());
                last_line = Instant::now();
            }
            None => {}
        }
    };
    let outcome = supervise(Workers { command: &worker_command, stop }, job, &mut progress);
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    Ok((outcome?, started.elapsed().as_secs_f64()))
}

fn exit_of(failure: Option<&Failing>) -> Exit {
    match failure.map(Failing::invariant) {
        None => Exit::Pass,
        Some("LIVE-1" | "LIVE-2") => Exit::Liveness,
        Some(_) => Exit::Violation,
    }
}

/// Describes a failing execution; its repro file is on the disk before anything is printed.
fn found(dir: &Path, job: &Job, failing: &Failing) -> ThreadsFailure {
    let repro = match &failing.schedule {
        None => Err("nobody chose this execution's order, so nothing can repeat it".into()),
        Some(schedule) => {
            let repro = repro_of(job, failing, schedule);
            let (name, engine) = (job.subject.name(), engine::of(job.engine).name);
            let path = dir.join(format!("{name}-{engine}-{}.toml", failing.invariant().to_lowercase()));
            repro_file::save_or_print(&path, &repro.to_toml())
        }
    };
    describe(failing, repro)
}

/// The repro file of a failing execution.
fn repro_of(job: &Job, failing: &Failing, schedule: &Schedule) -> ThreadsRepro {
    let (form, scenario) = match &job.subject {
        Subject::Form(name) => (Some(name.clone()), None),
        Subject::Scenario(scenario) => (None, Some(scenario.clone())),
    };
    ThreadsRepro {
        threads_format: FORMAT,
        falken: env!("CARGO_PKG_VERSION").into(),
        engine: job.engine,
        form,
        planted: job.planted.clone(),
        preemptions: job.preemptions,
        verdict: format!("{}: {}", failing.invariant(), first_line(&failing.text)),
        execution: failing.execution,
        schedule: schedule.clone(),
        scenario,
    }
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let named = format!("{}: ", falken_threads::invariant_of(text));
    line.strip_prefix(&named).unwrap_or(line).to_owned()
}

fn describe(failing: &Failing, repro: Result<String, String>) -> ThreadsFailure {
    let invariant = failing.invariant();
    ThreadsFailure {
        invariant,
        rule: falken_threads::rule(invariant),
        found: first_line(&failing.text),
        execution: failing.execution,
        switches: failing.schedule.as_ref().map(falken_threads::Schedule::switches),
        lanes: failing.lanes.iter().map(|line| (line.lane.clone(), line.text.clone())).collect(),
        replay: repro.as_ref().ok().map(|path| super::replay_command(path)),
        repro,
    }
}

fn print(json: bool, report: &Report) -> Result<Exit, Failure> {
    super::print(&if json { report.to_json() } else { report.to_text() })
}

fn report(
    job: &Job,
    outcome: &Outcome,
    seconds: f64,
    failure: Option<ThreadsFailure>,
    mut notes: Vec<String>,
) -> Report {
    let entry = engine::of(job.engine);
    let bound = match (job.engine, job.preemptions) {
        (_, _) if matches!(job.task, Task::Replay(..)) => "the file's schedule".into(),
        (ThreadEngine::Loom, None) => "none: every execution".into(),
        (ThreadEngine::Loom, Some(most)) => format!("at most {most} preemptions"),
        (ThreadEngine::Shuttle, _) => {
            format!("{} schedules from seed {}, strategy {}", job.runs, job.seed, job.sampler)
        }
        (ThreadEngine::Os, _) => format!("{} executions", job.runs),
    };
    let is_doubtful = |failing: &Failing| failing.schedule.is_some() && !failing.is_reproduced;
    if !matches!(job.task, Task::Replay(..)) && outcome.failure.as_ref().is_some_and(is_doubtful) {
        notes.push("running the schedule again has not failed in the same way: something is not deterministic".into());
    }
    Report {
        subject: job.subject.name().into(),
        engine: entry.name,
        planted: job.planted.clone(),
        seed: job.seed,
        bound,
        executions: outcome.executions,
        exhaustive: outcome.exhaustive,
        interrupted: false,
        seconds,
        not_proved: entry.not_proved,
        failure,
        notes,
    }
}

/// Reads a repro file of threads; `None` if it is one of the simulator, or none.
///
/// # Errors
/// It cannot be read, or is a broken one.
pub fn read_repro(path: &Path) -> Result<Option<ThreadsRepro>, Failure> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::Input(format!("cannot read {name}: {error}")))?;
    let repro = ThreadsRepro::from_toml(&text).transpose();
    let repro = repro.map_err(|error| Failure::Input(format!("in {name}: {error}")))?;
    repro.iter().for_each(|repro| repro_file::note_version(path, &repro.falken));
    Ok(repro)
}

/// Runs the execution of a repro file again.
///
/// # Errors
/// The worker fails.
pub fn replay(options: &Replay, repro: &ThreadsRepro) -> Result<Exit, Failure> {
    let ignored = [(options.explain, "--explain"), (!options.checks.is_empty(), "--checks")];
    if let Some((_, option)) = ignored.iter().find(|(is_given, _)| *is_given) {
        return Err(Failure::Input(format!("{option} is for repro files of the simulator; this one is of threads")));
    }
    let job = repro.job();
    let stop = stop_on_ctrl_c()?;
    let (outcome, seconds) = go(&job, &stop)?;
    if outcome.stopped {
        eprintln!("interrupted before the execution came to its end");
        return Ok(Exit::Unknown);
    }
    let invariant = repro.verdict.split(':').next().unwrap_or_default();
    let still_there = outcome.failure.as_ref().is_some_and(|failing| failing.invariant() == invariant);
    let is_exact = outcome.failure.as_ref().is_some_and(|failing| {
        repro.verdict == format!("{invariant}: {}", first_line(&failing.text))
            && failing.schedule.as_ref().is_none_or(|taken| *taken == repro.schedule)
    });
    let notes = vec![
        format!("the file says: {}", repro.verdict),
        match (is_exact, still_there) {
            (true, _) => "reproduced: the same schedule fails with the same words".into(),
            (false, true) => "the violation is still there, but NOT reproduced exactly".into(),
            (false, false) => "NOT reproduced: the violation is gone".into(),
        },
    ];
    let path = options.file.display().to_string();
    let failure = outcome.failure.as_ref().map(|failing| describe(failing, Ok(path)));
    let report = report(&job, &outcome, seconds, failure, notes);
    print(options.json, &report)?;
    report_files::deliver(&options.report.files, &report_files::of_racing(&report))?;
    let reproduced = is_exact || (still_there && !options.strict);
    Ok(if reproduced { exit_of(outcome.failure.as_ref()) } else { Exit::Nondeterminism })
}

/// Makes the execution of a repro file smaller.
///
/// # Errors
/// The worker fails, the execution does not fail any more, or the result cannot be written.
pub fn shrink(options: &Shrink, repro: &ThreadsRepro) -> Result<Exit, Failure> {
    let name = options.file.display();
    let ignored = [(options.certify, "--certify"), (options.emit_test, "--emit-test")];
    if let Some((_, option)) = ignored.iter().find(|(is_given, _)| *is_given) {
        return Err(Failure::Input(format!("{option} is for repro files of the simulator; this one is of threads")));
    }
    if repro.engine != ThreadEngine::Shuttle {
        let engine = engine::of(repro.engine).name;
        return Err(Failure::Input(format!(
            "{name} is of {engine}, which finds short executions first; only those of shuttle are shrunk"
        )));
    }
    let path = super::shrink::output(options);
    repro_file::must_be_writable(&path)?;
    let stop = stop_on_ctrl_c()?;
    let started = Instant::now();
    let limit = Duration::from_secs(options.seconds.into());
    let bar = super::shrink::bar();
    let reduced = reduce(Workers { command: &worker_command, stop: &stop }, &repro.job(), &mut |size| {
        if !bar.is_hidden() {
            let Size { clients, statements, switches } = size;
            bar.set_message(format!("{clients} clients, {statements} statements, {switches} switches"));
            bar.tick();
        }
        started.elapsed() < limit && !stop.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    let Some(reduced) = reduced? else {
        let is_cut = stop.load(Ordering::Relaxed);
        return if is_cut { Ok(Exit::Unknown) } else { Err(super::shrink::gone(&name.to_string())) };
    };
    let Reduced { subject, failing, before, after, is_fixed_point } = reduced;
    let job = Job { subject, ..repro.job() };
    let schedule = failing.schedule.clone().unwrap_or_default();
    let written = repro_file::save_or_print(&path, &repro_of(&job, &failing, &schedule).to_toml());
    let unwritten = written.clone().err().map(Failure::Harness);
    let is_cut = !is_fixed_point && stop.load(Ordering::Relaxed);
    let part = |was: usize, is: usize, what: &str| (was > 0).then(|| format!("{was} {what} to {is}"));
    let parts = [
        part(before.clients, after.clients, "clients"),
        part(before.statements, after.statements, "statements"),
        part(before.switches, after.switches, "switches"),
    ];
    let rest = if is_fixed_point { "" } else { "; stopped early, so there may be more to take away" };
    let notes = vec![format!("shrunk from {}{rest}", parts.into_iter().flatten().collect::<Vec<_>>().join(", from "))];
    let found = describe(&failing, written);
    let outcome =
        Outcome { executions: 1, exhaustive: false, failure: Some(failing), lanes: Vec::new(), stopped: false };
    let report = report(&job, &outcome, started.elapsed().as_secs_f64(), Some(found), notes);
    print(options.json, &report)?;
    unwritten.map_or(Ok(if is_cut { Exit::Unknown } else { exit_of(outcome.failure.as_ref()) }), Err)
}
