//! From a log to a history, one life after the other.

use std::collections::BTreeMap;

use super::transactions::{Act, Draft, Transactions};
use super::versions::{Version, Versions, WriteId};
use super::{Entry, Life, Survivors};
use crate::history::names::RESERVED_BELOW;
use crate::history::{History, MicroOp, Names, Outcome, RegisterRead, Transaction};
use crate::parser::Rows;

/// The client that recoveries belong to; connections have lower numbers.
pub(super) const RECOVERY: u8 = 99;

/// A connection's next client has a number higher by this: one client has one transaction at a time.
const CLIENTS: u64 = 100;

/// Turns a log into a history. An entry happens at twice its place in the log, so that there is time between two.
pub(super) fn distil(entries: &[Entry]) -> History {
    let mut distiller = Distiller::default();
    let mut transactions = Transactions::default();
    let mut life = OneLife::default();
    for (at, entry) in entries.iter().enumerate() {
        transactions.note(at, entry);
        let Entry::Crash { rows, survivors, life: continuity, .. } = entry else { continue };
        life.drafts.extend(transactions.cut());
        let called = called(&entries[..at], at, *survivors);
        life.recoveries.push(Recovery { rows, called, returned: 2 * at as u64, survivors: *survivors });
        if *continuity == Life::BeginsAnew {
            let ended = std::mem::take(&mut life);
            let recovery = distiller.take(ended);
            life.begun_with = Some((recovery, rows));
        }
    }
    life.drafts.extend(transactions.cut());
    distiller.take(life);
    distiller.finish()
}

/// When a recovery is called: after everything that it must have seen.
fn called(before: &[Entry], at: usize, survivors: Survivors) -> u64 {
    let bound = match survivors {
        Survivors::All | Survivors::Unclear => return (2 * at as u64).saturating_sub(1),
        Survivors::UpTo(commit) => commit,
    };
    let is_kept = |entry: &Entry| match entry {
        Entry::Call { .. } => false,
        Entry::Return { published, .. } | Entry::Crash { published, .. } => *published <= bound,
    };
    before.iter().rposition(is_kept).map_or(0, |place| 2 * place as u64 + 1)
}

/// What was read back after a crash.
struct Recovery<'a> {
    rows: &'a Rows,
    called: u64,
    returned: u64,
    survivors: Survivors,
}

/// What happened between two losses.
#[derive(Default)]
struct OneLife<'a> {
    drafts: Vec<Draft<'a>>,
    recoveries: Vec<Recovery<'a>>,
    /// The recovery that it has begun with, by its place among the transactions, and its rows.
    begun_with: Option<(usize, &'a Rows)>,
}

/// The history as far as it is made.
#[derive(Default)]
struct Distiller {
    /// With the connection that each belongs to.
    transactions: Vec<(u8, Transaction)>,
    names: Names,
    lives: u32,
    writes: WriteId,
    /// What nobody wrote gets numbers below zero.
    garbage: i64,
}

impl Distiller {
    /// Takes one life in and gives the place of its last recovery.
    fn take(&mut self, life: OneLife<'_>) -> usize {
        let first_write = self.writes;
        let inherited = life.begun_with.iter().flat_map(|(_, rows)| rows.iter());
        let mut reader =
            Reader { distiller: self, versions: Versions::default(), keys: BTreeMap::new(), bases: BTreeMap::new() };
        for (key, value) in inherited.clone() {
            let id = reader.next_write();
            reader.versions.inherit(*key, value, id);
        }
        for act in life.drafts.iter().flat_map(|draft| &draft.acts) {
            if let Act::Write(key, change) = act {
                let id = reader.next_write();
                reader.versions.note(*key, *change, id);
            }
        }
        // The same numbers again, in the same order.
        reader.distiller.writes = first_write;
        let beginning: Vec<MicroOp> = inherited.map(|(key, _)| reader.write(*key)).collect();
        let mut made: Vec<(u8, Transaction)> = life.drafts.iter().map(|draft| reader.transaction(draft)).collect();
        made.extend(life.recoveries.iter().map(|recovery| reader.recovery(recovery)));
        for (_, transaction) in &mut made {
            transaction.ops = reader.with_bases(std::mem::take(&mut transaction.ops));
        }
        if let Some((place, _)) = life.begun_with {
            self.transactions[place].1.ops.extend(beginning);
        }
        self.transactions.extend(made);
        self.lives += 1;
        self.transactions.len().saturating_sub(1)
    }

    /// Sorts the transactions and gives each a client.
    fn finish(mut self) -> History {
        self.transactions.retain(|(_, transaction)| !transaction.ops.is_empty());
        self.transactions.sort_by_key(|(_, transaction)| transaction.invoked);
        // For each client of a connection, when it is free again.
        let mut clients: BTreeMap<u8, Vec<Option<u64>>> = BTreeMap::new();
        for (conn, transaction) in &mut self.transactions {
            let all = clients.entry(*conn).or_default();
            let is_free = |until: &Option<u64>| until.is_some_and(|until| until < transaction.invoked);
            let client = all.iter().position(is_free).unwrap_or(all.len());
            if client == all.len() {
                all.push(None);
            }
            all[client] = transaction.completed;
            transaction.process = u64::from(*conn) + CLIENTS * client as u64;
        }
        let transactions = self.transactions.into_iter().map(|(_, transaction)| transaction).collect();
        History { transactions, names: self.names }
    }
}

/// Reads the values of one life.
struct Reader<'d, 'a> {
    distiller: &'d mut Distiller,
    versions: Versions<'a>,
    /// What each key is called in the history, and whether it is a list.
    keys: BTreeMap<i64, (i64, bool)>,
    /// What each append to a register has built on, as far as somebody has seen it.
    bases: BTreeMap<WriteId, RegisterRead>,
}

impl<'a> Reader<'_, 'a> {
    fn next_write(&mut self) -> WriteId {
        self.distiller.writes += 1;
        self.distiller.writes
    }

    fn garbage(&mut self) -> i64 {
        self.distiller.garbage -= 1;
        self.distiller.garbage
    }

    /// In the first life a key has its own name.
    fn key(&mut self, key: i64) -> (i64, bool) {
        let (lives, names) = (self.distiller.lives, &mut self.distiller.names);
        *self.keys.entry(key).or_insert_with(|| {
            let name = match lives {
                0 if key >= RESERVED_BELOW => key,
                life => names.intern(&format!("\"{key}@{life}\"")),
            };
            (name, self.versions.is_list(key))
        })
    }

    fn transaction(&mut self, draft: &Draft<'a>) -> (u8, Transaction) {
        let mut ops = Vec::with_capacity(draft.acts.len());
        for act in &draft.acts {
            match act {
                Act::Write(key, _) => ops.push(self.write(*key)),
                Act::Read(key, value) => ops.extend(self.read(*key, *value)),
                Act::Scan(rows) => self.read_all(rows.iter().map(|(key, value)| (*key, value.as_slice())), &mut ops),
            }
        }
        let (invoked, completed) = (2 * draft.called as u64, draft.returned.map(|at| 2 * at as u64));
        (draft.conn, Transaction { process: 0, invoked, completed, outcome: draft.outcome, ops })
    }

    fn recovery(&mut self, recovery: &Recovery<'a>) -> (u8, Transaction) {
        let mut ops = Vec::new();
        if recovery.survivors != Survivors::Unclear {
            self.read_all(recovery.rows.iter().map(|(key, value)| (*key, value.as_slice())), &mut ops);
        }
        let (invoked, completed) = (recovery.called, Some(recovery.returned));
        (RECOVERY, Transaction { process: 0, invoked, completed, outcome: Outcome::Ok, ops })
    }

    fn write(&mut self, key: i64) -> MicroOp {
        let value = self.next_write();
        match self.key(key) {
            (key, true) => MicroOp::Append { key, element: value },
            (key, false) => MicroOp::Write { key, value },
        }
    }

    /// Reads of every row: those that are not there as well.
    fn read_all(&mut self, rows: impl Iterator<Item = (i64, &'a [u8])>, ops: &mut Vec<MicroOp>) {
        let rows: BTreeMap<i64, &[u8]> = rows.collect();
        let missing: Vec<i64> = self.versions.keys().filter(|key| !rows.contains_key(key)).collect();
        for key in missing {
            ops.extend(self.read(key, None));
        }
        for (key, value) in rows {
            ops.extend(self.read(key, Some(value)));
        }
    }

    /// A read, unless nothing can be concluded from it.
    fn read(&mut self, key: i64, value: Option<&'a [u8]>) -> Option<MicroOp> {
        match self.key(key) {
            (name, true) => {
                let elements = Some(self.elements(key, value)?);
                Some(MicroOp::ReadList { key: name, elements })
            }
            (name, false) => match self.register(key, value) {
                RegisterRead::Unknown => None,
                value => Some(MicroOp::ReadRegister { key: name, value }),
            },
        }
    }

    /// The elements of a list, the last one first until the end.
    fn elements(&mut self, key: i64, value: Option<&'a [u8]>) -> Option<Vec<i64>> {
        let mut elements = Vec::new();
        let mut version = self.versions.explain(key, value);
        loop {
            match version {
                Version::Initial => break,
                Version::Put(id) => {
                    elements.push(id);
                    break;
                }
                Version::Append(id, base) => {
                    elements.push(id);
                    version = self.versions.explain_base(key, base);
                }
                Version::Unclear => return None,
                Version::Garbage => {
                    elements.push(self.garbage());
                    break;
                }
            }
        }
        elements.reverse();
        Some(elements)
    }

    /// The version of a register. What its appends have built on is noted; somebody who tells otherwise has read what
    /// nobody wrote.
    fn register(&mut self, key: i64, value: Option<&'a [u8]>) -> RegisterRead {
        let version = self.versions.explain(key, value);
        let seen = self.seen(version);
        let mut above = version;
        while let Version::Append(id, base) = above {
            let below = self.versions.explain_base(key, base);
            let read = self.seen(below);
            match self.bases.insert(id, read) {
                Some(known) if known == read => break,
                Some(_) => return RegisterRead::Value(self.garbage()),
                None => above = below,
            }
        }
        seen
    }

    fn seen(&mut self, version: Version<'_>) -> RegisterRead {
        match version {
            Version::Initial => RegisterRead::Initial,
            Version::Put(id) | Version::Append(id, _) => RegisterRead::Value(id),
            Version::Unclear => RegisterRead::Unknown,
            Version::Garbage => RegisterRead::Value(self.garbage()),
        }
    }

    /// Puts the reads before the appends that they are part of.
    fn with_bases(&self, ops: Vec<MicroOp>) -> Vec<MicroOp> {
        let base = |op: &MicroOp| match op {
            MicroOp::Write { key, value } => {
                let value = *self.bases.get(value).filter(|base| **base != RegisterRead::Unknown)?;
                Some(MicroOp::ReadRegister { key: *key, value })
            }
            MicroOp::Append { .. } | MicroOp::ReadList { .. } | MicroOp::ReadRegister { .. } => None,
        };
        if self.bases.is_empty() {
            return ops;
        }
        ops.into_iter().flat_map(|op| base(&op).into_iter().chain([op])).collect()
    }
}
