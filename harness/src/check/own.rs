//! What shows inside one transaction: reads that contradict its own earlier operations, writes that it replaces
//! itself, and keys that it reads before it writes them.
//!
//! Runs once per transaction while [`index`](super::index) is built.

use super::anomaly::{Anomaly, Kind, OpRef};
use super::index::{Index, NONE};
use crate::history::{Object, RegisterRead};

/// One operation of the transaction at hand: its key, its place, and its number among all writes or reads.
#[derive(Clone, Copy)]
pub(super) struct Touch {
    key: u32,
    op: u32,
    write: u32,
    read: u32,
}

impl Touch {
    pub(super) fn write(key: u32, op: u32, write: u32) -> Self {
        Touch { key, op, write, read: NONE }
    }

    pub(super) fn read(key: u32, op: u32, read: u32) -> Self {
        Touch { key, op, write: NONE, read }
    }

    fn is_write(&self) -> bool {
        self.write != NONE
    }
}

/// What the look into single transactions gave.
#[derive(Default)]
pub(super) struct Own {
    /// Transactions that disagree with themselves. They count only if the transaction turns out committed.
    pub(super) suspects: Vec<Anomaly>,
    /// A transaction's reads of a version that it then replaced: the first such read of a key, and the first write.
    pub(super) updates: Vec<(u32, u32)>,
    /// Successive writes of one key by one transaction.
    pub(super) successive: Vec<(u32, u32)>,
}

/// Looks at one transaction.
pub(super) fn look(index: &mut Index<'_>, txn: usize, touches: &mut [Touch]) {
    if touches.len() < 2 {
        return;
    }
    touches.sort_unstable_by_key(|t| (t.key, t.op));
    for group in touches.chunk_by(|a, b| a.key == b.key) {
        if group.len() < 2 {
            continue;
        }
        note_writes(index, group);
        let contradiction = match index.objects[group[0].key as usize] {
            Object::List => list_contradiction(index, group),
            Object::Register => register_contradiction(index, group),
        };
        if let Some((place, before)) = contradiction {
            let suspect = classify(index, txn, group, place, before);
            index.own.suspects.push(suspect);
        }
    }
}

fn note_writes(index: &mut Index<'_>, group: &[Touch]) {
    let mut last_write = NONE;
    for touch in group.iter().filter(|t| t.is_write()) {
        if last_write != NONE {
            index.writes[last_write as usize].is_final = false;
            index.own.successive.push((last_write, touch.write));
        }
        last_write = touch.write;
    }
    let Some(first_write) = group.iter().position(Touch::is_write) else { return };
    let known = |t: &&Touch| match index.objects[t.key as usize] {
        Object::List => index.list(t.read).is_some(),
        Object::Register => index.register(t.read) != RegisterRead::Unknown,
    };
    if let Some(read) = group[..first_write].iter().find(known) {
        index.own.updates.push((read.read, group[first_write].write));
    }
}

/// The first read that does not follow from the operations before it, and the operation before it.
fn list_contradiction(index: &Index<'_>, group: &[Touch]) -> Option<(usize, usize)> {
    let mut base: Option<&[i64]> = None;
    let mut appended: Vec<i64> = Vec::new();
    for (place, touch) in group.iter().enumerate() {
        if touch.is_write() {
            appended.push(index.writes[touch.write as usize].value);
            continue;
        }
        let Some(list) = index.list(touch.read) else { continue };
        let agrees = match base {
            Some(base) => list.strip_prefix(base) == Some(appended.as_slice()),
            None => list.ends_with(&appended),
        };
        if !agrees || list.last().is_some_and(|&last| is_own_later(index, touch, last)) {
            return Some((place, place.saturating_sub(1)));
        }
        base = Some(list);
        appended.clear();
    }
    None
}

/// As for lists.
fn register_contradiction(index: &Index<'_>, group: &[Touch]) -> Option<(usize, usize)> {
    let mut expected: Option<RegisterRead> = None;
    for (place, touch) in group.iter().enumerate() {
        let now = if touch.is_write() {
            RegisterRead::Value(value_of(index, touch))
        } else {
            let seen = index.register(touch.read);
            if seen == RegisterRead::Unknown {
                continue;
            }
            let future = matches!(seen, RegisterRead::Value(value) if is_own_later(index, touch, value));
            if future || expected.is_some_and(|e| e != seen) {
                return Some((place, place.saturating_sub(1)));
            }
            seen
        };
        expected = Some(now);
    }
    None
}

/// Whether the read's own transaction writes the value only later.
fn is_own_later(index: &Index<'_>, read: &Touch, value: i64) -> bool {
    index.write_of(read.key, value).is_some_and(|write| {
        let write = &index.writes[write as usize];
        write.txn == index.reads[read.read as usize].txn && write.op > read.op
    })
}

fn value_of(index: &Index<'_>, touch: &Touch) -> i64 {
    index.writes[touch.write as usize].value
}

/// Names a contradiction: if the read saw a write that comes only later, that is the worse news.
fn classify(index: &Index<'_>, txn: usize, group: &[Touch], place: usize, before: usize) -> Anomaly {
    let op = |touch: &Touch| OpRef { transaction: txn, op: touch.op as usize };
    let read = &group[place];
    let saw = |value: i64| match index.objects[read.key as usize] {
        Object::List => index.list(read.read).is_some_and(|list| list.contains(&value)),
        Object::Register => index.register(read.read) == RegisterRead::Value(value),
    };
    match group[place..].iter().find(|t| t.is_write() && saw(value_of(index, t))) {
        Some(later) => Anomaly::of_ops(Kind::FutureRead, vec![op(read), op(later)]),
        None => Anomaly::of_ops(Kind::Internal, vec![op(read), op(&group[before])]),
    }
}
