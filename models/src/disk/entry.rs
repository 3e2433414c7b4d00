//! A name in the directory: the file that has it, and the files that had it since the directory was last synced.
//!
//! Who removes a file makes the name free at once, but until an fsync of the directory a power loss may bring the removed
//! file back, or take away the one that has the name since. A file that is not there and an empty one are the same to
//! everybody who looks at bytes, so removing a file leaves an empty successor, which exists as soon as somebody writes to
//! it; only what survives a power loss tells the two apart.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use super::file::File;
use super::{Disk, Ending, FileId, IoResult, Op, Outlook, Request};

/// Which of the files that had a name, counted from the first one of the run. An operation stays with the file for which it
/// was submitted, whatever becomes of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileNumber(u32);

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    current: File,
    number: u32,
    /// The files before the current one that a power loss may bring back, oldest first.
    replaced: VecDeque<File>,
}

impl Entry {
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        Self { current: File::durable(bytes), number: 0, replaced: VecDeque::new() }
    }

    pub(super) fn current(&self) -> &File {
        &self.current
    }

    pub(super) fn current_mut(&mut self) -> &mut File {
        &mut self.current
    }

    pub(super) fn number(&self) -> FileNumber {
        FileNumber(self.number)
    }

    /// The number of the oldest file that is kept.
    fn first(&self) -> u32 {
        self.number - self.replaced.len() as u32
    }

    /// The file with this number, if anybody can still get at it.
    pub(super) fn file(&self, number: FileNumber) -> Option<&File> {
        match self.number.checked_sub(number.0)? {
            0 => Some(&self.current),
            _ => self.replaced.get(number.0.checked_sub(self.first())? as usize),
        }
    }

    /// Like [`file`](Self::file), to change it.
    pub(super) fn file_mut(&mut self, number: FileNumber) -> Option<&mut File> {
        let first = self.first();
        match self.number.checked_sub(number.0)? {
            0 => Some(&mut self.current),
            _ => self.replaced.get_mut(number.0.checked_sub(first)? as usize),
        }
    }

    /// Performs an operation on the file that it was submitted for, as far as `ending` allows. Returns the kernel's report
    /// and the digest of the moved bytes.
    pub(super) fn perform(&mut self, op: &Op, ending: Ending) -> (IoResult, u64) {
        // Of a file that nobody can get at any more only those know that have it open.
        let mut unreachable = File::durable(Vec::new());
        let file = self.file_mut(op.number).unwrap_or(&mut unreachable);
        let performed = file.perform(&op.request, op.sync_before, ending);
        if performed.0.error().is_none() && !matches!(ending, Ending::Lie(_)) {
            match op.request {
                Request::SyncEntry { .. } => self.make_durable(op.number),
                Request::Remove { .. } => self.remove(),
                Request::Read { .. } | Request::Write { .. } | Request::Sync { .. } | Request::Truncate { .. } => {}
            }
        }
        performed
    }

    /// The name becomes free.
    pub(super) fn remove(&mut self) {
        let removed = std::mem::replace(&mut self.current, File::durable(Vec::new()));
        self.replaced.push_back(removed);
        self.number += 1;
    }

    /// The directory was synced when this file had the name: those before it are gone for good.
    pub(super) fn make_durable(&mut self, number: FileNumber) {
        while self.first() < number.0 && self.replaced.pop_front().is_some() {}
    }

    /// After a power loss: the survivor is all there is.
    pub(super) fn hold(&mut self, bytes: &[u8]) {
        self.replaced.clear();
        self.current.hold(bytes);
    }

    /// Hashes what can still matter.
    pub(super) fn hash_state<H: Hasher>(&self, outlook: Outlook, state: &mut H) {
        // Files are numbered only to tell which one an operation belongs to: see `Op::hash_state`.
        let Self { current, number: _, replaced } = self;
        current.hash_state(outlook, state);
        if outlook == Outlook::PowerMayFail {
            replaced.len().hash(state);
            replaced.iter().for_each(|file| file.hash_state(outlook, state));
        }
    }
}

impl Disk {
    /// Which file a power loss now may leave under a name; `None` is none at all. The durable one comes first, the newest
    /// last; a removal in flight may have happened.
    pub fn holders(&self, file: FileId) -> Vec<Option<FileNumber>> {
        let inner = self.inner.lock();
        let entry = &inner.files[file.index()];
        let mut holders: Vec<_> = (entry.first()..entry.number).map(|number| Some(FileNumber(number))).collect();
        if !holders.is_empty() {
            holders.push(None);
        }
        holders.push(Some(entry.number()));
        if holders.len() == 1 && inner.removes(file) {
            holders.push(None);
        }
        holders
    }

    /// Which file a crash of the process now may leave under a name: the one that has it, or none if its removal is in
    /// flight.
    pub fn holders_in_cache(&self, file: FileId) -> Vec<Option<FileNumber>> {
        let inner = self.inner.lock();
        let removed = inner.removes(file).then_some(None);
        let current = inner.files[file.index()].number();
        std::iter::once(Some(current)).chain(removed).collect()
    }
}
