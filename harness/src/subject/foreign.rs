//! Engines that live in crates of their own, which this one cannot name: the program that links one registers how to make it.

use std::sync::OnceLock;
use std::thread;

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::disk::Disk;
use falken_models::event::EventLog;
use falken_models::io::{IOCompletions, IOResult};
use falken_models::session::{Config, Error};
use falken_models::sync::Arc;
use serde::{Deserialize, Serialize};

use super::{Internals, Subject};
use crate::parser::Rows;
use crate::scenario::{Journal, Scenario};

/// Which engine a scenario is run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// The models.
    #[default]
    Models,
    /// Turso with a write-ahead log.
    Turso,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Self; 2] = [Self::Models, Self::Turso];

    /// Its name in scenarios and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Turso => "turso",
        }
    }

    /// Whether it is the models that run.
    pub fn is_models(&self) -> bool {
        *self == Self::Models
    }
}

/// Makes a process of an engine that has not opened the database yet.
pub type Make = fn(Engine, Journal, Config, Arc<Disk>, Arc<EventLog>) -> Box<dyn Subject>;

static MAKE: OnceLock<Make> = OnceLock::new();

/// Makes the engines of other crates known to this process. The first registration counts.
pub fn register(make: Make) {
    // Whoever registers twice registers the same thing.
    let _ = MAKE.set(make);
}

/// Whether this process can run scenarios on an engine.
pub fn is_known(engine: Engine) -> bool {
    engine.is_models() || MAKE.get().is_some()
}

/// A process of an engine that is known.
pub(crate) fn make(scenario: &Scenario, config: Config, disk: Arc<Disk>, log: Arc<EventLog>) -> Box<dyn Subject> {
    let make = MAKE.get().expect("only scenarios on known engines are run");
    make(scenario.subject, scenario.database.journal, config, disk, log)
}

/// What an engine may need that was not built for small stacks.
const STACK_BYTES: usize = 16 << 20;

/// Runs `work` on a thread of its own: an engine may keep things in thread-local memory, and a run must not find there what
/// another one has left.
pub(crate) fn on_own_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let ended = thread.expect("the machine has room for a thread").join();
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl Subject for Box<dyn Subject> {
    fn open(&mut self) {
        (**self).open();
    }

    fn connect(&mut self, conn: u8) {
        (**self).connect(conn);
    }

    fn set_micro(&mut self, conn: u8, micro: bool) {
        (**self).set_micro(conn, micro);
    }

    fn submit(&mut self, id: StatementId, op: Op) {
        (**self).submit(id, op);
    }

    fn step(&mut self, id: StatementId) -> Result<IOResult<Outcome>, Error> {
        (**self).step(id)
    }

    fn awaiting(&self, id: StatementId) -> Option<&IOCompletions> {
        (**self).awaiting(id)
    }

    fn in_transaction(&self, conn: u8) -> bool {
        (**self).in_transaction(conn)
    }

    fn abandon(&mut self, id: StatementId) {
        (**self).abandon(id);
    }

    fn interrupt(&mut self, conn: u8) {
        (**self).interrupt(conn);
    }

    fn give_up_all(&mut self, conn: u8) {
        (**self).give_up_all(conn);
    }

    fn crash(&mut self) {
        (**self).crash();
    }

    fn spawn(&self, _disk: Arc<Disk>, _log: Arc<EventLog>) -> Self {
        unreachable!("crash images are made only of subjects that show their internals")
    }

    fn has_sqlite_files(&self) -> bool {
        (**self).has_sqlite_files()
    }

    fn audit(&mut self) -> Result<Option<Rows>, String> {
        (**self).audit()
    }

    fn inspect(&self) -> Option<Internals<'_>> {
        (**self).inspect()
    }
}
