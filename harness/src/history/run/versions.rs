//! Which write made the bytes that a read has seen.
//!
//! Clients make values that are unique as far as their length allows. Where two writes of a key can have made the same
//! bytes, nothing is concluded from them.

use std::collections::{BTreeMap, BTreeSet};

use super::transactions::Change;

/// A write's number, unique in its history.
pub(super) type WriteId = i64;

/// What a value turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version<'a> {
    /// Nothing was written yet.
    Initial,
    /// What a put has stored.
    Put(WriteId),
    /// What an append has left; it built on these bytes.
    Append(WriteId, &'a [u8]),
    /// Several explanations, or none that can be told.
    Unclear,
    /// What nobody wrote.
    Garbage,
}

/// Some bytes that were written, by whom if that is only one.
type Written<'a> = BTreeMap<&'a [u8], Option<WriteId>>;

/// The writes of one key.
#[derive(Default)]
struct KeyWrites<'a> {
    puts: Written<'a>,
    appends: Written<'a>,
    /// The lengths that appended elements have.
    lengths: BTreeSet<usize>,
    /// What the life has begun with, if that is more than no bytes.
    inherited: Option<WriteId>,
    has_deletes: bool,
}

/// Every write of a life.
#[derive(Default)]
pub(super) struct Versions<'a> {
    keys: BTreeMap<i64, KeyWrites<'a>>,
}

fn write_down<'a>(written: &mut Written<'a>, bytes: &'a [u8], id: WriteId) {
    written.entry(bytes).and_modify(|known| *known = None).or_insert(Some(id));
}

impl<'a> Versions<'a> {
    /// Takes a write in.
    pub(super) fn note(&mut self, key: i64, change: Change<'a>, id: WriteId) {
        let writes = self.keys.entry(key).or_default();
        match change {
            Change::Put(bytes) => write_down(&mut writes.puts, bytes, id),
            Change::Append(element) => {
                write_down(&mut writes.appends, element, id);
                writes.lengths.insert(element.len());
            }
            Change::Delete => writes.has_deletes = true,
        }
    }

    /// Takes in what a life has begun with.
    pub(super) fn inherit(&mut self, key: i64, value: &'a [u8], id: WriteId) {
        self.note(key, Change::Put(value), id);
        self.keys.entry(key).or_default().inherited = (!value.is_empty()).then_some(id);
    }

    /// The keys that were written.
    pub(super) fn keys(&self) -> impl Iterator<Item = i64> {
        self.keys.keys().copied()
    }

    /// Whether a key is a list: all of its writes were appends, on top of what the life has begun with.
    pub(super) fn is_list(&self, key: i64) -> bool {
        let Some(writes) = self.keys.get(&key) else { return false };
        !writes.appends.is_empty()
            && !writes.has_deletes
            && !writes.lengths.contains(&0)
            && writes.puts.values().all(|id| id.is_some() && *id == writes.inherited)
            && writes.appends.values().all(Option::is_some)
    }

    /// What a value of a key is.
    pub(super) fn explain(&self, key: i64, value: Option<&'a [u8]>) -> Version<'a> {
        let Some(writes) = self.keys.get(&key) else {
            return value.map_or(Version::Initial, |_| Version::Garbage);
        };
        let Some(bytes) = value else {
            return if writes.has_deletes { Version::Unclear } else { Version::Initial };
        };
        // An element of no bytes may have been appended any number of times.
        if writes.lengths.contains(&0) {
            return Version::Unclear;
        }
        let put = writes.puts.get(bytes).map(|id| id.map_or(Version::Unclear, Version::Put));
        let tails = writes.lengths.iter().filter_map(|&len| bytes.split_at_checked(bytes.len().checked_sub(len)?));
        let appended = tails.filter_map(|(base, element)| {
            let id = writes.appends.get(element)?;
            Some(id.map_or(Version::Unclear, |id| Version::Append(id, base)))
        });
        let mut all = put.into_iter().chain(appended);
        match (all.next(), all.next()) {
            (None, _) => Version::Garbage,
            (Some(only), None) => only,
            (Some(_), Some(_)) => Version::Unclear,
        }
    }

    /// What an append has built on; no bytes are a row that was not there, if no put can have stored them.
    pub(super) fn explain_base(&self, key: i64, base: &'a [u8]) -> Version<'a> {
        let may_be_stored = self.keys.get(&key).is_some_and(|writes| writes.puts.contains_key(base));
        match (base.is_empty(), may_be_stored) {
            (false, _) => self.explain(key, Some(base)),
            (true, false) => self.explain(key, None),
            (true, true) => Version::Unclear,
        }
    }
}
