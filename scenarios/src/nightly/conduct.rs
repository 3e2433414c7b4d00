//! The night itself: replay what is known, make the runs, shrink what failed, settle.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use falken_harness::case::Case;
use falken_harness::choice::Tape;
use falken_harness::repro::Repro;
use falken_models::bug::{Bug, Planted};
use falken_reports::Night;
use falken_reports::night::{Baseline, Machine};

use super::child::{Limits, Stopped, Worker};
use super::known::{self, Earlier, KnownGroup, Replays};
use super::plan::{self, Plan, Runs, Spec};
use super::progress::{Progress, Until};
use super::record::{End, Failed, RunLine, Shrunk};
use super::state::{State, read_json};
use super::worker::{Reply, Request};
use super::{assemble, triage};
use crate::batch::in_parallel;
use crate::catalog;
use crate::exit::Failure;
use crate::repro_file::write_whole;

/// Runs that shrinking one failure may take.
const SHRINK_RUNS: u64 = 1_500;

/// How many times longer than a run other requests may take.
const REPLAY_TIMES: u32 = 20;

/// What a night needs besides its state.
pub struct Conductor<'a> {
    /// Runs at a time.
    pub jobs: usize,
    /// What each run may use.
    pub limits: Limits,
    /// The corpus of regressions, if the user has named one.
    pub regressions: Option<&'a Path>,
    /// The state directory of the last night.
    pub previous: Option<&'a Path>,
    /// Set from outside to stop early.
    pub stop: &'a AtomicBool,
}

/// How a night ended.
pub struct Ended {
    /// The night.
    pub night: Night,
    /// Why it stopped before its time, if the machine was the reason.
    pub broken: Option<Failure>,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The machine's name.
pub fn host() -> String {
    #[cfg(unix)]
    if let Ok(name) = nix::unistd::gethostname() {
        return name.to_string_lossy().into_owned();
    }
    String::new()
}

impl Conductor<'_> {
    /// Goes on until the plan is done, its time is over, or somebody says stop.
    ///
    /// # Errors
    /// What is known cannot be read. A disk that is full later is no error but an end.
    pub fn go(&self, state: &mut State) -> Result<Ended, Failure> {
        if state.known.is_none() {
            let known = self.replay_known(&state.head.plan.planted)?;
            state.set_known(known)?;
        }
        let before = state.so_far.clocks.seconds;
        let progress = Progress::new(self.until(state), self.jobs);
        let is_cut = AtomicBool::new(false);
        let broken = self.make_runs(state, &progress, before, &is_cut).err();
        let broken = broken.or_else(|| self.shrink(state, &progress).err());
        drop(progress);
        let (interrupted, put_off) = (is_cut.into_inner(), state.shrunk.values().filter(|run| run.is_put_off).count());
        let mut notes = where_it_was(&state.head.plan);
        if let Some(failure) = &broken {
            notes.push(format!("stopped: {failure}"));
        } else if interrupted {
            notes.push("interrupted; --resume goes on".into());
        }
        if put_off > 0 {
            notes.push(format!(
                "not shrunk, because of an interruption: {put_off} of the failed runs; --resume shrinks them"
            ));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let machine = assemble::machine(host(), state.head.shard, cores, self.jobs as u64, &state.so_far);
        let (night, settled) = settle(state, vec![machine], notes, interrupted);
        Ok(Ended { night, broken: broken.or(settled) })
    }

    fn until(&self, state: &State) -> Until {
        let shard = state.head.shard;
        match (state.head.plan.runs, state.head.plan.seconds) {
            (Some(runs), _) => Until::Runs((runs + shard.of - shard.number) / shard.of),
            (None, seconds) => Until::Time(Duration::from_secs(seconds.unwrap_or(0))),
        }
    }

    fn worker(&self, dir: &Path, job: usize) -> Worker {
        Worker::new(dir, job, self.limits)
    }

    /// Replays everything that was known, on all jobs.
    fn replay_known(&self, planted: &[String]) -> Result<Replays, Failure> {
        let scratch = std::env::temp_dir();
        let files = known::regressions(self.regressions, self.limits.subject)?;
        let texts: Vec<String> = files.iter().map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect();
        let mut known =
            Replays { groups: self.earlier_groups(planted)?, earlier: self.earlier()?, ..Replays::default() };
        let requests: Vec<Request> = texts
            .iter()
            .cloned()
            .chain(known.groups.iter().map(|known| known.group.repro.clone()))
            .map(Request::Replay)
            .chain([Request::Run(canary())])
            .collect();
        let mut replies: BTreeMap<u64, Result<Reply, Stopped>> = BTreeMap::new();
        in_parallel(
            self.jobs,
            &|job| self.worker(&scratch, std::process::id() as usize * 1000 + job),
            &|worker, number| requests.get(number as usize).map(|request| worker.ask(request, REPLAY_TIMES)),
            |number, reply| _ = replies.insert(number, reply),
        );
        let mut replies = replies.into_values();
        for (path, text) in files.iter().zip(&texts) {
            let reply = replies.next().expect("each request has a reply");
            let (regression, group) = known::judge(path, text, &reply);
            known.regressions.push(regression);
            known.from_regressions.extend(group);
        }
        for group in &mut known.groups {
            group.group.standing = known::standing(&replies.next().expect("each request has a reply"));
        }
        if known.regressions.is_empty() {
            known.notes.push({
                let place = known::usual_place(self.limits.subject);
                format!("no regressions were replayed: there is no {}", place.display())
            });
        }
        known.canary = replies.next().map(|reply| known::judge_canary(&reply));
        Ok(known)
    }

    /// The groups of earlier nights that can come up in this one. A group of a bug that was planted says nothing about a night
    /// without that bug: its repro plants it again, and so would fail for ever.
    fn earlier_groups(&self, planted: &[String]) -> Result<Vec<KnownGroup>, Failure> {
        let mut groups = self.previous.map_or_else(|| Ok(Vec::new()), known::read_corpus)?;
        groups.retain(|known| known.group.planted.iter().all(|bug| planted.contains(bug)));
        Ok(groups)
    }

    fn earlier(&self) -> Result<Option<Earlier>, Failure> {
        let Some(dir) = self.previous else { return Ok(None) };
        let path = dir.join("night.json");
        if !path.exists() {
            return Ok(None);
        }
        let Night { facts, timing, .. } = read_json(&path)?;
        let host = match &*timing.machines {
            [machine] => machine.host.clone(),
            _ => String::new(),
        };
        let baseline = Baseline {
            from: dir.display().to_string(),
            actions_per_second_per_job: timing.actions_per_second_per_job,
            runs: facts.runs,
        };
        let actions = facts.scenarios.iter().map(|s| (s.name.clone(), s.runs, s.actions)).collect();
        Ok(Some(Earlier { baseline, host, scenarios: timing.scenarios, actions }))
    }

    /// Makes the runs that are not made yet. Every run is on the disk before the next result is looked at. `is_cut` is set if
    /// somebody has said stop while there was something left to do.
    fn make_runs(
        &self,
        state: &mut State,
        progress: &Progress,
        before: f64,
        is_cut: &AtomicBool,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        let (plan, shard, done) = (state.head.plan.clone(), state.head.shard, state.so_far.done.clone());
        let deadline = plan.seconds.map(|seconds| seconds as f64 - before);
        let wanted =
            Runs::new(&plan).filter(move |spec| shard.has(spec.run)).filter(move |spec| !done.has(spec.run / shard.of));
        let wanted = Mutex::new(wanted);
        let is_over = AtomicBool::new(false);
        let mut result = Ok(());
        let dir: PathBuf = state.dir.clone();
        in_parallel(
            self.jobs,
            &|job| (job, self.worker(&dir, job)),
            &|(job, worker), _| {
                let late = deadline.is_some_and(|deadline| started.elapsed().as_secs_f64() >= deadline);
                if late || is_over.load(Ordering::Relaxed) {
                    return None;
                }
                let spec = wanted.lock().expect("nobody panics while holding it").next()?;
                if self.stop.load(Ordering::Relaxed) {
                    is_cut.store(true, Ordering::Relaxed);
                    return None;
                }
                progress.begins(*job, &spec);
                Some(make(worker, spec))
            },
            |_, made| {
                let Made { mut line, ms } = made;
                (line.ms, line.at, line.ended) = (ms, before + started.elapsed().as_secs_f64(), now());
                if result.is_ok() {
                    result = state.add(&line);
                }
                if result.is_err() {
                    is_over.store(true, Ordering::Relaxed);
                }
                progress.update(state.so_far.sums.total().runs, line.at, &state.so_far.sums);
            },
        );
        result
    }

    /// Shrinks the failed runs that are to be shrunk and are not yet. Whoever says stop does not wait for it: then they count
    /// as they were found, and are shrunk when the night is resumed.
    fn shrink(&self, state: &mut State, progress: &Progress) -> Result<(), Failure> {
        let wanted: Vec<Spec> = triage::wanted(&state.so_far.sums)
            .into_iter()
            .filter(|spec| state.shrunk.get(&spec.run).is_none_or(|shrunk| shrunk.is_put_off))
            .cloned()
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        progress.say(&format!("shrinking {} of the failed runs", wanted.len()));
        let sums = state.so_far.sums.clone();
        let dir = state.dir.clone();
        let limits = self.limits;
        let is_over = AtomicBool::new(false);
        let mut result = Ok(());
        in_parallel(
            self.jobs,
            &|job| (job, self.worker(&dir, job)),
            &|(job, worker), number| {
                let spec = wanted.get(number as usize).filter(|_| !is_over.load(Ordering::Relaxed))?;
                progress.begins(*job, spec);
                let failures = sums.failures.iter().find(|failures| failures.first.contains(spec))?;
                let was_stopped = failures.failed.invariant.starts_with("RUN-");
                let reply = if was_stopped {
                    Err("it does not come to an end".to_owned())
                } else {
                    match worker.ask_unless(self.stop, &Request::Shrink(spec.clone(), SHRINK_RUNS), REPLAY_TIMES) {
                        Ok(Reply::Shrunk(shrunk)) => Ok(*shrunk),
                        Ok(Reply::Refused(why)) => Err(why),
                        Ok(Reply::Run(_) | Reply::Replayed(_)) => Err("the worker answered something else".into()),
                        Err(stopped) => Err(stopped.what),
                    }
                };
                let is_put_off = reply.is_err() && !was_stopped && self.stop.load(Ordering::Relaxed);
                Some(reply.unwrap_or_else(|why| {
                    let found = triage::as_found(spec, failures, unfinished(spec, &limits), &why);
                    Shrunk { is_put_off, ..found }
                }))
            },
            |_, shrunk: Shrunk| {
                if result.is_ok() {
                    result = state.add_shrunk(shrunk);
                }
                if result.is_err() {
                    is_over.store(true, Ordering::Relaxed);
                }
            },
        );
        result
    }
}

/// On which engine a night was, if that was said, and what it left out.
fn where_it_was(plan: &Plan) -> Vec<String> {
    let engine = plan.subject.map(|subject| format!("every run is on {}", subject.name()));
    let skipped = (!plan.skipped.is_empty()).then(|| format!("skipped {}", plan.skipped.join("; ")));
    engine.into_iter().chain(skipped).collect()
}

/// Brings the state directory into its last form, the same whoever made the runs.
pub fn settle(
    state: &mut State,
    machines: Vec<Machine>,
    notes: Vec<String>,
    interrupted: bool,
) -> (Night, Option<Failure>) {
    state.shrunk = assemble::only_wanted(&state.so_far.sums, std::mem::take(&mut state.shrunk));
    let (night, groups) = assemble::assemble(state, machines, notes, interrupted);
    let write = |state: &mut State| {
        let results = state.results()?;
        state.settle(results)?;
        write_repros(state)?;
        known::write_corpus(&state.dir, &groups)?;
        super::state::write_json(&state.dir.join("night.json"), &night)
    };
    let failure = write(state).err();
    (night, failure)
}

fn write_repros(state: &State) -> Result<(), Failure> {
    for (run, shrunk) in &state.shrunk {
        let path = state.dir.join("repros").join(format!("run-{run}.toml"));
        write_whole(&path, &shrunk.repro)
            .map_err(|error| Failure::Harness(format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(())
}

struct Made {
    line: RunLine,
    ms: f64,
}

fn make(worker: &mut Worker, spec: Spec) -> Made {
    let started = Instant::now();
    let times = if spec.twice { 3 } else { 1 };
    let line = match worker.ask(&Request::Run(spec.clone()), times) {
        Ok(Reply::Run(line)) => *line,
        Ok(Reply::Refused(why)) => stopped(spec, falken_reports::night::Kind::Died, &why),
        Ok(Reply::Shrunk(_) | Reply::Replayed(_)) => {
            stopped(spec, falken_reports::night::Kind::Died, "the worker answered something else")
        }
        Err(Stopped { kind, what }) => stopped(spec, kind, &what),
    };
    Made { line, ms: started.elapsed().as_secs_f64() * 1000.0 }
}

fn stopped(spec: Spec, kind: falken_reports::night::Kind, what: &str) -> RunLine {
    let failed = Failed::stopped(kind, &format!("{} {what}", spec.scenario));
    RunLine { spec, end: End::Failed(failed), ..RunLine::default() }
}

/// The run that must fail.
fn canary() -> Spec {
    Spec { scenario: catalog::CANARY.0.into(), strategy: "random".into(), ..Spec::default() }
}

/// A repro file that makes a run again from its seed.
fn unfinished(spec: &Spec, limits: &Limits) -> String {
    let Limits { subject, steps, .. } = *limits;
    let Ok(scenario) = plan::scenario(&spec.scenario, subject, steps) else { return String::new() };
    let planted = Planted(spec.planted.as_deref().and_then(Bug::from_id));
    let repro = Repro {
        version: env!("CARGO_PKG_VERSION").into(),
        strategy: spec.strategy.clone(),
        verdict: "unfinished: the run did not come to a verdict".into(),
        step: 0,
        hash: 0,
        is_unfinished: true,
        case: Case { scenario, seed: spec.seed.0, planted, tape: Tape::default() },
    };
    repro.to_toml()
}
