//! The shared part of a completion: how its result is delivered, and who is told.
//!
//! One race decides everything: the step from `PENDING` to `RUNNING`. Whoever wins it runs the callback with no lock
//! held and then, under the lock, makes the result visible and takes out the parent and the waker. Linking and waker
//! registration hold the same lock, so none of them can fall between the two.

use std::hash::{Hash, Hasher};
use std::task::Waker;

use super::{Buffer, CompletionError, CompletionKind};
use crate::bug::{Bug, Planted};
use crate::state::hash_identity;
use crate::sync::{Arc, AtomicU32, Mutex, Ordering};

type PlainCallback = Box<dyn FnMut(Result<i32, CompletionError>) + Send>;
type ReadCallback = Box<dyn FnMut(Result<(Arc<Buffer>, i32), CompletionError>) + Send>;

pub(super) enum Callback {
    Plain(PlainCallback),
    Read(ReadCallback, Arc<Buffer>),
}

const PENDING: u32 = 0;
/// Somebody has won the race to deliver the result and runs the callback.
const RUNNING: u32 = 1;
const OK: u32 = 2;
const FAILED: u32 = 3;

/// One outcome, shared by all handles and, for a member, told to its group's core.
pub(super) struct Core {
    pub(super) kind: CompletionKind,
    planted: Planted,
    /// `PENDING` → `RUNNING` → `OK` or `FAILED`; never back.
    state: AtomicU32,
    /// The transferred bytes (as `i32`) or the error's code; valid once `state` is terminal.
    value: AtomicU32,
    callback_runs: AtomicU32,
    /// Groups only: unfinished members, plus one for a builder that has not built yet.
    outstanding: AtomicU32,
    /// Groups only: the code of the first member error, 0 for none.
    first_error: AtomicU32,
    tail: Mutex<Tail>,
}

/// What is handed over, under one lock, at the moment the result becomes visible.
#[derive(Default)]
struct Tail {
    callback: Option<Callback>,
    parent: Option<Arc<Core>>,
    waker: Option<Waker>,
    kept_alive: Vec<Arc<Buffer>>,
    /// What the callback will do, as far as nothing else shows it: see [`Completion::set_label`](super::Completion::set_label).
    label: u64,
}

impl Hash for Core {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_identity(self, state);
        let Self { kind, planted: _, state: phase, value, callback_runs, outstanding, first_error, tail } = self;
        kind.hash(state);
        for word in [phase, value, callback_runs, outstanding, first_error] {
            word.load(Ordering::Acquire).hash(state);
        }
        let Tail { callback, parent, waker, kept_alive, label } = &*tail.lock();
        match callback {
            None => 0_u8.hash(state),
            Some(Callback::Plain(_)) => 1_u8.hash(state),
            Some(Callback::Read(_, buffer)) => buffer.hash(state),
        }
        // The group itself is hashed where somebody holds its handle; here it only matters which one it is.
        parent.is_some().hash(state);
        if let Some(parent) = parent {
            hash_identity(&**parent, state);
        }
        // A connection parks on its own operations only, so that there is a waker says whose.
        waker.is_some().hash(state);
        kept_alive.hash(state);
        label.hash(state);
    }
}

impl Core {
    pub(super) fn new(
        kind: CompletionKind,
        planted: Planted,
        outstanding: u32,
        callback: Option<Callback>,
    ) -> Arc<Self> {
        Arc::new(Self {
            kind,
            planted,
            state: AtomicU32::new(PENDING),
            value: AtomicU32::new(0),
            callback_runs: AtomicU32::new(0),
            outstanding: AtomicU32::new(outstanding),
            first_error: AtomicU32::new(0),
            tail: Mutex::new(Tail { callback, ..Tail::default() }),
        })
    }

    pub(super) fn terminal(&self) -> bool {
        self.state.load(Ordering::Acquire) >= OK
    }

    pub(super) fn succeeded(&self) -> bool {
        let state = self.state.load(Ordering::Acquire);
        state == OK || (state == FAILED && self.planted.is(Bug::CompletionErrorCountsAsSuccess))
    }

    pub(super) fn transferred(&self) -> Option<i32> {
        match self.state.load(Ordering::Acquire) {
            OK => Some(self.value.load(Ordering::Relaxed).cast_signed()),
            _ => None,
        }
    }

    pub(super) fn callback_runs(&self) -> u32 {
        self.callback_runs.load(Ordering::Relaxed)
    }

    pub(super) fn state_name(&self) -> &'static str {
        match self.state.load(Ordering::Acquire) {
            PENDING => "pending",
            RUNNING => "running its callback",
            OK => "ok",
            _ => "failed",
        }
    }

    /// Delivers the terminal result. The first caller wins; returns whether this one did.
    pub(super) fn deliver(&self, result: Result<i32, CompletionError>) -> bool {
        let won = self.state.compare_exchange(PENDING, RUNNING, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if !won && !self.planted.is(Bug::CompletionDoubleComplete) {
            return false;
        }
        if self.planted.is(Bug::CompletionDoneBeforeCallback) {
            self.publish(result);
        }
        self.run_callback(result);
        let (parent, waker) = self.publish(result);
        if let Some(parent) = parent {
            parent.member_finished(result.err());
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        won
    }

    /// Runs the callback with no lock held, so that it may use this completion and submit others.
    fn run_callback(&self, result: Result<i32, CompletionError>) {
        let callback = self.tail.lock().callback.take();
        let Some(mut callback) = callback else { return };
        self.callback_runs.fetch_add(1, Ordering::Relaxed);
        let _held = self.planted.is(Bug::CallbackLockReentry).then(|| self.tail.lock());
        match &mut callback {
            Callback::Plain(run) => run(result),
            Callback::Read(run, buffer) => run(result.map(|n| (Arc::clone(buffer), n))),
        }
        if self.planted.is(Bug::CompletionDoubleComplete) {
            self.tail.lock().callback = Some(callback);
        }
    }

    /// Makes the result visible and takes out who must be told. Linking and waker registration hold the same lock, so
    /// each of them happens either before this (and is told) or after it (and sees the result).
    fn publish(&self, result: Result<i32, CompletionError>) -> (Option<Arc<Core>>, Option<Waker>) {
        let (state, value) = match result {
            Ok(n) => (OK, n.cast_unsigned()),
            Err(error) => (FAILED, error.code()),
        };
        let mut tail = self.tail.lock();
        self.value.store(value, Ordering::Relaxed);
        self.state.store(state, Ordering::Release);
        if self.planted.is(Bug::CompletionDoubleComplete) || self.planted.is(Bug::CompletionDoneBeforeCallback) {
            return (tail.parent.clone(), tail.waker.clone());
        }
        (tail.parent.take(), tail.waker.take())
    }

    /// One member of this group (or its builder) has finished.
    pub(super) fn member_finished(&self, error: Option<CompletionError>) {
        if let Some(error) = error {
            // Only the first error stays; a lost race means that another member was first.
            let _ = self.first_error.compare_exchange(0, error.code(), Ordering::AcqRel, Ordering::Acquire);
        }
        if self.outstanding.fetch_sub(1, Ordering::AcqRel) != 1 {
            if !self.planted.is(Bug::GroupNoProgressWake) {
                self.wake_for_progress();
            }
            return;
        }
        let result = match CompletionError::from_code(self.first_error.load(Ordering::Acquire)) {
            None => Ok(0),
            Some(error) => Err(error),
        };
        if self.planted.is(Bug::GroupNestedParentNotTold) {
            self.run_callback(result);
            let (_parent_not_told, waker) = self.publish(result);
            waker.inspect(Waker::wake_by_ref);
            return;
        }
        self.deliver(result);
    }

    /// In a pull-driven ring only a woken waiter drives the ring, so each member's end wakes it.
    fn wake_for_progress(&self) {
        let waker = self.tail.lock().waker.clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Stores who is woken at the end; returns whether that was in time. The replaced waker is dropped with no lock
    /// held: it may own a task, and with it something that uses this completion.
    pub(super) fn store_waker(&self, waker: &Waker) -> bool {
        let mut waker = Some(waker.clone());
        let mut tail = self.tail.lock();
        if self.terminal() {
            return false;
        }
        std::mem::swap(&mut tail.waker, &mut waker);
        drop(tail);
        true
    }

    /// Makes this completion a member of `parent`, which has already counted it.
    pub(super) fn link(&self, parent: &Arc<Core>) {
        if parent.planted.is(Bug::GroupLinkAfterFinish) {
            let already_finished = self.terminal();
            if !already_finished {
                self.tail.lock().parent = Some(Arc::clone(parent));
                return;
            }
        }
        {
            let mut tail = self.tail.lock();
            if !self.terminal() {
                assert!(tail.parent.is_none(), "IO-3: a completion was added to a second group");
                tail.parent = Some(Arc::clone(parent));
                return;
            }
        }
        parent.member_finished(self.error());
    }

    /// Undoes [`link`](Self::link), if this completion still has `parent` to tell.
    pub(super) fn unlink(&self, parent: &Arc<Core>) {
        // The last reference may drop the group's callback, which must not run into this lock.
        let _given_up = {
            let mut tail = self.tail.lock();
            tail.parent.take_if(|linked| Arc::ptr_eq(linked, parent))
        };
    }

    pub(super) fn error(&self) -> Option<CompletionError> {
        match self.state.load(Ordering::Acquire) {
            FAILED => CompletionError::from_code(self.value.load(Ordering::Relaxed)),
            _ => None,
        }
    }

    /// The first error of a member, or the own one.
    pub(super) fn first_error(&self) -> Option<CompletionError> {
        self.error().or_else(|| CompletionError::from_code(self.first_error.load(Ordering::Acquire)))
    }

    pub(super) fn set_label(&self, label: u64) {
        self.tail.lock().label = label;
    }

    pub(super) fn keep_alive(&self, buffer: Arc<Buffer>) {
        self.tail.lock().kept_alive.push(buffer);
    }

    /// Counts a member that is about to be linked.
    pub(super) fn expect_member(&self) {
        self.outstanding.fetch_add(1, Ordering::AcqRel);
    }
}
