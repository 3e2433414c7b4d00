//! Making room by writing a dirty page to an unpublished frame, while the statement that needs the room goes on.
//!
//! What is written is the page as it was when the spill began. If it changes before the write has ended, it stays dirty:
//! its frame holds an older version. Whoever needs more room, and every statement before it ends, waits for the spill
//! under way; there is at most one.
//!
//! The design of the tag that a change takes away, [`Page::begin_spill`], is that of Turso's spill.

use super::page::{Page, PinnedPage};
use super::savepoint::journal_page;
use crate::bug::Bug;
use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done, Io};
use crate::session::{Session, Turn};
use crate::site::Site;
use crate::sync::Arc;
use crate::wal::AppendFrames;

/// A page that is being written to an unpublished frame.
#[derive(Debug, Hash)]
pub(crate) struct Spill {
    append: AppendFrames,
    /// The slot of the statement that does it.
    slot: u8,
    /// Control was taken for the spill alone.
    took_control: bool,
}

impl Spill {
    /// Whether the statement in this slot does it.
    pub(crate) fn is_of(&self, slot: u8) -> bool {
        self.slot == slot
    }
}

/// Starts to spill a page; if another spill is under way, that one is waited for first, and may make room by itself.
///
/// The frame position is the transaction's, so a spill needs control.
pub(super) fn make_room_by_spill(s: &mut Session, victim: Arc<Page>) -> Turn<()> {
    if s.spills_itself() {
        return settle_spill(s);
    }
    let took_control = !s.has_control();
    if !s.take_control() {
        return s.give_way(Site::StatementSibling);
    }
    if !s.planted(Bug::SavepointSpillNotJournaled) {
        journal_page(s, &victim);
    }
    victim.begin_spill();
    let append = AppendFrames::spill(PinnedPage::new(victim));
    s.spill = Some(Box::new(Spill { append, slot: s.slot, took_control }));
    Ok(Continue)
}

/// A turn of the own spill, unless it only waits for its write; that is not for the caller to wait for. All else of it is
/// finished even if the statement is abandoned: it may be restarting the log, and the transaction goes on.
pub(super) fn prepare_spill(s: &mut Session) -> Option<Turn<()>> {
    let awaits_write = |s: &Session| s.spill.as_ref().is_some_and(|spill| spill.append.awaits_frames());
    if !s.spills_itself() || awaits_write(s) {
        return None;
    }
    let turn = step(s);
    Some(if awaits_write(s) { turn.map(|_on_its_way| Continue) } else { turn })
}

/// Waits for the spill of the statement that is being stepped, if there is one.
pub(crate) fn settle_spill(s: &mut Session) -> Turn<()> {
    if s.spills_itself() { step(s) } else { Ok(Done(())) }
}

/// The statement that is being stepped has failed: its spill is not waited for here. What undoes the rest waits until
/// the write can do no harm; the page stays dirty.
pub(crate) fn give_up_spill(s: &mut Session) {
    let slot = s.slot;
    if let Some(spill) = s.spill.take_if(|spill| spill.is_of(slot))
        && let Some(frame) = spill.append.unfinished_frame(s)
    {
        s.emit(EventKind::SpillGivenUp { frame });
    }
}

fn step(s: &mut Session) -> Turn<()> {
    let mut spill = s.spill.take().expect("a spill is under way");
    let turn = match spill.append.transition(s) {
        Ok(turn) => turn,
        Err(error) => {
            s.spill = Some(spill);
            return Err(error);
        }
    };
    // Parts of it say so themselves and take it back; here it holds for all but the write.
    s.mine().must_finish = !matches!(turn, Done(())) && !spill.append.awaits_frames();
    match turn {
        Done(()) if spill.took_control => s.release_control(),
        Done(()) => {}
        Continue | Io(_) => s.spill = Some(spill),
    }
    Ok(turn)
}
