//! Which pages of the database are in memory, and which of them are dirty.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use super::page::{Page, PinnedPage};
use crate::io::Completion;
use crate::sync::Arc;
use crate::wal::format::be32;

struct Resident {
    page: Arc<Page>,
    /// The read in flight, for whoever else wants the page meanwhile.
    reading: Option<Completion>,
    used: u64,
}

/// The page cache of one connection. Least recently used pages leave first; pinned, locked and dirty ones stay.
pub struct PageCache {
    /// Indexed by page number.
    slots: Vec<Option<Resident>>,
    resident: usize,
    capacity: usize,
    clock: u64,
    dirty: BTreeSet<u32>,
    /// Whether the transaction under way has written unpublished frames.
    spilled: bool,
}

impl Hash for PageCache {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The capacity never changes, and `resident` counts the slots that follow.
        let Self { slots, resident: _, capacity: _, clock: _, dirty, spilled } = self;
        let mut order: Vec<(u64, u32)> = Vec::new();
        for (number, Resident { page, reading, used }) in (0..).zip(slots).filter_map(|(n, r)| Some((n, r.as_ref()?))) {
            number.hash(state);
            page.hash(state);
            reading.hash(state);
            order.push((*used, number));
        }
        // The clock only grows, and only says which page was used before which: that order is all of it.
        order.sort_unstable();
        order.iter().for_each(|(_, number)| number.hash(state));
        dirty.hash(state);
        spilled.hash(state);
    }
}

impl PageCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { slots: Vec::new(), resident: 0, capacity, clock: 0, dirty: BTreeSet::new(), spilled: false }
    }

    fn resident(&self, number: u32) -> Option<&Resident> {
        self.slots.get(number as usize)?.as_ref()
    }

    pub(super) fn find(&mut self, number: u32) -> Option<(&Arc<Page>, Option<&Completion>)> {
        self.clock += 1;
        let clock = self.clock;
        let resident = self.slots.get_mut(number as usize)?.as_mut()?;
        resident.used = clock;
        Some((&resident.page, resident.reading.as_ref()))
    }

    pub(super) fn insert(&mut self, page: Arc<Page>, reading: Option<Completion>) {
        let slot = page.number() as usize;
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        self.clock += 1;
        let old = self.slots[slot].replace(Resident { page, reading, used: self.clock });
        self.resident += usize::from(old.is_none());
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<Arc<Page>> {
        let resident = self.slots.get_mut(number as usize)?.take()?;
        self.resident -= 1;
        self.dirty.remove(&number);
        Some(resident.page)
    }

    /// Whether a page must leave before another one can come. A page that is being spilled has its place given away.
    pub(super) fn is_full(&self, spilling: bool) -> bool {
        self.resident >= self.capacity + usize::from(spilling)
    }

    pub(super) fn is_over(&self, spilling: bool) -> bool {
        self.resident > self.capacity + usize::from(spilling)
    }

    /// The page that should leave next: the least recently used one that nobody holds, clean ones first.
    pub(super) fn victim(&self) -> Option<Arc<Page>> {
        let unused = self.slots.iter().flatten().filter(|r| r.page.pins() == 0 && !r.page.is_locked());
        unused.min_by_key(|r| (r.page.is_dirty(), r.used)).map(|r| Arc::clone(&r.page))
    }

    pub(super) fn add_dirty(&mut self, number: u32) {
        self.dirty.insert(number);
    }

    /// The pages that a commit must write, ascending.
    pub fn dirty_pages(&self) -> impl Iterator<Item = PinnedPage> {
        self.dirty.iter().filter_map(|&number| self.resident(number)).map(|r| PinnedPage::new(Arc::clone(&r.page)))
    }

    /// Whether the transaction under way has changed anything.
    pub fn has_changes(&self) -> bool {
        self.spilled || !self.dirty.is_empty()
    }

    /// The frames of `pages` are in the log; `committed` says whether the transaction is, too. A page that has changed
    /// since its spill began stays dirty, unless `any_version` will do.
    pub(crate) fn frames_written(&mut self, pages: &[PinnedPage], committed: bool, any_version: bool) {
        let as_written = |pinned: &&PinnedPage| committed || any_version || pinned.page().is_spilling();
        for pinned in pages.iter().filter(as_written) {
            pinned.page().written_to_frame(committed);
            self.dirty.remove(&pinned.number());
        }
        self.spilled = !committed;
        if committed {
            self.slots.iter().flatten().for_each(|r| r.page.forget_spill());
        }
    }

    /// Forgets every change of the transaction under way. If pages were spilled, clean ones may have been read back from
    /// unpublished frames, so everything goes.
    pub(crate) fn discard_uncommitted(&mut self) {
        if std::mem::take(&mut self.spilled) {
            return self.clear();
        }
        for number in std::mem::take(&mut self.dirty) {
            self.remove(number);
        }
    }

    /// Forgets all pages. Reads in flight finish into pages that nobody sees any more.
    pub(crate) fn clear(&mut self) {
        self.slots.iter_mut().for_each(|slot| *slot = None);
        self.resident = 0;
        self.dirty.clear();
    }

    /// A copy of a page that is the image of this frame; of any cached version of the page if `any_version` will do.
    pub(crate) fn copy_of_frame(&self, number: u32, at: (u32, [u32; 2]), any_version: bool) -> Option<Vec<u8>> {
        let page = &self.resident(number)?.page;
        let usable = page.is_image_of(at.1, at.0) || (any_version && page.is_loaded());
        usable.then(|| page.with_bytes(<[u8]>::to_vec))
    }

    /// The page count in a cached page 1.
    pub(crate) fn cached_database_pages(&self) -> Option<u32> {
        let first = self.resident(1).filter(|r| r.page.is_loaded())?;
        Some(first.page.buffer().read(|bytes| be32(bytes, 28)))
    }

    /// A page that is locked although its read has ended, for inspection.
    pub fn locked_without_read(&self) -> Option<u32> {
        let stuck = |r: &&Resident| r.page.is_locked() && r.reading.as_ref().is_none_or(Completion::finished);
        self.slots.iter().flatten().find(stuck).map(|r| r.page.number())
    }

    /// Every resident page, for inspection.
    pub fn resident_pages(&self) -> impl Iterator<Item = &Page> {
        self.slots.iter().flatten().map(|r| &*r.page)
    }

    /// The numbers on the dirty list, for inspection.
    pub fn dirty_numbers(&self) -> impl Iterator<Item = u32> {
        self.dirty.iter().copied()
    }
}
