//! Bugs that a run can plant on purpose, to see whether a check notices.
//!
//! At its site a bug is one condition on one line; with none planted the branch costs one load. The correct code reads
//! as if the bugs were not there. Each entry names the invariants that must catch it and the real defect it is
//! reduced from.

use crate::wal::SyncMode;

/// Which part of an engine a bug lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BugClass {
    /// Completions, groups, wakers, buffers.
    Io,
    /// Operations that are called again after a yield.
    Reentry,
    /// Page cache and dirty pages.
    Pager,
    /// Log protocol, locks, snapshots.
    Wal,
    /// Checkpoint.
    Checkpoint,
    /// Fsync order, recovery.
    Durable,
    /// Abandoned, dropped and failed operations.
    Cancel,
}

impl BugClass {
    /// The class's name as the catalogue spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::Reentry => "reentry",
            Self::Pager => "pager",
            Self::Wal => "wal",
            Self::Checkpoint => "ckpt",
            Self::Durable => "durable",
            Self::Cancel => "cancel",
        }
    }
}

macro_rules! bugs {
    ($($variant:ident, $id:literal, $class:ident, [$($invariant:literal),*], $origin:literal, $what:literal;)*) => {
        /// A bug that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Bug { $(#[doc = $what] $variant,)* }

        impl Bug {
            /// Every bug, grouped by class.
            pub const ALL: &[Bug] = &[$(Bug::$variant),*];

            /// The stable id, as given to `--plant`.
            pub const fn id(self) -> &'static str {
                match self { $(Bug::$variant => $id,)* }
            }

            /// The class.
            pub const fn class(self) -> BugClass {
                match self { $(Bug::$variant => BugClass::$class,)* }
            }

            /// The invariants that the bug violates; the one that shows it earliest comes first.
            pub const fn violates(self) -> &'static [&'static str] {
                match self { $(Bug::$variant => &[$($invariant),*],)* }
            }

            /// The real defect that the bug is reduced from.
            pub const fn origin(self) -> &'static str {
                match self { $(Bug::$variant => $origin,)* }
            }

            /// What the planted code does wrong, in one line.
            pub const fn what(self) -> &'static str {
                match self { $(Bug::$variant => $what,)* }
            }
        }
    };
}

bugs! {
    CompletionDoneBeforeCallback, "completion.done-before-callback", Io, ["IO-2", "PG-2"], "Turso #2922",
        "A completion is marked finished before its callback ran.";
    CompletionDoubleComplete, "completion.double-complete", Io, ["IO-1", "IO-3"], "Turso #2673, #2674, #2417",
        "A second terminal result runs the callback again.";
    CompletionErrorCountsAsSuccess, "completion.error-counts-as-success", Io,
        ["IO-4", "TX-2", "WAL-2", "WAL-3", "CK-1"], "Turso #4263",
        "`succeeded()` asks only whether there is a result.";
    GroupNestedParentNotTold, "group.nested-parent-not-told", Io, ["IO-3", "LIVE-1"], "Turso #3703",
        "A finished inner group does not report to its outer group.";
    GroupLinkAfterFinish, "group.link-after-finish", Io, ["IO-3", "LIVE-1"], "Turso #8547",
        "A member that finishes between the check and the link is never counted.";
    GroupNoProgressWake, "group.no-progress-wake", Io, ["IO-8", "LIVE-1"], "Turso #4291, #6618, #3844",
        "Nobody is woken while sibling completions are still outstanding.";
    BufferFreedInFlight, "buffer.freed-in-flight", Io, ["IO-5", "WAL-3"], "Turso #1137, #1143, #2297, #5619, #5622",
        "A write's buffer goes back to the pool while the write is in flight.";
    WriteShortResumeOffset, "write.short-resume-offset", Io, ["IO-9", "WAL-3"], "Turso #3570",
        "The rest of a short write is cut wrongly.";
    QueueOverflowInvisible, "queue.overflow-invisible", Io, ["IO-1", "IO-6", "LIVE-1"], "Turso #4329, #2586",
        "Operations waiting for room in the ring are not counted.";
    CallbackLockReentry, "callback.lock-reentry", Io, ["IO-7", "LIVE-2"], "Turso #3132, #3759, #3781, #4509, #4587",
        "A callback runs under a lock that another callback takes.";
    ReentryOverflowChunkTwice, "reentry.overflow-chunk-twice", Reentry, ["RE-1"], "Turso #7277",
        "A chunk of an overflow chain is appended again after a yield.";
    ReentryCountLastPageTwice, "reentry.count-last-page-twice", Reentry, ["RE-1"], "Turso #7277",
        "The last leaf of a count is added twice.";
    ReentryAppendRepeated, "reentry.append-repeated", Reentry, ["RE-1", "PG-5"], "Turso #2000",
        "A later read in the same operation yields and the insert is done again.";
    ReentryDoneBeforeOp, "reentry.done-before-op", Reentry, ["RE-1", "TX-2"], "Turso #8027",
        "The machine is set to Done before the call that may yield.";
    ReentryFreeChainIoIgnored, "reentry.free-chain-io-ignored", Reentry, ["RE-1", "PG-5"], "Turso #3618, #3608",
        "The caller does not repeat a multi-step free that yielded.";
    ReentryCommitResultLost, "reentry.commit-result-lost", Reentry, ["RE-1", "TX-2"], "Turso #3089",
        "The number of appended frames is lost across the commit sync.";
    ReentryReadCompletionDropped, "reentry.read-completion-dropped", Reentry, ["PG-2", "PG-5"], "Turso #4235",
        "A page is changed without waiting for its read.";
    ReentryGroupRebuilt, "reentry.group-rebuilt", Reentry, ["RE-2", "IO-3"], "Turso #5329, #5311",
        "A waiting state builds its group again at every step.";
    YieldExplicitTakenForIo, "yield.explicit-taken-for-io", Reentry, ["LIVE-3", "LIVE-1"], "Turso #5342",
        "An explicit yield is taken for finished I/O and spins.";
    CacheKeptAcrossCommit, "cache.kept-across-commit", Pager, ["PG-1", "TX-3", "TX-9"], "Turso #2257, #2248",
        "The page cache survives another connection's commit.";
    CacheIdentityAba, "cache.identity-aba", Pager, ["PG-1", "TX-3", "TX-5", "TX-9"],
        "SQLite ticket 5d863f876e; Turso #2361, #2362, #2367, #3502",
        "\"Has anything changed?\" compares a number that can repeat.";
    CacheHeaderAdoptedOnFailedBegin, "cache.header-adopted-on-failed-begin", Pager, ["PG-1", "TX-3", "RE-3"],
        "SQLite ticket 313723c356", "A begin that fails keeps the new header but not the cache reset.";
    CacheCheckpointHidesChange, "cache.checkpoint-hides-change", Pager, ["PG-1", "TX-3", "TX-9"],
        "SQLite test wal-14", "A checkpoint on a connection makes its old cache look current.";
    PageInflightHandedOut, "page.inflight-handed-out", Pager, ["PG-2"], "Turso #7658, #1418",
        "A page whose read is in flight is given out with nothing to wait on.";
    PageFailedReadStaysLocked, "page.failed-read-stays-locked", Pager, ["PG-2", "LIVE-1"],
        "Turso #2683, #2658, #2675, #2680, #2682", "A failed read leaves its page LOCKED.";
    PinLeakOnInvalidate, "pin.leak-on-invalidate", Pager, ["PG-3", "LIVE-4"], "Turso #7570",
        "Dropping a cursor's page stack keeps its pins.";
    SavepointPreimageAfterWrite, "savepoint.preimage-after-write", Pager, ["TX-6", "PG-5"], "Turso #4231, 6dbc09517",
        "The pre-image is journaled after the page was changed.";
    SavepointSpillNotJournaled, "savepoint.spill-not-journaled", Pager, ["TX-6"], "Turso #6583, #5803",
        "A page dirtied before the savepoint loses its only copy.";
    SpillRedirtiedMarkedClean, "spill.redirtied-marked-clean", Pager, ["PG-4", "TX-3"], "Turso #4211",
        "A page changed while its spill is in flight counts as spilled.";
    WalSkipReadMarkRecheck, "wal.skip-read-mark-recheck", Wal, ["TX-3", "WAL-7"],
        "Turso #4289; SQLite read-start rule", "No re-check after the read slot is locked.";
    WalSlot0NotRevalidated, "wal.slot0-not-revalidated", Wal, ["TX-3"], "Turso #4289",
        "The \"ignore the log\" shortcut trusts an old header.";
    WalMinFrameAfterRecheck, "wal.min-frame-after-recheck", Wal, ["WAL-2", "TX-3"], "SQLite read-start rule",
        "nBackfill, from where a reader trusts the log, is read after the last check of the header.";
    WalRetryKeepsHeader, "wal.retry-keeps-header", Wal, ["TX-2"], "SQLite read-start rule",
        "A read start that has lost a race tries again with the header that has lost it.";
    WalOldMarkAsSnapshot, "wal.old-mark-as-snapshot", Wal, ["TX-4"], "Turso #3023, #3016, #4289",
        "With all slots taken the reader adopts an old mark as its snapshot.";
    WalNoBusySnapshotCheck, "wal.no-busy-snapshot-check", Wal, ["TX-5", "TX-9"], "Turso #2204",
        "A write starts on a stale snapshot.";
    WalIndexRollbackAfterUnlock, "wal.index-rollback-after-unlock", Wal, ["WAL-2", "CK-2"],
        "Turso #4418, re-planted on purpose in #4453", "The frame index is trimmed after WRITE was released.";
    WalVisibleBeforeWritten, "wal.visible-before-written", Wal, ["WAL-2", "TX-3"], "Turso #4252, #4249, #4291",
        "Frames are published when their writes are submitted.";
    WalOwnFramesIgnoredOnSlot0, "wal.own-frames-ignored-on-slot0", Wal, ["TX-3", "PG-1"], "Turso #2735",
        "A writer that began on slot 0 does not see its own spilled frames.";
    WalRestartUnderReaders, "wal.restart-under-readers", Wal, ["WAL-8", "WAL-7", "TX-3"], "SQLite reset rule",
        "A writer restarts the log while mark slots are held.";
    WalRetryLoopInsideStep, "wal.retry-loop-inside-step", Wal, ["LIVE-3"], "Turso #7935, #8787, #9023",
        "A busy lock is retried inside one step.";
    SchemaCookieAba, "schema.cookie-aba", Wal, ["TX-8"], "Turso #4222, #3813, #3805",
        "Equal cookies are taken for equal layouts, also after a rollback.";
    CkptIgnoresReadMarks, "ckpt.ignores-read-marks", Checkpoint, ["WAL-7", "TX-3"],
        "LiteFS #142; SQLite checkpoint rule", "The checkpointer does not respect the readers' marks.";
    CkptNoSlot0Exclusive, "ckpt.no-slot0-exclusive", Checkpoint, ["WAL-7", "TX-3"], "SQLite checkpoint rule",
        "Backfill starts while slot 0 readers are active.";
    CkptSaltsNotCompared, "ckpt.salts-not-compared", Checkpoint, ["CK-4", "WAL-5"], "SQLite 3.51.3, the WAL-reset bug",
        "A checkpoint goes on with a header that a restart of the log has made old.";
    CkptPublishedBeforeCopy, "ckpt.published-before-copy", Checkpoint, ["WAL-5", "CK-3", "CK-2", "TX-3"],
        "Turso 94c912fb0; SQLite checkpoint rule", "nBackfill is published before the pages are copied.";
    CkptCopiesUncheckedCachedPage, "ckpt.copies-unchecked-cached-page", Checkpoint, ["CK-4", "CK-2", "TX-1"],
        "Turso #3036, #3024", "The page bytes come from the connection's cache.";
    CkptFailedReadSkipped, "ckpt.failed-read-skipped", Checkpoint, ["CK-3", "CK-2", "TX-2"], "Turso #4291",
        "A frame whose read failed is dropped from the batch.";
    CkptTruncateAssumesComplete, "ckpt.truncate-assumes-complete", Checkpoint, ["WAL-8", "CK-2", "TX-2"],
        "Turso #4495", "TRUNCATE believes everything is backfilled.";
    CkptLockDroppedBeforeTruncate, "ckpt.lock-dropped-before-truncate", Checkpoint, ["WAL-8", "CK-2", "WAL-3"],
        "Turso #4820", "The locks are released before the log is truncated.";
    CkptStaleDbSize, "ckpt.stale-db-size", Checkpoint, ["CK-4", "CK-2", "PG-5"], "Turso #4499, #4492",
        "The db file is cut to a size from a stale page 1.";
    CkptDbSyncSkipped, "ckpt.db-sync-skipped-on-zeroed-count", Checkpoint, ["WAL-8", "CK-3", "DUR-1"],
        "Turso #4476, #2608, #2607", "The db fsync depends on a count that was reset.";
    DurHeaderSyncErrorIgnored, "dur.header-sync-error-ignored", Durable, ["DUR-1", "RE-3"], "Turso #7379",
        "A failed header sync marks the header as done.";
    DurSyncBeforeWritesFinish, "dur.sync-before-writes-finish", Durable, ["DUR-1"],
        "Turso #772, #1419, #2909, #4291", "The commit fsync does not wait for the frame writes.";
    DurSyncSkippedStaleFlag, "dur.sync-skipped-stale-flag", Durable, ["DUR-1"], "Turso #8172",
        "The decision to sync uses the flag left by the previous commit.";
    DurRestartHeaderNotWritten, "dur.restart-header-not-written", Durable, ["WAL-6", "WAL-3", "DUR-1"],
        "Turso #4666", "A restart changes the salts in memory only.";
    SavepointPositionFromOldGeneration, "savepoint.position-from-old-generation", Durable,
        ["WAL-6", "TX-6", "WAL-1", "WAL-3", "DUR-1"],
        "Turso #7785, #7774, #6733, #4493, #4502; SQLite savepoint rule",
        "ROLLBACK TO puts back a log position from before a restart.";
    DurCommitMarkOnEveryFrame, "dur.commit-mark-on-every-frame", Durable, ["TX-1", "DUR-2", "WAL-3"],
        "Turso #1889, #2188, #2189, #2194", "Every frame of a transaction looks like a commit.";
    RecoverySeedFromUncommittedTail, "recovery.seed-from-uncommitted-tail", Durable, ["WAL-3", "DUR-1", "DUR-3"],
        "Turso #2613; relatives #2030, #1572, #4237",
        "Recovery takes its checksum from the last frame instead of the last commit.";
    RecoveryEioAsEndOfLog, "recovery.eio-as-end-of-log", Durable, ["DUR-3", "DUR-1"],
        "SQLite recovery rule; neighbour Turso #1956", "A read error during recovery ends the scan quietly.";
    CommitFsyncErrorKeepsFrames, "commit.fsync-error-keeps-frames", Durable, ["WAL-1", "TX-2", "TX-1"],
        "Turso #2091, #2110, #3077", "A commit whose fsync failed stays in the append position.";
    CancelAbortWithoutDrain, "cancel.abort-without-drain", Cancel, ["IO-6", "IO-5", "WAL-3"], "Turso #2787",
        "After an error the other writes are only marked aborted.";
    SyncFlagStuckOnSubmitError, "sync.flag-stuck-on-submit-error", Cancel, ["RE-3", "LIVE-4", "LIVE-1"], "Turso #6541",
        "A sync refused at submit leaves \"syncing\" set.";
    AllocStateSurvivesRollback, "alloc.state-survives-rollback", Cancel, ["RE-3", "PG-5"],
        "Turso #7701, #7684, #7595, #7682", "A half-done page allocation is resumed after a rollback.";
    AbandonPartialStatementKept, "abandon.partial-statement-kept", Cancel, ["TX-1", "PG-5"],
        "Turso #7420, #7682, #7772, #7802, #7536", "An abandoned write leaves its first half in the transaction.";
    StmtCheckpointUnderSuspended, "stmt.checkpoint-under-suspended", Cancel, ["TX-7", "RE-1"], "Turso #8032, #8025",
        "A checkpoint clears the cache under a suspended statement.";
    StmtTeardownResetsSiblingCommit, "stmt.teardown-resets-sibling-commit", Cancel, ["TX-7", "WAL-4", "RE-3"],
        "Turso #8032", "Tearing down a failed statement resets a sibling's commit.";
    StmtReaderDropRollsBackWrite, "stmt.reader-drop-rolls-back-write", Cancel, ["TX-2", "TX-7"],
        "Turso #7260, #7345, #7191", "Dropping an open reader undoes a write that returned OK.";
    InterruptHitsNextStatement, "interrupt.hits-next-statement", Cancel, ["TX-7", "RE-3"], "Turso #1833",
        "An interrupt outlives the statement it was meant for.";
    InterruptLeavesSavepoint, "interrupt.leaves-savepoint", Cancel, ["TX-2"], "neighbour of Turso #7420, #7682",
        "The savepoint of an interrupted statement stays open and counts as one of the client's.";
    ConnDropKeepsLocks, "conn.drop-keeps-locks", Cancel, ["WAL-4", "LIVE-4"], "Turso #5022",
        "A dropped connection keeps its WAL locks.";
    ConnDropLetsFileGoFirst, "conn.drop-lets-file-go-first", Cancel, ["WAL-4"], "neighbour of Turso #5022",
        "A dropped connection lets the database file go before its locks of the log.";
    CommitErrorLeavesDanglingTx, "commit.error-leaves-dangling-tx", Cancel, ["TX-1", "TX-2", "WAL-4"],
        "Turso #8477, #8475", "A failed COMMIT leaves the write transaction open.";
}

impl Bug {
    /// Whether the bug shows only when threads really run at the same time: the cooperative simulator steps one actor at a
    /// time and never splits a delivery. The loom and shuttle tests find these.
    pub const fn needs_threads(self) -> bool {
        matches!(self, Self::CompletionDoneBeforeCallback | Self::GroupLinkAfterFinish | Self::CallbackLockReentry)
    }

    /// The sync modes in which it does nothing wrong: what it breaks is not owed there.
    pub const fn equivalent_in(self) -> &'static [SyncMode] {
        match self {
            // A commit is not synced there.
            Self::ReentryCommitResultLost
            | Self::DurSyncBeforeWritesFinish
            | Self::DurSyncSkippedStaleFlag
            | Self::CommitFsyncErrorKeepsFrames => &[SyncMode::Normal, SyncMode::Off],
            Self::CkptDbSyncSkipped | Self::DurHeaderSyncErrorIgnored | Self::SyncFlagStuckOnSubmitError => {
                &[SyncMode::Off]
            }
            _ => &[],
        }
    }

    /// The bug with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bug| bug.id() == id)
    }
}

/// The bug that is planted in a run, if any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Planted(pub Option<Bug>);

impl Planted {
    /// Whether `bug` is the planted one.
    #[inline]
    pub fn is(self, bug: Bug) -> bool {
        self.0 == Some(bug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_lead_back_to_their_bug() {
        for &bug in Bug::ALL {
            assert_eq!(Bug::from_id(bug.id()), Some(bug));
            assert!(!bug.violates().is_empty(), "{} names no invariant", bug.id());
        }
    }

    #[test]
    fn every_class_has_a_bug() {
        use BugClass::{Cancel, Checkpoint, Durable, Io, Pager, Reentry, Wal};
        for class in [Io, Reentry, Pager, Wal, Checkpoint, Durable, Cancel] {
            assert!(Bug::ALL.iter().any(|bug| bug.class() == class), "{}", class.name());
        }
    }
}
