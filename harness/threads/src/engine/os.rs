//! The machine's own threads: nobody chooses, so nothing can be replayed; the checks at the end are the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::body;
use crate::job::{Job, Task};
use crate::programs;
use crate::worker::Witness;

/// An execution that takes so long is stuck: others take less than a millisecond.
const STUCK_AFTER: Duration = Duration::from_secs(20);

pub(super) fn run(job: &Job, witness: &Arc<Witness>) -> bool {
    if matches!(job.task, Task::Shrink(..)) {
        return false;
    }
    let over = Arc::new(AtomicBool::new(false));
    let watchdog = {
        let (over, witness) = (Arc::clone(&over), Arc::clone(witness));
        std::thread::spawn(move || watch(&over, &witness))
    };
    let execute = body!(falken_models, programs::on_os, job, witness);
    (0..job.runs).for_each(|_| execute());
    over.store(true, Ordering::SeqCst);
    watchdog.thread().unpark();
    watchdog.join().expect("the watchdog does not panic");
    false
}

/// Ends the process when an execution makes no end.
fn watch(over: &AtomicBool, witness: &Witness) {
    let mut seen = witness.executions();
    while !over.load(Ordering::SeqCst) {
        std::thread::park_timeout(STUCK_AFTER);
        let now = witness.executions();
        if now == seen && !over.load(Ordering::SeqCst) {
            witness.fail(format!("LIVE-1: execution {now} has not ended after {} s", STUCK_AFTER.as_secs()));
        }
        seen = now;
    }
}
