//! A thread that yields lets every other thread that can go on take a step first. Without that two threads with high
//! priorities, or the first two of a depth-first search, wait for a third one for ever.

use std::collections::{BTreeMap, BTreeSet};

use shuttle::scheduler::{Task, TaskId};

/// Who lets whom go first, in one execution.
#[derive(Default)]
pub(super) struct Courtesy(BTreeMap<usize, BTreeSet<usize>>);

impl Courtesy {
    /// Those who may be picked, by number: not those who have yielded and still let others go first.
    pub(super) fn candidates(&mut self, runnable: &[&Task], current: Option<TaskId>, is_yielding: bool) -> Vec<usize> {
        let can_go: BTreeSet<usize> = runnable.iter().map(|task| usize::from(task.id())).collect();
        if let (Some(current), true) = (current.map(usize::from), is_yielding) {
            let others = can_go.iter().copied().filter(|thread| *thread != current).collect();
            self.0.insert(current, others);
        }
        let waits = |thread: &usize| self.0.get(thread).is_some_and(|first| !first.is_disjoint(&can_go));
        let may: Vec<usize> = can_go.iter().copied().filter(|thread| !waits(thread)).collect();
        if may.is_empty() {
            self.0.clear();
            return can_go.into_iter().collect();
        }
        may
    }

    /// A thread takes a step.
    pub(super) fn goes_on(&mut self, thread: usize) {
        self.0.remove(&thread);
        self.0.values_mut().for_each(|first| _ = first.remove(&thread));
    }
}
