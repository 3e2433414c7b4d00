//! Who is woken, when, and how often.

use super::*;

#[test]
fn the_waker_registered_last_is_called_once() {
    let completion = idle();
    let (first, first_waker) = counting_waker();
    let (last, last_waker) = counting_waker();
    completion.set_waker(&first_waker);
    completion.set_waker(&last_waker);
    completion.set_waker(&last_waker);
    assert_eq!(last.calls(), 0);
    completion.complete(0);
    completion.abort();
    assert_eq!((first.calls(), last.calls()), (0, 1));
}

#[test]
fn the_result_and_the_callbacks_effect_are_visible_when_the_waker_is_called() {
    let calls = Calls::default();
    for completion in one_of_each(&calls) {
        let (observed, before) = (completion.clone(), calls.clone());
        let expected = calls.seen().len() + 1;
        let (watch, waker) = Watch::new(move || {
            assert!(observed.succeeded());
            assert_eq!(before.seen().len(), expected);
        });
        completion.set_waker(&waker);
        completion.complete(8);
        assert_eq!(watch.calls(), 1);
    }
}

#[test]
fn a_waker_that_comes_after_the_end_is_called_at_once_each_time() {
    let ended = idle();
    ended.complete(0);
    for completion in [ended, Completion::new_yield(), CompletionGroup::new(|_| {}).build()] {
        let (watch, waker) = counting_waker();
        completion.set_waker(&waker);
        completion.set_waker(&waker);
        assert_eq!(watch.calls(), 2, "{completion:?}");
    }
}

#[test]
fn a_waker_registered_in_the_callback_is_called_after_it() {
    let (watch, waker) = counting_waker();
    let slot = Arc::new(Mutex::new(None::<Completion>));
    let (own, seen) = (Arc::clone(&slot), Arc::clone(&watch));
    let completion = Completion::new_sync(move |_| {
        own.lock().take().expect("set before the end").set_waker(&waker);
        assert_eq!(seen.calls(), 0, "the result is not visible yet");
    });
    *slot.lock() = Some(completion.clone());
    completion.complete(0);
    assert_eq!(watch.calls(), 1);
}

#[test]
fn a_group_wakes_its_waiter_at_each_members_end() {
    let members = [idle(), idle(), idle()];
    let group = group_of(&members.each_ref(), &Calls::default());
    let (watch, waker) = counting_waker();
    group.set_waker(&waker);
    for (woken, member) in (1..).zip(&members) {
        member.complete(0);
        assert_eq!(watch.calls(), woken);
    }
    assert!(group.finished());
}

#[test]
fn a_member_and_its_group_each_wake_their_own_waiter() {
    let (member, sibling) = (idle(), idle());
    let group = group_of(&[&member, &sibling], &Calls::default());
    let (of_member, member_waker) = counting_waker();
    let (of_group, group_waker) = counting_waker();
    member.set_waker(&member_waker);
    group.set_waker(&group_waker);
    member.complete(0);
    assert_eq!((of_member.calls(), of_group.calls()), (1, 1));
    sibling.complete(0);
    assert_eq!((of_member.calls(), of_group.calls()), (1, 2));
}

#[test]
fn a_waker_may_register_the_next_one() {
    let (group_member, last) = (idle(), idle());
    let group = group_of(&[&group_member, &last], &Calls::default());
    let (next, next_waker) = counting_waker();
    let handle = group.clone();
    let (_, waker) = Watch::new(move || handle.set_waker(&next_waker));
    group.set_waker(&waker);
    group_member.complete(0);
    assert_eq!(next.calls(), 0);
    last.complete(0);
    assert_eq!(next.calls(), 1);
}

#[test]
fn a_replaced_waker_may_use_the_completion_while_it_is_dropped() {
    /// What a dropped task does: gives up what it waited for.
    struct Task(Completion);
    impl Drop for Task {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    let completion = idle();
    let task = Task(completion.clone());
    let (_, waker) = Watch::new(move || {
        let _ = &task;
    });
    completion.set_waker(&waker);
    drop(waker);
    let (last, last_waker) = counting_waker();
    completion.set_waker(&last_waker);
    assert_eq!(completion.get_error(), Some(CompletionError::Aborted));
    assert_eq!(last.calls(), 1, "the new waker was in place before the old one was dropped");
}
