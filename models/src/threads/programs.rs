//! Whole programs: connections on threads of their own over one database, and a pool of threads that is the disk.
//!
//! Nothing here schedules: the same machines that the simulator steps are preempted wherever the backend likes. A client
//! whose transaction is refused (BUSY, an old snapshot) undoes it and begins it again, up to a bound. Without a pool each
//! client finishes its own operations, which is what small explorations can afford.

use super::Stage;
use crate::connection::{Connection, Op, Outcome};
use crate::disk::{Disk, Ending, FileId, OpId};
use crate::event::{EventKind, EventLog};
use crate::io::{Completion, IOCompletions, IOResult};
use crate::session::{Config, Error, Shared};
use crate::sync::{
    Arc, AtomicU32, Body, Ordering, Receiver, Sender, Unseen, channel, current, park, race, waker, yield_now,
};
use crate::table::initial_database;
use crate::wal::LockId;

/// What is run.
pub struct Programs {
    /// How the database is set up.
    pub config: Config,
    /// The disk's sectors, in bytes.
    pub sector_size: usize,
    /// What runs before the clients start.
    pub setup: Vec<Op>,
    /// Each client's transactions, one after the other.
    pub clients: Vec<Vec<Vec<Op>>>,
    /// Threads that finish operations; 0 if each client finishes its own.
    pub io_threads: u8,
    /// How often a client begins a transaction that is refused.
    pub tries_max: u32,
    /// Every how-manieth statement of a client is abandoned at its first wait; 0 is none.
    pub abandon_every: u32,
    /// After every how-manieth transaction a client drops its connection in the middle of one; 0 is never.
    pub drop_every: u32,
}

/// What is known of a transaction's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It has committed.
    Committed,
    /// It was abandoned at its end: it has committed or not.
    Perhaps,
}

/// A transaction's effect on the list or value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are explained by their variant")]
pub enum Effect {
    /// The row was set to these bytes.
    Set { key: i64, value: Vec<u8> },
    /// These bytes were put behind the row's.
    Appended { key: i64, element: Vec<u8> },
    /// The row was deleted.
    Deleted { key: i64 },
}

/// What a finished execution leaves behind, as plain data.
#[derive(Clone, Debug, Default)]
pub struct Quiet {
    /// The database file.
    pub database: Vec<u8>,
    /// The log file, up to the last frame that is published.
    pub log: Vec<u8>,
    /// The rows that a new connection reads.
    pub rows: Vec<(i64, Vec<u8>)>,
    /// What the transactions did that have committed or may have.
    pub effects: Vec<(Known, Effect)>,
}

/// Runs one statement to its end on a thread that finishes whatever is in flight: nobody else has a pool.
///
/// # Errors
/// The statement's.
pub fn run_alone(connection: &mut Connection, op: Op) -> Result<Outcome, Error> {
    connection.submit(0, op);
    let mut in_flight = Vec::new();
    loop {
        match connection.step(0)? {
            IOResult::Done(outcome) => return Ok(outcome),
            IOResult::IO(io) if io.is_explicit_yield() => yield_now(),
            IOResult::IO(_) => {}
        }
        let session = connection.session();
        session.shared.disk.list_in_flight(&mut in_flight);
        let own = in_flight.iter().filter(|op| op.owner == session.conn);
        own.for_each(|op| session.shared.disk.finish(op.op, Ending::Success));
    }
}

/// One client: its connection, and where its operations go.
struct Client {
    conn: u8,
    shared: Arc<Shared>,
    connection: Connection,
    /// The pool, if there is one, and the first of its operations that the pool has not got.
    pool: Option<(Sender<Option<OpId>>, u32)>,
    statements: u32,
    abandon_every: u32,
}

/// Whether a statement runs to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    ToTheEnd,
    /// It is abandoned at its first wait.
    GivesUp,
}

impl Client {
    fn new(conn: u8, shared: &Arc<Shared>, pool: Option<&Sender<Option<OpId>>>, abandon_every: u32) -> Self {
        let connection = Connection::new(conn, Arc::clone(shared));
        let pool = pool.map(|pool| (pool.clone(), 0));
        Self { conn, shared: Arc::clone(shared), connection, pool, statements: 0, abandon_every }
    }

    /// Hands what this connection has submitted to the pool, or finishes it here.
    fn serve(&mut self) {
        let mut in_flight = Vec::new();
        self.shared.disk.list_in_flight(&mut in_flight);
        for op in in_flight.iter().filter(|op| op.owner == self.conn) {
            match &mut self.pool {
                Some((pool, next)) if op.ordinal >= *next => {
                    *next = op.ordinal + 1;
                    pool.send(Some(op.op));
                }
                Some(_) => {}
                None => self.shared.disk.finish(op.op, Ending::Success),
            }
        }
    }

    /// Steps the statement to its end, parking while its I/O is in flight.
    fn finish(&mut self, mut patience: Patience) -> Result<Outcome, Error> {
        loop {
            match self.connection.step(0)? {
                IOResult::Done(outcome) => return Ok(outcome),
                IOResult::IO(IOCompletions::Single(completion)) => {
                    self.serve();
                    if patience == Patience::GivesUp && !completion.is_explicit_yield() {
                        patience = Patience::ToTheEnd;
                        self.connection.abandon(0);
                    } else if completion.is_explicit_yield() {
                        yield_now();
                    } else {
                        wait_for(&completion);
                        // A wait that is certain to fail is over before its last member has ended.
                        if !completion.finished() {
                            yield_now();
                        }
                    }
                }
            }
        }
    }

    fn run(&mut self, op: &Op) -> Result<Outcome, Error> {
        self.statements += 1;
        let gives_up = self.abandon_every > 0 && self.statements.is_multiple_of(self.abandon_every);
        self.connection.submit(0, op.clone());
        self.finish(if gives_up { Patience::GivesUp } else { Patience::ToTheEnd })
    }

    /// Undoes what is open; a rollback is not refused, but it may be abandoned.
    fn undo(&mut self) {
        while self.connection.in_transaction() {
            match self.run(&Op::Rollback) {
                Ok(_) | Err(Error::Abandoned | Error::Busy | Error::Misuse) => {}
                Err(error) => panic!("TX-1: a rollback failed: {error}"),
            }
        }
    }

    /// Runs a transaction up to its end or the first error.
    fn attempt(&mut self, statements: &[Op]) -> Result<(), (Error, bool)> {
        for (at, op) in statements.iter().enumerate() {
            self.run(op).map_err(|error| (error, at + 1 == statements.len()))?;
        }
        Ok(())
    }

    /// Runs a transaction until it commits, is given up, or has been refused too often.
    fn transaction(&mut self, statements: &[Op], tries_max: u32) -> Option<Known> {
        for _ in 0..tries_max {
            match self.attempt(statements) {
                Ok(()) => return Some(Known::Committed),
                Err((Error::Abandoned, true)) => {
                    let open = self.connection.in_transaction();
                    self.undo();
                    // A transaction that is still open has not committed.
                    return (!open).then_some(Known::Perhaps);
                }
                Err((Error::Busy | Error::BusySnapshot | Error::Protocol | Error::Abandoned, _)) => self.undo(),
                Err((error, _)) => panic!("TX-2: a statement failed: {error}"),
            }
            yield_now();
        }
        None
    }

    /// Drops the connection in the middle of a transaction that has written, and opens another one.
    fn drop_connection(&mut self, statements: &[Op]) {
        let unfinished = &statements[..statements.len() - 1];
        let _ = self.attempt(unfinished);
        self.connection.give_up_all();
        self.connection.submit(0, Op::Drop);
        self.finish(Patience::ToTheEnd).unwrap_or_else(|error| panic!("TX-1: a drop failed: {error}"));
        self.connection = Connection::new(self.conn, Arc::clone(&self.shared));
    }
}

/// Waits like a runtime's worker: registers a waker that unparks this thread, looks, and parks.
fn wait_for(completion: &Completion) {
    let waiter = current();
    let waker = waker(move || waiter.unpark());
    while !completion.is_settled() {
        completion.set_waker(&waker);
        if !completion.is_settled() {
            park();
        }
    }
}

fn effects(statements: &[Op]) -> Vec<Effect> {
    let effect = |op: &Op| match op {
        Op::Put { key, value } => Some(Effect::Set { key: *key, value: value.to_vec() }),
        Op::Append { key, element } => Some(Effect::Appended { key: *key, element: element.to_vec() }),
        Op::Delete { key } => Some(Effect::Deleted { key: *key }),
        Op::Begin(_)
        | Op::Get { .. }
        | Op::Scan
        | Op::Count
        | Op::ChangeLayout
        | Op::Commit
        | Op::Rollback
        | Op::Savepoint
        | Op::Release { .. }
        | Op::RollbackTo { .. }
        | Op::Checkpoint(_)
        | Op::Close
        | Op::Drop => None,
    };
    if statements.last() == Some(&Op::Rollback) {
        return Vec::new();
    }
    statements.iter().filter_map(effect).collect()
}

fn pool_thread(shared: Arc<Shared>, operations: Receiver<Option<OpId>>) -> Body {
    Box::new(move || {
        while let Some(op) = operations.receive() {
            shared.disk.finish(op, Ending::Success);
        }
    })
}

/// Runs the programs to their end and returns what they leave behind.
///
/// # Panics
/// If something does not hold when all is quiet.
pub fn run(stage: &Stage, programs: Programs) -> Quiet {
    let log: Arc<EventLog> = stage.log();
    let disk = Disk::new(Arc::clone(&log), programs.sector_size, initial_database(programs.config.page_size));
    let config = Config { micro: false, planted: stage.planted, ..programs.config };
    let shared = Shared::new(config, disk, log);
    let done: Unseen<Vec<(Known, Effect)>> = Unseen::default();
    let mut setup = Connection::new(programs.clients.len() as u8, Arc::clone(&shared));
    for op in &programs.setup {
        run_alone(&mut setup, op.clone()).unwrap_or_else(|error| panic!("the setup failed: {error}"));
    }
    done.with(|done| done.extend(effects(&programs.setup).into_iter().map(|effect| (Known::Committed, effect))));
    drop(setup);
    race(bodies(&shared, &done, programs), || {});
    quiet(stage, &shared, done.with(std::mem::take))
}

/// The clients and the pool.
fn bodies(shared: &Arc<Shared>, done: &Unseen<Vec<(Known, Effect)>>, programs: Programs) -> Vec<Body> {
    let Programs { clients, io_threads, tries_max, abandon_every, drop_every, .. } = programs;
    let pool = (io_threads > 0).then(channel);
    let left = Arc::new(AtomicU32::new(clients.len() as u32));
    let mut bodies: Vec<Body> = Vec::new();
    for (conn, transactions) in (0..).zip(clients) {
        let (shared, done, left) = (Arc::clone(shared), done.clone(), Arc::clone(&left));
        let sender = pool.as_ref().map(|(sender, _)| sender.clone());
        bodies.push(Box::new(move || {
            let mut client = Client::new(conn, &shared, sender.as_ref(), abandon_every);
            for (n, statements) in (1..).zip(&transactions) {
                if let Some(known) = client.transaction(statements, tries_max) {
                    done.with(|done| done.extend(effects(statements).into_iter().map(|effect| (known, effect))));
                }
                if drop_every > 0 && u32::is_multiple_of(n, drop_every) && statements.len() > 1 {
                    client.drop_connection(statements);
                }
            }
            // The last one out ends the pool.
            if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                (0..io_threads).for_each(|_| sender.iter().for_each(|sender| sender.send(None)));
            }
        }));
    }
    bodies.extend((0..io_threads).filter_map(|_| {
        let (_, receiver) = pool.as_ref()?;
        Some(pool_thread(Arc::clone(shared), receiver.clone()))
    }));
    bodies
}

/// What must hold when nobody is under way, as far as this crate can tell.
fn quiet(stage: &Stage, shared: &Arc<Shared>, effects: Vec<(Known, Effect)>) -> Quiet {
    assert_eq!(shared.disk.in_flight(), 0, "IO-6: operations are still in flight");
    // Clients that have come to their end keep the file open.
    for lock in (0..LockId::COUNT as u8).map(LockId).filter(|lock| *lock != LockId::DATABASE) {
        assert_eq!(shared.wal.shared_holders(lock), Some(0), "WAL-4: {} is still held", lock.name());
    }
    // Whoever comes second looks at the count while the first one may be about to run the callback.
    let is_right = |kind: &EventKind| match kind {
        EventKind::Callback { runs, accepted: true, .. } => *runs == 1,
        EventKind::Callback { runs, accepted: false, .. } => *runs <= 1,
        _ => true,
    };
    let ran_once = stage.events.with(|events| events.iter().all(|event| is_right(&event.kind)));
    assert!(ran_once, "IO-1: each operation's callback runs exactly once");
    let (database, mut log) = (shared.disk.contents(FileId::Database), shared.disk.contents(FileId::Wal));
    // A commit that was given up may have left frames behind the last published one, which nobody but a recovery may see.
    let published = shared.wal.published().map_or(0, |header| header.mx_frame);
    log.truncate(32 + published as usize * (24 + shared.config.page_size));
    let mut reader = Connection::new(u8::MAX, Arc::clone(shared));
    let rows = match run_alone(&mut reader, Op::Scan) {
        Ok(Outcome::Rows(rows)) => rows,
        other => panic!("TX-2: a scan of a quiet database returned {other:?}"),
    };
    Quiet { database, log, rows, effects }
}
