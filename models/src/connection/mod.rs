//! Connections, transactions and statements: what a client sees, one step at a time.
//!
//! A client submits one [`Op`] and calls [`Connection::step`] until it returns its [`Outcome`]. In between it may
//! [`abandon`](Connection::abandon) the statement or [`close`](Connection::close) the connection at any yield.
//!
//! Where to go next: `op.rs` for what a client can ask, `statement.rs` for the machine behind it.
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
//!     connection.submit(op);
//!     loop {
//!         match connection.step().expect("no faults") {
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

mod commit;
mod op;
mod statement;

use crate::bug::Bug;
use crate::event::{EventKind, StatementKind};
use crate::io::TransitionResult::{Continue, Done, Io};
use crate::io::{IOCompletions, IOResult};
use crate::session::{Error, Session, Shared};
use crate::site::Site;
use crate::sync::Arc;
use crate::wal::LockId;
pub use op::{BeginKind, Op, Outcome};
use statement::Statement;

/// How many turns one step may take before it counts as a loop (*LIVE-3 bounded-step*).
const TURNS_MAX: u32 = 100_000;

/// One client connection.
#[derive(Hash)]
pub struct Connection {
    session: Session,
    statement: Option<Statement>,
    awaiting: Option<IOCompletions>,
    /// The statement was abandoned but has something to finish first.
    abandoned: bool,
}

impl Connection {
    /// Opens a connection. The first one to read recovers the log.
    pub fn new(conn: u8, shared: Arc<Shared>) -> Self {
        let session = Session::new(conn, shared);
        Self { session, statement: None, awaiting: None, abandoned: false }
    }

    /// Starts a statement.
    ///
    /// # Panics
    /// If the previous one has not ended.
    pub fn submit(&mut self, op: Op) {
        assert!(self.statement.is_none(), "a connection runs one statement at a time");
        self.statement = Some(Statement::new(op));
    }

    /// Whether the connection yields after every access to shared WAL state, which is what the configuration says at first.
    pub fn set_micro(&mut self, micro: bool) {
        self.session.micro = micro;
    }

    /// Whether a statement is under way.
    pub fn is_busy(&self) -> bool {
        self.statement.is_some()
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.session.explicit
    }

    /// What the next step waits for, if the last one returned a wait.
    pub fn awaiting(&self) -> Option<&IOCompletions> {
        self.awaiting.as_ref()
    }

    /// Where the connection yielded last.
    pub fn site(&self) -> Site {
        self.session.site
    }

    /// The connection's memory, for inspection.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Takes the statement as far as it goes without waiting. Stepping it while its wait is not over changes nothing: it
    /// yields the same wait again.
    ///
    /// # Errors
    /// The statement has ended with this error; see [`Error`] for what that means to an open transaction.
    ///
    /// # Panics
    /// If no statement is under way, or if a step takes more turns than any legal one can.
    pub fn step(&mut self) -> Result<IOResult<Outcome>, Error> {
        self.awaiting = None;
        for _ in 0..TURNS_MAX {
            let statement = self.statement.as_mut().expect("a statement was submitted");
            if self.abandoned && !self.session.must_finish {
                self.abandoned = false;
                statement.unwind(&mut self.session, Error::Abandoned);
            }
            match statement.transition(&mut self.session) {
                Ok(Continue) => {}
                Ok(Io(io)) if io.finished() && self.session.planted(Bug::YieldExplicitTakenForIo) => {}
                Ok(Io(io)) => {
                    self.session.emit(EventKind::Yield { site: self.session.site });
                    self.awaiting = Some(io.clone());
                    return Ok(IOResult::IO(io));
                }
                Ok(Done(outcome)) => return self.end(outcome),
                Err(error) => statement.fail(&mut self.session, error),
            }
        }
        panic!("LIVE-3: a step took more than {TURNS_MAX} turns at {}", self.session.site.name());
    }

    fn end(&mut self, outcome: Result<Outcome, Error>) -> Result<IOResult<Outcome>, Error> {
        let statement = self.statement.take().expect("a statement was under way");
        self.session.emit(EventKind::StatementEnd { kind: statement.kind(), ok: outcome.is_ok() });
        outcome.map(IOResult::Done)
    }

    /// Drops or resets the suspended statement. It is undone by the following steps and then ends with
    /// [`Error::Abandoned`], unless it is past the point where its commit becomes visible; then it ends likewise, but its
    /// effects stay. A read leaves an open transaction alone, unless it was just spilling a page; a write rolls it back.
    pub fn abandon(&mut self) {
        let Some(statement) = &mut self.statement else {
            return;
        };
        self.session.emit(EventKind::Abandon { dropped: false });
        let planted = self.session.shared.config.planted;
        if planted.is(Bug::PinLeakOnInvalidate) {
            statement.leak_machine();
        }
        let keeps_transaction = statement.kind().reads_only() || planted.is(Bug::AbandonPartialStatementKept);
        if self.session.explicit && keeps_transaction && statement.runs_body() && self.session.is_at_rest() {
            statement.stop_body(Error::Abandoned);
            self.abort_reads();
            return;
        }
        self.leave_wait();
    }

    /// Drops the connection: whatever it has begun is undone by the following steps, until the closing statement ends.
    pub fn close(&mut self) {
        self.session.emit(EventKind::Abandon { dropped: true });
        if self.session.shared.config.planted.is(Bug::ConnDropKeepsLocks) {
            self.abort_reads();
            self.session.pages.clear();
            self.statement = Some(Statement::ended(StatementKind::Close));
            return;
        }
        if self.statement.is_none() {
            self.statement = Some(Statement::new(Op::Close));
        } else {
            self.leave_wait();
        }
    }

    /// The abandoned statement's writes are waited for by its rollback, through the session.
    fn leave_wait(&mut self) {
        self.abandoned = true;
        if !self.session.must_finish {
            self.abort_reads();
        }
    }

    /// Gives up the wait, and with it every read in flight.
    fn abort_reads(&mut self) {
        self.awaiting = None;
        self.session.give_up_reads();
    }

    /// Whether this connection should hold the lock, given its transaction; for inspection between statements.
    pub fn owes_lock(&self, lock: LockId) -> bool {
        self.session.owes_lock(lock)
    }

    /// A resumable field that an ended statement left away from its start value; for inspection between statements.
    pub fn residue(&self) -> Option<&'static str> {
        let left_over = [
            (self.session.must_finish, "must_finish"),
            (self.session.spilling, "spilling"),
            (self.session.unfinished_write().is_some(), "in_flight"),
            (self.session.syncing(), "syncing"),
            (self.awaiting.is_some(), "awaiting"),
            (self.abandoned, "abandoned"),
        ];
        left_over.into_iter().find_map(|(left, field)| left.then_some(field))
    }
}
