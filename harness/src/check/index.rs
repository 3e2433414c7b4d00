//! A history laid out for the check: dense keys, and flat tables of writes and reads.
//!
//! Built in one pass over the history. It also settles which transactions count as committed: those that said so,
//! and those of unknown outcome whose writes a committed transaction saw. Next: `own` (what shows
//! inside one transaction), then [`lists`](super::lists) and [`registers`](super::registers).

use super::Reason;
use super::anomaly::OpRef;
use super::lookup::Lookup;
use super::own::{self, Own, Touch};
use crate::history::{History, MicroOp, Object, Outcome, RegisterRead};

/// No write, no transaction, no position.
pub(super) const NONE: u32 = u32::MAX;

/// The most transactions, operations or keys: labels of the graph pack keys into 27 bits, and every vertex and edge
/// needs a number below [`NONE`].
const SIZE_MAX: usize = 1 << 27;

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It happened.
    Committed,
    /// It did not.
    Aborted,
    /// Its outcome is unknown and nobody saw it.
    Unseen,
}

/// One write.
pub(super) struct Write {
    pub(super) txn: u32,
    pub(super) op: u32,
    pub(super) key: u32,
    pub(super) value: i64,
    /// Whether the transaction's last write of this key.
    pub(super) is_final: bool,
}

/// One read.
pub(super) struct Read {
    pub(super) txn: u32,
    pub(super) op: u32,
    pub(super) key: u32,
}

/// The tables.
pub(super) struct Index<'h> {
    pub(super) history: &'h History,
    pub(super) roles: Vec<Role>,
    /// From dense key to the history's key.
    pub(super) keys: Vec<i64>,
    pub(super) objects: Vec<Object>,
    pub(super) writes: Vec<Write>,
    pub(super) reads: Vec<Read>,
    /// Where each transaction's reads begin.
    first_read: Vec<u32>,
    /// From key and value to write.
    by_value: Lookup<(u32, i64)>,
    pub(super) own: Own,
}

impl<'h> Index<'h> {
    pub(super) fn new(history: &'h History) -> Result<Self, Reason> {
        let ops: usize = history.transactions.iter().map(|t| t.ops.len()).sum();
        if ops.max(history.transactions.len()) >= SIZE_MAX {
            return Err(Reason::TooLarge);
        }
        let mut index = Index {
            history,
            roles: Vec::with_capacity(history.transactions.len()),
            keys: Vec::new(),
            objects: Vec::new(),
            writes: Vec::with_capacity(ops / 2),
            reads: Vec::with_capacity(ops / 2),
            first_read: Vec::with_capacity(history.transactions.len() + 1),
            by_value: Lookup::with_capacity(ops / 2),
            own: Own::default(),
        };
        let mut dense = Lookup::default();
        let mut touches = Vec::new();
        for txn in 0..history.transactions.len() {
            index.add(txn, &mut dense, &mut touches)?;
        }
        index.first_read.push(as_u32(index.reads.len()));
        index.settle();
        Ok(index)
    }

    fn add(&mut self, txn: usize, dense: &mut Lookup<i64>, touches: &mut Vec<Touch>) -> Result<(), Reason> {
        let transaction = &self.history.transactions[txn];
        let returned = transaction.completed.map(|at| at >= transaction.invoked);
        if returned == Some(false) || (returned.is_none() && transaction.outcome == Outcome::Ok) {
            return Err(Reason::Clock { transaction: txn });
        }
        self.roles.push(match transaction.outcome {
            Outcome::Ok => Role::Committed,
            Outcome::Fail => Role::Aborted,
            Outcome::Info => Role::Unseen,
        });
        self.first_read.push(as_u32(self.reads.len()));
        touches.clear();
        for (place, op) in transaction.ops.iter().enumerate() {
            let key = dense.get_or_insert(op.key(), as_u32(self.keys.len()));
            if key as usize == self.keys.len() {
                self.keys.push(op.key());
                self.objects.push(op.object());
            } else if self.objects[key as usize] != op.object() {
                return Err(Reason::MixedKey { key: op.key() });
            }
            let op_place = as_u32(place);
            let touch = match op.written() {
                Some(value) => Touch::write(key, op_place, self.add_write(as_u32(txn), op_place, key, value)?),
                None => {
                    self.reads.push(Read { txn: as_u32(txn), op: op_place, key });
                    Touch::read(key, op_place, as_u32(self.reads.len() - 1))
                }
            };
            touches.push(touch);
        }
        own::look(self, txn, touches);
        Ok(())
    }

    fn add_write(&mut self, txn: u32, op: u32, key: u32, value: i64) -> Result<u32, Reason> {
        let id = as_u32(self.writes.len());
        let earlier = self.by_value.get_or_insert((key, value), id);
        if earlier != id {
            let key = self.keys[key as usize];
            let second = OpRef { transaction: txn as usize, op: op as usize };
            return Err(Reason::DuplicateWrite { key, value, first: self.write_ref(earlier), second });
        }
        self.writes.push(Write { txn, op, key, value, is_final: true });
        Ok(id)
    }

    /// Promotes transactions of unknown outcome that a committed one saw, until nothing changes.
    fn settle(&mut self) {
        if !self.roles.contains(&Role::Unseen) {
            return;
        }
        let mut queue: Vec<u32> =
            (0..as_u32(self.roles.len())).filter(|&t| self.roles[t as usize] == Role::Committed).collect();
        // The longest prefix of a list that has been looked through: a longer read looks only at the rest.
        let mut looked: Vec<&[i64]> = vec![&[]; self.keys.len()];
        while let Some(txn) = queue.pop() {
            for read in self.first_read[txn as usize]..self.first_read[txn as usize + 1] {
                let key = self.reads[read as usize].key;
                let register;
                let seen = match self.objects[key as usize] {
                    Object::Register => {
                        register = match self.register(read) {
                            RegisterRead::Value(value) => Some(value),
                            RegisterRead::Initial | RegisterRead::Unknown => None,
                        };
                        register.as_slice()
                    }
                    Object::List => {
                        let (list, known) = (self.list(read).unwrap_or_default(), looked[key as usize]);
                        if known.starts_with(list) {
                            continue;
                        }
                        let news = list.strip_prefix(known).unwrap_or(list);
                        looked[key as usize] = list;
                        news
                    }
                };
                for &value in seen {
                    let Some(write) = self.write_of(key, value) else { continue };
                    let writer = self.writes[write as usize].txn;
                    if self.roles[writer as usize] == Role::Unseen {
                        self.roles[writer as usize] = Role::Committed;
                        queue.push(writer);
                    }
                }
            }
        }
    }

    /// The write of a value.
    pub(super) fn write_of(&self, key: u32, value: i64) -> Option<u32> {
        self.by_value.get(&(key, value))
    }

    /// What a read of a list saw.
    pub(super) fn list(&self, read: u32) -> Option<&'h [i64]> {
        match self.read_op(read) {
            MicroOp::ReadList { elements, .. } => elements.as_deref(),
            MicroOp::Append { .. } | MicroOp::Write { .. } | MicroOp::ReadRegister { .. } => None,
        }
    }

    /// What a read of a register saw.
    pub(super) fn register(&self, read: u32) -> RegisterRead {
        match self.read_op(read) {
            MicroOp::ReadRegister { value, .. } => *value,
            MicroOp::Append { .. } | MicroOp::Write { .. } | MicroOp::ReadList { .. } => RegisterRead::Unknown,
        }
    }

    fn read_op(&self, read: u32) -> &'h MicroOp {
        let Read { txn, op, .. } = self.reads[read as usize];
        &self.history.transactions[txn as usize].ops[op as usize]
    }

    pub(super) fn is_committed(&self, txn: u32) -> bool {
        self.roles[txn as usize] == Role::Committed
    }

    /// The reads of committed transactions from objects of one kind.
    pub(super) fn committed_reads(&self, object: Object) -> impl Iterator<Item = (u32, &Read)> {
        let wanted = move |(_, r): &(usize, &Read)| self.is_committed(r.txn) && self.objects[r.key as usize] == object;
        self.reads.iter().enumerate().filter(wanted).map(|(id, read)| (as_u32(id), read))
    }

    /// The writes of committed transactions to objects of one kind.
    pub(super) fn committed_writes(&self, object: Object) -> impl Iterator<Item = (u32, &Write)> {
        let wanted = move |(_, w): &(usize, &Write)| self.is_committed(w.txn) && self.objects[w.key as usize] == object;
        self.writes.iter().enumerate().filter(wanted).map(|(id, write)| (as_u32(id), write))
    }

    pub(super) fn write_ref(&self, write: u32) -> OpRef {
        let Write { txn, op, .. } = self.writes[write as usize];
        OpRef { transaction: txn as usize, op: op as usize }
    }

    pub(super) fn read_ref(&self, read: u32) -> OpRef {
        let Read { txn, op, .. } = self.reads[read as usize];
        OpRef { transaction: txn as usize, op: op as usize }
    }
}

/// Sizes are checked against [`SIZE_MAX`] before anything is numbered.
pub(super) fn as_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(NONE)
}
