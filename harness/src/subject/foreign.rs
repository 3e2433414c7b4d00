//! Engines that live in crates of their own, which this one cannot name: the program that links one registers how to make it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, Weak};
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
pub(crate) fn make(scenario: &Scenario, config: Config, disk: Arc<Disk>, log: Arc<EventLog>) -> Watched {
    let make = MAKE.get().expect("only scenarios on known engines are run");
    let process = make(scenario.subject, scenario.database.journal, config, disk, log);
    Watched { process, pulse: Pulse::of(config.salt_seed) }
}

/// The calls into one process of an engine, for somebody who has a clock: an engine that never returns cannot be asked.
#[derive(Debug)]
pub struct Pulse {
    /// The run's seed.
    pub seed: u64,
    /// Calls and returns: odd while the engine works.
    turns: AtomicU64,
}

static PULSES: Mutex<Vec<Weak<Pulse>>> = Mutex::new(Vec::new());

impl Pulse {
    fn of(seed: u64) -> Arc<Self> {
        let pulse = Arc::new(Self { seed, turns: AtomicU64::new(0) });
        let mut pulses = PULSES.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.retain(|pulse| pulse.strong_count() > 0);
        pulses.push(Arc::downgrade(&pulse));
        pulse
    }

    /// Only the process itself counts.
    fn turn(&self) {
        self.turns.store(self.turns.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Those of all processes that there are now.
    pub fn all() -> Vec<Arc<Self>> {
        PULSES.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }

    /// Which call is under way: the same number later means that the engine has not returned. `None` between calls.
    pub fn call(&self) -> Option<u64> {
        Some(self.turns.load(Ordering::Relaxed)).filter(|turns| turns % 2 == 1)
    }
}

/// A process whose calls are counted.
pub(crate) struct Watched {
    process: Box<dyn Subject>,
    pulse: Arc<Pulse>,
}

impl Watched {
    fn call<T>(&mut self, call: impl FnOnce(&mut dyn Subject) -> T) -> T {
        let _turn = Turn::begin(&self.pulse);
        call(&mut *self.process)
    }
}

/// A call under way; a panic ends it as well.
struct Turn<'a>(&'a Pulse);

impl<'a> Turn<'a> {
    fn begin(pulse: &'a Pulse) -> Self {
        pulse.turn();
        Self(pulse)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.turn();
    }
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

impl Subject for Watched {
    fn open(&mut self) {
        self.call(|process| process.open());
    }

    fn connect(&mut self, conn: u8) {
        self.call(|process| process.connect(conn));
    }

    fn set_micro(&mut self, conn: u8, micro: bool) {
        self.call(|process| process.set_micro(conn, micro));
    }

    fn submit(&mut self, id: StatementId, op: Op) {
        self.call(|process| process.submit(id, op));
    }

    fn step(&mut self, id: StatementId) -> Result<IOResult<Outcome>, Error> {
        self.call(|process| process.step(id))
    }

    fn awaiting(&self, id: StatementId) -> Option<&IOCompletions> {
        self.process.awaiting(id)
    }

    fn in_transaction(&self, conn: u8) -> bool {
        self.process.in_transaction(conn)
    }

    fn abandon(&mut self, id: StatementId) {
        self.call(|process| process.abandon(id));
    }

    fn interrupt(&mut self, conn: u8) {
        self.call(|process| process.interrupt(conn));
    }

    fn give_up_all(&mut self, conn: u8) {
        self.call(|process| process.give_up_all(conn));
    }

    fn crash(&mut self) {
        self.call(|process| process.crash());
    }

    fn spawn(&self, _disk: Arc<Disk>, _log: Arc<EventLog>) -> Self {
        unreachable!("its crash images are read, and nobody goes on from them")
    }

    fn has_sqlite_files(&self) -> bool {
        self.process.has_sqlite_files()
    }

    fn audit(&mut self) -> Result<Option<Rows>, String> {
        self.call(|process| process.audit())
    }

    fn inspect(&self) -> Option<Internals<'_>> {
        self.process.inspect()
    }
}
