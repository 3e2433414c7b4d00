//! A process of the subject that is started on an image, with one connection and nobody beside it.

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::disk::{Disk, Ending, OpInfo};
use falken_models::event::{Event, EventLog};
use falken_models::io::IOResult;
use falken_models::session::Error;
use falken_models::sync::Arc;

use crate::parser::Rows;
use crate::subject::Subject;

/// The connection's number.
pub(super) const CONN: u8 = 0;

/// One process after another, each on the same disk.
pub(super) struct Process<S> {
    pub(super) disk: Arc<Disk>,
    log: Arc<EventLog>,
    subject: S,
    events: Vec<Event>,
    in_flight: Vec<OpInfo>,
}

impl<S: Subject> Process<S> {
    /// Processes of the same engine as `subject`.
    pub(super) fn like(subject: &S, sector_size: usize) -> Self {
        Self::of(sector_size, |disk, log| subject.spawn(disk, log))
    }

    /// Processes of the subject that `make` makes.
    pub(super) fn of(sector_size: usize, make: impl FnOnce(Arc<Disk>, Arc<EventLog>) -> S) -> Self {
        let log = Arc::new(EventLog::default());
        let disk = Disk::new(Arc::clone(&log), sector_size, Vec::new());
        let subject = make(Arc::clone(&disk), Arc::clone(&log));
        Self { disk, log, subject, events: Vec::new(), in_flight: Vec::new() }
    }

    /// The process that there was is gone; a new one opens the image.
    pub(super) fn start(&mut self, files: [&[u8]; 2]) {
        self.subject.crash();
        self.disk.hold(files);
        self.subject.open();
        self.subject.connect(CONN);
        self.drain();
    }

    /// Starts a statement.
    pub(super) fn submit(&mut self, op: Op) {
        self.subject.submit(StatementId::first(CONN), op);
    }

    /// Takes the statement one step further: its end, or `None` while it waits.
    pub(super) fn step(&mut self) -> Option<Result<Outcome, Error>> {
        match self.subject.step(StatementId::first(CONN)) {
            Ok(IOResult::IO(_)) => None,
            Ok(IOResult::Done(outcome)) => Some(Ok(outcome)),
            Err(error) => Some(Err(error)),
        }
    }

    /// The operations in flight, oldest first.
    pub(super) fn in_flight(&mut self) -> Vec<OpInfo> {
        let mut in_flight = std::mem::take(&mut self.in_flight);
        self.disk.list_in_flight(&mut in_flight);
        in_flight
    }

    /// Gives the storage of [`in_flight`](Self::in_flight) back.
    pub(super) fn give_back(&mut self, in_flight: Vec<OpInfo>) {
        self.in_flight = in_flight;
    }

    /// Lets an operation succeed.
    pub(super) fn finish(&self, op: OpInfo) {
        self.disk.finish(op.op, Ending::Success);
    }

    /// The events since the last call.
    pub(super) fn drain(&mut self) -> &[Event] {
        self.events.clear();
        self.log.drain_into(&mut self.events);
        &self.events
    }

    /// What the subject finds in its database.
    pub(super) fn audit(&mut self) -> Result<Option<Rows>, String> {
        self.subject.audit()
    }

    /// Runs a statement to its end; `None` if it does not come to one.
    pub(super) fn run(&mut self, op: Op) -> Option<Result<Outcome, Error>> {
        self.submit(op);
        for _ in 0..STEPS_MAX {
            if let Some(result) = self.step() {
                return Some(result);
            }
            let in_flight = self.in_flight();
            in_flight.iter().for_each(|op| self.finish(*op));
            self.give_back(in_flight);
        }
        None
    }
}

/// More steps than any statement takes when it is alone and its I/O succeeds.
pub(super) const STEPS_MAX: u32 = 1_000_000;
