//! Moving bytes: the one machine through which every stage of an operation does its I/O.
//!
//! It hands operations to the disk as the ring has room and the pool has buffers, waits for all of them, and goes on with the rest of those that
//! moved only a part. Taking a turn of it while nothing has ended changes nothing: it gives the same wait again.
//!
//! What it is not: a page's read has a callback and other readers, so [`GetPage`](crate::pager::GetPage) submits that
//! itself, and uses [`Request::rest`] like this machine does.

use std::collections::VecDeque;
use std::fmt;

use crate::bug::Bug;
use crate::disk::Request;
use crate::event::EventKind;
use crate::io::TransitionResult::Done;
use crate::io::{Completion, CompletionError, CompletionGroup, StateTransition};
use crate::session::{Error, Session, Submitted, Turn};
use crate::site::Site;

/// Operations of one connection that are waited for together.
///
/// Fails with the first error; what is then still in flight is for the rollback to cancel and to wait for.
#[derive(Hash)]
pub(crate) struct Transfer {
    /// Where it waits.
    site: Site,
    /// Accepted, but not in the ring yet.
    queued: VecDeque<Part>,
    moving: Vec<(Part, Completion)>,
    /// Set once everything is in the ring.
    waiting: Option<Completion>,
}

/// The number of a part that needs no group.
const ALONE: u32 = u32::MAX;

#[derive(Hash)]
struct Part {
    request: Request,
    /// Parts with one number that follow each other are a group of their own.
    group: u32,
}

impl Transfer {
    /// A transfer of nothing yet, which will wait at `site`.
    pub(crate) fn new(site: Site) -> Self {
        Self { site, queued: VecDeque::new(), moving: Vec::new(), waiting: None }
    }

    /// A transfer of one operation.
    pub(crate) fn of(site: Site, request: Request) -> Self {
        let mut transfer = Self::new(site);
        transfer.push(ALONE, request);
        transfer
    }

    /// Adds an operation to group `group`.
    pub(crate) fn push(&mut self, group: u32, request: Request) {
        self.queued.push_back(Part { request, group });
    }

    /// Whether there is nothing to move.
    pub(crate) fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.moving.is_empty()
    }

    /// Whether all of it is in the ring and waited for.
    pub(crate) fn is_on_its_way(&self) -> bool {
        self.waiting.is_some()
    }

    /// Hands over what there is room for. Returns whether that was everything.
    fn hand_over(&mut self, s: &mut Session) -> Result<bool, Error> {
        while let Some(part) = self.queued.pop_front() {
            match s.submit(part.request.clone())? {
                Submitted::Accepted(completion) => self.moving.push((part, completion)),
                Submitted::RingFull => {
                    self.queued.push_front(part);
                    s.emit(EventKind::Overflow { left: self.queued.len() as u32 });
                    return Ok(false);
                }
                Submitted::NoBuffer => {
                    self.queued.push_front(part);
                    s.emit(EventKind::NoBuffer { left: self.queued.len() as u32 });
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// One completion for everything in flight.
    fn group(&self, s: &Session) -> Completion {
        if let [(Part { group: ALONE, .. }, only)] = &self.moving[..] {
            return only.clone();
        }
        let planted = s.shared.config.planted;
        let group_of = |members: &[(Part, Completion)]| {
            let mut group = CompletionGroup::new_planted(planted, |_| {});
            members.iter().for_each(|(_, member)| group.add(member));
            group.build()
        };
        let mut groups: Vec<Completion> =
            self.moving.chunk_by(|(part, _), (next, _)| part.group == next.group).map(group_of).collect();
        if groups.len() == 1 {
            return groups.remove(0);
        }
        let mut all = CompletionGroup::new_planted(planted, |_| {});
        groups.iter().for_each(|group| all.add(group));
        all.build()
    }

    /// Everything has ended well: what moved only a part goes on with the rest.
    fn continue_short(&mut self, s: &Session) -> Result<(), Error> {
        for (Part { request, group }, completion) in self.moving.drain(..) {
            let len = request.range().1;
            let moved = completion.transferred().map_or(len, i32::cast_unsigned);
            let reads = matches!(request, Request::Read { .. });
            let Some(mut rest) = request.rest(moved) else { continue };
            if moved == 0 {
                // Nothing more to read is the end of the file; a write that moves nothing never will.
                return Err(Error::Io(if reads { CompletionError::ShortRead } else { CompletionError::ShortWrite }));
            }
            if let Request::Write { from, .. } = &mut rest
                && s.planted(Bug::WriteShortResumeOffset)
            {
                *from = 0;
            }
            self.queued.push_back(Part { request: rest, group });
        }
        Ok(())
    }
}

impl StateTransition<Session> for Transfer {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        if let Some(waiting) = &self.waiting {
            if !waiting.is_settled() {
                let again = if s.planted(Bug::ReentryGroupRebuilt) { self.group(s) } else { waiting.clone() };
                return s.wait(self.site, again);
            }
            if !waiting.succeeded() {
                return Err(Error::Io(waiting.first_error().unwrap_or(CompletionError::Io)));
            }
            self.waiting = None;
            self.continue_short(s)?;
            if self.queued.is_empty() || s.planted(Bug::QueueOverflowInvisible) {
                return Ok(Done(()));
            }
        }
        let all = self.hand_over(s)?;
        let counts_overflow = !s.planted(Bug::QueueOverflowInvisible) || self.moving.is_empty();
        if !all && counts_overflow {
            return s.give_way(Site::RingFull);
        }
        let waiting = self.group(s);
        self.waiting = Some(waiting.clone());
        s.wait(self.site, waiting)
    }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, queued, moving, .. } = self;
        write!(f, "Transfer({}, {} queued, {} moving)", site.name(), queued.len(), moving.len())
    }
}
