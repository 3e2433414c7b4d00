//! What goes on with a short transfer covers its rest, exactly once, and the whole is done before anybody relies on it.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use falken_models::disk::{FileId, IoKind, IoResult, OpId};
use falken_models::event::{Actor, Event, EventKind};

use super::{Invariant, View, name};
use crate::verdict::Evidence;

/// What is left of a short transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Rest {
    file: FileId,
    io: IoKind,
    offset: u64,
    len: u32,
    /// Where in the buffer.
    from: u32,
    digest: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub struct TransferExact {
    /// Who submitted an operation in flight, and where in its buffer it began.
    in_flight: BTreeMap<OpId, (Actor, u32)>,
    rests: Vec<(Actor, Rest)>,
}

impl Hash for TransferExact {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The disk knows what is in flight, under names that do not matter.
        let Self { in_flight: _, rests } = self;
        rests.hash(state);
    }
}

impl Invariant for TransferExact {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        match event.kind {
            EventKind::Submit { op, file, io, offset, len, from, digest } => {
                self.in_flight.insert(op, (event.actor, from));
                if !self.rests.is_empty() || from > 0 {
                    return self.check_submit(event.actor, Rest { file, io, offset, len, from, digest });
                }
            }
            EventKind::Finish { op, file, io, offset, len, result, rest, .. } => {
                let Some((actor, from)) = self.in_flight.remove(&op) else { return Ok(()) };
                if let (IoKind::Read | IoKind::Write, IoResult::Ok(moved)) = (io, result)
                    && (1..len).contains(&moved)
                {
                    let (offset, from) = (offset + u64::from(moved), from + moved);
                    self.rests.push((actor, Rest { file, io, offset, len: len - moved, from, digest: rest }));
                }
            }
            EventKind::Rollback => self.forget(event.actor, FileId::Wal),
            EventKind::CheckpointBegin { .. } => self.forget(event.actor, FileId::Database),
            EventKind::Publish { commit: true, .. } => return self.check_whole(event.actor, FileId::Wal),
            EventKind::Backfill { .. } => return self.check_whole(event.actor, FileId::Database),
            EventKind::Crash { .. } => *self = Self::default(),
            _ => {}
        }
        Ok(())
    }
}

impl TransferExact {
    fn forget(&mut self, actor: Actor, file: FileId) {
        self.rests.retain(|(owner, rest)| *owner != actor || rest.file != file || rest.io == IoKind::Read);
    }

    /// A submission that starts within a rest is its continuation, and so is one that does not start at its buffer's
    /// beginning: then it must be the rest, no more and no less.
    fn check_submit(&mut self, actor: Actor, submitted: Rest) -> Result<(), Evidence> {
        let same = |(owner, rest): &(Actor, Rest)| {
            *owner == actor && (rest.file, rest.io) == (submitted.file, submitted.io)
        };
        if let Some(at) = self.rests.iter().position(|one| same(one) && one.1 == submitted) {
            self.rests.swap_remove(at);
            return Ok(());
        }
        let end = submitted.offset + u64::from(submitted.len);
        let overlapped = self.rests.iter().position(|one| {
            same(one) && submitted.offset < one.1.offset + u64::from(one.1.len) && one.1.offset < end
        });
        let goes_on = match overlapped {
            Some(at) => submitted.io == IoKind::Write && submitted.offset >= self.rests[at].1.offset,
            None => false,
        };
        if submitted.from == 0 && !goes_on {
            // It was given up and starts again from its beginning.
            overlapped.map(|at| self.rests.swap_remove(at));
            return Ok(());
        }
        let summary = format!("{} goes on with a short {} wrongly", name(actor), submitted.io.name());
        let left = overlapped.map_or("nothing".into(), |at| describe(&self.rests[at].1));
        Err(Evidence::new(summary).with("left to do", left).with("submitted", describe(&submitted)))
    }

    fn check_whole(&self, actor: Actor, file: FileId) -> Result<(), Evidence> {
        let left = self.rests.iter().find(|(owner, rest)| *owner == actor && rest.file == file && rest.io == IoKind::Write);
        match left {
            None => Ok(()),
            Some((_, rest)) => {
                let summary = format!("{} relies on a write that was short and has not been continued", name(actor));
                Err(Evidence::new(summary).with("left to do", describe(rest)))
            }
        }
    }
}

fn describe(rest: &Rest) -> String {
    let Rest { file, offset, len, from, digest, .. } = rest;
    format!("{} {offset}+{len} from byte {from} of the buffer, digest {digest:016x}", file.name())
}
