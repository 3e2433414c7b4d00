//! Every version of every page and row, by commit.

use std::collections::BTreeMap;

use falken_models::digest::digest;
use falken_models::sync::Arc;

/// A row's value.
pub type Bytes = Arc<[u8]>;
/// A key with its value, `None` if it is deleted.
pub type Row = (i64, Option<Bytes>);

/// Contents per commit.
#[derive(Clone, Debug, Default, Hash)]
pub struct Versions {
    /// For page n at n-1: (commit, digest), ascending.
    pages: Vec<Vec<(u32, u64)>>,
    /// For each key: (commit, value or deleted), ascending.
    rows: BTreeMap<i64, Vec<(u32, Option<Bytes>)>>,
}

fn newest_up_to<T>(versions: &[(u32, T)], commit: u32) -> Option<&T> {
    let after = versions.partition_point(|(number, _)| *number <= commit);
    Some(&versions[after.checked_sub(1)?].1)
}

impl Versions {
    pub(super) fn new(database: &[u8], page_size: usize) -> Self {
        Self { pages: database.chunks(page_size).map(|page| vec![(0, digest(page))]).collect(), rows: BTreeMap::new() }
    }

    pub(super) fn page_digests(&self) -> impl Iterator<Item = u64> {
        self.pages.iter().map(|versions| versions[0].1)
    }

    pub(super) fn commit(&mut self, number: u32, pages: &BTreeMap<u32, u64>, rows: Vec<Row>) {
        for (&page, &digest) in pages {
            let slot = page as usize - 1;
            if self.pages.len() <= slot {
                self.pages.resize_with(slot + 1, Vec::new);
            }
            self.pages[slot].push((number, digest));
        }
        for (key, value) in rows {
            let versions = self.rows.entry(key).or_default();
            // Of several writes of one transaction the last one stays.
            versions.pop_if(|(written, _)| *written == number);
            versions.push((number, value));
        }
    }

    /// What a commit changed.
    pub fn changes(&self, commit: u32) -> (BTreeMap<u32, u64>, Vec<Row>) {
        let in_commit = |(number, _): &&(u32, u64)| *number == commit;
        let pages = (1..).zip(&self.pages).filter_map(|(page, v)| Some((page, v.iter().rev().find(in_commit)?.1)));
        let rows = self.rows.iter().filter_map(|(key, versions)| {
            let (_, value) = versions.iter().rev().find(|(number, _)| *number == commit)?;
            Some((*key, value.clone()))
        });
        (pages.collect(), rows.collect())
    }

    /// Forgets everything after a commit.
    pub(super) fn rewind(&mut self, commit: u32) {
        self.pages.iter_mut().for_each(|versions| versions.retain(|(number, _)| *number <= commit));
        self.rows.values_mut().for_each(|versions| versions.retain(|(number, _)| *number <= commit));
    }

    /// The digest of a page in a commit; `None` if it had never been written by then.
    pub fn page(&self, page: u32, commit: u32) -> Option<u64> {
        newest_up_to(self.pages.get((page as usize).checked_sub(1)?)?, commit).copied()
    }

    /// The value of a row in a commit.
    pub fn row(&self, key: i64, commit: u32) -> Option<&Bytes> {
        newest_up_to(self.rows.get(&key)?, commit)?.as_ref()
    }

    /// All rows in a commit.
    pub fn rows(&self, commit: u32) -> impl Iterator<Item = (i64, &Bytes)> {
        self.rows.iter().filter_map(move |(key, versions)| Some((*key, newest_up_to(versions, commit)?.as_ref()?)))
    }
}
