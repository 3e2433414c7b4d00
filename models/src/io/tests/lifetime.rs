//! What is freed when, and what is kept for as long as it takes: no reference cycles, no early frees.

use super::*;
use crate::disk::{Disk, Ending, FileId, Request};
use crate::event::EventLog;

#[test]
fn a_callback_is_freed_as_soon_as_it_has_run() {
    let ends: [fn(&Completion) -> bool; 3] = [
        |c| c.complete(0),
        |c| c.error(CompletionError::Io),
        |c| {
            c.abort();
            c.failed()
        },
    ];
    for end in ends {
        let token = Token::new();
        let completion = Completion::new_write(owning(&token));
        assert_eq!(token.alive(), 1);
        assert!(end(&completion));
        assert_eq!(token.alive(), 0, "a handle is still there, the callback is not");
    }
}

#[test]
fn dropping_every_handle_frees_an_unfinished_completion() {
    let (token, kept) = (Token::new(), Buffer::zeroed(4));
    let completion = Completion::new_write(owning(&token));
    completion.keep_buffer_alive(Arc::clone(&kept));
    let clone = completion.clone();
    drop(completion);
    assert_eq!((token.alive(), Arc::strong_count(&kept)), (1, 2));
    drop(clone);
    assert_eq!((token.alive(), Arc::strong_count(&kept)), (0, 1));
}

#[test]
fn dropping_the_handles_of_nested_groups_frees_every_callback_in_any_order() {
    for drop_group_first in [true, false] {
        let token = Token::new();
        let leaf = Completion::new_sync(owning(&token));
        let mut inner = CompletionGroup::new(owning(&token));
        inner.add(&leaf);
        let mut outer = CompletionGroup::new(owning(&token));
        outer.add(&inner.build());
        let outer = outer.build();
        assert_eq!(token.alive(), 3);
        let (first, last) = if drop_group_first { (outer, leaf) } else { (leaf, outer) };
        drop(first);
        drop(last);
        assert_eq!(token.alive(), 0, "group first: {drop_group_first}");
    }
}

#[test]
fn a_group_that_nobody_waits_for_still_calls_back() {
    let (leaf, calls) = (idle(), Calls::default());
    drop(group_of(&[&leaf], &calls));
    leaf.complete(0);
    assert_eq!(calls.seen(), [Ok(0)]);
}

#[test]
fn giving_a_group_up_frees_its_callback_at_once() {
    let (token, member) = (Token::new(), idle());
    let mut group = CompletionGroup::new(owning(&token));
    group.add(&member);
    drop(group);
    assert_eq!(token.alive(), 0, "although a member is still unfinished");
    assert!(member.complete(0));
}

#[test]
fn wakers_are_freed_with_the_completion_that_they_wait_for() {
    let token = Token::new();
    let waker = |token: &Token| {
        let share = token.share();
        Watch::new(move || {
            let _ = &share;
        })
        .1
    };
    let (finished, dropped) = (idle(), idle());
    finished.set_waker(&waker(&token));
    dropped.set_waker(&waker(&token));
    assert_eq!(token.alive(), 2);
    finished.complete(0);
    drop(dropped);
    assert_eq!(token.alive(), 0);
}

#[test]
fn kept_alive_buffers_live_until_the_last_handle_is_gone_also_after_an_abort() {
    for abort in [false, true] {
        let buffer = Buffer::zeroed(16);
        let waiter = idle();
        waiter.keep_buffer_alive(Arc::clone(&buffer));
        let device = waiter.clone();
        if abort {
            waiter.abort();
        }
        drop(waiter);
        assert_eq!(Arc::strong_count(&buffer), 2, "the device may still use it");
        device.complete(16);
        assert_eq!(Arc::strong_count(&buffer), 2, "until it lets go of its handle");
        drop(device);
        assert_eq!(Arc::strong_count(&buffer), 1);
    }
}

#[test]
fn the_disk_keeps_the_buffer_of_an_aborted_read_until_it_is_done() {
    let disk = Disk::new(Arc::new(EventLog::default()), 512, vec![9; 8]);
    let buffer = Buffer::zeroed(8);
    let read = Completion::new_read(Arc::clone(&buffer), |_| {});
    let request = Request::read(FileId::Database, 0, Arc::clone(&buffer));
    let op = disk.submit(0, request, read.clone()).unwrap().op;
    read.abort();
    drop(read);
    assert_eq!(Arc::strong_count(&buffer), 2, "the callback is gone, the request is not");
    disk.finish(op, Ending::Success);
    assert_eq!(Arc::strong_count(&buffer), 1);
    buffer.read(|bytes| assert_eq!(bytes, [9; 8], "an abort stops nothing"));
}

#[test]
fn a_yield_has_nothing_to_keep() {
    let buffer = Buffer::zeroed(1);
    Completion::new_yield().keep_buffer_alive(Arc::clone(&buffer));
    assert_eq!(Arc::strong_count(&buffer), 1);
}
