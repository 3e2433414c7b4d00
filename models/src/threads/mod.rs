//! Forms: small bodies of racing threads over this crate's own code, each with what must hold when all is quiet.
//!
//! A form is written once and runs three ways, as the crate is built: on the machine's threads, under loom, under shuttle.
//! It knows no schedule: whoever explores calls it once for each execution with a fresh [`Stage`], and takes a panic whose
//! message begins with an invariant's id for a violation.
//!
//! What a pass does not prove: loom explores within a bound, does not model every reordering that the C++ memory model
//! allows (relaxed loads never see stores of the future), and misses some sequentially consistent outcomes of
//! threads that load and store one word in two steps. Shuttle samples, and takes every atomic access for sequentially
//! consistent. The machine's threads show only what the machine happened to do.
//!
//! [`TABLE`] lists the forms; a new one is a function in one of the files beside this one and a line there.
//! [`programs`] runs whole programs of client statements, as scenarios give them.

pub mod cancel;
pub mod completion;
pub mod group;
pub mod lifetime;
pub mod linking;
pub mod lock_order;
pub mod page_read;
pub mod programs;
pub mod read_start;
mod stage;
pub mod visibility;
pub mod wakers;
pub mod wal_header;
pub mod wal_locks;

use crate::bug::Bug;
pub use stage::{Note, Stage};

/// How far loom explores a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Every execution that loom knows to try; seconds at most.
    Full,
    /// Those with at most this many preemptive switches.
    Preemptions(u8),
    /// Not at all: it is too large.
    TooLarge,
}

/// One form.
pub struct Form {
    /// Its stable name.
    pub name: &'static str,
    /// What races with what.
    pub about: &'static str,
    /// How many threads take part, with the one that starts the others.
    pub threads: u8,
    /// How far loom explores it if nothing else is asked for.
    pub bound: Bound,
    /// Bugs of the catalogue that it shows to loom, or to shuttle if it is too large for loom.
    pub shows: &'static [Bug],
    /// One execution.
    pub body: fn(&Stage),
}

macro_rules! forms {
    ($($name:literal, $threads:literal, $bound:expr, [$($bug:ident),*], $body:expr, $about:literal;)*) => {
        /// Every form.
        pub const TABLE: &[Form] = &[$(Form {
            name: $name,
            about: $about,
            threads: $threads,
            bound: $bound,
            shows: &[$(Bug::$bug),*],
            body: $body,
        }),*];
    };
}

use Bound::{Full, Preemptions, TooLarge};

forms! {
    "complete-complete", 3, Full, [CompletionDoubleComplete], completion::complete_complete,
        "two results arrive for one operation";
    "complete-abort", 3, Full, [CompletionDoubleComplete], completion::complete_abort,
        "a result arrives while the waiter gives up";
    "error-abort", 3, Full, [CompletionDoubleComplete], completion::error_abort,
        "an error arrives while the waiter gives up";
    "complete-error", 3, Full, [CompletionDoubleComplete], completion::complete_error,
        "a result and an error arrive for one operation";
    "complete-error-abort", 4, Preemptions(3), [CompletionDoubleComplete], completion::complete_error_abort,
        "a result, an error and an abort arrive for one operation";
    "done-after-callback", 2, Full, [CompletionDoneBeforeCallback], visibility::observer,
        "whoever sees the end of an operation sees what its callback did";
    "group-done-after-callbacks", 3, Preemptions(3), [CompletionDoneBeforeCallback], visibility::group_observer,
        "whoever sees the end of a group sees what its members' callbacks did";
    "callbacks-cross", 3, Full, [CallbackLockReentry], lock_order::cross,
        "two callbacks, each of which uses the other's completion";
    "callback-unlocked", 2, Full, [CallbackLockReentry], lock_order::own,
        "a callback uses its own completion while a waker is registered";
    "page-read", 2, Full, [CompletionDoneBeforeCallback], page_read::observer,
        "a page is looked at while its read ends";
    "group-two", 3, Preemptions(4), [CompletionDoneBeforeCallback], group::two,
        "two members finish while the waiter looks at their group, one of them with an error";
    "group-two-successes", 3, Preemptions(4), [CompletionDoneBeforeCallback], group::two_successes,
        "two members finish without an error while the waiter looks at their group";
    "group-two-errors", 3, Preemptions(4), [CompletionDoneBeforeCallback], group::two_errors,
        "two members fail while the waiter looks at their group";
    "group-three", 4, Preemptions(3), [CompletionDoneBeforeCallback], group::three,
        "three members finish, two of them with errors";
    "group-nested", 4, Preemptions(3), [GroupNestedParentNotTold], group::nested,
        "a group in a group, and one error in the inner one";
    "group-eight", 5, TooLarge, [CompletionDoneBeforeCallback], group::eight,
        "four threads finish eight members, two of them with errors";
    "group-eight-nested", 5, TooLarge, [GroupNestedParentNotTold], group::eight_nested,
        "two groups in a group, linked while four threads finish their eight members";
    "link-while-finishing", 2, Full, [GroupLinkAfterFinish], linking::one,
        "a member finishes while it is linked";
    "link-two-while-finishing", 3, Preemptions(3), [GroupLinkAfterFinish], linking::two,
        "two members finish while they are linked";
    "link-and-wait", 3, Preemptions(3), [GroupLinkAfterFinish], linking::and_wait,
        "two members finish while they are linked, and their group is waited for";
    "link-eight-while-finishing", 4, TooLarge, [GroupLinkAfterFinish], linking::eight,
        "eight members finish on three threads while they are linked";
    "link-group-while-finishing", 3, Preemptions(3), [GroupLinkAfterFinish], linking::group,
        "a group finishes while it is linked to another";
    "give-up-while-finishing", 2, Full, [GroupLinkAfterFinish], linking::give_up,
        "a group is given up, and another one takes its member, while that finishes";
    "group-cancel-one", 2, Full, [CompletionDoubleComplete], cancel::one,
        "a group of one is cancelled while its member finishes";
    "group-cancel", 3, Preemptions(4), [CompletionDoubleComplete], cancel::two,
        "a group is cancelled while its two members finish";
    "group-cancel-unbuilt", 3, Preemptions(4), [CompletionDoubleComplete], cancel::unbuilt,
        "a group is cancelled before it is built, while its two members finish";
    "group-cancel-eight", 5, TooLarge, [CompletionDoubleComplete], cancel::eight,
        "a group of eight is cancelled while three threads finish its members";
    "waker-registration", 2, Full, [CompletionDoneBeforeCallback], wakers::registration,
        "a waker is registered while the operation ends";
    "waker-replaced", 2, Full, [CompletionDoneBeforeCallback], wakers::replaced,
        "a waker is registered and replaced while the operation ends";
    "group-progress-wake", 2, Full, [GroupNoProgressWake], wakers::progress,
        "a group's waiter is replaced while a member finishes";
    "group-waker-registration", 3, Preemptions(4), [CompletionDoneBeforeCallback], wakers::group,
        "a waker is registered on a group while its two members finish";
    "drop-last-handle", 2, Full, [CompletionDoubleComplete], lifetime::drop_last,
        "the waiter drops its handle while the device finishes";
    "drop-unfinished", 2, Full, [], lifetime::drop_unfinished,
        "waiter and device drop their handles, and nobody ever finishes the operation";
    "drop-group", 3, Preemptions(4), [CompletionDoubleComplete], lifetime::drop_group,
        "a group's handle is dropped while its two members finish";
    "drop-builder", 2, Full, [CompletionDoubleComplete], lifetime::drop_builder,
        "a group is dropped before it is built, while its member finishes";
    "late-kernel-write", 2, Full, [], lifetime::late_write,
        "a read is aborted and dropped, and its buffer filled later";
    "wal-header", 2, Preemptions(4), [], wal_header::reader,
        "the header is read while a writer publishes another one";
    "wal-header-twice", 2, Preemptions(3), [], wal_header::reader_of_two,
        "the header is read while a writer publishes two, one after the other";
    "wal-header-order", 2, Preemptions(2), [], wal_header::order,
        "two reads of the header beside two publications";
    "lock-words", 3, Full, [], wal_locks::exclusive_shared,
        "an exclusive and a shared contender for one lock of the wal-index";
    "lock-words-exclusive", 3, Full, [], wal_locks::exclusive_exclusive,
        "two exclusive contenders for one lock";
    "lock-words-shared", 3, Full, [], wal_locks::shared_shared,
        "two shared contenders for one lock, neither of which may be refused";
    "lock-words-two-locks", 3, Full, [], wal_locks::two_locks,
        "two exclusive holders of different locks, neither of which may be refused";
    "lock-words-two-writers", 4, Preemptions(3), [], wal_locks::two_writers,
        "two exclusive contenders and a shared one for one lock";
    "lock-words-three", 4, Preemptions(3), [], wal_locks::three,
        "an exclusive and two shared contenders for one lock";
    "read-marks", 2, Preemptions(3), [WalSlot0NotRevalidated, CkptNoSlot0Exclusive], read_start::commit_and_checkpoint,
        "a read transaction starts while another connection commits and checkpoints";
    "read-marks-checkpoint", 2, Preemptions(3), [CkptIgnoresReadMarks], read_start::checkpoint,
        "a read transaction starts while a checkpoint and its commit run";
    "read-marks-restart", 2, Preemptions(3), [WalRestartUnderReaders], read_start::restart,
        "a read transaction starts while a checkpoint is followed by a commit that restarts the log";
    "read-marks-all", 2, Preemptions(3), [WalSkipReadMarkRecheck], read_start::all,
        "a read transaction starts while a commit, a checkpoint and a restart of the log follow each other";
}

/// The form with this name.
pub fn find(name: &str) -> Option<&'static Form> {
    TABLE.iter().find(|form| form.name == name)
}
