//! What explores threads: one file an engine, one table.

mod loom;
mod os;
mod shuttle;

use std::sync::Arc;

use falken_harness::scenario::ThreadEngine;

use crate::job::Job;
use crate::worker::Witness;

pub(crate) use loom::schedule_of;

/// One engine.
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// Which one it is.
    pub engine: ThreadEngine,
    /// What it does.
    pub about: &'static str,
    /// What a pass does not prove.
    pub not_proved: &'static [&'static str],
    /// Does a job; returns whether no execution within the bound is left.
    pub(crate) run: fn(&Job, &Arc<Witness>) -> bool,
}

/// Every engine.
pub const TABLE: &[Entry] = &[
    Entry {
        name: "loom",
        engine: ThreadEngine::Loom,
        about: "every execution within a bound on preemptions, with what weak memory may show",
        not_proved: &[
            "orders with more preemptions than the bound",
            "relaxed loads that see stores of the future, and other reorderings that loom does not model",
            "some sequentially consistent outcomes of threads that load and store one word in two steps (loom 0.7)",
        ],
        run: loom::run,
    },
    Entry {
        name: "shuttle",
        engine: ThreadEngine::Shuttle,
        about: "sampled schedules, at sizes that loom cannot reach",
        not_proved: &[
            "schedules that were not sampled",
            "anything about memory orderings: every atomic access counts as sequentially consistent",
        ],
        run: shuttle::run,
    },
    Entry {
        name: "os",
        engine: ThreadEngine::Os,
        about: "the machine's own threads, with the same checks when all is quiet",
        not_proved: &[
            "orders that the machine did not happen to take; a failure cannot be replayed",
            "memory orderings that this processor does not show",
        ],
        run: os::run,
    },
];

/// The entry of an engine.
pub fn of(engine: ThreadEngine) -> &'static Entry {
    TABLE.iter().find(|entry| entry.engine == engine).expect("every engine is in the table")
}

/// The body of a job's executions in one build of the models: a closure that tells the witness, makes a stage and runs the
/// form or the programs on it.
macro_rules! body {
    ($models:ident, $programs:path, $job:expr, $witness:expr) => {{
        use $models::sync::Unseen;
        use $models::threads::Stage;

        let witness = std::sync::Arc::clone($witness);
        let subject = $job.subject.clone();
        let planted = $models::bug::Planted($job.planted.as_deref().and_then($models::bug::Bug::from_id));
        let told = matches!($job.task, crate::job::Task::Replay(..));
        let (notes, events) = (Unseen::new(Vec::new()), Unseen::new(Vec::new()));
        if told {
            let (notes, events) = (notes.clone(), events.clone());
            let read = move || {
                let notes = notes.with(|notes: &mut Vec<$models::threads::Note>| {
                    let lane = |note: &$models::threads::Note| crate::message::Lane {
                        lane: note.lane.to_owned(),
                        text: note.text.clone(),
                    };
                    notes.iter().map(lane).collect::<Vec<_>>()
                });
                let events = events.with(|events: &mut Vec<$models::event::Event>| {
                    let lane = |event: &$models::event::Event| crate::message::Lane {
                        lane: match event.actor {
                            $models::event::Actor::Conn(conn) => format!("c{conn}"),
                            $models::event::Actor::Disk => "disk".to_owned(),
                            $models::event::Actor::Run => "run".to_owned(),
                        },
                        text: event.kind.to_string(),
                    };
                    events.iter().map(lane).collect::<Vec<_>>()
                });
                // A form tells its story in notes; programs leave it to their engine's events.
                if notes.is_empty() { events } else { notes }
            };
            *witness.lanes.lock().expect("nobody has panicked yet") = Some(Box::new(read));
        }
        move || {
            witness.begin();
            notes.with(Vec::clear);
            events.with(Vec::clear);
            let stage = Stage { planted, notes: told.then(|| notes.clone()), events: events.clone() };
            match &subject {
                crate::job::Subject::Form(name) => {
                    let form = $models::threads::find(name).expect("the job was validated");
                    (form.body)(&stage);
                }
                crate::job::Subject::Scenario(scenario) => $programs(&stage, scenario),
            }
        }
    }};
}
use body;
