//! Connections, transactions and statements: what a client sees, one step at a time.
//!
//! A client submits one [`Op`] and calls [`Connection::step`] until it returns its [`Outcome`]. In between it may
//! [`abandon`](Connection::abandon) the statement, [`interrupt`](Connection::interrupt) or
//! drop the connection ([`give_up_all`](Connection::give_up_all)) at any yield. A connection has two slots for statements, which share one
//! transaction.
//!
//! Where to go next: `op.rs` for what a client can ask, `statement.rs` for the life of a statement, `body.rs` for the
//! machines behind it, `create.rs` for the database's first moments.
//!
//! ```
//! use falken_models::connection::{Connection, Op, Outcome};
//! use falken_models::disk::{Disk, Ending};
//! use falken_models::event::EventLog;
//! use falken_models::io::IOResult;
//! use falken_models::session::{Config, Shared};
//! use falken_models::sync::Arc;
//! use falken_models::table::initial_database;
//!
//! let log = Arc::new(EventLog::default());
//! let disk = Disk::new(Arc::clone(&log), 512, initial_database(512));
//! let shared = Shared::new(Config::default(), Arc::clone(&disk), log);
//! let mut connection = Connection::new(0, shared);
//!
//! // The caller is the scheduler: it steps the connection and decides when I/O finishes.
//! let mut run = |op| {
//!     connection.submit(0, op);
//!     loop {
//!         match connection.step(0).expect("no faults") {
//!             IOResult::Done(outcome) => return outcome,
//!             IOResult::IO(_) => {
//!                 let mut in_flight = Vec::new();
//!                 disk.list_in_flight(&mut in_flight);
//!                 in_flight.iter().for_each(|op| disk.finish(op.op, Ending::Success));
//!             }
//!         }
//!     }
//! };
//! run(Op::Put { key: 1, value: Arc::from(&b"hello"[..]) });
//! assert_eq!(run(Op::Get { key: 1 }), Outcome::Value(Some(b"hello".to_vec())));
//! ```

mod body;
mod commit;
mod create;
mod op;
mod statement;

use crate::bug::Bug;
use crate::event::EventKind;
use crate::io::TransitionResult::{Continue, Done, Io};
use crate::io::{IOCompletions, IOResult};
use crate::session::{Error, STATEMENT_SLOTS, Session, Shared};
use crate::site::Site;
use crate::sync::Arc;
use crate::wal::LockId;
pub use op::{BeginKind, Op, Outcome, StatementId};
use statement::Statement;

machines! {
    "statement" => statement::Phase,
    "statement.body" => body::Work,
    "commit" => commit::State,
    "connection.open" => create::State,
}

/// How many turns one step may take before it counts as a loop (*LIVE-3 bounded-step*).
const TURNS_MAX: u32 = 100_000;

/// One client connection.
#[derive(Hash)]
pub struct Connection {
    session: Session,
    slots: [Slot; STATEMENT_SLOTS],
}

/// What runs in one statement slot.
#[derive(Default, Hash)]
struct Slot {
    statement: Option<Statement>,
    awaiting: Option<IOCompletions>,
    /// It was abandoned but may have something to finish first.
    abandoned: bool,
    /// It was interrupted and has not noticed yet.
    interrupted: bool,
    /// The stage in which it yielded last.
    parked_in: Option<&'static str>,
}

impl Connection {
    /// Opens a connection. The first one to read recovers the log.
    pub fn new(conn: u8, shared: Arc<Shared>) -> Self {
        Self { session: Session::new(conn, shared), slots: Default::default() }
    }

    /// Starts a statement in a slot.
    ///
    /// # Panics
    /// If the previous one there has not ended.
    pub fn submit(&mut self, slot: u8, op: Op) {
        self.session.statements[usize::from(slot)].running = true;
        let slot = &mut self.slots[usize::from(slot)];
        assert!(slot.statement.is_none(), "a slot runs one statement at a time");
        // An ended statement leaves no interrupt behind.
        let interrupted = slot.interrupted;
        let keeps_locks = op == Op::Drop && self.session.shared.config.planted.is(Bug::ConnDropKeepsLocks);
        let statement = if keeps_locks { Statement::dropped(op) } else { Statement::new(op) };
        *slot = Slot { statement: Some(statement), interrupted, ..Slot::default() };
    }

    /// Whether the connection yields after every access to shared WAL state, which is what the configuration says at first.
    pub fn set_micro(&mut self, micro: bool) {
        self.session.micro = micro;
    }

    /// Whether any statement is under way.
    pub fn is_busy(&self) -> bool {
        self.slots.iter().any(|slot| slot.statement.is_some())
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.session.explicit
    }

    /// What the next step of a slot waits for, if the last one returned a wait.
    pub fn awaiting(&self, slot: u8) -> Option<&IOCompletions> {
        self.slots[usize::from(slot)].awaiting.as_ref()
    }

    /// Where the statement in a slot yielded last.
    pub fn site(&self, slot: u8) -> Site {
        self.session.statements[usize::from(slot)].site
    }

    /// The connection's memory, for inspection.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Takes a statement as far as it goes without waiting. Stepping it while its wait is not over changes nothing: it
    /// yields the same wait again.
    ///
    /// # Errors
    /// The statement has ended with this error; see [`Error`] for what that means to an open transaction.
    ///
    /// # Panics
    /// If no statement is under way there, or if a step takes more turns than any legal one can.
    pub fn step(&mut self, slot: u8) -> Result<IOResult<Outcome>, Error> {
        let s = &mut self.session;
        s.slot = slot;
        let Slot { statement, awaiting, abandoned, interrupted, parked_in } = &mut self.slots[usize::from(slot)];
        let running = statement.as_mut().expect("a statement was submitted");
        *awaiting = None;
        for _ in 0..TURNS_MAX {
            let may_stop = !s.mine().must_finish;
            if may_stop && std::mem::take(abandoned) {
                running.fail(s, Error::Abandoned);
            }
            if may_stop && running.heeds_interrupts() && std::mem::take(interrupted) {
                running.fail(s, Error::Interrupted);
            }
            match running.transition(s) {
                Ok(Continue) => {}
                Ok(Io(io)) if io.finished() && s.planted(Bug::YieldExplicitTakenForIo) => {}
                Ok(Io(io)) => {
                    let site = s.mine().site;
                    s.emit(EventKind::Yield { site });
                    *awaiting = Some(io.clone());
                    *parked_in = Some(running.stage());
                    return Ok(IOResult::IO(io));
                }
                Ok(Done(outcome)) => return self.end(slot, outcome),
                Err(error) => running.fail(s, error),
            }
        }
        let site = self.site(slot);
        panic!("LIVE-3: a step took more than {TURNS_MAX} turns at {}", site.name());
    }

    fn end(&mut self, slot: u8, outcome: Result<Outcome, Error>) -> Result<IOResult<Outcome>, Error> {
        self.session.mine().running = false;
        let ended = std::mem::take(&mut self.slots[usize::from(slot)]);
        let kind = ended.statement.expect("a statement was under way").kind();
        self.session.emit(EventKind::StatementEnd { slot, kind, ok: outcome.is_ok() });
        let planted = self.session.shared.config.planted;
        if planted.is(Bug::InterruptHitsNextStatement) && ended.interrupted {
            self.slots[usize::from(slot)].interrupted = true;
        }
        if planted.is(Bug::StmtTeardownResetsSiblingCommit) && outcome.is_err() {
            self.slots.iter_mut().filter_map(|slot| slot.statement.as_mut()).for_each(Statement::restart_commit);
        }
        outcome.map(IOResult::Done)
    }

    /// Drops or resets a suspended statement. Following steps undo what it has changed, and it ends with
    /// [`Error::Abandoned`], unless it is past the point where its outcome is settled; then it ends with that. An open
    /// transaction goes on, except if the statement was its COMMIT.
    pub fn abandon(&mut self, slot: u8) {
        if self.slots[usize::from(slot)].statement.is_some() {
            self.session.emit(EventKind::Abandon { dropped: false });
            self.give_up(slot);
        }
    }

    fn give_up(&mut self, id: u8) {
        let must_finish = self.session.statements[usize::from(id)].must_finish;
        let planted = self.session.shared.config.planted;
        let slot = &mut self.slots[usize::from(id)];
        if planted.is(Bug::PinLeakOnInvalidate) {
            slot.statement.iter_mut().for_each(Statement::leak_machine);
        }
        slot.abandoned = slot.statement.is_some();
        if must_finish {
            return;
        }
        // What may still change a file is waited for; reads are given up.
        slot.awaiting = None;
        self.session.slot = id;
        self.session.give_up_reads();
    }

    /// Interrupts the statements that run now: each ends with [`Error::Interrupted`] at its next step, its changes undone,
    /// unless it has settled its outcome before. Statements that start later are not concerned.
    pub fn interrupt(&mut self) {
        self.session.emit(EventKind::Interrupt);
        let planted = self.session.shared.config.planted;
        for slot in &mut self.slots {
            slot.interrupted = slot.statement.is_some() || planted.is(Bug::InterruptHitsNextStatement);
        }
    }

    /// Drops the connection: its statements are abandoned. When they have ended, [`Op::Drop`] undoes what is still open.
    pub fn give_up_all(&mut self) {
        self.session.emit(EventKind::Abandon { dropped: true });
        (0..STATEMENT_SLOTS as u8).for_each(|slot| self.give_up(slot));
    }

    /// Whether a statement is in the middle of changing pages, for inspection.
    pub fn is_changing_pages(&self) -> bool {
        self.session.writer.is_some()
    }

    /// The stage in which a statement yielded and the one in which it is now, if they differ although it was not stepped.
    pub fn moved_while_parked(&self, slot: u8) -> Option<(&'static str, &'static str)> {
        let slot = &self.slots[usize::from(slot)];
        let (parked, now) = (slot.parked_in?, slot.statement.as_ref()?.stage());
        (parked != now).then_some((parked, now))
    }

    /// Whether this connection should hold the lock, given its transaction; for inspection between statements.
    pub fn owes_lock(&self, lock: LockId) -> bool {
        self.session.owes_lock(lock)
    }

    /// A resumable field that its ended statements left away from its start value; for inspection while none is under
    /// way.
    pub fn residue(&self) -> Option<&'static str> {
        let memory = &self.session.statements;
        let left_over = [
            (memory.iter().any(|memory| memory.must_finish), "must_finish"),
            (self.session.may_change_a_file(), "in_flight"),
            (self.session.syncing(), "syncing"),
            (self.session.reads_without_snapshot(), "reading"),
            (memory.iter().any(|memory| memory.in_transaction), "in_transaction"),
            (self.session.is_in_control(), "control"),
            (self.session.is_spilling(), "spill"),
            (!self.session.allocation.is_idle(), "allocation"),
            (self.slots.iter().any(|slot| slot.awaiting.is_some()), "awaiting"),
            (self.slots.iter().any(|slot| slot.abandoned), "abandoned"),
            (self.slots.iter().any(|slot| slot.interrupted), "interrupted"),
            (!self.session.explicit && self.session.savepoints.depth() > 0, "savepoints"),
        ];
        left_over.into_iter().find_map(|(left, field)| left.then_some(field))
    }
}
