//! Which scenario shows a planted bug: what `falken run --plant BUG` runs if no scenario is named.

use falken_models::bug::Bug;

/// A bug, a scenario that shows it, and the strategy that does so soonest.
pub type Shown = (Bug, &'static str, &'static str);

/// One line for each bug that the simulator shows. The tests hold every line to its promise.
#[rustfmt::skip]
pub const SHOWN_BY: &[Shown] = &[
    (Bug::CompletionDoubleComplete, "overflow-and-freelist", "random"),
    (Bug::CompletionErrorCountsAsSuccess, "tiny-cache", "random"),
    (Bug::GroupNestedParentNotTold, "long-readers", "random"),
    (Bug::GroupNoProgressWake, "long-readers", "random"),
    (Bug::BufferFreedInFlight, "few-buffers", "random"),
    (Bug::WriteShortResumeOffset, "io-faults", "random"),
    (Bug::QueueOverflowInvisible, "full-ring", "random"),
    (Bug::ReentryReadCompletionDropped, "overflow-and-freelist", "random"),
    (Bug::ReentryGroupRebuilt, "io-faults", "random"),
    (Bug::YieldExplicitTakenForIo, "io-faults", "random"),
    (Bug::ReentryOverflowChunkTwice, "overflow-and-freelist", "random"),
    (Bug::ReentryDoneBeforeOp, "crash-and-recover", "random"),
    (Bug::ReentryFreeChainIoIgnored, "overflow-and-freelist", "random"),
    (Bug::ReentryCommitResultLost, "readers-writers-checkpointer", "random"),
    (Bug::CacheKeptAcrossCommit, "readers-writers-checkpointer", "random"),
    (Bug::CacheIdentityAba, "readers-writers-checkpointer", "random"),
    (Bug::CacheCheckpointHidesChange, "readers-writers-checkpointer", "random"),
    (Bug::PinLeakOnInvalidate, "overflow-and-freelist", "random"),
    (Bug::PageInflightHandedOut, "two-statements", "random"),
    (Bug::CacheHeaderAdoptedOnFailedBegin, "two-statements", "random"),
    (Bug::SpillRedirtiedMarkedClean, "savepoints", "random"),
    (Bug::CkptCopiesUncheckedCachedPage, "two-statements", "random"),
    (Bug::CkptTruncateAssumesComplete, "readers-writers-checkpointer", "random"),
    (Bug::CkptLockDroppedBeforeTruncate, "readers-writers-checkpointer", "random"),
    (Bug::AllocStateSurvivesRollback, "savepoints", "random"),
    (Bug::PageFailedReadStaysLocked, "io-faults", "random"),
    (Bug::WalRetryLoopInsideStep, "io-faults", "random"),
    (Bug::WalSkipReadMarkRecheck, "readers-writers-checkpointer", "pct"),
    (Bug::WalSlot0NotRevalidated, "tiny-cache", "pct"),
    (Bug::WalOldMarkAsSnapshot, "one-read-slot", "random"),
    (Bug::WalNoBusySnapshotCheck, "overflow-and-freelist", "random"),
    (Bug::WalVisibleBeforeWritten, "long-readers", "random"),
    (Bug::WalRestartUnderReaders, "long-readers", "random"),
    (Bug::CkptIgnoresReadMarks, "long-readers", "random"),
    (Bug::CkptNoSlot0Exclusive, "long-readers", "random"),
    (Bug::CkptPublishedBeforeCopy, "readers-writers-checkpointer", "random"),
    (Bug::CkptFailedReadSkipped, "io-faults", "random"),
    (Bug::CkptStaleDbSize, "crash-and-recover", "random"),
    (Bug::CkptDbSyncSkipped, "readers-writers-checkpointer", "random"),
    (Bug::DurHeaderSyncErrorIgnored, "fsync-errors", "random"),
    (Bug::DurSyncBeforeWritesFinish, "crash-under-full-sync", "random"),
    (Bug::DurSyncSkippedStaleFlag, "crash-under-full-sync", "random"),
    (Bug::DurRestartHeaderNotWritten, "readers-writers-checkpointer", "random"),
    (Bug::DurCommitMarkOnEveryFrame, "crash-and-recover", "random"),
    (Bug::RecoverySeedFromUncommittedTail, "crash-and-recover", "random"),
    (Bug::RecoveryEioAsEndOfLog, "errors-and-crashes", "random"),
    (Bug::CommitFsyncErrorKeepsFrames, "io-faults", "random"),
    (Bug::CancelAbortWithoutDrain, "io-faults", "random"),
    (Bug::SyncFlagStuckOnSubmitError, "io-faults", "random"),
    (Bug::AbandonPartialStatementKept, "overflow-and-freelist", "random"),
    (Bug::ConnDropKeepsLocks, "overflow-and-freelist", "random"),
    (Bug::CommitErrorLeavesDanglingTx, "tiny-cache", "random"),
    (Bug::ReentryCountLastPageTwice, "two-statements", "pct"),
    (Bug::ReentryAppendRepeated, "savepoints", "random"),
    (Bug::SavepointPreimageAfterWrite, "savepoints", "random"),
    (Bug::SavepointSpillNotJournaled, "savepoints", "random"),
    (Bug::WalIndexRollbackAfterUnlock, "two-statements", "pct"),
    (Bug::WalOwnFramesIgnoredOnSlot0, "savepoints", "random"),
    (Bug::SavepointPositionFromOldGeneration, "savepoints", "random"),
    (Bug::StmtCheckpointUnderSuspended, "two-statements", "random"),
    (Bug::StmtTeardownResetsSiblingCommit, "two-statements", "random"),
    (Bug::StmtReaderDropRollsBackWrite, "two-statements", "random"),
    (Bug::SchemaCookieAba, "layout-changes", "random"),
    (Bug::InterruptHitsNextStatement, "two-statements", "random"),
];

/// The scenario and the strategy that show a bug; `None` for bugs that only threads show.
pub fn shown_by(bug: Bug) -> Option<(&'static str, &'static str)> {
    SHOWN_BY.iter().find(|(other, ..)| *other == bug).map(|(_, scenario, strategy)| (*scenario, *strategy))
}
