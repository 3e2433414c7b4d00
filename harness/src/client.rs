//! The client of one statement slot: what it runs next, and how it reacts to what it gets.
//!
//! A client takes its next transaction, drawn from its mix or written in its program, and submits the statements one by
//! one. After an error inside a transaction it rolls back; it does not repeat a transaction, because the next draw is as
//! good, and a program means what it says.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use falken_models::connection::{BeginKind, Op, StatementId};
use falken_models::session::Error;
use falken_models::sync::Arc;
use falken_models::wal::CheckpointMode;

use crate::choice::{Choice, Chooser, Kind, OptionId};
use crate::scenario::program::{labelled_value, parse_program};
use crate::scenario::{Clients, Rows, TEMPLATES};

/// What a client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Between statements.
    Idle,
    /// A statement is under way.
    Running,
    /// The connection is being dropped, and this statement has not ended yet.
    Closing,
    /// The connection is being dropped; a new one follows.
    Closed,
}

/// The client of one statement slot of a connection.
pub struct Client {
    /// The slot.
    pub id: StatementId,
    source: Source,
    /// Statements that are still to come in this transaction.
    queue: VecDeque<Op>,
    /// How many transactions have been taken.
    transactions: u64,
    /// How many values have been drawn in this transaction.
    draws: u64,
    /// How many values have been made.
    values: u64,
    /// What it is doing.
    pub phase: Phase,
}

/// Where transactions come from.
enum Source {
    /// Nothing: the slot is not used.
    Nothing,
    /// Drawn for ever.
    Mix { templates: Vec<OptionId>, weights: Vec<u32> },
    /// Run once: those that are still to come.
    Program(VecDeque<Vec<Op>>),
}

impl Hash for Client {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Who this is, and how much it has drawn, only name its draws; a program draws nothing.
        let Self { id: _, source, queue, transactions, draws: _, values, phase } = self;
        match source {
            Source::Nothing => {}
            Source::Mix { .. } => (transactions, values).hash(state),
            Source::Program(left) => left.len().hash(state),
        }
        (queue, phase).hash(state);
    }
}

/// Draws of one transaction never reach into the keys of the next.
const DRAWS_PER_TRANSACTION: u64 = 1 << 16;

impl Client {
    /// The client of a slot.
    ///
    /// # Panics
    /// If the scenario was not validated: then its program may not be one.
    pub fn new(id: StatementId, clients: &Clients) -> Self {
        let (mix, program) = match id.slot {
            0 => (&clients.mix, &clients.program),
            _ => (&clients.beside, &clients.beside_program),
        };
        let source = if program.is_empty() && mix.is_empty() {
            Source::Nothing
        } else if program.is_empty() {
            let weight_of = |name: &&'static str| Some((*name, *mix.get(*name)?));
            let named = TEMPLATES.iter().filter_map(weight_of).filter(|(_, weight)| *weight > 0);
            let (templates, weights) = named.map(|(name, weight)| (OptionId::Template(name), weight)).unzip();
            Source::Mix { templates, weights }
        } else {
            Source::Program(parse_program(program).expect("the scenario is valid").into())
        };
        Self { id, source, queue: VecDeque::new(), transactions: 0, draws: 0, values: 0, phase: Phase::Idle }
    }

    /// Forgets the transaction under way: its connection or process is gone.
    pub fn reset(&mut self) {
        self.queue.clear();
        self.phase = Phase::Idle;
    }

    /// A statement has ended. If it failed, the rest of its transaction is given up, and rolled back if it is still open;
    /// but a client that only abandoned a statement goes on with its transaction, which must be whole.
    pub fn ended(&mut self, error: Option<Error>, in_transaction: bool) {
        self.phase = Phase::Idle;
        match error {
            None => {}
            Some(Error::Abandoned | Error::Interrupted) if in_transaction => {}
            Some(_) => self.wind_down(in_transaction),
        }
    }

    /// Gives up what has not begun yet; an open transaction is rolled back by the client of the first slot.
    pub fn wind_down(&mut self, in_transaction: bool) {
        self.queue.clear();
        if in_transaction && self.id.slot == 0 {
            self.queue.push_back(Op::Rollback);
        }
    }

    /// Whether statements are waiting to be submitted.
    pub fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether there are transactions to take: a mix never ends, a program does.
    pub fn has_more(&self) -> bool {
        match &self.source {
            Source::Nothing => false,
            Source::Mix { .. } => true,
            Source::Program(left) => !left.is_empty(),
        }
    }

    /// Makes the client run exactly these statements next.
    pub fn enqueue(&mut self, ops: impl IntoIterator<Item = Op>) {
        self.queue.extend(ops);
    }

    /// The next queued statement.
    pub fn next_queued(&mut self) -> Option<Op> {
        self.queue.pop_front()
    }

    /// Takes the next transaction into the queue.
    pub fn take(&mut self, chooser: &mut Chooser, rows: &Rows) {
        self.transactions += 1;
        self.draws = 0;
        let key = self.key();
        let name = match &mut self.source {
            Source::Nothing => return,
            Source::Program(left) => return self.queue.extend(left.pop_front().into_iter().flatten()),
            Source::Mix { templates, weights } => {
                let choice =
                    Choice { kind: Kind::Operation, key, options: templates, weights, standing: &[], events: 0 };
                let OptionId::Template(name) = templates[chooser.choose(&choice)] else { return };
                name
            }
        };
        let mut draw = Draw { client: self, chooser, rows };
        let ops = draw.transaction(name);
        self.queue.extend(ops);
    }

    fn key(&self) -> u64 {
        let StatementId { conn, slot } = self.id;
        (u64::from(conn) << 56) + (u64::from(slot) << 55) + self.transactions * DRAWS_PER_TRANSACTION + self.draws
    }
}

struct Draw<'a> {
    client: &'a mut Client,
    chooser: &'a mut Chooser,
    rows: &'a Rows,
}

impl Draw<'_> {
    fn number(&mut self, most: u64) -> u64 {
        self.client.draws += 1;
        self.chooser.number(Kind::Value, self.client.key(), most)
    }

    fn row(&mut self) -> i64 {
        let nth = self.number(u64::from(self.rows.keys) - 1).cast_signed();
        self.rows.first_key + nth * i64::from(self.rows.key_stride)
    }

    fn get(&mut self) -> Op {
        Op::Get { key: self.row() }
    }

    /// Values are unique, as far as their length allows, so that a read tells which write it saw.
    fn unique(&mut self, len: usize) -> Arc<[u8]> {
        self.client.values += 1;
        let StatementId { conn, slot } = self.client.id;
        let letter = if slot == 0 { b'a' } else { b'A' } + conn % 26;
        let label = format!("{}{}", char::from(letter), self.client.values);
        labelled_value(&label, len).into()
    }

    fn put(&mut self) -> Op {
        let key = self.row();
        let len = self.number(u64::from(self.rows.value_bytes_max)) as usize;
        Op::Put { key, value: self.unique(len) }
    }

    fn append(&mut self) -> Op {
        let key = self.row();
        Op::Append { key, element: self.unique(8) }
    }

    fn append_or_get(&mut self) -> Op {
        if self.number(1) == 0 { self.append() } else { self.get() }
    }

    fn delete(&mut self) -> Op {
        Op::Delete { key: self.row() }
    }

    fn write(&mut self) -> Op {
        match self.number(5) {
            0..=2 => self.put(),
            3 => self.append(),
            4 => self.delete(),
            _ => self.get(),
        }
    }

    fn change_layout_or_use_it(&mut self) -> Op {
        match self.number(2) {
            0 => Op::ChangeLayout,
            1 => self.write(),
            _ => self.get(),
        }
    }

    fn transaction(&mut self, name: &str) -> Vec<Op> {
        match name {
            "get" => vec![self.get()],
            "scan" => vec![Op::Scan],
            "count" => vec![Op::Count],
            "put" => vec![self.put()],
            "append" => vec![self.append()],
            "delete" => vec![self.delete()],
            "read-tx" => self.statements(BeginKind::Deferred, Self::get, &[Op::Commit]),
            "write-tx" => {
                self.statements(BeginKind::Deferred, Self::write, &[Op::Commit, Op::Commit, Op::Commit, Op::Rollback])
            }
            "immediate-tx" => {
                self.statements(BeginKind::Immediate, Self::write, &[Op::Commit, Op::Commit, Op::Commit, Op::Rollback])
            }
            "append-tx" => {
                self.statements(BeginKind::Deferred, Self::append_or_get, &[Op::Commit, Op::Commit, Op::Rollback])
            }
            "change-layout" => vec![Op::ChangeLayout],
            "layout-tx" => {
                self.statements(BeginKind::Immediate, Self::change_layout_or_use_it, &[Op::Commit, Op::Rollback])
            }
            "savepoint-tx" => self.savepoint_transaction(Self::write),
            "layout-savepoint-tx" => self.savepoint_transaction(Self::change_layout_or_use_it),
            "close" => vec![Op::Close],
            "checkpoint-passive" => vec![Op::Checkpoint(CheckpointMode::Passive)],
            "checkpoint-full" => vec![Op::Checkpoint(CheckpointMode::Full)],
            "checkpoint-restart" => vec![Op::Checkpoint(CheckpointMode::Restart)],
            "checkpoint-truncate" => vec![Op::Checkpoint(CheckpointMode::Truncate)],
            _ => unreachable!("scenarios name only templates of the table"),
        }
    }

    /// Statements with savepoints among them: opened, released, rolled back to, nested.
    fn savepoint_transaction(&mut self, statement: fn(&mut Self) -> Op) -> Vec<Op> {
        let mut ops = match self.number(3) {
            0 => vec![Op::Begin(BeginKind::Immediate)],
            // The outermost savepoint opens the transaction, before anything is read or written.
            1 => vec![Op::Savepoint],
            _ => vec![Op::Begin(BeginKind::Deferred)],
        };
        let opened_by_savepoint = ops == [Op::Savepoint];
        let least = u8::from(opened_by_savepoint);
        let mut depth = least;
        for _ in 0..2 + self.number(2 * u64::from(self.rows.statements_max)) {
            let inner = |draw: &mut Self| draw.number(u64::from(depth) - 1) as u8;
            let op = match self.number(7) {
                0 | 1 => Op::Savepoint,
                2 if depth > least => Op::Release { depth: inner(self).max(least) },
                3 | 4 if depth > 0 => Op::RollbackTo { depth: inner(self) },
                _ => statement(self),
            };
            match op {
                Op::Savepoint => depth += 1,
                Op::Release { depth: to } => depth = to,
                Op::RollbackTo { depth: to } => depth = to + 1,
                _ => {}
            }
            ops.push(op);
        }
        ops.push(match self.number(3) {
            0 => Op::Rollback,
            _ if opened_by_savepoint => Op::Release { depth: 0 },
            _ => Op::Commit,
        });
        ops
    }

    fn statements(&mut self, begin: BeginKind, statement: fn(&mut Self) -> Op, ends: &[Op]) -> Vec<Op> {
        let count = 1 + self.number(u64::from(self.rows.statements_max) - 1);
        let mut ops = vec![Op::Begin(begin)];
        ops.extend((0..count).map(|_| statement(self)));
        let end = self.number(ends.len() as u64 - 1) as usize;
        ops.push(ends[end].clone());
        ops
    }
}
