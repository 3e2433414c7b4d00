//! The contract of the I/O library, one rule per test, on one thread.
//!
//! Races between threads are the business of the loom and shuttle packages, which build the same source.

mod completion;
mod group;
mod lifetime;
mod macros;
mod planted;
mod reentry;
mod state_machine;
mod waker;

use std::task::{Wake, Waker};

use super::{Buffer, Completion, CompletionError, CompletionGroup, CompletionKind};
use crate::sync::{Arc, AtomicU32, Mutex, Ordering};

/// What callbacks were called with, in order.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<Result<i32, CompletionError>>>>);

impl Calls {
    fn recorder(&self) -> impl FnMut(Result<i32, CompletionError>) + Send + use<> {
        let calls = self.clone();
        move |result| calls.0.lock().push(result)
    }

    fn seen(&self) -> Vec<Result<i32, CompletionError>> {
        self.0.lock().clone()
    }
}

/// A waker that counts its calls and asserts something at each.
struct Watch<F> {
    calls: AtomicU32,
    check: F,
}

impl<F: Fn() + Send + Sync + 'static> Watch<F> {
    fn new(check: F) -> (Arc<Self>, Waker) {
        let watch = Arc::new(Self { calls: AtomicU32::new(0), check });
        (Arc::clone(&watch), Waker::from(watch))
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}

impl<F: Fn() + Send + Sync + 'static> Wake for Watch<F> {
    fn wake(self: Arc<Self>) {
        (self.check)();
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

type Counter = Watch<fn()>;

/// A waker that only counts.
fn counting_waker() -> (Arc<Counter>, Waker) {
    Watch::new(|| {})
}

/// Something to move into a callback or hang on a handle, and a way to ask whether it is still there.
struct Token(Arc<()>);

impl Token {
    fn new() -> Self {
        Self(Arc::new(()))
    }

    fn share(&self) -> Arc<()> {
        Arc::clone(&self.0)
    }

    /// How many shares are alive.
    fn alive(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// A callback that does nothing but own a share of `token`.
fn owning(token: &Token) -> impl FnMut(Result<i32, CompletionError>) + Send + use<> {
    let share = token.share();
    move |_| {
        let _ = &share;
    }
}

fn idle() -> Completion {
    Completion::new_sync(|_| {})
}

fn group_of(members: &[&Completion], calls: &Calls) -> Completion {
    let mut group = CompletionGroup::new(calls.recorder());
    members.iter().for_each(|member| group.add(member));
    group.build()
}

/// One completion of each kind that a device can be given, reporting to `calls`.
fn one_of_each(calls: &Calls) -> Vec<Completion> {
    let (mut read, buffer) = (calls.recorder(), Buffer::zeroed(8));
    vec![
        Completion::new_read(buffer, move |result| read(result.map(|(_, n)| n))),
        Completion::new_write(calls.recorder()),
        Completion::new_sync(calls.recorder()),
        Completion::new_trunc(calls.recorder()),
    ]
}
