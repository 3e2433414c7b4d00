//! Savepoints: what must be put back to undo a part of a transaction.
//!
//! Before a page is changed for the first time after a savepoint, its image goes into the subjournal; so does that of a
//! page which was dirty when the savepoint was opened and is about to be spilled, because the log is cut back to where
//! it stood then. Undoing puts images and position back and needs no I/O: frames that were written before the savepoint
//! are not written over while it is open.
//!
//! Sources: `pager.c` (`subjRequiresPage`, `pagerPlaybackSavepoint`), `wal.c` (`sqlite3WalSavepointUndo`).

use std::collections::BTreeSet;

use strum::VariantNames;

use super::page::{Page, PinnedPage};
use crate::bug::Bug;
use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::sync::Arc;
use crate::turn;
use crate::visits::first_state;
use crate::wal::{Drain, Header};

/// Images in one chunk of the subjournal.
const CHUNK: usize = 8;

/// How a page stood in the cache before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stood {
    /// As in the snapshot.
    Clean,
    /// Changed and in no frame yet.
    Dirty,
    /// Changed, and as in its unpublished frame.
    Spilled,
    /// Not in the cache: what a file holds of it is right.
    Absent,
}

#[derive(Debug, Hash)]
struct PreImage {
    page: u32,
    stood: Stood,
    bytes: Box<[u8]>,
}

#[derive(Debug, Hash)]
struct Savepoint {
    /// Images before this one are older than the savepoint.
    first_image: usize,
    journaled: BTreeSet<u32>,
    /// Where the log stood; `None` if the transaction had not read anything.
    position: Option<Header>,
}

/// The savepoints of a transaction, the outermost first, and the images that undo them.
#[derive(Debug, Default, Hash)]
pub struct Savepoints {
    open: Vec<Savepoint>,
    chunks: Vec<Vec<PreImage>>,
}

impl Savepoints {
    /// How many are open.
    pub fn depth(&self) -> u8 {
        self.open.len() as u8
    }

    fn images(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }

    fn push(&mut self, image: PreImage) {
        let full = self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK);
        if full {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks.last_mut().expect("there is a chunk with room").push(image);
    }

    fn wants(&self, page: u32) -> bool {
        self.open.iter().any(|savepoint| !savepoint.journaled.contains(&page))
    }

    fn journal(&mut self, image: PreImage) {
        self.open.iter_mut().for_each(|savepoint| {
            savepoint.journaled.insert(image.page);
        });
        self.push(image);
    }

    /// Whether an own frame may be written over in place: not if a savepoint may need what it holds.
    pub(crate) fn may_overwrite(&self, frame: u32, seq: u32) -> bool {
        let needs = |position: Header| position.seq == seq && frame <= position.mx_frame;
        !self.open.iter().filter_map(|savepoint| savepoint.position).any(needs)
    }

    /// Forgets everything: the transaction has ended.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
        self.chunks.clear();
    }

    /// Closes the savepoint at `depth` and all inside it; their changes now belong to what is around it.
    pub(crate) fn release(&mut self, depth: u8) {
        self.open.truncate(usize::from(depth));
        if self.open.is_empty() {
            self.chunks.clear();
        }
    }
}

/// Opens a savepoint inside those that are open.
pub(crate) fn open_savepoint(s: &mut Session) {
    let position = s.view.slot.map(|_| s.view.header);
    let first_image = s.savepoints.images();
    s.emit(EventKind::SavepointOpen { depth: s.savepoints.depth() });
    s.savepoints.open.push(Savepoint { first_image, journaled: BTreeSet::new(), position });
}

/// Closes the savepoint at `depth`, keeping its changes.
pub(crate) fn release_savepoint(s: &mut Session, depth: u8) {
    s.savepoints.release(depth);
    s.emit(EventKind::SavepointRelease { depth });
}

/// Keeps the image of a page that is about to be changed or spilled, if an open savepoint needs it.
pub(super) fn journal_page(s: &mut Session, page: &Page) {
    if !s.savepoints.wants(page.number()) {
        return;
    }
    let stood = if page.is_dirty() {
        Stood::Dirty
    } else if page.is_spilled() {
        Stood::Spilled
    } else {
        Stood::Clean
    };
    let bytes = page.buffer().read(|bytes| bytes.into());
    s.savepoints.journal(PreImage { page: page.number(), stood, bytes });
}

/// Keeps the image of a pinned page; see [`mark_dirty`](super::mark_dirty), which does so itself.
pub(crate) fn journal_pinned(s: &mut Session, page: &PinnedPage) {
    journal_page(s, page.page());
}

/// Notes that a page is about to be made from nothing, without its old bytes having been read.
pub(super) fn journal_absence(s: &mut Session, number: u32) {
    if s.savepoints.wants(number) {
        s.savepoints.journal(PreImage { page: number, stood: Stood::Absent, bytes: Box::default() });
    }
}

/// Puts pages, dirty list and log position back to where they were when the savepoint at `depth` was opened, which stays
/// open; those inside it are closed.
#[derive(Debug, Hash)]
pub struct UndoTo {
    depth: u8,
    state: State,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum State {
    Drain(Drain),
    Restore,
    Trim,
    Ended,
}

impl UndoTo {
    /// Undoes what was done since the savepoint at this depth, 0 for the outermost.
    pub fn new(depth: u8) -> Self {
        Self { depth, state: State::Drain(Drain::default()) }
    }

    fn restore_pages(&self, s: &mut Session) {
        s.savepoints.open.truncate(usize::from(self.depth) + 1);
        // The images stay: they are as good for the next time, and those around this savepoint may count on them.
        let first = s.savepoints.open.last().expect("the savepoint is open").first_image;
        let mut seen = BTreeSet::new();
        for image in s.savepoints.chunks.iter().flatten().skip(first) {
            if !seen.insert(image.page) {
                continue;
            }
            s.pages.remove(image.page);
            if image.stood == Stood::Absent {
                continue;
            }
            let page = Page::new(image.page, image.bytes.len());
            let (dirty, spilled) = (image.stood == Stood::Dirty, image.stood == Stood::Spilled);
            page.restore(&image.bytes, dirty, spilled);
            s.pages.insert(Arc::clone(&page), None);
            if dirty {
                s.pages.add_dirty(image.page);
            }
        }
    }

    fn restore_position(&self, s: &mut Session) {
        let position = s.savepoints.open.last().expect("the savepoint is open").position;
        let base = s.view.base;
        match position {
            Some(old) if s.planted(Bug::SavepointPositionFromOldGeneration) => {
                (s.view.header.mx_frame, s.view.header.checksum) = (old.mx_frame, old.checksum);
            }
            // If the log was restarted since, nothing of this generation is older than the savepoint.
            Some(old) if old.seq == base.seq => s.view.header = old,
            _ => s.view.header = base,
        }
        s.view.recheck = s.view.recheck.filter(|first| *first <= s.view.header.mx_frame);
    }
}

impl StateTransition<Session> for UndoTo {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("pager.undo") }, &self.state);
        match &mut self.state {
            State::Drain(drain) => {
                turn!(drain.transition(s));
                self.state = State::Restore;
                Ok(Continue)
            }
            State::Restore => {
                self.restore_pages(s);
                s.reset_allocation();
                s.note_change();
                self.state = State::Trim;
                if s.view.writing {
                    self.restore_position(s);
                }
                s.emit(EventKind::SavepointUndo { depth: self.depth, at: s.view.header.log_point() });
                Ok(Continue)
            }
            State::Trim => {
                self.state = State::Ended;
                if !s.view.writing {
                    return Ok(Continue);
                }
                s.shared.wal.index.lock().trim(s.view.header.mx_frame);
                s.pass(Site::RollbackIndex)
            }
            State::Ended => Ok(Done(())),
        }
    }
}

#[cfg(all(test, not(any(falken_loom, falken_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn the_subjournal_grows_by_chunks_and_is_emptied_with_its_last_savepoint() {
        let mut savepoints = Savepoints::default();
        for page in 0..20 {
            savepoints.push(PreImage { page, stood: Stood::Absent, bytes: Box::default() });
        }
        assert_eq!((savepoints.images(), savepoints.chunks.len()), (20, 3));
        savepoints.release(0);
        assert_eq!((savepoints.images(), savepoints.chunks.len()), (0, 0));
    }
}
