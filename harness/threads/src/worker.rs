//! The worker process: does one job and says what comes of it, one line each.

use std::io::{Read, Write};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine;
use crate::job::{Job, Task};
use crate::message::{Lane, Message, Panicked, panic_text};
use crate::schedule::{Schedule, Step};

/// How often progress is reported.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Reads what has happened in the execution under way.
type ReadLanes = Box<dyn Fn() -> Vec<Lane> + Send>;

/// What the panic hook must know of the execution under way.
#[derive(Default)]
pub(crate) struct Witness {
    /// Executions begun.
    executions: AtomicU64,
    /// The choices so far, where the engine tells them as it makes them.
    pub(crate) steps: Mutex<Option<Vec<Step>>>,
    /// Reads what has happened so far; only in a replay.
    pub(crate) lanes: Mutex<Option<ReadLanes>>,
    spoken: Mutex<Option<Instant>>,
    /// Panics are being looked for, not reported: a shrinker is at work.
    pub(crate) is_quiet: AtomicBool,
    /// The choices up to the first panic that was not reported: those behind it only unwind.
    failed: Mutex<Option<Vec<Step>>>,
    has_panicked: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Witness {
    /// Another execution begins.
    pub(crate) fn begin(&self) {
        let executions = self.executions.fetch_add(1, Ordering::Relaxed) + 1;
        let mut spoken = lock(&self.spoken);
        if spoken.is_none_or(|spoken| spoken.elapsed() >= PROGRESS_EVERY) {
            *spoken = Some(Instant::now());
            say(&Message::Progress(executions));
        }
    }

    /// How many executions have begun.
    pub(crate) fn executions(&self) -> u64 {
        self.executions.load(Ordering::Relaxed)
    }

    /// What has happened in the execution under way; nothing unless it is a replay.
    fn lanes_so_far(&self) -> Vec<Lane> {
        lock(&self.lanes).as_ref().map_or_else(Vec::new, |read| read())
    }

    /// Notes a failure that somebody is looking for.
    fn note_failure(&self) {
        let mut failed = lock(&self.failed);
        if failed.is_none() {
            failed.clone_from(&lock(&self.steps));
        }
    }

    /// The choices up to the failure that was noted since this was last asked.
    pub(crate) fn take_failed(&self) -> Option<Schedule> {
        lock(&self.failed).take().map(Schedule)
    }

    /// Reports a failure and ends the process: nothing unwinds, so nothing can fail a second time.
    pub(crate) fn fail(&self, text: String) -> ! {
        if !self.has_panicked.swap(true, Ordering::SeqCst) {
            let schedule = lock(&self.steps).clone().map(Schedule);
            say(&Message::Panicked(Panicked {
                text,
                execution: self.executions(),
                schedule,
                lanes: self.lanes_so_far(),
            }));
        }
        std::process::exit(0)
    }
}

/// Writes a line to the supervisor. If that is gone, so is the reason to go on.
pub(crate) fn say(message: &Message) {
    let mut line = serde_json::to_string(message).expect("a message has a JSON form");
    line.push('\n');
    let mut stdout = std::io::stdout().lock();
    if stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(0);
    }
}

fn text_of(info: &PanicHookInfo<'_>) -> String {
    panic_text(info.payload()).unwrap_or("a panic without a message").to_owned()
}

/// Does the job that stands on stdin.
///
/// # Errors
/// There is no job there.
pub fn work() -> Result<(), String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| format!("cannot read the job: {error}"))?;
    let job: Job = serde_json::from_str(&text).map_err(|error| format!("on stdin there is no job: {error}"))?;
    job.validate().map_err(|error| error.to_string())?;
    let witness = Arc::new(Witness::default());
    let hook = Arc::clone(&witness);
    std::panic::set_hook(Box::new(move |info| {
        if hook.is_quiet.load(Ordering::SeqCst) {
            hook.note_failure();
        } else {
            hook.fail(text_of(info));
        }
    }));
    let exhaustive = (engine::of(job.engine).run)(&job, &witness);
    if !matches!(job.task, Task::Shrink(..)) {
        say(&Message::Ended { executions: witness.executions(), exhaustive, lanes: witness.lanes_so_far() });
    }
    Ok(())
}
