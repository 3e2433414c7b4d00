//! Every form that loom can explore, within the bound that the form states; and the bugs that it must find there.
//!
//! The bodies are those of `falken threads`: they stand in `models/src/threads`.

mod support;

use falken_models_loom::bug::{Bug, Planted};
use falken_models_loom::threads::lifetime::{Keeping, late_kernel_write};
use falken_models_loom::threads::wal_header::two_publishers;
use falken_models_loom::threads::wal_locks::{Locking, contend};
use falken_models_loom::threads::{Bound, Form, Stage, TABLE};
use falken_models_loom::wal::LockId;
use falken_models_loom::wal::LockMode::{Exclusive, Shared};
use support::{explore, failure};

/// The groups in which the forms are explored, so that tests run beside each other.
const GROUPS: &[&[&str]] = &[
    &["complete-", "error-", "done-", "callback", "page-", "waker-", "late-", "give-up"],
    &["group-two", "group-nested", "group-progress", "group-waker", "group-done", "link-"],
    &["group-three", "group-cancel", "drop-"],
    &["wal-header", "lock-words"],
    &["read-marks"],
];

fn fits(form: &Form) -> bool {
    form.bound != Bound::TooLarge
}

fn explore_group(group: usize) {
    let starts = GROUPS[group];
    for form in TABLE.iter().filter(|form| fits(form) && starts.iter().any(|start| form.name.starts_with(start))) {
        explore(form.name, form.bound, || (form.body)(&Stage::default()));
    }
}

#[test]
fn every_small_form_is_in_a_group() {
    let is_grouped = |form: &Form| GROUPS.concat().iter().any(|start| form.name.starts_with(start));
    let left_out: Vec<_> = TABLE.iter().filter(|form| fits(form) && !is_grouped(form)).map(|form| form.name).collect();
    assert!(left_out.is_empty(), "{left_out:?}");
}

#[test]
fn one_completion_has_one_end_that_everybody_sees() {
    explore_group(0);
}

#[test]
fn groups_end_once_and_lose_no_member() {
    explore_group(1);
}

#[test]
fn cancelled_and_dropped_groups_end_once_and_leave_nothing() {
    explore_group(2);
}

#[test]
fn header_copies_and_lock_words_keep_their_promises() {
    explore_group(3);
}

#[test]
fn a_read_start_gets_a_snapshot_that_its_slot_protects() {
    explore_group(4);
}

fn stage(bug: Bug) -> Stage {
    Stage { planted: Planted(Some(bug)), ..Stage::default() }
}

/// Loom's own words for what the catalogue has ids for.
fn names_the_bug(bug: Bug, text: &str) -> bool {
    let is_deadlock = text.contains("deadlock") && bug.violates().iter().any(|id| id.starts_with("LIVE"));
    let is_leak = text.contains("leaked") && bug.violates().contains(&"IO-1");
    is_deadlock || is_leak || bug.violates().iter().any(|id| text.starts_with(&format!("{id}:")))
}

/// Forms whose bug leaves threads stuck: loom panics a second time as it unwinds them, which ends the process. The worker of
/// `falken threads` ends at the first panic; its tests (`scenarios/tests/threads.rs`) plant the bugs of these forms.
const STUCK: &[&str] = &["callbacks-cross", "callback-unlocked", "link-and-wait"];

#[test]
fn loom_finds_the_bugs_that_a_form_shows() {
    for form in TABLE.iter().filter(|form| fits(form) && !STUCK.contains(&form.name)) {
        for &bug in form.shows {
            let what = format!("{} with {}", form.name, bug.id());
            let text = failure(&what, form.bound, move || (form.body)(&stage(bug)));
            assert!(names_the_bug(bug, &text), "{what}: failed with {text}");
        }
    }
}

/// The check and the take as two steps, which is what the compare-and-swap of the real lock is there to prevent.
#[test]
fn loom_finds_a_lock_that_looks_before_it_takes() {
    const LOOK_THEN_TAKE: Locking = Locking {
        // Counts itself in, whoever else did so since the look.
        try_lock: |shared, _| shared.shared_holders(LockId::WRITE) == Some(0) && shared.try_lock(LockId::WRITE, Shared),
        unlock: |shared, _| shared.unlock(LockId::WRITE, Shared),
    };
    for modes in [&[Exclusive, Exclusive][..], &[Exclusive, Exclusive, Exclusive]] {
        let text = failure("look before take", Bound::Preemptions(2), move || {
            contend(&Stage::default(), modes, LOOK_THEN_TAKE);
        });
        assert!(text.starts_with("WAL-4:"), "{text}");
    }
}

#[test]
fn loom_finds_two_publishers_at_once() {
    let text = failure("publication without WRITE", Bound::Preemptions(2), || two_publishers(&Stage::default()));
    assert!(text.starts_with("TX-3: half of each"), "{text}");
}

#[test]
fn loom_finds_a_buffer_that_is_freed_before_the_kernel_writes_into_it() {
    let text = failure("buffer not kept", Bound::Full, || {
        late_kernel_write(&Stage::default(), Keeping::WhileWaitedFor);
    });
    assert!(text.starts_with("IO-5:"), "{text}");
}
