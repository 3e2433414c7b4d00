//! Falken's strategies as shuttle schedulers: one file a sampler, one table.
//!
//! A sampler picks among the threads that can go on and knows what each is about to touch, because the models' `sync` facade
//! announces it. Which of them may be picked is decided in `courtesy.rs`.

mod courtesy;
mod depth_first;
mod named;
mod pos;
mod urw;

use falken_models_shuttle::sync::Pending;
use shuttle::current::get_label_for_task;
use shuttle::scheduler::{Schedule as ShuttleSchedule, Scheduler, Task, TaskId};

use crate::schedule::{Schedule, Step};
use courtesy::Courtesy;
pub(crate) use depth_first::DepthFirst;
use named::Named;
use pos::Pos;
use urw::Urw;

/// A thread that can go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Enabled {
    /// Its number.
    thread: usize,
    /// What it is about to touch, if it has said so.
    pending: Option<Pending>,
}

/// Picks threads.
pub(crate) trait Sampler {
    /// Another execution begins; its schedule is a function of the seed and of what the executions before it were like.
    fn begin(&mut self, seed: u64);

    /// Picks one of those that can go on: an index. There is at least one.
    fn pick(&mut self, enabled: &[Enabled]) -> usize;
}

/// A sampler that can be named on a command line.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    new: fn() -> Box<dyn Sampler>,
}

/// The name of shuttle's depth-first search, which is no sampler: it tries all schedules, as long as there are executions.
pub const DFS: &str = "dfs";
/// The name for all samplers in turn.
pub const ALL: &str = "all";

/// Every sampler.
pub const TABLE: &[Entry] = &[
    Entry {
        name: "random",
        about: "every thread that can go on is equally likely",
        new: || Box::new(Named::new("random")),
    },
    Entry { name: "pct-3", about: "priorities that change at two points", new: || Box::new(Named::new("pct-3")) },
    Entry {
        name: "pos",
        about: "partial order sampling: what races is drawn again, what does not keeps its order",
        new: || Box::new(Pos::default()),
    },
    Entry {
        name: "urw",
        about: "uniform random walk: threads weigh as much as they still have to do, by the execution before",
        new: || Box::new(Urw::default()),
    },
];

/// Schedules drawn by one sampler, or by all in turn.
pub(crate) struct Sampling {
    samplers: Vec<Box<dyn Sampler>>,
    seed: u64,
    executions: u64,
    runs: u64,
    courtesy: Courtesy,
}

impl Sampling {
    /// So many executions by the sampler of this name, or by all of them if there is none of that name.
    pub(crate) fn new(name: &str, seed: u64, runs: u64) -> Self {
        let mut samplers: Vec<_> = TABLE.iter().filter(|entry| entry.name == name).map(|entry| (entry.new)()).collect();
        if samplers.is_empty() {
            samplers = TABLE.iter().map(|entry| (entry.new)()).collect();
        }
        Self { samplers, seed, executions: 0, runs, courtesy: Courtesy::default() }
    }
}

impl Scheduler for Sampling {
    fn new_execution(&mut self) -> Option<ShuttleSchedule> {
        if self.executions == self.runs {
            return None;
        }
        let at = self.executions as usize % self.samplers.len();
        self.samplers[at].begin(self.seed.wrapping_add(self.executions));
        self.executions += 1;
        self.courtesy = Courtesy::default();
        Some(ShuttleSchedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        let may = self.courtesy.candidates(runnable, current, is_yielding);
        let enabled = |thread| Enabled { thread, pending: get_label_for_task(TaskId::from(thread)) };
        let candidates: Vec<Enabled> = may.into_iter().map(enabled).collect();
        let sampler = (self.executions as usize - 1) % self.samplers.len();
        let chosen = candidates[self.samplers[sampler].pick(&candidates)].thread;
        self.courtesy.goes_on(chosen);
        Some(TaskId::from(chosen))
    }

    fn next_u64(&mut self) -> u64 {
        // Nothing here draws: what a form does is decided by its schedule.
        0
    }
}

/// One execution by a schedule: entries that cannot be followed are skipped, and past the end whoever goes on goes on.
pub(crate) struct Following {
    steps: Vec<usize>,
    at: usize,
    has_run: bool,
}

impl Following {
    pub(crate) fn new(schedule: &Schedule) -> Self {
        let thread = |step: &Step| match step {
            Step::Thread(thread) => Some(*thread),
            Step::Nobody | Step::Load(_) | Step::Spurious(_) => None,
        };
        Self { steps: schedule.0.iter().filter_map(thread).collect(), at: 0, has_run: false }
    }
}

impl Scheduler for Following {
    fn new_execution(&mut self) -> Option<ShuttleSchedule> {
        (!std::mem::replace(&mut self.has_run, true)).then(|| ShuttleSchedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        while let Some(&wanted) = self.steps.get(self.at) {
            self.at += 1;
            if let Some(task) = runnable.iter().find(|task| usize::from(task.id()) == wanted) {
                return Some(task.id());
            }
        }
        let same = runnable.iter().find(|task| Some(task.id()) == current && !is_yielding);
        // Whoever yields lets the next one go, in a circle.
        let next = runnable.iter().find(|task| current.is_none_or(|current| task.id() > current));
        same.or(next).or(runnable.first()).map(|task| task.id())
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}
