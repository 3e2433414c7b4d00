//! The engine as a subject: statements are stepped one at a time, as the run loop says.

use std::num::NonZero;
use std::sync::Arc;

use falken_harness::parser::Rows;
use falken_harness::scenario::Journal;
use falken_harness::subject::{Internals, Subject};
use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::digest::mix;
use falken_models::disk::{Disk, Ending, FileId, Request};
use falken_models::event::{Actor, EventKind, EventLog};
use falken_models::io::{Completion, IOCompletions, IOResult};
use falken_models::session::{Config, Error, STATEMENT_SLOTS};
use turso_core::{Connection, Database, IO, LimboError, MemoryIO, Statement, StepResult};

use crate::bell::Bell;
use crate::engine;
use crate::io::{DiskIo, Handle};
use crate::sql::{self, Columns};

/// A process that runs the engine.
pub struct Turso {
    journal: Journal,
    config: Config,
    disk: Arc<Disk>,
    side: Arc<MemoryIO>,
    log: Arc<EventLog>,
    lives: u64,
    life: Option<Life>,
}

/// What a crash takes away. Statements go before their connections, and connections before the database.
struct Life {
    connections: Vec<Option<Conn>>,
    database: Arc<Database>,
    io: Arc<DiskIo>,
}

struct Conn {
    slots: [Slot; STATEMENT_SLOTS],
    handle: Arc<Connection>,
    journal: Journal,
    /// How many savepoints are open: they are named by their depth.
    savepoints: u8,
}

#[derive(Default)]
struct Slot {
    running: Option<Running>,
    bell: Bell,
    awaited: Option<IOCompletions>,
}

struct Running {
    op: Op,
    /// Prepared by the first step.
    statement: Option<Statement>,
    rows: Vec<Columns>,
    is_given_up: bool,
}

impl Turso {
    /// A process that has not opened the database yet.
    pub fn new(journal: Journal, config: Config, disk: Arc<Disk>, log: Arc<EventLog>) -> Self {
        Self { journal, config, disk, side: Arc::new(MemoryIO::new()), log, lives: 0, life: None }
    }

    fn life(&mut self) -> &mut Life {
        self.life.as_mut().expect("the database is open")
    }

    fn conn(&mut self, conn: u8) -> &mut Conn {
        self.life().connections[usize::from(conn)].as_mut().expect("the connection is open")
    }

    /// Gives the database its journal, durably: what a crash leaves of that is not what runs are about.
    fn prepare(&self, database: &Arc<Database>) {
        if self.journal.is_wal() {
            return;
        }
        engine::switch(database, self.journal).unwrap_or_else(|error| panic!("FILES: cannot set the journal: {error}"));
        for file in FileId::ALL {
            let synced = self.disk.submit(0, Request::Sync { file }, Completion::new_sync(|_| {}));
            self.disk.finish(synced.expect("nothing is refused yet").op, Ending::Success);
        }
    }
}

impl Drop for Turso {
    fn drop(&mut self) {
        self.crash();
        // A run that has failed leaves operations in flight. They hold the I/O that holds the disk that holds them.
        self.disk.crash_process(&mut |_, _| 0);
    }
}

impl Subject for Turso {
    fn open(&mut self) {
        self.lives += 1;
        let seed = mix(self.config.salt_seed, self.lives);
        let io = DiskIo::new(Arc::clone(&self.disk), Arc::clone(&self.side), self.journal, seed);
        let handle: Arc<dyn IO> = Arc::new(Handle(Arc::clone(&io)));
        let database = engine::open(&handle).unwrap_or_else(|error| panic!("FILES: cannot open the database: {error}"));
        if self.lives == 1 {
            self.prepare(&database);
        }
        self.life = Some(Life { connections: Vec::new(), database, io });
    }

    fn connect(&mut self, conn: u8) {
        let (journal, config) = (self.journal, self.config);
        let life = self.life();
        life.io.enter(conn);
        let handle = engine::connect(&life.database, journal, &config);
        let handle = handle.unwrap_or_else(|error| panic!("FILES: cannot connect: {error}"));
        let slot = usize::from(conn);
        if life.connections.len() <= slot {
            life.connections.resize_with(slot + 1, || None);
        }
        life.connections[slot] = Some(Conn { slots: Default::default(), handle, journal, savepoints: 0 });
    }

    fn submit(&mut self, id: StatementId, op: Op) {
        let event = EventKind::StatementBegin { slot: id.slot, kind: op.kind(), key: op.key() };
        self.log.push(Actor::Conn(id.conn), event);
        let slot = &mut self.conn(id.conn).slots[usize::from(id.slot)];
        slot.running = Some(Running { op, statement: None, rows: Vec::new(), is_given_up: false });
        slot.awaited = None;
    }

    fn step(&mut self, id: StatementId) -> Result<IOResult<Outcome>, Error> {
        let Life { connections, io, .. } = self.life();
        io.enter(id.conn);
        let conn = connections[usize::from(id.conn)].as_mut().expect("the connection is open");
        let (kind, result) = conn.step(id.slot, io);
        let slot = &mut conn.slots[usize::from(id.slot)];
        let result = match result {
            Ok(IOResult::IO(awaited)) => {
                slot.awaited = Some(awaited.clone());
                return Ok(IOResult::IO(awaited));
            }
            ended => ended,
        };
        (slot.running, slot.awaited) = (None, None);
        if conn.handle.get_auto_commit() {
            conn.savepoints = 0;
        }
        let gone = kind.is_none();
        if gone {
            connections[usize::from(id.conn)] = None;
        }
        let kind = kind.unwrap_or(falken_models::event::StatementKind::Drop);
        self.log.push(Actor::Conn(id.conn), EventKind::StatementEnd { slot: id.slot, kind, ok: result.is_ok() });
        result
    }

    fn awaiting(&self, id: StatementId) -> Option<&IOCompletions> {
        let conn = self.life.as_ref()?.connections.get(usize::from(id.conn))?.as_ref()?;
        conn.slots[usize::from(id.slot)].awaited.as_ref()
    }

    fn in_transaction(&self, conn: u8) -> bool {
        let conn = self.life.as_ref().and_then(|life| life.connections.get(usize::from(conn))?.as_ref());
        conn.is_some_and(|conn| !conn.handle.get_auto_commit())
    }

    fn abandon(&mut self, id: StatementId) {
        self.log.push(Actor::Conn(id.conn), EventKind::Abandon { dropped: false });
        self.conn(id.conn).give_up(id.slot);
    }

    fn interrupt(&mut self, conn: u8) {
        self.log.push(Actor::Conn(conn), EventKind::Interrupt);
        self.conn(conn).handle.interrupt();
    }

    fn give_up_all(&mut self, conn: u8) {
        self.log.push(Actor::Conn(conn), EventKind::Abandon { dropped: true });
        (0..STATEMENT_SLOTS as u8).for_each(|slot| self.conn(conn).give_up(slot));
    }

    fn crash(&mut self) {
        if let Some(life) = self.life.take() {
            life.io.die();
        }
    }

    fn spawn(&self, disk: Arc<Disk>, log: Arc<EventLog>) -> Self {
        Self::new(self.journal, self.config, disk, log)
    }

    fn has_sqlite_files(&self) -> bool {
        self.journal.is_wal()
    }

    fn audit(&mut self) -> Result<Option<Rows>, String> {
        let life = self.life();
        life.io.enter(0);
        let Some(conn) = life.connections.iter().flatten().next() else { return Ok(None) };
        let verdict = conn.handle.pragma_query("integrity_check").map_err(|error| error.to_string())?;
        match verdict.first().and_then(|row| row.first()).map(ToString::to_string) {
            Some(verdict) if verdict == "ok" => {}
            other => return Err(other.unwrap_or_else(|| "integrity_check returns nothing".into())),
        }
        engine::rows(&conn.handle).map(Some).map_err(|error| error.to_string())
    }

    fn inspect(&self) -> Option<Internals<'_>> {
        None
    }
}

impl Conn {
    fn give_up(&mut self, slot: u8) {
        let slot = &mut self.slots[usize::from(slot)];
        if let Some(running) = &mut slot.running {
            running.is_given_up = true;
            slot.awaited = None;
        }
    }

    /// Steps the statement in a slot. The kind of statement is missing when the connection is gone with it.
    fn step(
        &mut self,
        slot: u8,
        io: &DiskIo,
    ) -> (Option<falken_models::event::StatementKind>, Result<IOResult<Outcome>, Error>) {
        let is_alone = self.slots.iter().filter(|slot| slot.running.is_some()).count() == 1;
        let running = self.slots[usize::from(slot)].running.as_mut().expect("a statement was submitted");
        let kind = running.op.kind();
        if running.is_given_up {
            // Dropping it undoes it, and waits inside for its I/O.
            running.statement = None;
            return (Some(kind), Err(Error::Abandoned));
        }
        match running.op {
            Op::Drop => (None, Ok(IOResult::Done(Outcome::Unit))),
            Op::Close if !is_alone => (Some(kind), Err(Error::Busy)),
            Op::Close => match self.handle.close() {
                Ok(()) => (None, Ok(IOResult::Done(Outcome::Unit))),
                Err(error) => (Some(kind), Err(meant(&error, "close", io))),
            },
            _ => (Some(kind), self.step_statement(slot, io)),
        }
    }

    fn step_statement(&mut self, slot: u8, io: &DiskIo) -> Result<IOResult<Outcome>, Error> {
        let slot = &mut self.slots[usize::from(slot)];
        let running = slot.running.as_mut().expect("a statement was submitted");
        if running.statement.is_none() {
            let (sql, parameters) =
                sql::statement(&running.op, self.journal, self.savepoints).expect("only statements are stepped");
            let mut statement = self.handle.prepare(&sql).map_err(|error| meant(&error, &sql, io))?;
            for (index, value) in (1..).filter_map(NonZero::new).zip(parameters) {
                statement.bind_at(index, value).map_err(|error| meant(&error, &sql, io))?;
            }
            running.statement = Some(statement);
        }
        let statement = running.statement.as_mut().expect("it is prepared");
        let awaited = slot.bell.arm();
        let step = statement.step_with_waker(slot.bell.waker());
        let explicit = || IOCompletions::Single(Completion::new_yield());
        let result = match step {
            Ok(StepResult::IO) => return Ok(IOResult::IO(awaited)),
            Ok(StepResult::Yield | StepResult::Sleep { .. }) => return Ok(IOResult::IO(explicit())),
            Ok(StepResult::Row) => {
                running.rows.extend(statement.row().map(sql::columns));
                return Ok(IOResult::IO(explicit()));
            }
            Ok(StepResult::Done) => Ok(IOResult::Done(sql::outcome(&running.op, &running.rows, statement.n_change()))),
            Ok(StepResult::Busy) => Err(Error::Busy),
            Ok(StepResult::Interrupt) => Err(Error::Interrupted),
            Err(error) => Err(meant(&error, statement.get_sql(), io)),
        };
        running.statement = None;
        if result.is_ok() {
            self.savepoints = match running.op {
                Op::Savepoint => self.savepoints + 1,
                Op::Release { depth } => depth,
                Op::RollbackTo { depth } => depth + 1,
                _ => self.savepoints,
            };
        }
        result
    }
}

/// What an error of the engine means. One that nothing explains is a violation: panics are.
fn meant(error: &LimboError, sql: &str, io: &DiskIo) -> Error {
    match engine::error(error) {
        Some(known) => known,
        None if io.has_failed() => Error::Io(falken_models::io::CompletionError::Io),
        None => panic!("SQL: {sql}: {error}"),
    }
}
