//! Shuttle's depth-first search, among those who may be picked.

use shuttle::scheduler::{DfsScheduler, Schedule, Scheduler, Task, TaskId};

use super::courtesy::Courtesy;

/// All schedules in which whoever yields lets the others go first, as long as there are executions.
pub(crate) struct DepthFirst {
    search: DfsScheduler,
    courtesy: Courtesy,
}

impl DepthFirst {
    /// At most so many executions.
    pub(crate) fn new(runs: u64) -> Self {
        Self { search: DfsScheduler::new(Some(runs as usize), true), courtesy: Courtesy::default() }
    }
}

impl Scheduler for DepthFirst {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.courtesy = Courtesy::default();
        self.search.new_execution()
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        let may = self.courtesy.candidates(runnable, current, is_yielding);
        let offered: Vec<&Task> =
            runnable.iter().copied().filter(|task| may.contains(&usize::from(task.id()))).collect();
        let chosen = self.search.next_task(&offered, current, is_yielding)?;
        self.courtesy.goes_on(usize::from(chosen));
        Some(chosen)
    }

    fn next_u64(&mut self) -> u64 {
        self.search.next_u64()
    }
}
