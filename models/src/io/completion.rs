//! One I/O operation's terminal result, its callback, and who waits for it.

use std::fmt;
use std::task::Waker;

use super::{Buffer, CompletionError};
use crate::bug::{Bug, Planted};
use crate::sync::{Arc, AtomicU32, Mutex, Ordering};

/// A handle to the outcome of one I/O operation, of a group of them, or of an explicit yield.
///
/// Handles are cheap to clone and all refer to the same outcome. See the [module](super) for who may call what.
#[derive(Clone)]
pub struct Completion(pub(super) Repr);

#[derive(Clone)]
pub(super) enum Repr {
    /// Always finished, never allocated.
    Yield,
    Single(Arc<Core>),
    /// The members hang on the handle and not on the core, and members point at the core: no reference cycle.
    Group(Arc<GroupHandle>),
}

pub(super) struct GroupHandle {
    pub(super) core: Arc<Core>,
    pub(super) members: Vec<Completion>,
}

/// What kind of operation a completion stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompletionKind {
    /// A read into a buffer.
    Read,
    /// A write from a buffer.
    Write,
    /// An fsync.
    Sync,
    /// A change of a file's size.
    Truncate,
    /// Several completions that finish as one.
    Group,
    /// "Let others run": always finished.
    Yield,
}

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

pub(super) struct Core {
    kind: CompletionKind,
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

    fn terminal(&self) -> bool {
        self.state.load(Ordering::Acquire) >= OK
    }

    /// Delivers the terminal result. The first caller wins; returns whether this one did.
    fn deliver(&self, result: Result<i32, CompletionError>) -> bool {
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
    fn store_waker(&self, waker: &Waker) -> bool {
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
    fn link(&self, parent: &Arc<Core>) {
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
    fn unlink(&self, parent: &Arc<Core>) {
        // The last reference may drop the group's callback, which must not run into this lock.
        let _given_up = {
            let mut tail = self.tail.lock();
            tail.parent.take_if(|linked| Arc::ptr_eq(linked, parent))
        };
    }

    fn error(&self) -> Option<CompletionError> {
        match self.state.load(Ordering::Acquire) {
            FAILED => CompletionError::from_code(self.value.load(Ordering::Relaxed)),
            _ => None,
        }
    }
}

impl Completion {
    /// A read into `buffer`. The callback gets the buffer back together with the number of bytes read.
    pub fn new_read<F>(buffer: Arc<Buffer>, callback: F) -> Self
    where
        F: FnMut(Result<(Arc<Buffer>, i32), CompletionError>) + Send + 'static,
    {
        Self::new_read_planted(Planted::default(), buffer, callback)
    }

    /// A write. The callback gets the number of bytes written.
    pub fn new_write<F>(callback: F) -> Self
    where
        F: FnMut(Result<i32, CompletionError>) + Send + 'static,
    {
        Self::new_planted(CompletionKind::Write, Planted::default(), callback)
    }

    /// An fsync. The callback's number has no meaning.
    pub fn new_sync<F>(callback: F) -> Self
    where
        F: FnMut(Result<i32, CompletionError>) + Send + 'static,
    {
        Self::new_planted(CompletionKind::Sync, Planted::default(), callback)
    }

    /// A change of a file's size. The callback's number has no meaning.
    pub fn new_trunc<F>(callback: F) -> Self
    where
        F: FnMut(Result<i32, CompletionError>) + Send + 'static,
    {
        Self::new_planted(CompletionKind::Truncate, Planted::default(), callback)
    }

    /// An explicit yield: "let others run". Always finished, and allocates nothing.
    pub const fn new_yield() -> Self {
        Self(Repr::Yield)
    }

    /// [`new_read`](Self::new_read) with a planted bug of the `io` class.
    pub fn new_read_planted<F>(planted: Planted, buffer: Arc<Buffer>, callback: F) -> Self
    where
        F: FnMut(Result<(Arc<Buffer>, i32), CompletionError>) + Send + 'static,
    {
        let callback = Callback::Read(Box::new(callback), buffer);
        Self(Repr::Single(Core::new(CompletionKind::Read, planted, 0, Some(callback))))
    }

    /// A write, sync or truncate with a planted bug of the `io` class.
    pub fn new_planted<F>(kind: CompletionKind, planted: Planted, callback: F) -> Self
    where
        F: FnMut(Result<i32, CompletionError>) + Send + 'static,
    {
        Self(Repr::Single(Core::new(kind, planted, 0, Some(Callback::Plain(Box::new(callback))))))
    }

    fn core(&self) -> Option<&Arc<Core>> {
        match &self.0 {
            Repr::Yield => None,
            Repr::Single(core) => Some(core),
            Repr::Group(handle) => Some(&handle.core),
        }
    }

    /// What kind of operation this stands for.
    pub fn kind(&self) -> CompletionKind {
        self.core().map_or(CompletionKind::Yield, |core| core.kind)
    }

    /// Whether this is an explicit yield.
    pub fn is_explicit_yield(&self) -> bool {
        matches!(self.0, Repr::Yield)
    }

    /// Whether the terminal result is there, and with it everything that the callback did. Never goes back to false.
    #[inline]
    pub fn finished(&self) -> bool {
        self.core().is_none_or(|core| core.terminal())
    }

    /// Whether the terminal result is ok.
    #[inline]
    pub fn succeeded(&self) -> bool {
        self.core().is_none_or(|core| {
            let state = core.state.load(Ordering::Acquire);
            state == OK || (state == FAILED && core.planted.is(Bug::CompletionErrorCountsAsSuccess))
        })
    }

    /// Whether the terminal result is an error.
    pub fn failed(&self) -> bool {
        self.finished() && !self.succeeded()
    }

    /// The error, if the terminal result is one.
    #[inline]
    pub fn get_error(&self) -> Option<CompletionError> {
        self.core().and_then(|core| core.error())
    }

    /// The bytes transferred, if the terminal result is ok (0 for groups and explicit yields).
    pub fn transferred(&self) -> Option<i32> {
        let Some(core) = self.core() else {
            return Some(0);
        };
        match core.state.load(Ordering::Acquire) {
            OK => Some(core.value.load(Ordering::Relaxed).cast_signed()),
            _ => None,
        }
    }

    /// Delivers success with `n` transferred bytes: runs the callback, makes the result visible, tells the group,
    /// wakes the waiter. Called by the device. Returns whether this was the first terminal result; if not, nothing
    /// else happened. No effect on an explicit yield.
    pub fn complete(&self, n: i32) -> bool {
        self.core().is_some_and(|core| core.deliver(Ok(n)))
    }

    /// Delivers failure; see [`complete`](Self::complete).
    pub fn error(&self, error: CompletionError) -> bool {
        self.core().is_some_and(|core| core.deliver(Err(error)))
    }

    /// The waiter gives up: finishes this completion, or every unfinished member of this group, with
    /// [`CompletionError::Aborted`]. Harmless when it has already finished and from within its own callback.
    ///
    /// An abort stops nothing: the device may still perform the operation, and its buffers stay alive until it says
    /// that it is done.
    pub fn abort(&self) {
        match &self.0 {
            Repr::Yield => {}
            Repr::Single(core) => {
                core.deliver(Err(CompletionError::Aborted));
            }
            Repr::Group(handle) => handle.members.iter().for_each(Self::abort),
        }
    }

    /// Registers the waker that is called once the result is visible; the one registered last counts. On a group it is
    /// also called when a member finishes. If the result is already there it is called at once.
    pub fn set_waker(&self, waker: &Waker) {
        if !self.core().is_some_and(|core| core.store_waker(waker)) {
            waker.wake_by_ref();
        }
    }

    /// Keeps `buffer` alive until the last handle is gone. The device holds a handle until the kernel is done.
    pub fn keep_buffer_alive(&self, buffer: Arc<Buffer>) {
        if let Some(core) = self.core() {
            core.tail.lock().kept_alive.push(buffer);
        }
    }

    /// The members of a built group, in the order of adding; empty for everything else.
    pub fn members(&self) -> &[Completion] {
        match &self.0 {
            Repr::Group(handle) => &handle.members,
            Repr::Yield | Repr::Single(_) => &[],
        }
    }

    /// How often the callback has run: 0 or 1, unless a bug is planted.
    pub fn callback_runs(&self) -> u32 {
        self.core().map_or(0, |core| core.callback_runs.load(Ordering::Relaxed))
    }

    /// Whether both handles refer to the same operation.
    pub fn same_as(&self, other: &Self) -> bool {
        match (self.core(), other.core()) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    pub(super) fn link_to(&self, parent: &Arc<Core>) {
        match self.core() {
            Some(core) => core.link(parent),
            None => parent.member_finished(None),
        }
    }

    pub(super) fn unlink_from(&self, parent: &Arc<Core>) {
        if let Some(core) = self.core() {
            core.unlink(parent);
        }
    }
}

impl Core {
    /// Counts a member that is about to be linked.
    pub(super) fn expect_member(&self) {
        self.outstanding.fetch_add(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(core) = self.core() else {
            return f.write_str("Completion(yield)");
        };
        let state = match core.state.load(Ordering::Acquire) {
            PENDING => "pending",
            RUNNING => "running its callback",
            OK => "ok",
            _ => "failed",
        };
        write!(f, "Completion({:?}, {state})", core.kind)
    }
}
