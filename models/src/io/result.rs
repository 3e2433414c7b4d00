//! What a cooperative operation returns, and the macros that pass it upwards.

use std::task::Waker;

use super::{Completion, CompletionError};

/// The outcome of one call of a cooperative operation.
///
/// The contract of re-entry: a function that returned [`IO`](IOResult::IO) has not finished; it is called again, with
/// the same arguments, until it returns [`Done`](IOResult::Done). It must have changed nothing before it yielded that
/// it would change again when it is re-entered.
#[derive(Debug)]
#[must_use = "an operation that returned `IO` must be called again until it is `Done`"]
pub enum IOResult<T> {
    /// The operation has finished with this value.
    Done(T),
    /// The operation waits; call it again when the completions have finished.
    IO(IOCompletions),
}

impl<T> IOResult<T> {
    /// Whether the operation must be called again.
    pub fn is_io(&self) -> bool {
        matches!(self, Self::IO(_))
    }

    /// Turns the finished value with `f`; a wait stays a wait.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> IOResult<U> {
        match self {
            Self::Done(value) => IOResult::Done(f(value)),
            Self::IO(io) => IOResult::IO(io),
        }
    }
}

/// What an operation waits for: one completion, which may be a group.
#[derive(Clone, Debug, Hash)]
#[must_use = "whoever drops the completions that an operation waits for can never tell when to call it again"]
pub enum IOCompletions {
    /// One completion.
    Single(Completion),
}

impl IOCompletions {
    /// Whether the operation may be called again. An explicit yield is always finished.
    pub fn finished(&self) -> bool {
        let Self::Single(c) = self;
        c.finished()
    }

    /// Whether stepping the operation leads further: its wait is over, or certain to fail.
    #[inline]
    pub fn is_settled(&self) -> bool {
        let Self::Single(c) = self;
        c.is_settled()
    }

    /// The error with which the wait ended, if it ended with one.
    pub fn get_error(&self) -> Option<CompletionError> {
        let Self::Single(c) = self;
        c.get_error()
    }

    /// Whether this is an explicit yield: others get a turn before the operation is called again.
    pub fn is_explicit_yield(&self) -> bool {
        let Self::Single(c) = self;
        c.is_explicit_yield()
    }

    /// Aborts what is waited for; see [`Completion::abort`].
    pub fn abort(&self) {
        let Self::Single(c) = self;
        c.abort();
    }

    /// Registers who is woken when the wait is over; see [`Completion::set_waker`].
    pub fn set_waker(&self, waker: &Waker) {
        let Self::Single(c) = self;
        c.set_waker(waker);
    }
}

/// Evaluates a `Result<IOResult<T>, E>`: gives the `T` when it is done; returns the wait (or the error) from the
/// enclosing function otherwise.
///
/// The enclosing function is re-entered from its top, so everything that it changed before this line must be safe to
/// run through again.
///
/// ```
/// use falken_models::io::{Completion, IOCompletions, IOResult};
/// use falken_models::return_if_io;
///
/// fn part(ready: bool) -> Result<IOResult<u32>, ()> {
///     match ready {
///         true => Ok(IOResult::Done(20)),
///         false => Ok(IOResult::IO(IOCompletions::Single(Completion::new_yield()))),
///     }
/// }
/// fn whole(ready: bool) -> Result<IOResult<u32>, ()> {
///     let n = return_if_io!(part(ready));
///     Ok(IOResult::Done(n + 1))
/// }
/// assert!(whole(false).unwrap().is_io());
/// assert!(matches!(whole(true), Ok(IOResult::Done(21))));
/// ```
#[macro_export]
macro_rules! return_if_io {
    ($expr:expr) => {
        match $expr? {
            $crate::io::IOResult::Done(value) => value,
            $crate::io::IOResult::IO(io) => return Ok($crate::io::IOResult::IO(io)),
        }
    };
}

/// Like [`return_if_io!`](crate::return_if_io), for a caller that moved its state out of `$place` to work on it: the
/// saved state is put back before the wait or the error is returned.
///
/// ```
/// use falken_models::io::{Completion, IOCompletions, IOResult};
/// use falken_models::return_and_restore_if_io;
///
/// #[derive(Default)]
/// struct Op { collected: Vec<u8> }
/// fn more(ready: bool) -> Result<IOResult<u8>, ()> {
///     if ready { Ok(IOResult::Done(7)) } else { Ok(IOResult::IO(IOCompletions::Single(Completion::new_yield()))) }
/// }
/// fn step(op: &mut Op, ready: bool) -> Result<IOResult<usize>, ()> {
///     let mut collected = std::mem::take(&mut op.collected);
///     let byte = return_and_restore_if_io!(op.collected, collected, more(ready));
///     collected.push(byte);
///     Ok(IOResult::Done(collected.len()))
/// }
/// let mut op = Op { collected: vec![1, 2] };
/// assert!(step(&mut op, false).unwrap().is_io());
/// assert_eq!(op.collected, [1, 2], "the state survived the wait");
/// assert!(matches!(step(&mut op, true), Ok(IOResult::Done(3))));
/// ```
#[macro_export]
macro_rules! return_and_restore_if_io {
    ($place:expr, $saved:expr, $expr:expr) => {
        match $expr {
            Ok($crate::io::IOResult::Done(value)) => value,
            Ok($crate::io::IOResult::IO(io)) => {
                $place = $saved;
                return Ok($crate::io::IOResult::IO(io));
            }
            Err(error) => {
                $place = $saved;
                return Err(error);
            }
        }
    };
}

/// Returns from the enclosing function with a wait for one completion.
///
/// ```
/// use falken_models::io::{Completion, IOResult};
/// use falken_models::io_yield_one;
///
/// fn wait_for(c: &Completion) -> Result<IOResult<()>, ()> {
///     if !c.succeeded() {
///         io_yield_one!(c.clone());
///     }
///     Ok(IOResult::Done(()))
/// }
/// let c = Completion::new_sync(|_| {});
/// assert!(wait_for(&c).unwrap().is_io());
/// c.complete(0);
/// assert!(!wait_for(&c).unwrap().is_io());
/// ```
#[macro_export]
macro_rules! io_yield_one {
    ($completion:expr) => {
        return Ok($crate::io::IOResult::IO($crate::io::IOCompletions::Single($completion)))
    };
}
