//! Dropping the last handles while the device finishes: everything is freed, once, and no buffer too early.
//!
//! Loom itself fails an execution that leaks an `Arc`; the tokens here say the same to the other backends.

use super::Stage;
use super::stage::{Calls, End};
use crate::io::{Buffer, Completion, CompletionGroup, CompletionKind};
use crate::sync::{Arc, Body, Mutex, Unseen, race};

/// A completion whose callback owns a share of `token` and a handle of the completion itself: a cycle that ends when the
/// callback has run and is dropped.
fn owning(stage: &Stage, token: &Unseen<()>) -> Completion {
    let (share, slot) = (token.clone(), Arc::new(Mutex::new(None)));
    let own = Arc::clone(&slot);
    let completion = Completion::new_planted(CompletionKind::Write, stage.planted, move |_| {
        let _ = (&share, &own);
    });
    *slot.lock() = Some(completion.clone());
    completion
}

fn check_freed(token: &Unseen<()>) {
    assert_eq!(token.holders(), 1, "IO-1: a callback was kept after its run, and what it owns with it");
}

/// A thread that takes the only other handle with it.
fn device(stage: &Stage, lane: &'static str, completion: Completion) -> Body {
    let stage = stage.clone();
    Box::new(move || {
        stage.end(lane, &completion, End::Complete(1));
        stage.note(lane, || "drops its handle".into());
    })
}

pub(super) fn drop_last(stage: &Stage) {
    let token = Unseen::new(());
    let completion = owning(stage, &token);
    let at_the_device = completion.clone();
    race(vec![device(stage, "device", at_the_device)], || {
        stage.note("waiter", || "drops its handle".into());
        drop(completion);
    });
    check_freed(&token);
}

pub(super) fn drop_unfinished(stage: &Stage) {
    let token = Unseen::new(());
    let share = token.clone();
    let completion = Completion::new_planted(CompletionKind::Write, stage.planted, move |_| {
        let _ = &share;
    });
    let at_the_device = completion.clone();
    race(vec![Box::new(move || drop(at_the_device))], || drop(completion));
    check_freed(&token);
}

pub(super) fn drop_group(stage: &Stage) {
    let (token, calls) = (Unseen::new(()), Calls::default());
    let members = [(); 2].map(|()| owning(stage, &token));
    let all = stage.group("group", &members, &calls);
    let devices = ["device 1", "device 2"].into_iter().zip(members);
    race(devices.map(|(lane, member)| device(stage, lane, member)).collect(), || {
        stage.note("waiter", || "drops its handle of the group".into());
        drop(all);
    });
    assert_eq!(calls.seen(), [Ok(0)], "IO-3: nobody waits, the callback runs all the same");
    check_freed(&token);
}

pub(super) fn drop_builder(stage: &Stage) {
    let token = Unseen::new(());
    let (member, share) = (owning(stage, &token), token.clone());
    let mut builder = CompletionGroup::new_planted(stage.planted, move |_| {
        let _ = &share;
    });
    builder.add(&member);
    race(vec![device(stage, "device", member)], || drop(builder));
    check_freed(&token);
}

/// Whether the device's handle keeps the buffer of a read alive; a wrong one forgets to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Until the handle is dropped.
    UntilTheLastHandle,
    /// Only as long as the waiter is interested.
    WhileWaitedFor,
}

pub(super) fn late_write(stage: &Stage) {
    late_kernel_write(stage, Keeping::UntilTheLastHandle);
}

/// A read is aborted and its waiter gone; the kernel, which knows nothing of that, fills the buffer later.
///
/// # Panics
/// If nobody keeps the buffer alive any more when the kernel writes.
pub fn late_kernel_write(stage: &Stage, keeping: Keeping) {
    let buffer = Buffer::zeroed(4);
    let read = Completion::new_read_planted(stage.planted, Arc::clone(&buffer), |_| {});
    if keeping == Keeping::UntilTheLastHandle {
        read.keep_buffer_alive(Arc::clone(&buffer));
    }
    // What a kernel has is an address; this handle stands for it, and counts as nobody's.
    let (address, at_the_device, kernel) = (Arc::clone(&buffer), read.clone(), stage.clone());
    let device: Body = Box::new(move || {
        assert!(Arc::strong_count(&address) > 1, "IO-5: the kernel writes into a buffer that was freed");
        address.write(|bytes| bytes.fill(7));
        kernel.note("device", || "has written into the buffer".into());
        kernel.end("device", &at_the_device, End::Complete(4));
    });
    race(vec![device], || {
        stage.note("waiter", || "aborts, and drops handle and buffer".into());
        read.abort();
        drop((read, buffer));
    });
}
