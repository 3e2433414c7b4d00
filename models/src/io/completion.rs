//! The handle to one I/O operation's outcome. What happens to the outcome is in `core.rs`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::task::Waker;

use super::core::{Callback, Core};
use super::{Buffer, CompletionError};
use crate::bug::Planted;
use crate::sync::Arc;

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
        self.core().is_none_or(|core| core.succeeded())
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

    /// The error that is already certain: the own one, or that of a group's first member that failed, also while others
    /// are unfinished.
    pub fn first_error(&self) -> Option<CompletionError> {
        self.core().and_then(|core| core.first_error())
    }

    /// Whether the waiter has something to do: the result is there, or a group is certain to fail, so that its other
    /// members can be cancelled.
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.finished() || self.first_error().is_some()
    }

    /// The bytes transferred, if the terminal result is ok (0 for groups and explicit yields).
    pub fn transferred(&self) -> Option<i32> {
        self.core().map_or(Some(0), |core| core.transferred())
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
            core.keep_alive(buffer);
        }
    }

    /// Says what the callback will do, as far as neither its buffer nor anything else shows it: callbacks with equal labels
    /// must do the same. A callback without effects needs none. Part of the [state](crate::state).
    pub fn set_label(&self, label: u64) {
        if let Some(core) = self.core() {
            core.set_label(label);
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
        self.core().map_or(0, |core| core.callback_runs())
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

impl Hash for Completion {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Repr::Yield => 0_u8.hash(state),
            Repr::Single(core) => core.hash(state),
            Repr::Group(handle) => {
                let GroupHandle { core, members } = &**handle;
                core.hash(state);
                members.hash(state);
            }
        }
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(core) = self.core() else {
            return f.write_str("Completion(yield)");
        };
        write!(f, "Completion({:?}, {})", core.kind, core.state_name())
    }
}
