//! Entries of the tape: pieces of it, then single orders made simpler.
//!
//! Places in orders are absolute, so without an order its connection still gets to where the next one sends it, only later:
//! taking one away takes a context switch away.

use super::chunks;
use crate::case::Case;
use crate::choice::{OptionId, Tape, TapeEntry, Until};
use crate::shrink::Failing;

/// The case with the `index`-th thing done to its tape.
pub(super) fn candidate(best: &Failing, index: usize) -> Option<Case> {
    let entries = best.case.tape.entries();
    let without = chunks(entries.len()).map(|piece| [&entries[..piece.start], &entries[piece.end..]].concat());
    let moved = (0..entries.len()).flat_map(|at| [earlier(entries, at), to_the_end(entries, at), further(entries, at)]);
    let changed = without.chain(moved.flatten()).nth(index)?;
    Some(Case { tape: Tape::new(changed), ..best.case.clone() })
}

/// The next order for the same connection is carried out at once.
fn earlier(entries: &[TapeEntry], at: usize) -> Option<Vec<TapeEntry>> {
    let OptionId::Run { id, .. } = entries[at].id else { return None };
    let same = |entry: &TapeEntry| matches!(entry.id, OptionId::Run { id: other, .. } if other == id);
    let next = at + 1 + entries[at + 1..].iter().position(same)?;
    let mut changed = entries.to_vec();
    changed[at] = changed.remove(next);
    Some(changed)
}

/// The connection runs to the end of the statement.
fn to_the_end(entries: &[TapeEntry], at: usize) -> Option<Vec<TapeEntry>> {
    let OptionId::Run { id, until: Some(until @ Until { site: Some(_), .. }) } = entries[at].id else { return None };
    let order = OptionId::Run { id, until: Some(Until { site: None, nth: 1, ..until }) };
    Some(replaced(entries, at, order))
}

/// The connection runs as far as it goes.
fn further(entries: &[TapeEntry], at: usize) -> Option<Vec<TapeEntry>> {
    let OptionId::Run { id, until: Some(_) } = entries[at].id else { return None };
    Some(replaced(entries, at, OptionId::Run { id, until: None }))
}

fn replaced(entries: &[TapeEntry], at: usize, id: OptionId) -> Vec<TapeEntry> {
    let mut changed = entries.to_vec();
    changed[at].id = id;
    changed
}
