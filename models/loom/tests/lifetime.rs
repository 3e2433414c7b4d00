//! Dropping the last handles while the device finishes: everything is freed, once, and no buffer too early.
//!
//! Loom itself fails an execution that leaks an `Arc`, so each model here also checks that there is no reference cycle.
//! Bounds: the main thread drops, one completer thread fully, two with at most 4 preemptions.

mod support;

use std::sync::Arc as StdArc;

use falken_models_loom::bug::Bug;
use falken_models_loom::io::{Buffer, Completion, CompletionGroup, CompletionKind};
use falken_models_loom::sync::{Arc, Mutex};
use support::{Bound, CORRECT, Calls, expect_failure, explore, group, join, take_part, thread, with};

/// A completion whose callback owns a share of `token`.
fn owning(token: &StdArc<()>) -> Completion {
    let share = StdArc::clone(token);
    Completion::new_write(move |_| {
        let _ = &share;
    })
}

#[test]
fn the_waiters_drop_races_with_the_devices_end() {
    explore("drop x complete", Bound::Full, || {
        let token = StdArc::new(());
        let completion = owning(&token);
        let device = completion.clone();
        let device = thread(move || device.complete(1));
        take_part();
        drop(completion);
        assert!(device.join().expect("no panic"));
        assert_eq!(StdArc::strong_count(&token), 1);
    });
}

#[test]
fn two_handles_of_an_unfinished_completion_are_dropped_at_once() {
    explore("drop x drop", Bound::Full, || {
        let token = StdArc::new(());
        let completion = owning(&token);
        let device = completion.clone();
        let device = thread(move || drop(device));
        take_part();
        drop(completion);
        device.join().expect("no panic");
        assert_eq!(StdArc::strong_count(&token), 1);
    });
}

#[test]
fn the_drop_of_a_group_races_with_its_members_ends() {
    explore("drop group x 2 members", Bound::Preemptions(4), || {
        let (token, calls) = (StdArc::new(()), Calls::default());
        let members = [(); 2].map(|()| owning(&token));
        let all = group(CORRECT, &members.each_ref(), &calls);
        let devices = members.map(|member| thread(move || member.complete(1)));
        take_part();
        drop(all);
        join(devices);
        assert_eq!(calls.seen(), [Ok(0)], "nobody waits, the callback runs all the same");
        assert_eq!(StdArc::strong_count(&token), 1);
    });
}

#[test]
fn a_group_dropped_before_build_is_freed_while_its_member_finishes() {
    explore("drop builder x complete", Bound::Full, || {
        let token = StdArc::new(());
        let (member, share) = (owning(&token), StdArc::clone(&token));
        let mut builder = CompletionGroup::new(move |_| {
            let _ = &share;
        });
        builder.add(&member);
        let device = thread(move || member.complete(1));
        take_part();
        drop(builder);
        device.join().expect("no panic");
        assert_eq!(StdArc::strong_count(&token), 1);
    });
}

#[test]
fn an_aborted_reads_buffer_lives_until_the_device_lets_go() {
    explore("abort x kernel write", Bound::Full, || {
        let buffer = Buffer::zeroed(4);
        let read = Completion::new_read(Arc::clone(&buffer), |_| {});
        read.keep_buffer_alive(Arc::clone(&buffer));
        let device = (read.clone(), Arc::clone(&buffer));
        let device = thread(move || {
            let (read, buffer) = device;
            // The kernel knows nothing of the abort.
            buffer.write(|bytes| bytes.fill(7));
            read.complete(4);
        });
        take_part();
        read.abort();
        drop(read);
        device.join().expect("no panic");
        buffer.read(|bytes| assert_eq!(bytes, [7; 4]));
    });
}

/// Keeping the callback for a second run is what the planted bug does. The callback owns its completion's handle, so
/// that closes a cycle, which loom sees as a leak.
#[test]
fn loom_finds_a_callback_that_is_kept_and_so_closes_a_cycle() {
    expect_failure("kept callback", Bound::Full, "Arc leaked", || {
        let slot = Arc::new(Mutex::new(None));
        let own = Arc::clone(&slot);
        let planted = with(Bug::CompletionDoubleComplete);
        let completion = Completion::new_planted(CompletionKind::Write, planted, move |_| {
            let _ = &own;
        });
        *slot.lock() = Some(completion.clone());
        let device = thread(move || completion.complete(1));
        device.join().expect("no panic");
    });
}
