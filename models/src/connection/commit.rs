//! COMMIT: stamp page 1, append the dirty pages, publish, let go of WRITE.

use std::collections::BTreeSet;

use strum::VariantNames;

use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::Continue;
use crate::pager::{GetPage, PinnedPage, mark_dirty, settle_spill};
use crate::session::{Error, Session, Turn};
use crate::table::check_size;
use crate::table::format::page1;
use crate::turn;
use crate::visits::first_state;
use crate::wal::format::be32;
use crate::wal::{AppendFrames, EndWrite};

/// Commits the write transaction under way. Without changes it writes and publishes nothing.
#[derive(Debug, Default, Hash)]
pub(super) struct Commit {
    state: State,
    has_written: bool,
}

#[derive(Debug, Default, Hash, VariantNames)]
pub(super) enum State {
    #[default]
    Begin,
    /// All changes were spilled: a commit still needs a frame to carry its mark.
    FetchFirst(GetPage),
    /// Without powersafe overwrite, copying a page into the database file may spoil its neighbours in the sector, so they
    /// go into the log too (`pagerWriteLargeSector`). The pages still to be fetched, the next one last.
    FetchNeighbours(Vec<u32>, Option<GetPage>),
    Append(Box<AppendFrames>),
    EndWrite(EndWrite),
}

impl Commit {
    /// Whether it has published anything.
    pub(super) fn has_written(&self) -> bool {
        self.has_written
    }

    /// Where it is, in words.
    pub(super) fn stage(&self) -> &'static str {
        match self.state {
            State::Begin => "commit: begin",
            State::FetchFirst(_) => "commit: fetch page 1",
            State::FetchNeighbours(..) => "commit: fetch neighbours",
            State::Append(_) => "commit: append",
            State::EndWrite(_) => "commit: end write",
        }
    }

    /// The dirty pages, with the change counter stamped if page 1 is among them.
    fn append(s: &mut Session) -> AppendFrames {
        let mut pages: Vec<PinnedPage> = s.pages.dirty_pages().collect();
        let mut database_pages = s.view.header.pages;
        if let Some(first) = pages.first().filter(|page| page.number() == 1) {
            first.write(|bytes| {
                let counter = be32(bytes, page1::CHANGE_COUNTER).wrapping_add(1).to_be_bytes();
                bytes[page1::CHANGE_COUNTER..][..4].copy_from_slice(&counter);
                bytes[page1::VERSION_VALID_FOR..][..4].copy_from_slice(&counter);
                database_pages = be32(bytes, page1::PAGES);
            });
        }
        pages.retain(|page| page.number() <= database_pages);
        AppendFrames::commit(pages, database_pages)
    }
}

impl StateTransition<Session> for Commit {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("commit") }, &self.state);
        match &mut self.state {
            State::Begin => {
                self.state = if !s.pages.has_changes() {
                    State::EndWrite(EndWrite)
                } else if s.pages.dirty_numbers().next().is_none() {
                    s.emit(EventKind::AllSpilled);
                    State::FetchFirst(GetPage::new(1))
                } else {
                    State::FetchNeighbours(neighbours(s), None)
                };
                Ok(Continue)
            }
            State::FetchFirst(get) => {
                let first = turn!(get.transition(s));
                check_size(s, &first)?;
                mark_dirty(s, &first);
                self.state = State::FetchNeighbours(neighbours(s), None);
                Ok(Continue)
            }
            State::FetchNeighbours(pages, get) => {
                if let Some(get) = get {
                    let page = turn!(get.transition(s));
                    mark_dirty(s, &page);
                }
                *get = pages.pop().map(GetPage::new);
                if get.is_none() {
                    turn!(settle_spill(s));
                    self.state = State::Append(Box::new(Self::append(s)));
                }
                Ok(Continue)
            }
            State::Append(append) => {
                turn!(append.transition(s));
                self.has_written = true;
                self.state = State::EndWrite(EndWrite);
                Ok(Continue)
            }
            State::EndWrite(end) => end.transition(s),
        }
    }
}

/// The pages that share a sector of the database file with one that the transaction has changed, if that matters.
fn neighbours(s: &Session) -> Vec<u32> {
    let per_sector = (s.shared.disk.sector_size() / s.page_size()) as u32;
    if s.shared.config.powersafe_overwrite || per_sector < 2 {
        return Vec::new();
    }
    let index = s.shared.wal.index.lock();
    let spilled = index.pages_of(s.view.base.mx_frame + 1, s.view.header.mx_frame);
    let changed: BTreeSet<u32> = spilled.chain(s.pages.dirty_numbers()).collect();
    let first_in_sector = |page: u32| (page - 1) / per_sector * per_sector + 1;
    let around = changed.iter().flat_map(|page| first_in_sector(*page)..first_in_sector(*page) + per_sector);
    let all: BTreeSet<u32> = around.filter(|page| *page <= s.view.header.pages && !changed.contains(page)).collect();
    all.into_iter().collect()
}
