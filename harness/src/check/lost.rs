//! Lost updates: two transactions read one version of a key and both replaced it.
//!
//! Found directly and not as a cycle, because the order of the two writes may be unknown.

use super::anomaly::{Anomaly, Kind};
use super::findings::Findings;
use super::index::Index;
use super::lists::Orders;
use super::registers;
use crate::history::{Object, RegisterRead};

/// Reports one lost update for each version that several transactions replaced.
pub(super) fn judge(index: &Index<'_>, orders: &Orders, findings: &mut Findings) {
    let mut replaced = Vec::with_capacity(index.own.updates.len());
    for &(id, _) in &index.own.updates {
        let read = &index.reads[id as usize];
        if index.is_committed(read.txn)
            && let Some(version) = version(index, orders, id)
        {
            replaced.push((read.key, version, id));
        }
    }
    replaced.sort_unstable();
    for same in replaced.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        if let [(.., first), (.., second), ..] = *same {
            findings.push(Kind::LostUpdate, || {
                Anomaly::of_ops(Kind::LostUpdate, vec![index.read_ref(first), index.read_ref(second)])
            });
        }
    }
}

/// A number for the version that was read: the length of the list, or the write of the register.
fn version(index: &Index<'_>, orders: &Orders, read: u32) -> Option<usize> {
    let key = index.reads[read as usize].key;
    match index.objects[key as usize] {
        Object::List => index.list(read).filter(|list| orders.of(key).starts_with(list)).map(<[i64]>::len),
        Object::Register => match index.register(read) {
            RegisterRead::Unknown => None,
            RegisterRead::Initial => Some(registers::initial(index, key) as usize),
            RegisterRead::Value(value) => index.write_of(key, value).map(|write| write as usize),
        },
    }
}
