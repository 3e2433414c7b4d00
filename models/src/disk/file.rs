//! One file: what running processes see, what is durable, and the effects in between.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use super::{Ending, IoResult, Lie, Outlook, Request};
use crate::digest::digest;
use crate::io::CompletionError;

/// One effect on a file that no fsync has covered yet.
#[derive(Clone, Debug, Hash)]
pub(super) enum Effect {
    Write { offset: u64, bytes: Box<[u8]> },
    Resize { len: u64 },
}

/// A file's contents in two versions and the effects that lead from one to the other.
#[derive(Clone, Debug)]
pub(super) struct File {
    durable: Vec<u8>,
    current: Vec<u8>,
    /// Effects that no fsync will cover, older than all others: one that should have has failed, and their pages are marked
    /// clean. The platter may hold each of them or not.
    abandoned: Vec<Effect>,
    /// The effects since the durable version, in order; the first has number `first_effect`.
    unsynced: VecDeque<Effect>,
    first_effect: u64,
}

impl File {
    /// Hashes what can still matter.
    pub(super) fn hash_state<H: Hasher>(&self, outlook: Outlook, state: &mut H) {
        // Effects are numbered only to tell what an fsync covers: see `Op::hash_state`.
        let Self { durable, current, abandoned, unsynced, first_effect: _ } = self;
        current.hash(state);
        if outlook == Outlook::PowerMayFail {
            (durable, abandoned).hash(state);
            unsynced.hash(state);
        }
    }

    /// How many of the un-synced effects have a number below `before`.
    pub(super) fn effects_before(&self, before: u64) -> u64 {
        before.saturating_sub(self.first_effect)
    }

    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        Self {
            current: bytes.clone(),
            durable: bytes,
            abandoned: Vec::new(),
            unsynced: VecDeque::new(),
            first_effect: 0,
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.current.len() as u64
    }

    pub(super) fn current(&self) -> &[u8] {
        &self.current
    }

    pub(super) fn durable_bytes(&self) -> &[u8] {
        &self.durable
    }

    /// The effects that no fsync will cover.
    pub(super) fn abandoned(&self) -> &[Effect] {
        &self.abandoned
    }

    pub(super) fn unsynced(&self) -> impl Iterator<Item = &Effect> {
        self.unsynced.iter()
    }

    /// The number that the next effect will get.
    pub(super) fn next_effect(&self) -> u64 {
        self.first_effect + self.unsynced.len() as u64
    }

    /// Performs a request as far as `ending` allows. Returns the kernel's report and the digest of the moved bytes.
    pub(super) fn perform(&mut self, request: &Request, sync_before: u64, ending: Ending) -> (IoResult, u64) {
        let failed = match ending {
            Ending::Success | Ending::Short(_) | Ending::Lie(_) => None,
            Ending::Error { error, .. } | Ending::MarkedClean { error } => Some(error),
        };
        let limit = |len: usize| match ending {
            Ending::Success | Ending::Lie(_) => len,
            Ending::Short(n) => len.min(n as usize),
            Ending::Error { moved, .. } => len.min(moved as usize),
            Ending::MarkedClean { .. } => 0,
        };
        let (moved, digest) = match request {
            Request::Read { offset, buffer, from, .. } => buffer.write(|out| {
                let out = &mut out[*from as usize..];
                let n = if failed.is_some() { 0 } else { self.read(*offset, limit(out.len()), out) };
                (n, digest(&out[..n]))
            }),
            Request::Write { offset, buffer, from, .. } => buffer.read(|bytes| {
                let bytes = &bytes[*from as usize..];
                let n = limit(bytes.len());
                let lands_at = match ending {
                    Ending::Lie(Lie::Lost) => None,
                    Ending::Lie(Lie::Misdirected { offset }) => Some(offset),
                    _ => Some(*offset).filter(|_| n > 0),
                };
                if let Some(offset) = lands_at {
                    self.apply(Effect::Write { offset, bytes: bytes[..n].into() });
                }
                (n, digest(bytes))
            }),
            Request::Sync { .. } | Request::SyncEntry { .. } => {
                match ending {
                    Ending::MarkedClean { .. } => self.abandon(sync_before),
                    Ending::Error { .. } | Ending::Lie(_) => {}
                    Ending::Success | Ending::Short(_) => self.make_durable(sync_before),
                }
                (0, 0)
            }
            Request::Truncate { len, .. } => {
                if failed.is_none() {
                    self.apply(Effect::Resize { len: *len });
                }
                (0, 0)
            }
            // The name loses its file; the file keeps what it holds.
            Request::Remove { .. } => (0, 0),
        };
        (failed.map_or(IoResult::Ok(moved as u32), IoResult::Error), digest)
    }

    /// Fills the start of `out` with up to `len` bytes; returns how many there were.
    fn read(&self, offset: u64, len: usize, out: &mut [u8]) -> usize {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.current.len());
        let n = len.min(self.current.len() - start);
        out[..n].copy_from_slice(&self.current[start..start + n]);
        n
    }

    /// Lets an effect happen for running processes.
    pub(super) fn apply(&mut self, effect: Effect) {
        effect.apply_to(&mut self.current);
        self.unsynced.push_back(effect);
    }

    /// An fsync has succeeded: the effects numbered below `before` are durable.
    fn make_durable(&mut self, before: u64) {
        while self.first_effect < before {
            let Some(effect) = self.unsynced.pop_front() else {
                break;
            };
            if !self.abandoned.is_empty() {
                let older = std::mem::take(&mut self.abandoned);
                self.abandoned = older.into_iter().flat_map(|older| older.beneath(&effect)).collect();
            }
            effect.apply_to(&mut self.durable);
            self.first_effect += 1;
        }
    }

    /// An fsync has failed and its pages are marked clean: no fsync will cover the effects numbered below `before`.
    fn abandon(&mut self, before: u64) {
        while self.first_effect < before {
            let Some(effect) = self.unsynced.pop_front() else {
                break;
            };
            self.abandoned.push(effect);
            self.first_effect += 1;
        }
    }

    /// See [`Disk::rot`](super::Disk::rot).
    pub(super) fn rot(&mut self, offset: u64, mask: u8) {
        for version in [&mut self.durable, &mut self.current] {
            if let Some(byte) = version.get_mut(offset as usize) {
                *byte ^= mask;
            }
        }
    }

    /// After a power loss: the survivors are all there is.
    pub(super) fn hold(&mut self, bytes: &[u8]) {
        self.first_effect = self.next_effect();
        self.abandoned.clear();
        self.unsynced.clear();
        for version in [&mut self.durable, &mut self.current] {
            version.clear();
            version.extend_from_slice(bytes);
        }
    }
}

impl Effect {
    /// Whether it may change bytes of this range.
    pub(super) fn changes(&self, range: Range<usize>) -> bool {
        match self {
            Self::Write { offset, bytes } => {
                (*offset as usize) < range.end && *offset as usize + bytes.len() > range.start
            }
            Self::Resize { len } => (*len as usize) < range.end,
        }
    }

    pub(super) fn apply_to(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes: new } => {
                let start = *offset as usize;
                let end = start + new.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[start..end].copy_from_slice(new);
            }
            Self::Resize { len } => bytes.resize(*len as usize, 0),
        }
    }

    /// What is left to be unsure about of an older effect that was never made durable, when `newer` is: what it has not
    /// overwritten.
    fn beneath(self, newer: &Self) -> Vec<Self> {
        match (self, newer) {
            (Self::Write { offset, bytes }, Self::Write { offset: start, bytes: over }) => {
                let end = start + over.len() as u64;
                let at = |place: u64| (place.clamp(offset, offset + bytes.len() as u64) - offset) as usize;
                let (before, behind) = (&bytes[..at(*start)], &bytes[at(end)..]);
                let parts = [(offset, before), (offset + at(end) as u64, behind)];
                let left = parts.into_iter().filter(|(_, bytes)| !bytes.is_empty());
                left.map(|(offset, bytes)| Self::Write { offset, bytes: bytes.into() }).collect()
            }
            (Self::Write { offset, bytes }, Self::Resize { len }) => {
                let kept = len.saturating_sub(offset).min(bytes.len() as u64) as usize;
                if kept == 0 { Vec::new() } else { vec![Self::Write { offset, bytes: bytes[..kept].into() }] }
            }
            // The older size must not take away what is durable now.
            (Self::Resize { len }, Self::Write { offset, bytes }) => {
                vec![Self::Resize { len: len.max(offset + bytes.len() as u64) }]
            }
            (Self::Resize { .. }, Self::Resize { .. }) => Vec::new(),
        }
    }

    /// The effect that a request in flight would have if the kernel performed it.
    pub(super) fn of(request: &Request) -> Option<Self> {
        match request {
            Request::Write { offset, buffer, from, .. } => {
                Some(Self::Write { offset: *offset, bytes: buffer.read(|bytes| bytes[*from as usize..].into()) })
            }
            Request::Truncate { len, .. } => Some(Self::Resize { len: *len }),
            Request::Read { .. } | Request::Sync { .. } | Request::SyncEntry { .. } | Request::Remove { .. } => None,
        }
    }
}

impl IoResult {
    /// The error, if there is one.
    pub fn error(self) -> Option<CompletionError> {
        match self {
            Self::Ok(_) => None,
            Self::Error(error) => Some(error),
        }
    }
}
