//! Inserting or replacing one row.

use strum::VariantNames;

use super::format::{encode_record, local_len, push_varint};
use super::freelist::allocate_page;
use super::node::{self, Children};
use super::overflow::{FreeChain, chunk_len};
use super::seek::{Path, Seek};
use crate::bug::Bug;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done, Io};
use crate::pager::{PinnedPage, mark_dirty};
use crate::session::{Error, Session, Turn};
use crate::sync::Arc;
use crate::turn;
use crate::visits::first_state;

/// Stores a value under a key.
///
/// Everything that can fail for want of room is found out first; then the old chain is freed, pages are allocated, and
/// the last turn writes all of them.
#[derive(Debug, Hash)]
pub struct Put {
    key: i64,
    record: Vec<u8>,
    state: State,
    path: Option<Path>,
    /// Pages for the overflow chain, then pages for the leaves that a split adds.
    allocated: Vec<PinnedPage>,
    chain_pages: usize,
    /// How many pages to allocate in all.
    wanted: usize,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum State {
    Seek(Seek),
    FreeOld(FreeChain),
    Allocate,
    Write,
    Written,
}

impl Put {
    /// A machine that stores `value` under `key`.
    pub fn new(key: i64, value: &[u8]) -> Self {
        Self {
            key,
            record: encode_record(value),
            state: State::Seek(Seek::new(key)),
            path: None,
            allocated: Vec::new(),
            chain_pages: 0,
            wanted: 0,
        }
    }

    /// The leaf's cells with the new one in its place.
    fn new_cells(&self, page: &[u8], cell: &[u8]) -> Result<Vec<(i64, Vec<u8>)>, Error> {
        let mut cells: Vec<(i64, Vec<u8>)> = node::leaf_cells(page)?
            .iter()
            .filter(|old| old.key != self.key)
            .map(|old| (old.key, old.bytes.to_vec()))
            .collect();
        let at = cells.partition_point(|(key, _)| *key < self.key);
        cells.insert(at, (self.key, cell.to_vec()));
        Ok(cells)
    }

    /// The new cell; `overflow` is the first page of its chain (any number while only the length matters).
    fn cell(&self, page_size: usize, overflow: u32) -> Vec<u8> {
        let local = local_len(page_size, self.record.len());
        let mut cell = Vec::with_capacity(local + 16);
        push_varint(&mut cell, self.record.len() as u64);
        push_varint(&mut cell, self.key.cast_unsigned());
        cell.extend_from_slice(&self.record[..local]);
        if local < self.record.len() {
            cell.extend_from_slice(&overflow.to_be_bytes());
        }
        cell
    }

    /// Plans the write: the old chain to free and how many pages to allocate.
    fn plan(&mut self, s: &Session, path: &Path) -> Result<(u32, usize), Error> {
        let page_size = s.page_size();
        let beyond = self.record.len() - local_len(page_size, self.record.len());
        self.chain_pages = beyond.div_ceil(chunk_len(page_size));
        let (old, leaves) = path.leaf.read(|page| {
            let old = node::find_in_leaf(page, self.key)?.ok().and_then(|cell| cell.overflow);
            Ok::<_, Error>((old, split(&self.new_cells(page, &self.cell(page_size, 0))?, page_size).len()))
        })?;
        let added = match &path.parent {
            // A leaf that splits keeps its page for the last part; a root that splits keeps none.
            _ if leaves == 1 => 0,
            None => leaves,
            Some((root, _)) => {
                if !root.read(Children::read)?.has_room(page_size, leaves - 1) {
                    return Err(Error::Full);
                }
                leaves - 1
            }
        };
        Ok((old.unwrap_or(0), self.chain_pages + added))
    }

    /// Writes the chain, the leaf or leaves, and the root.
    fn write(&self, s: &mut Session, path: &Path) -> Result<(), Error> {
        let page_size = s.page_size();
        let (chain, leaves) = self.allocated.split_at(self.chain_pages);
        let local = local_len(page_size, self.record.len());
        for (i, chunk) in self.record[local..].chunks(chunk_len(page_size)).enumerate() {
            let next = chain.get(i + 1).map_or(0, PinnedPage::number);
            chain[i].write(|page| {
                page[..4].copy_from_slice(&next.to_be_bytes());
                page[4..4 + chunk.len()].copy_from_slice(chunk);
            });
        }
        let cell = self.cell(page_size, chain.first().map_or(0, PinnedPage::number));
        let cells = path.leaf.read(|page| self.new_cells(page, &cell))?;
        let parts = split(&cells, page_size);
        let fill = |page: &PinnedPage, part: &[(i64, Vec<u8>)]| {
            page.write(|bytes| node::write_leaf(bytes, part.iter().map(|(_, cell)| cell.as_slice())));
        };
        let largest = |part: &[(i64, Vec<u8>)]| part.last().expect("parts are not empty").0;
        let (last, before) = parts.split_last().expect("there is at least the new cell");
        mark_dirty(s, &path.leaf);
        if before.is_empty() {
            fill(&path.leaf, last);
            return Ok(());
        }
        for (page, part) in leaves.iter().zip(&parts) {
            fill(page, part);
        }
        let added = leaves.iter().zip(before).map(|(page, part)| (page.number(), largest(part)));
        match &path.parent {
            Some((root, position)) => {
                fill(&path.leaf, last);
                let mut children = root.read(Children::read)?;
                children.cells.splice(position..position, added);
                mark_dirty(s, root);
                root.write(|page| children.write(page));
            }
            None => {
                let right = leaves.last().expect("every part has a page").number();
                let children = Children { cells: added.collect(), right };
                path.leaf.write(|page| children.write(page));
            }
        }
        Ok(())
    }
}

/// Cuts cells into as few leaves as a left-to-right fill needs, about half full each.
fn split(cells: &[(i64, Vec<u8>)], page_size: usize) -> Vec<&[(i64, Vec<u8>)]> {
    let capacity = node::leaf_capacity(page_size);
    let len = |(_, cell): &(i64, Vec<u8>)| cell.len().max(4) + 2;
    let total: usize = cells.iter().map(len).sum();
    if total <= capacity {
        return vec![cells];
    }
    let mut parts = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (i, cell) in cells.iter().enumerate() {
        let half_full = 2 * used >= total.min(2 * capacity);
        if i > start && (used + len(cell) > capacity || half_full) {
            parts.push(&cells[start..i]);
            (start, used) = (i, 0);
        }
        used += len(cell);
    }
    parts.push(&cells[start..]);
    parts
}

impl StateTransition<Session> for Put {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("table.put") }, &self.state);
        match &mut self.state {
            State::Seek(seek) => {
                let turn = seek.transition(s)?;
                if s.planted(Bug::ReentryDoneBeforeOp)
                    && let Io(io) = turn
                {
                    self.state = State::Written;
                    return Ok(Io(io));
                }
                let path = turn!(Ok::<_, Error>(turn));
                let (old_chain, pages) = self.plan(s, &path)?;
                self.path = Some(path);
                self.wanted = pages;
                self.state = State::FreeOld(FreeChain::new(old_chain));
                Ok(Continue)
            }
            State::FreeOld(free) => {
                turn!(free.transition(s));
                self.state = State::Allocate;
                Ok(Continue)
            }
            State::Allocate => {
                if self.allocated.len() == self.wanted {
                    self.state = State::Write;
                    return Ok(Continue);
                }
                let page = turn!(allocate_page(s));
                self.allocated.push(page);
                Ok(Continue)
            }
            State::Write => {
                let path = self.path.take().expect("the leaf was found");
                self.write(s, &path)?;
                self.state = State::Written;
                Ok(Continue)
            }
            State::Written => Ok(Done(())),
        }
    }
}

/// Appends an element to the list stored under a key: a value read, written back longer, and read again.
#[derive(Debug, Hash)]
pub struct Append {
    key: i64,
    element: Arc<[u8]>,
    state: AppendState,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum AppendState {
    Get(super::Get),
    Put(Box<Put>, usize),
    /// The row is in place; what is read back must have this length.
    ReadBack(super::Get, usize),
}

impl Append {
    /// A machine that appends `element` to the value of `key`, which starts empty.
    pub fn new(key: i64, element: Arc<[u8]>) -> Self {
        Self { key, element, state: AppendState::Get(super::Get::new(key)) }
    }
}

impl StateTransition<Session> for Append {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("table.append") }, &self.state);
        match &mut self.state {
            AppendState::Get(get) => {
                let mut value = turn!(get.transition(s)).unwrap_or_default();
                value.extend_from_slice(&self.element);
                self.state = AppendState::Put(Box::new(Put::new(self.key, &value)), value.len());
                Ok(Continue)
            }
            AppendState::Put(put, len) => {
                turn!(put.transition(s));
                self.state = AppendState::ReadBack(super::Get::new(self.key), *len);
                Ok(Continue)
            }
            AppendState::ReadBack(get, len) => {
                let turn = get.transition(s)?;
                if s.planted(Bug::ReentryAppendRepeated)
                    && let Io(io) = turn
                {
                    self.state = AppendState::Get(super::Get::new(self.key));
                    return Ok(Io(io));
                }
                match turn!(Ok::<_, Error>(turn)) {
                    Some(value) if value.len() == *len => Ok(Done(())),
                    _ => Err(Error::Corrupt("an appended row does not read back")),
                }
            }
        }
    }
}
