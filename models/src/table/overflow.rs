//! Overflow chains: reading a payload that spans pages, and freeing a chain ("Database File Format" §1.7).

use strum::VariantNames;

use super::freelist::FreePage;
use super::node::LeafCell;
use crate::bug::Bug;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done, Io};
use crate::pager::{GetPage, PinnedPage};
use crate::session::{Error, Session, Turn};
use crate::turn;
use crate::visits::first_state;
use crate::wal::format::be32;

/// Payload bytes that fit an overflow page; the first four hold the next page's number.
pub(super) fn chunk_len(page_size: usize) -> usize {
    page_size - 4
}

/// Reads the whole payload of a cell.
#[derive(Debug, Hash)]
pub(super) struct ReadPayload {
    collected: Vec<u8>,
    total: usize,
    state: ReadState,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum ReadState {
    /// Getting the next page of the chain; 0 after the last one.
    Fetch(u32, GetPage),
    /// A page's chunk is to be consumed.
    Consume(PinnedPage),
}

impl ReadState {
    fn fetch(page: u32) -> Self {
        Self::Fetch(page, GetPage::new(page))
    }
}

impl ReadPayload {
    pub(super) fn new(cell: &LeafCell<'_>) -> Self {
        let state = ReadState::fetch(cell.overflow.unwrap_or(0));
        Self { collected: cell.local.to_vec(), total: cell.payload, state }
    }

    /// Appends a page's chunk and returns the number of the next page.
    fn consume(&mut self, page: &PinnedPage) -> u32 {
        page.read(|bytes| {
            let wanted = self.total.saturating_sub(self.collected.len()).min(chunk_len(bytes.len()));
            self.collected.extend_from_slice(&bytes[4..4 + wanted]);
            be32(bytes, 0)
        })
    }
}

impl StateTransition<Session> for ReadPayload {
    type Output = Vec<u8>;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Vec<u8>> {
        s.enter(const { first_state("table.overflow.read") }, &self.state);
        match &mut self.state {
            ReadState::Fetch(0, _) => {
                if self.collected.len() != self.total {
                    return Err(Error::Corrupt("an overflow chain ends too early"));
                }
                Ok(Done(std::mem::take(&mut self.collected)))
            }
            ReadState::Fetch(_, get) => {
                self.state = ReadState::Consume(turn!(get.transition(s)));
                Ok(Continue)
            }
            ReadState::Consume(page) => {
                let page = page.clone();
                let next = self.consume(&page);
                if s.planted(Bug::ReentryOverflowChunkTwice) && next != 0 {
                    self.state = ReadState::Consume(turn!(GetPage::new(next).transition(s)));
                    return Ok(Continue);
                }
                if next != 0 && self.collected.len() == self.total {
                    return Err(Error::Corrupt("an overflow chain goes on behind its payload"));
                }
                self.state = ReadState::fetch(next);
                Ok(Continue)
            }
        }
    }
}

/// Puts every page of a chain on the freelist.
#[derive(Debug, Hash)]
pub(super) struct FreeChain {
    state: FreeState,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum FreeState {
    Fetch(u32, GetPage),
    Free(FreePage, u32),
}

impl FreeState {
    fn fetch(page: u32) -> Self {
        Self::Fetch(page, GetPage::new(page))
    }
}

impl FreeChain {
    /// A machine that frees the chain that starts at `first`; 0 is the empty chain.
    pub(super) fn new(first: u32) -> Self {
        Self { state: FreeState::fetch(first) }
    }
}

impl StateTransition<Session> for FreeChain {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("table.overflow.free") }, &self.state);
        match &mut self.state {
            FreeState::Fetch(0, _) => Ok(Done(())),
            FreeState::Fetch(number, get) => {
                let turn = get.transition(s)?;
                let next = if s.planted(Bug::ReentryReadCompletionDropped) && matches!(turn, Io(_)) {
                    0
                } else {
                    turn!(Ok::<_, Error>(turn)).read(|bytes| be32(bytes, 0))
                };
                self.state = FreeState::Free(FreePage::new(*number), next);
                Ok(Continue)
            }
            FreeState::Free(free, next) => {
                turn!(free.transition(s));
                self.state = FreeState::fetch(*next);
                Ok(Continue)
            }
        }
    }
}
