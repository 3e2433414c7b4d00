//! Shuttle: schedules sampled by falken's own strategies, which know what each thread is about to touch.
//!
//! Every choice goes onto a tape as it is made, so the panic hook has the schedule whatever happens afterwards.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::shuttle::scheduler::{Schedule as ShuttleSchedule, Scheduler, Task as ShuttleTask, TaskId};
use ::shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use super::body;
use crate::invariants::same_cause;
use crate::job::{Job, Task};
use crate::message::{Message, panic_text};
use crate::programs;
use crate::sampler::{self, DepthFirst, Following, Sampling};
use crate::schedule::{Schedule, Step};
use crate::worker::{Witness, say};

/// Far more than anything here needs: who gets here waits for something that never comes.
const STEPS_MAX: usize = 2_000_000;
/// Bytes; statements nest deeply.
const STACK_SIZE: usize = 0x4_0000;
/// Executions that the shrinker may spend.
const SHRINK_RUNS_MAX: usize = 400;

/// The configuration of every exploration.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK_SIZE;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    config
}

/// Writes down every choice of another scheduler.
struct Taping {
    inner: Box<dyn Scheduler>,
    witness: Arc<Witness>,
    /// Where each choice is written before it is acted on, when a process is expected to die without a word.
    ahead: Option<File>,
}

impl Scheduler for Taping {
    fn new_execution(&mut self) -> Option<ShuttleSchedule> {
        *self.witness.steps.lock().expect("nobody panics while holding it") = Some(Vec::new());
        if let Some(file) = &mut self.ahead {
            // A full disk costs the schedule, not the run.
            let _ = file.set_len(0).and_then(|()| std::io::Seek::rewind(file));
        }
        self.inner.new_execution()
    }

    fn next_task(&mut self, runnable: &[&ShuttleTask], current: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        let chosen = self.inner.next_task(runnable, current, is_yielding)?;
        let step = Step::Thread(usize::from(chosen));
        if let Some(file) = &mut self.ahead {
            let _ = file.write_all(format!("{step} ").as_bytes());
        }
        self.witness.steps.lock().expect("nobody panics while holding it").get_or_insert_default().push(step);
        Some(chosen)
    }

    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
}

pub(super) fn run(job: &Job, witness: &Arc<Witness>) -> bool {
    let ahead = match &job.task {
        Task::WriteAhead(file) => File::create(file).ok(),
        Task::Explore(_) | Task::Replay(..) | Task::Shrink(..) => None,
    };
    let inner: Box<dyn Scheduler> = match &job.task {
        Task::Replay(schedule, _) => Box::new(Following::new(schedule)),
        Task::Shrink(schedule, text) => {
            say(&Message::Shrunk(shrink(job, witness, schedule.clone(), text)));
            return false;
        }
        Task::Explore(_) | Task::WriteAhead(_) if job.sampler == sampler::DFS => Box::new(DepthFirst::new(job.runs)),
        Task::Explore(_) | Task::WriteAhead(_) => Box::new(Sampling::new(&job.sampler, job.seed, job.runs)),
    };
    let taping = Taping { inner, witness: Arc::clone(witness), ahead };
    let body = body!(falken_models_shuttle, programs::on_shuttle, job, witness);
    let executions = Runner::new(taping, config()).run(body) as u64;
    job.sampler == sampler::DFS && executions < job.runs
}

/// Whether a schedule fails with this message; what it was in the end.
fn fails(job: &Job, witness: &Arc<Witness>, schedule: &Schedule, text: &str) -> Option<Schedule> {
    let (job, witness_there, schedule) = (job.clone(), Arc::clone(witness), schedule.clone());
    // A thread of its own: a failed execution leaves shuttle's thread-local state behind.
    let ended = std::thread::spawn(move || {
        let inner = Box::new(Following::new(&schedule));
        let taping = Taping { inner, witness: Arc::clone(&witness_there), ahead: None };
        Runner::new(taping, config()).run(body!(falken_models_shuttle, programs::on_shuttle, job, &witness_there));
    });
    let panic = ended.join().err()?;
    witness.take_failed().filter(|_| panic_text(&*panic).is_some_and(|message| same_cause(message, text)))
}

/// Takes stretches of the schedule away, longest first, and lets a thread finish its stretch before another one cuts in, as long
/// as it fails in the same way; past its end each thread goes on as far as it can.
fn shrink(job: &Job, witness: &Arc<Witness>, found: Schedule, text: &str) -> Schedule {
    witness.is_quiet.store(true, Ordering::SeqCst);
    let (mut best, mut runs_left) = (found, SHRINK_RUNS_MAX);
    let mut accept = |best: &mut Schedule, stretches: &[(Step, usize)]| {
        runs_left -= 1;
        let shorter = Schedule(stretches.iter().flat_map(|(step, times)| vec![*step; *times]).collect());
        let taken = fails(job, witness, &shorter, text).filter(|taken| taken.switches() < best.switches());
        let is_shorter = taken.is_some();
        *best = taken.unwrap_or_else(|| std::mem::take(best));
        (is_shorter, runs_left > 0)
    };
    let mut stretch = best.runs().len() / 2;
    while stretch > 0 {
        let mut at = 0;
        while at < best.runs().len() {
            let mut kept = best.runs();
            kept.drain(at..(at + stretch).min(kept.len()));
            match accept(&mut best, &kept) {
                (_, false) => return best,
                (true, true) => {}
                (false, true) => at += stretch,
            }
        }
        stretch /= 2;
    }
    let mut at = 0;
    while at + 1 < best.runs().len() {
        let mut swapped = best.runs();
        swapped.swap(at, at + 1);
        match accept(&mut best, &swapped) {
            (_, false) => return best,
            (true, true) => {}
            (false, true) => at += 1,
        }
    }
    best
}
