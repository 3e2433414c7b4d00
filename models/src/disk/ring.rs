//! The ring of operations in flight: a fixed number of slots, whose ids are used again.

use thiserror::Error;

use super::OpId;
use crate::io::CompletionError;

/// A place in the ring. Free again, and given to the next submission, as soon as its operation has been reaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u16);

/// What names one accepted submission: its slot alone may be another one's by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The operation.
    pub op: OpId,
    /// Where it is in the ring.
    pub slot: SlotId,
}

/// Why an operation was not accepted. It has left no trace, and its callback never runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// Every slot is taken: try again when one of the operations in flight has finished.
    #[error("no free slot in the ring")]
    RingFull,
    /// The kernel does not want it.
    #[error("refused at submit: {0}")]
    Refused(CompletionError),
}

/// What came of asking the kernel to cancel an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CancelOutcome {
    /// It had ended before it was asked for.
    AlreadyDone,
    /// It came too late: the operation ended as it would have, well or badly.
    CompletedAnyway,
    /// The operation was stopped after a part of it.
    Partial,
    /// The operation has done nothing.
    Cancelled,
}

impl CancelOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::AlreadyDone, Self::CompletedAnyway, Self::Partial, Self::Cancelled];

    /// The outcome's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AlreadyDone => "already-done",
            Self::CompletedAnyway => "completed-anyway",
            Self::Partial => "partial",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Hands out slots. The one that was free last is handed out first, so that ids come back as soon as they can.
#[derive(Debug)]
pub(super) struct Ring {
    free: Vec<SlotId>,
    /// Slots that have never been used, from here on.
    fresh: u16,
    most: u16,
}

impl Ring {
    /// A ring of `slots` slots, or of as many as are wanted.
    pub(super) fn new(slots: Option<u16>) -> Self {
        Self { free: Vec::new(), fresh: 0, most: slots.unwrap_or(u16::MAX) }
    }

    pub(super) fn take(&mut self) -> Option<SlotId> {
        self.free.pop().or_else(|| {
            let slot = SlotId(self.fresh);
            (self.fresh < self.most).then(|| self.fresh += 1).map(|()| slot)
        })
    }

    pub(super) fn give_back(&mut self, slot: SlotId) {
        self.free.push(slot);
    }
}
