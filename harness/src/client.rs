//! The client of one connection: what it runs next, and how it reacts to what it gets.
//!
//! A client takes its next transaction, drawn from its mix or written in its program, and submits the statements one by
//! one. After an error inside a transaction it rolls back; it does not repeat a transaction, because the next draw is as
//! good, and a program means what it says.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use falken_models::connection::{BeginKind, Op};
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
    /// The connection is being dropped; a new one follows.
    Closing,
}

/// The client of one connection.
pub struct Client {
    conn: u8,
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
    /// Drawn for ever.
    Mix { templates: Vec<OptionId>, weights: Vec<u32> },
    /// Run once: those that are still to come.
    Program(VecDeque<Vec<Op>>),
}

impl Hash for Client {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Who this is, and how much it has drawn, only name its draws; a program draws nothing.
        let Self { conn: _, source, queue, transactions, draws: _, values, phase } = self;
        match source {
            Source::Mix { .. } => (transactions, values).hash(state),
            Source::Program(left) => left.len().hash(state),
        }
        (queue, phase).hash(state);
    }
}

/// Draws of one transaction never reach into the keys of the next.
const DRAWS_PER_TRANSACTION: u64 = 1 << 16;

impl Client {
    /// The client of connection `conn`.
    ///
    /// # Panics
    /// If the scenario was not validated: then its program may not be one.
    pub fn new(conn: u8, clients: &Clients) -> Self {
        let source = if clients.program.is_empty() {
            let weight_of = |name: &&'static str| Some((*name, *clients.mix.get(*name)?));
            let named = TEMPLATES.iter().filter_map(weight_of).filter(|(_, weight)| *weight > 0);
            let (templates, weights) = named.map(|(name, weight)| (OptionId::Template(name), weight)).unzip();
            Source::Mix { templates, weights }
        } else {
            Source::Program(parse_program(&clients.program).expect("the scenario is valid").into())
        };
        Self { conn, source, queue: VecDeque::new(), transactions: 0, draws: 0, values: 0, phase: Phase::Idle }
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
            Some(Error::Abandoned) if in_transaction => {}
            Some(_) => self.wind_down(in_transaction),
        }
    }

    /// Gives up what has not begun yet; an open transaction is rolled back.
    pub fn wind_down(&mut self, in_transaction: bool) {
        self.queue.clear();
        if in_transaction {
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
        (u64::from(self.conn) << 56) + self.transactions * DRAWS_PER_TRANSACTION + self.draws
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
        1 + self.number(u64::from(self.rows.keys) - 1).cast_signed()
    }

    fn get(&mut self) -> Op {
        Op::Get { key: self.row() }
    }

    /// Values are unique, as far as their length allows, so that a read tells which write it saw.
    fn unique(&mut self, len: usize) -> Arc<[u8]> {
        self.client.values += 1;
        let label = format!("{}{}", char::from(b'a' + self.client.conn % 26), self.client.values);
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
            "checkpoint-passive" => vec![Op::Checkpoint(CheckpointMode::Passive)],
            "checkpoint-full" => vec![Op::Checkpoint(CheckpointMode::Full)],
            "checkpoint-restart" => vec![Op::Checkpoint(CheckpointMode::Restart)],
            "checkpoint-truncate" => vec![Op::Checkpoint(CheckpointMode::Truncate)],
            _ => unreachable!("scenarios name only templates of the table"),
        }
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
