//! Taking pages from the freelist and putting them back ("Database File Format" §1.5).
//!
//! Both machines first pin everything they need and then change it all in one turn, so that a turn that waits has
//! changed nothing.

use super::format::page1;
use crate::bug::Bug;
use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::pager::{GetPage, PinnedPage, fresh_page, journal_pinned, make_dirty, mark_dirty};
use crate::session::{Error, Session, Turn};
use crate::turn;
use crate::wal::format::be32;

pub(super) fn field(page: &PinnedPage, at: usize) -> u32 {
    page.read(|bytes| be32(bytes, at))
}

pub(super) fn set_field(page: &PinnedPage, at: usize, value: u32) {
    page.write(|bytes| bytes[at..at + 4].copy_from_slice(&value.to_be_bytes()));
}

/// In a trunk page: the next trunk, and how many leaves are listed behind it.
const TRUNK_NEXT: usize = 0;
const TRUNK_COUNT: usize = 4;

fn trunk_leaf(index: u32) -> usize {
    8 + 4 * index as usize
}

/// Pins page 1 and the first trunk page, if there is one.
#[derive(Debug, Hash)]
struct Head {
    first: Option<PinnedPage>,
    get: GetPage,
}

impl Default for Head {
    fn default() -> Self {
        Self { first: None, get: GetPage::new(1) }
    }
}

impl StateTransition<Session> for Head {
    type Output = (PinnedPage, Option<PinnedPage>);
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Self::Output> {
        let page = turn!(self.get.transition(s));
        if let Some(first) = self.first.take() {
            return Ok(Done((first, Some(page))));
        }
        check_size(s, &page)?;
        match field(&page, page1::FREELIST_HEAD) {
            0 => Ok(Done((page, None))),
            trunk => {
                self.get = GetPage::new(trunk);
                self.first = Some(page);
                Ok(Continue)
            }
        }
    }
}

/// Page 1 says how many pages there are, and so does the snapshot. A transaction that has not changed page 1 must find both
/// agree, and one that has can only have added pages: the next commit makes page 1's figure the log's (SQLite's `lockBtree`
/// refuses a page 1 that promises more than the pager has).
///
/// # Errors
///
/// `Corrupt`: they do not agree.
pub(crate) fn check_size(s: &Session, first: &PinnedPage) -> Result<(), Error> {
    let (pages, before) = (field(first, page1::PAGES), s.view.base.pages);
    let unchanged = !first.is_dirty() && s.view.header.mx_frame == s.view.base.mx_frame;
    if pages < before || unchanged && pages != before {
        return Err(Error::Corrupt("page 1 has another number of pages than the snapshot"));
    }
    Ok(())
}

/// Gives a page that nothing uses, filled with zeros and dirty: from the freelist, or at the end of the database.
#[derive(Debug, Default, Hash)]
pub(crate) struct AllocatePage {
    head: Head,
}

impl AllocatePage {
    /// Whether it has not begun.
    pub(crate) fn is_idle(&self) -> bool {
        self.head.first.is_none() && self.head.get.is_fresh()
    }
}

/// Takes the connection's allocation as far as it goes: whoever is called again after a yield goes on with it.
pub(super) fn allocate_page(s: &mut Session) -> Turn<PinnedPage> {
    let mut allocation = std::mem::take(&mut s.allocation);
    let turn = allocation.transition(s);
    if !matches!(turn, Ok(Done(_))) {
        s.allocation = allocation;
    }
    turn
}

impl StateTransition<Session> for AllocatePage {
    type Output = PinnedPage;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<PinnedPage> {
        let (first, trunk) = turn!(self.head.transition(s));
        mark_dirty(s, &first);
        let Some(trunk) = trunk else {
            let number = field(&first, page1::PAGES) + 1;
            set_field(&first, page1::PAGES, number);
            return Ok(Done(fresh_page(s, number)));
        };
        let free = field(&first, page1::FREELIST_COUNT);
        set_field(&first, page1::FREELIST_COUNT, free.checked_sub(1).ok_or(Error::Corrupt("freelist count"))?);
        let leaves = field(&trunk, TRUNK_COUNT);
        if leaves == 0 {
            let (number, next) = (trunk.number(), field(&trunk, TRUNK_NEXT));
            set_field(&first, page1::FREELIST_HEAD, next);
            s.emit(EventKind::TrunkEmptied { page: number, next });
            return Ok(Done(fresh_page(s, number)));
        }
        if trunk_leaf(leaves) > s.page_size() {
            return Err(Error::Corrupt("a freelist trunk lists more leaves than it can hold"));
        }
        let number = field(&trunk, trunk_leaf(leaves - 1));
        if number == 0 || number > field(&first, page1::PAGES) {
            return Err(Error::Corrupt("a free page beyond the end of the database"));
        }
        let journals_late = s.planted(Bug::SavepointPreimageAfterWrite);
        if journals_late {
            make_dirty(s, &trunk)
        } else {
            mark_dirty(s, &trunk)
        }
        set_field(&trunk, TRUNK_COUNT, leaves - 1);
        if journals_late {
            journal_pinned(s, &trunk);
        }
        Ok(Done(fresh_page(s, number)))
    }
}

/// Puts a page on the freelist: as a leaf of the first trunk if there is room, else as the new first trunk.
#[derive(Debug, Hash)]
pub(super) struct FreePage {
    number: u32,
    head: Head,
}

impl FreePage {
    pub(super) fn new(number: u32) -> Self {
        Self { number, head: Head::default() }
    }
}

impl StateTransition<Session> for FreePage {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        let (first, trunk) = turn!(self.head.transition(s));
        mark_dirty(s, &first);
        let free = field(&first, page1::FREELIST_COUNT);
        set_field(&first, page1::FREELIST_COUNT, free + 1);
        // SQLite leaves the last six entries of a trunk unused, for the sake of versions before 3.6.0.
        let most = s.page_size() as u32 / 4 - 8;
        match trunk {
            Some(trunk) if field(&trunk, TRUNK_COUNT) < most => {
                let leaves = field(&trunk, TRUNK_COUNT);
                mark_dirty(s, &trunk);
                set_field(&trunk, trunk_leaf(leaves), self.number);
                set_field(&trunk, TRUNK_COUNT, leaves + 1);
            }
            _ => {
                let page = fresh_page(s, self.number);
                let next = field(&first, page1::FREELIST_HEAD);
                set_field(&page, TRUNK_NEXT, next);
                s.emit(EventKind::TrunkAdded { page: self.number, next });
                set_field(&first, page1::FREELIST_HEAD, self.number);
            }
        }
        Ok(Done(()))
    }
}
