//! What can be asked of the disk.

use super::{FileId, IoKind};
use crate::digest::digest;
use crate::io::{Buffer, CompletionKind};
use crate::sync::Arc;

/// What to do, with the buffer to do it with.
#[derive(Clone, Debug, Hash)]
#[allow(missing_docs, reason = "the fields are explained by their variant")]
pub enum Request {
    /// Fill the buffer, from byte `from` of it on, with what lies at `offset`.
    Read { file: FileId, offset: u64, buffer: Arc<Buffer>, from: u32 },
    /// Write the buffer, from byte `from` of it on, at `offset`. The bytes are taken when the operation finishes.
    Write { file: FileId, offset: u64, buffer: Arc<Buffer>, from: u32 },
    /// Make durable what was written before this was submitted.
    Sync { file: FileId },
    /// The same, and make durable which file has the name: what the first fsync of a new file must be.
    SyncEntry { file: FileId },
    /// Set the file's size in bytes.
    Truncate { file: FileId, len: u64 },
    /// Remove the file; a write to it makes a new one.
    Remove { file: FileId },
}

impl Request {
    /// A read that fills `buffer`.
    pub fn read(file: FileId, offset: u64, buffer: Arc<Buffer>) -> Self {
        Self::Read { file, offset, buffer, from: 0 }
    }

    /// A write of all of `buffer`.
    pub fn write(file: FileId, offset: u64, buffer: Arc<Buffer>) -> Self {
        Self::Write { file, offset, buffer, from: 0 }
    }

    /// What is left to do when the first `moved` bytes of a read or write have been moved; nothing of anything else.
    pub fn rest(self, moved: u32) -> Option<Self> {
        let left = self.range().1.checked_sub(moved).filter(|left| *left > 0);
        match self {
            Self::Read { file, offset, buffer, from } => {
                left.map(|_| Self::Read { file, offset: offset + u64::from(moved), buffer, from: from + moved })
            }
            Self::Write { file, offset, buffer, from } => {
                left.map(|_| Self::Write { file, offset: offset + u64::from(moved), buffer, from: from + moved })
            }
            Self::Sync { .. } | Self::SyncEntry { .. } | Self::Truncate { .. } | Self::Remove { .. } => None,
        }
    }

    /// Where in its buffer it begins.
    pub fn from(&self) -> u32 {
        match self {
            Self::Read { from, .. } | Self::Write { from, .. } => *from,
            Self::Sync { .. } | Self::SyncEntry { .. } | Self::Truncate { .. } | Self::Remove { .. } => 0,
        }
    }

    /// The digest of the bytes that a write takes from its buffer, from byte `skip` of them on; 0 for anything else.
    pub(super) fn digest_from(&self, skip: u32) -> u64 {
        match self {
            Self::Write { buffer, from, .. } => buffer.read(|bytes| digest(&bytes[(from + skip) as usize..])),
            Self::Read { .. }
            | Self::Sync { .. }
            | Self::SyncEntry { .. }
            | Self::Truncate { .. }
            | Self::Remove { .. } => 0,
        }
    }

    /// To which file.
    pub fn file(&self) -> FileId {
        match *self {
            Self::Read { file, .. }
            | Self::Write { file, .. }
            | Self::Sync { file }
            | Self::SyncEntry { file }
            | Self::Truncate { file, .. }
            | Self::Remove { file } => file,
        }
    }

    /// What it does.
    pub fn kind(&self) -> IoKind {
        match self {
            Self::Read { .. } => IoKind::Read,
            Self::Write { .. } => IoKind::Write,
            Self::Sync { .. } | Self::SyncEntry { .. } => IoKind::Sync,
            Self::Truncate { .. } => IoKind::Truncate,
            Self::Remove { .. } => IoKind::Remove,
        }
    }

    /// The kind of completion that stands for it.
    pub fn completion_kind(&self) -> CompletionKind {
        match self {
            Self::Read { .. } => CompletionKind::Read,
            Self::Write { .. } => CompletionKind::Write,
            Self::Sync { .. } | Self::SyncEntry { .. } => CompletionKind::Sync,
            // The library has no kind of its own for it: to whoever waits it is another change of a file that moves no bytes.
            Self::Truncate { .. } | Self::Remove { .. } => CompletionKind::Truncate,
        }
    }

    /// Where, and how many bytes; of a truncate the new size.
    pub fn range(&self) -> (u64, u32) {
        match self {
            Self::Read { offset, buffer, from, .. } | Self::Write { offset, buffer, from, .. } => {
                (*offset, buffer.len() as u32 - from)
            }
            Self::Sync { .. } | Self::SyncEntry { .. } | Self::Remove { .. } => (0, 0),
            Self::Truncate { len, .. } => (*len, 0),
        }
    }
}
