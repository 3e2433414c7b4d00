//! Named places where a subject can yield.
//!
//! A site's name is stable and part of repro files; its number is not. Sites that end in an I/O wait are reached when a
//! connection parks; the others follow one access to shared WAL state, so that a scheduler may switch there.

macro_rules! sites {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A place where a subject can yield.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Site { $($(#[$doc])* $variant,)* }

        impl Site {
            /// Every site, in the order of the protocol.
            pub const ALL: &[Site] = &[$(Site::$variant),*];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Site::$variant => $name,)* }
            }

            /// The site of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|site| site.name() == name)
            }
        }
    };
}

sites! {
    /// Before the first step of a statement.
    StatementStart = "statement.start",
    /// Waiting for another statement of the same connection.
    StatementSibling = "statement.sibling",
    /// After one word of a header copy was loaded.
    HeaderLoad = "wal.header.load",
    /// After one word of a header copy was stored.
    HeaderStore = "wal.header.store",
    /// An unreadable header: waiting for whoever writes or recovers it.
    HeaderRetry = "wal.header.retry",
    /// After the WRITE lock was tried in order to recover.
    RecoverWriteLock = "wal.recover.write-lock",
    /// After CKPT or RECOVER was tried in order to recover.
    RecoverLock = "wal.recover.lock",
    /// Waiting for the WAL header during recovery.
    RecoverReadHeader = "wal.recover.read-header",
    /// Waiting for a frame during recovery.
    RecoverReadFrame = "wal.recover.read-frame",
    /// After a counter or mark was stored by recovery.
    RecoverStore = "wal.recover.store",
    /// After a recovery lock was released.
    RecoverUnlock = "wal.recover.unlock",
    /// After nBackfill was loaded to decide whether the log can be ignored.
    ReadBackfill = "wal.read.backfill",
    /// After READ0 was tried.
    ReadSlot0Lock = "wal.read.slot0-lock",
    /// After a mark was loaded while choosing a slot.
    ReadPickMark = "wal.read.pick-mark",
    /// After a slot was tried exclusively in order to raise its mark.
    ReadRaiseLock = "wal.read.raise-lock",
    /// After a raised mark was stored.
    ReadRaiseStore = "wal.read.raise-store",
    /// After the raised slot was unlocked.
    ReadRaiseUnlock = "wal.read.raise-unlock",
    /// After the chosen slot was locked shared.
    ReadSlotLock = "wal.read.after-lock",
    /// After nBackfill was loaded to fix minFrame.
    ReadMinFrame = "wal.read.min-frame",
    /// After the chosen slot's mark was loaded again.
    ReadRecheckMark = "wal.read.recheck-mark",
    /// The read start changed under us: trying again.
    ReadRetry = "wal.read.retry",
    /// After the read slot was released.
    ReadUnlock = "wal.read.unlock",
    /// After the WRITE lock was tried.
    WriteLock = "wal.write.lock",
    /// Waiting for the WRITE lock.
    WriteBusy = "wal.write.busy",
    /// After the WRITE lock was released.
    WriteUnlock = "wal.write.unlock",
    /// After nBackfill was loaded to decide whether to restart the log.
    RestartBackfill = "wal.restart.backfill",
    /// After a read slot was tried for a restart.
    RestartSlotLock = "wal.restart.slot-lock",
    /// After a counter or mark was stored by a restart.
    RestartStore = "wal.restart.store",
    /// After a read slot was released by a restart.
    RestartSlotUnlock = "wal.restart.slot-unlock",
    /// Waiting for the WAL header to be written.
    AppendHeader = "wal.append.header",
    /// Waiting for the fsync of the WAL header.
    AppendHeaderSync = "wal.append.header-sync",
    /// Waiting for the frames of a commit or spill to be written.
    AppendFrames = "wal.append.frames",
    /// Waiting for the checksum before the first frame that was written over.
    RecheckReadSeed = "wal.recheck.read-seed",
    /// Waiting for a frame whose checksum is to be completed.
    RecheckReadFrame = "wal.recheck.read-frame",
    /// Waiting for the headers of frames whose checksums were completed.
    RecheckWrite = "wal.recheck.write",
    /// Waiting for the fsync of a commit.
    AppendSync = "wal.append.sync",
    /// After frames were added to the frame index.
    AppendIndex = "wal.append.index",
    /// After the frame index was trimmed by a rollback.
    RollbackIndex = "wal.rollback.index",
    /// Waiting for writes that an abandoned or failed statement left in flight.
    RollbackDrain = "wal.rollback.drain",
    /// After the CKPT lock was tried.
    CheckpointLock = "wal.checkpoint.lock",
    /// After the WRITE lock was tried by a checkpoint.
    CheckpointWriteLock = "wal.checkpoint.write-lock",
    /// Waiting for the WRITE lock or a slot.
    CheckpointBusy = "wal.checkpoint.busy",
    /// After nBackfill was loaded by a checkpoint.
    CheckpointBackfill = "wal.checkpoint.backfill",
    /// After a mark was loaded by a checkpoint.
    CheckpointMark = "wal.checkpoint.mark",
    /// After a slot was tried exclusively by a checkpoint.
    CheckpointSlotLock = "wal.checkpoint.slot-lock",
    /// After a mark was stored by a checkpoint.
    CheckpointMarkStore = "wal.checkpoint.mark-store",
    /// After a slot was released by a checkpoint.
    CheckpointSlotUnlock = "wal.checkpoint.slot-unlock",
    /// After READ0 was tried exclusively.
    CheckpointSlot0Lock = "wal.checkpoint.slot0-lock",
    /// After nBackfillAttempted was stored.
    CheckpointAttempted = "wal.checkpoint.attempted",
    /// Waiting for the fsync of the WAL.
    CheckpointSyncWal = "wal.checkpoint.sync-wal",
    /// Waiting for frames to be read.
    CheckpointReadFrames = "wal.checkpoint.read-frames",
    /// Waiting for pages to be written to the database file.
    CheckpointWritePages = "wal.checkpoint.write-pages",
    /// Waiting for the database file to be cut.
    CheckpointTruncateDb = "wal.checkpoint.truncate-db",
    /// Waiting for the fsync of the database file.
    CheckpointSyncDb = "wal.checkpoint.sync-db",
    /// After nBackfill was stored.
    CheckpointPublish = "wal.checkpoint.publish",
    /// After READ0 was released.
    CheckpointSlot0Unlock = "wal.checkpoint.slot0-unlock",
    /// Waiting for the log file to be cut.
    CheckpointTruncateWal = "wal.checkpoint.truncate-wal",
    /// After the lock of the database file was taken in order to find out whether it must be created.
    OpenLock = "connection.open-lock",
    /// Waiting for the first bytes of the database file.
    OpenReadMagic = "connection.read-magic",
    /// Waiting for pages of a new database file to be written.
    CreateWrite = "connection.create-write",
    /// Waiting for the fsync of a database file that is new, or may be.
    CreateSync = "connection.create-sync",
    /// Waiting for another connection that creates the database, or closes it for good.
    OpenBusy = "connection.open-busy",
    /// After the lock of the database file was tried exclusively by a connection that closes.
    CloseLock = "wal.close.lock",
    /// After the wal-index was forgotten by the last connection.
    CloseForget = "wal.close.forget",
    /// Waiting for the log file to be removed.
    CloseRemove = "wal.close.remove",
    /// After CKPT was released.
    CheckpointUnlock = "wal.checkpoint.unlock",
    /// Waiting for a slot of the ring, or for a buffer.
    RingFull = "disk.ring-full",
    /// Waiting for a page to be read.
    PagerRead = "pager.read",
    /// Where `Config::rehearse_change` yields.
    Rehearsal = "rehearsal.of-a-change",
}

impl Site {
    /// Whether whoever stands here is recovering the log.
    pub const fn is_recovery(self) -> bool {
        matches!(
            self,
            Self::RecoverWriteLock
                | Self::RecoverLock
                | Self::RecoverReadHeader
                | Self::RecoverReadFrame
                | Self::RecoverStore
                | Self::RecoverUnlock
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_dotted() {
        let names: std::collections::BTreeSet<_> = Site::ALL.iter().map(|site| site.name()).collect();
        assert_eq!(names.len(), Site::ALL.len());
        assert!(names.iter().all(|name| name.contains('.')));
    }
}
