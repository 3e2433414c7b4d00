//! Which scenario shows a planted bug: what `falken run --plant BUG` runs if no scenario is named. And which invariants named for
//! a bug cannot show it by themselves.

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
    (Bug::WalMinFrameAfterRecheck, "retired-marks", "pct"),
    (Bug::WalRetryKeepsHeader, "readers-writers-checkpointer", "random"),
    (Bug::WalOldMarkAsSnapshot, "one-read-slot", "random"),
    (Bug::WalNoBusySnapshotCheck, "overflow-and-freelist", "random"),
    (Bug::WalVisibleBeforeWritten, "long-readers", "random"),
    (Bug::WalRestartUnderReaders, "long-readers", "random"),
    (Bug::CkptIgnoresReadMarks, "long-readers", "random"),
    (Bug::CkptNoSlot0Exclusive, "long-readers", "random"),
    (Bug::CkptSaltsNotCompared, "restart-under-checkpointer", "swarm"),
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
    (Bug::InterruptLeavesSavepoint, "savepoints", "random"),
    (Bug::ConnDropKeepsLocks, "overflow-and-freelist", "random"),
    (Bug::ConnDropLetsFileGoFirst, "overflow-and-freelist", "random"),
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

/// Pairs of a bug and an invariant that no run of the simulator shows, and why. A bug's entry names its own check first and then what may notice as
/// well; these are of the second kind but for one, which yield invariance shows and no run.
pub const NOT_ALONE: &[(Bug, &str, &str)] = &[
    (
        Bug::CompletionDoubleComplete,
        "IO-3",
        "a member counts twice only if it is given up alone; only forms of threads do that",
    ),
    (Bug::GroupNoProgressWake, "LIVE-1", "the bound is for connections that are stepped fairly, woken or not"),
    (
        Bug::QueueOverflowInvisible,
        "IO-6",
        "what is left in the queue is never submitted, so it never acts after a drain",
    ),
    (
        Bug::QueueOverflowInvisible,
        "LIVE-1",
        "nothing waits for what is not counted; the page that it should have written is what is missing",
    ),
    (Bug::ReentryAppendRepeated, "PG-5", "a row that grew twice is a well-formed row"),
    (
        Bug::ReentryFreeChainIoIgnored,
        "RE-1",
        "a chain freed by half gives the right answer; `--check yield-invariance` compares changes too, and shows it",
    ),
    (Bug::YieldExplicitTakenForIo, "LIVE-1", "the spin never leaves its step, which is LIVE-3's bound"),
    (Bug::PageFailedReadStaysLocked, "LIVE-1", "the next to want the page reads it again, so nobody waits for it"),
    (
        Bug::DurHeaderSyncErrorIgnored,
        "RE-3",
        "the flag belongs to the log and not to the statement, so nothing of the statement is left",
    ),
    (
        Bug::CommitFsyncErrorKeepsFrames,
        "TX-2",
        "the next commit publishes the failed one, which its own client is told nothing about",
    ),
    (Bug::SyncFlagStuckOnSubmitError, "LIVE-1", "nobody waits for the flag"),
    (
        Bug::StmtTeardownResetsSiblingCommit,
        "RE-3",
        "fields are judged when no statement is under way, and the sibling is",
    ),
];

/// Why an invariant that is named for a bug does not catch it alone; `None` if it has to.
pub fn why_not_alone(bug: Bug, check: &str) -> Option<&'static str> {
    NOT_ALONE.iter().find(|(other, named, _)| *other == bug && *named == check).map(|(.., why)| *why)
}
