//! Every planted bug that the simulator can show is caught, by an invariant that the catalogue of bugs names, in a bounded
//! number of runs of the scenario that `falken run --plant` picks for it; the same runs without it are clean.

use std::sync::atomic::AtomicBool;

use falken_harness::fault::Rate;
use falken_harness::scenario::{Scenario, Sync};
use falken_harness::strategy;
use falken_models::bug::{Bug, BugClass, Planted};
use falken_scenarios::batch::{Batch, Totals};
use falken_scenarios::catalog;
use falken_scenarios::plant::{SHOWN_BY, shown_by};

fn batch(scenario: &str, strategy: &str, planted: Option<Bug>, seed: u64, runs: u64) -> Totals {
    batch_of(&catalog::find(scenario).unwrap(), strategy, planted, seed, runs)
}

fn batch_of(scenario: &Scenario, strategy: &str, planted: Option<Bug>, seed: u64, runs: u64) -> Totals {
    let batch = Batch {
        scenario,
        strategy: strategy::TABLE.iter().find(|entry| entry.name == strategy).unwrap(),
        planted: Planted(planted),
        seed,
        runs,
        jobs: 2,
        oracle: &|| None,
        stop: &AtomicBool::new(false),
    };
    batch.go(|_| {})
}

/// Within how many runs the scenario of [`SHOWN_BY`] shows a bug, and the invariants that may report it: those that
/// `bugs.md` names come first, then those that see it even earlier.
struct Case {
    bug: Bug,
    runs: u64,
    also: &'static [&'static str],
}

const fn case(bug: Bug, runs: u64, also: &'static [&'static str]) -> Case {
    Case { bug, runs, also }
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    case(Bug::CompletionDoubleComplete, 50, &[]),
    case(Bug::CompletionErrorCountsAsSuccess, 50, &[]),
    // The inner group's end is progress that wakes nobody; that shows before the outer group's last member has ended.
    case(Bug::GroupNestedParentNotTold, 50, &["IO-8"]),
    case(Bug::GroupNoProgressWake, 50, &[]),
    case(Bug::BufferFreedInFlight, 50, &[]),
    case(Bug::WriteShortResumeOffset, 50, &[]),
    case(Bug::QueueOverflowInvisible, 50, &[]),
    case(Bug::ReentryReadCompletionDropped, 50, &[]),
    case(Bug::ReentryGroupRebuilt, 50, &[]),
    case(Bug::YieldExplicitTakenForIo, 50, &[]),
    case(Bug::ReentryOverflowChunkTwice, 50, &[]),
    case(Bug::ReentryDoneBeforeOp, 50, &[]),
    case(Bug::ReentryFreeChainIoIgnored, 50, &[]),
    case(Bug::ReentryCommitResultLost, 50, &[]),
    case(Bug::CacheKeptAcrossCommit, 50, &[]),
    case(Bug::CacheIdentityAba, 200, &[]),
    // The header that the cache does not belong to shows before a page of it is used.
    case(Bug::CacheCheckpointHidesChange, 50, &["RE-3"]),
    case(Bug::PinLeakOnInvalidate, 100, &[]),
    case(Bug::PageFailedReadStaysLocked, 50, &[]),
    case(Bug::PageInflightHandedOut, 50, &[]),
    case(Bug::CacheHeaderAdoptedOnFailedBegin, 50, &[]),
    // What was lost shows in a row as soon as in a page.
    case(Bug::SpillRedirtiedMarkedClean, 50, &["RE-1", "PG-1"]),
    case(Bug::CkptCopiesUncheckedCachedPage, 50, &[]),
    case(Bug::CkptTruncateAssumesComplete, 50, &[]),
    case(Bug::CkptLockDroppedBeforeTruncate, 50, &[]),
    case(Bug::AllocStateSurvivesRollback, 50, &[]),
    case(Bug::WalRetryLoopInsideStep, 50, &[]),
    // A reader whose snapshot is not protected is noticed when it looks something up, if not before.
    case(Bug::WalSkipReadMarkRecheck, 100, &["WAL-2"]),
    case(Bug::WalSlot0NotRevalidated, 1500, &["WAL-2"]),
    case(Bug::WalMinFrameAfterRecheck, 1500, &[]),
    case(Bug::WalRetryKeepsHeader, 50, &[]),
    case(Bug::WalOldMarkAsSnapshot, 100, &[]),
    case(Bug::WalNoBusySnapshotCheck, 200, &[]),
    case(Bug::WalVisibleBeforeWritten, 50, &[]),
    case(Bug::WalRestartUnderReaders, 50, &[]),
    case(Bug::CkptIgnoresReadMarks, 50, &[]),
    case(Bug::CkptNoSlot0Exclusive, 50, &[]),
    case(Bug::CkptSaltsNotCompared, 1500, &[]),
    case(Bug::CkptPublishedBeforeCopy, 50, &[]),
    case(Bug::CkptFailedReadSkipped, 50, &[]),
    case(Bug::CkptStaleDbSize, 100, &[]),
    case(Bug::CkptDbSyncSkipped, 50, &[]),
    // A log that is lost with its header may have been half copied by then.
    case(Bug::DurHeaderSyncErrorIgnored, 100, &["DUR-2"]),
    case(Bug::DurSyncBeforeWritesFinish, 100, &[]),
    case(Bug::DurSyncSkippedStaleFlag, 100, &[]),
    case(Bug::DurRestartHeaderNotWritten, 50, &[]),
    case(Bug::DurCommitMarkOnEveryFrame, 100, &[]),
    case(Bug::RecoverySeedFromUncommittedTail, 200, &[]),
    case(Bug::RecoveryEioAsEndOfLog, 50, &[]),
    case(Bug::CommitFsyncErrorKeepsFrames, 50, &[]),
    case(Bug::CancelAbortWithoutDrain, 50, &[]),
    case(Bug::SyncFlagStuckOnSubmitError, 50, &[]),
    // A statement that was half undone shows in the tree as soon as somebody walks it.
    case(Bug::AbandonPartialStatementKept, 300, &["RE-1"]),
    case(Bug::InterruptLeavesSavepoint, 50, &[]),
    case(Bug::ConnDropKeepsLocks, 50, &[]),
    case(Bug::ConnDropLetsFileGoFirst, 50, &[]),
    case(Bug::CommitErrorLeavesDanglingTx, 100, &[]),
    case(Bug::ReentryCountLastPageTwice, 200, &[]),
    // What a statement did twice cannot be undone once.
    case(Bug::ReentryAppendRepeated, 50, &["TX-6"]),
    case(Bug::SavepointPreimageAfterWrite, 50, &[]),
    case(Bug::SavepointSpillNotJournaled, 50, &[]),
    // Whose frames are gone is first seen by whoever copies or looks up.
    case(Bug::WalIndexRollbackAfterUnlock, 300, &["CK-4"]),
    // The lookup that leads to the database file comes before the read.
    case(Bug::WalOwnFramesIgnoredOnSlot0, 50, &["WAL-2"]),
    case(Bug::SavepointPositionFromOldGeneration, 100, &[]),
    case(Bug::StmtCheckpointUnderSuspended, 50, &[]),
    case(Bug::StmtTeardownResetsSiblingCommit, 50, &[]),
    case(Bug::StmtReaderDropRollsBackWrite, 50, &[]),
    case(Bug::InterruptHitsNextStatement, 50, &[]),
    case(Bug::SchemaCookieAba, 200, &[]),
];

/// Bugs that the simulator does not show yet, and why.
const NOT_SHOWN: &[(Bug, &str)] = &[
    (Bug::CompletionDoneBeforeCallback, "needs threads: the loom tests find it"),
    (Bug::CallbackLockReentry, "needs threads: the loom tests find it"),
    (Bug::GroupLinkAfterFinish, "needs threads: the loom tests find it"),
];

#[test]
fn each_planted_bug_is_caught_by_a_named_invariant_within_a_bounded_number_of_runs() {
    let mut missed = Vec::new();
    for Case { bug, runs, also } in CASES {
        let (scenario, strategy) = shown_by(*bug).unwrap();
        let totals = batch(scenario, strategy, Some(*bug), 1, *runs);
        let caught = totals.failure.as_ref().and_then(|(index, report)| Some((index, report.verdict.violation()?)));
        match caught {
            Some((index, violation)) => {
                println!("{:45} {} in run {} of {scenario}", bug.id(), violation.invariant, index + 1);
                let named = bug.violates().iter().chain(*also).any(|id| *id == violation.invariant);
                if !named {
                    missed.push(format!("{}: caught by {}, {:?}", bug.id(), violation.invariant, violation.evidence));
                }
            }
            None => missed.push(format!("{}: not caught in {runs} runs of {scenario}", bug.id())),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_bug_is_either_caught_here_or_explained_and_every_class_is_caught() {
    for bug in Bug::ALL {
        let caught = CASES.iter().filter(|case| case.bug == *bug).count();
        let explained = NOT_SHOWN.iter().filter(|(other, _)| other == bug).count();
        assert_eq!(caught + explained, 1, "{}", bug.id());
    }
    assert_eq!(SHOWN_BY.len(), CASES.len());
    use BugClass::{Cancel, Checkpoint, Durable, Io, Pager, Reentry, Wal};
    for class in [Io, Reentry, Pager, Wal, Checkpoint, Durable, Cancel] {
        assert!(CASES.iter().any(|case| case.bug.class() == class), "{}", class.name());
    }
}

#[test]
fn with_nothing_planted_hundreds_of_runs_of_every_scenario_are_clean_and_hit_every_expected_probe() {
    for (name, _) in catalog::TABLE {
        let scenario = catalog::find(name).unwrap();
        // A run that enumerates its crash images looks at thousands of crashes. For more runs of everything:
        // `falken run --catalogue --runs 10000`.
        let totals = clean(name, "random", if scenario.crash_images.is_some() { 40 } else { 250 });
        for probe in &scenario.probes.expected {
            assert!(totals.probes.of(probe) > 0, "{name} never hits {probe}");
        }
    }
}

#[test]
fn with_nothing_planted_the_other_strategies_are_clean_too() {
    for entry in strategy::TABLE.iter().filter(|entry| entry.name != "random") {
        for (name, _) in catalog::TABLE {
            let runs = if catalog::find(name).unwrap().crash_images.is_some() { 1 } else { 6 };
            clean(name, entry.name, runs);
        }
    }
}

#[test]
fn with_nothing_planted_other_sync_modes_page_sizes_sectors_and_slots_are_clean_too() {
    for (name, _) in catalog::TABLE {
        for (sync, page_size, sector_size, read_slots) in
            [(Sync::Off, 512, 512, 4), (Sync::Normal, 1024, 4096, 2), (Sync::Full, 4096, 512, 1)]
        {
            let mut scenario = catalog::find(name).unwrap();
            scenario.database.sync = sync;
            scenario.database.page_size = page_size;
            scenario.database.read_slots = read_slots;
            scenario.disk.sector_size = sector_size;
            if sync == Sync::Off {
                // A power loss owes nothing then; a process crash still owes every acknowledged commit.
                scenario.faults.power_loss = Rate::NEVER;
                scenario.crash_images = None;
            }
            scenario.validate().unwrap();
            let runs = if scenario.crash_images.is_some() { 2 } else { 15 };
            let totals = batch_of(&scenario, "random", None, 7000, runs);
            if let Some((index, report)) = &totals.failure {
                panic!("{name} with {sync:?}, pages of {page_size}, seed {}: {:?}", 7000 + index, report.verdict);
            }
        }
    }
}

fn clean(scenario: &str, strategy: &str, runs: u64) -> Totals {
    let totals = batch(scenario, strategy, None, 50_000, runs);
    if let Some((index, report)) = &totals.failure {
        panic!("{scenario} under {strategy}, seed {}: {:?}", 50_000 + index, report.verdict);
    }
    assert_eq!(totals.runs, runs);
    totals
}
