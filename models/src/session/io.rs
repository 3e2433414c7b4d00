//! The disk operations of a connection: submitted, remembered until they end, cancelled.

use std::hash::{Hash, Hasher};

use super::{Error, Session};
use crate::bug::Bug;
use crate::disk::{Request, SubmitError, Ticket};
use crate::io::{Buffer, Completion, CompletionKind};
use crate::sync::{Arc, Ordering};

/// A disk operation that a connection has submitted.
pub(super) struct InFlight {
    /// Of which statement.
    slot: u8,
    /// A page of the cache is read, for whoever wants it.
    fills_page: bool,
    ticket: Ticket,
    completion: Completion,
}

impl InFlight {
    fn is_unfinished_read(&self) -> bool {
        self.completion.kind() == CompletionKind::Read && !self.completion.finished()
    }

    fn may_change_a_file(&self) -> bool {
        self.completion.kind() != CompletionKind::Read && !self.completion.finished()
    }
}

impl Hash for InFlight {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // A ticket is a name.
        let Self { slot, fills_page, ticket: _, completion } = self;
        (slot, fills_page, completion).hash(state);
    }
}

/// What became of a submission that was not refused.
pub(crate) enum Submitted {
    /// It is in flight.
    Accepted(Completion),
    /// There was no slot for it: try again after an explicit yield.
    RingFull,
    /// There was no buffer for it: the same.
    NoBuffer,
}

impl Session {
    /// Submits an operation that nobody needs a callback for.
    pub(crate) fn submit(&mut self, request: Request) -> Result<Submitted, Error> {
        if let Request::Sync { .. } | Request::SyncEntry { .. } = request {
            return self.submit_sync(request);
        }
        if let Request::Write { file, offset, buffer, from } = &request
            && self.shared.buffers.is_bounded()
        {
            let (file, offset, from) = (*file, *offset, *from);
            let Some(lent) = self.shared.buffers.take(buffer) else { return Ok(Submitted::NoBuffer) };
            return self.submit_write(Request::Write { file, offset, buffer: Arc::clone(&lent), from }, lent);
        }
        let completion = Completion::new_planted(request.completion_kind(), self.shared.config.planted, |_| {});
        self.submit_with(request, completion, false)
    }

    /// A write whose buffer comes back when the kernel is done with it, or at once if it never got it.
    fn submit_write(&mut self, request: Request, lent: Arc<Buffer>) -> Result<Submitted, Error> {
        let (pool, buffer) = (Arc::clone(&self.shared.buffers), Arc::clone(&lent));
        let freed_early = self.planted(Bug::BufferFreedInFlight);
        let give_back = move |_| {
            if !freed_early {
                pool.give_back(Arc::clone(&buffer));
            }
        };
        let completion = Completion::new_planted(CompletionKind::Write, self.shared.config.planted, give_back);
        let submitted = self.submit_with(request, completion, false);
        if freed_early || !matches!(submitted, Ok(Submitted::Accepted(_))) {
            self.shared.buffers.give_back(lent);
        }
        submitted
    }

    /// An fsync that is not accepted has no callback: whoever raised the flag lowers it.
    fn submit_sync(&mut self, request: Request) -> Result<Submitted, Error> {
        let syncing = Arc::clone(&self.syncing);
        syncing.store(1, Ordering::Release);
        let lower = move |_| syncing.store(0, Ordering::Release);
        let completion = Completion::new_planted(CompletionKind::Sync, self.shared.config.planted, lower);
        let submitted = self.submit_with(request, completion, false);
        let accepted = matches!(submitted, Ok(Submitted::Accepted(_)));
        if !accepted && !self.planted(Bug::SyncFlagStuckOnSubmitError) {
            self.syncing.store(0, Ordering::Release);
        }
        submitted
    }

    /// Whether an fsync of this connection is in flight.
    pub fn syncing(&self) -> bool {
        self.syncing.load(Ordering::Acquire) != 0
    }

    /// Submits the read of a page of the cache.
    ///
    /// # Errors
    /// The kernel refuses it: nothing has happened, and `completion` never finishes.
    pub(crate) fn submit_page_read(&mut self, request: Request, completion: Completion) -> Result<Submitted, Error> {
        self.submit_with(request, completion, true)
    }

    fn submit_with(&mut self, request: Request, completion: Completion, fills_page: bool) -> Result<Submitted, Error> {
        match self.shared.disk.submit(self.conn, request, completion.clone()) {
            Ok(ticket) => {
                if self.in_flight.len() == self.in_flight.capacity() {
                    self.in_flight.retain(|op| !op.completion.finished());
                }
                self.in_flight.push(InFlight { slot: self.slot, fills_page, ticket, completion: completion.clone() });
                Ok(Submitted::Accepted(completion))
            }
            Err(SubmitError::RingFull) => Ok(Submitted::RingFull),
            Err(SubmitError::Refused(error)) => Err(Error::Io(error)),
        }
    }

    /// An operation of the statement that is being stepped that is in flight and may still change a file.
    pub(crate) fn unfinished_write(&self) -> Option<&Completion> {
        self.in_flight.iter().find(|op| op.slot == self.slot && op.may_change_a_file()).map(|op| &op.completion)
    }

    /// Whether any operation is in flight that may still change a file, for inspection between statements.
    pub(crate) fn may_change_a_file(&self) -> bool {
        self.in_flight.iter().any(InFlight::may_change_a_file)
    }

    /// Asks the disk to cancel what the statement has submitted last and may change a file, and returns whether any of it is still in
    /// flight. What comes of it, each operation says when it ends.
    pub(crate) fn cancel_writes(&mut self) -> bool {
        if self.unfinished_write().is_none() {
            return false;
        }
        let abandons = self.planted(Bug::CancelAbortWithoutDrain);
        let mine = self.in_flight.iter().filter(|op| op.slot == self.slot);
        for op in mine.filter(|op| op.completion.kind() != CompletionKind::Read) {
            self.shared.disk.cancel(self.conn, op.ticket);
            if abandons {
                op.completion.abort();
            }
        }
        true
    }

    /// Gives up every read of a page, and every other one of the statement that is being stepped: asks the disk to cancel it
    /// and stops waiting. It may still reach its buffer, which nobody looks at any more. Beside another statement, which may
    /// wait for the same page, reads are left to end.
    pub(crate) fn give_up_reads(&mut self) {
        if !self.sibling_runs() {
            self.abort_reads();
        }
    }

    /// Gives up every read of a page because the read transaction is over. A statement that waits for its turn beside this
    /// one waits for none of them.
    pub(crate) fn give_up_reads_of_snapshot(&mut self) {
        if !self.sibling_in_transaction() {
            self.abort_reads();
        }
    }

    fn abort_reads(&mut self) {
        let reads = self.in_flight.iter().filter(|op| op.is_unfinished_read());
        for op in reads.filter(|op| op.fills_page || op.slot == self.slot) {
            self.shared.disk.cancel(self.conn, op.ticket);
            op.completion.abort();
        }
    }

    /// Whether a read goes on that no read transaction protects: what it reads may be written over. For inspection when no
    /// statement is under way.
    pub(crate) fn reads_without_snapshot(&self) -> bool {
        self.view.slot.is_none() && self.in_flight.iter().any(|op| op.fills_page && op.is_unfinished_read())
    }
}
