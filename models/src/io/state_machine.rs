//! Operations as explicit state machines: one turn at a time.

use super::{IOCompletions, IOResult};

/// What one turn of a machine led to.
#[derive(Debug)]
#[must_use = "a turn's outcome decides whether the machine goes on, waits, or has finished"]
pub enum TransitionResult<T> {
    /// The machine is in its next state; take another turn at once.
    Continue,
    /// The machine waits; take the next turn when the completions have finished.
    Io(IOCompletions),
    /// The machine has finished with this value.
    Done(T),
}

/// An operation that advances by turns over a context `C`.
///
/// The contract: the caller takes turns until the first `Done` or error and none after it. A turn sets its next state
/// *before* it returns [`TransitionResult::Io`], and a turn that is taken again after a wait repeats nothing that an
/// earlier turn has changed.
pub trait StateTransition<C: ?Sized> {
    /// What the machine returns at its end.
    type Output;
    /// Why the machine can fail.
    type Error;

    /// Takes one turn.
    fn transition(&mut self, context: &mut C) -> Result<TransitionResult<Self::Output>, Self::Error>;
}

/// Drives a [`StateTransition`] as an [`IOResult`] function and guards its end: a finished machine is never entered
/// again.
#[derive(Debug)]
pub struct StateMachine<M> {
    machine: M,
    ended: bool,
}

impl<M> StateMachine<M> {
    /// A machine that has taken no turn yet.
    pub fn new(machine: M) -> Self {
        Self { machine, ended: false }
    }

    /// Whether the machine has returned `Done` or an error.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Takes turns until the machine waits, finishes or fails.
    ///
    /// # Panics
    /// If the machine has already ended: its owner forgot to take its result.
    pub fn step<C: ?Sized>(&mut self, context: &mut C) -> Result<IOResult<M::Output>, M::Error>
    where
        M: StateTransition<C>,
    {
        assert!(!self.ended, "a state machine that has ended was stepped again");
        loop {
            match self.machine.transition(context) {
                Ok(TransitionResult::Continue) => {}
                Ok(TransitionResult::Io(io)) => return Ok(IOResult::IO(io)),
                Ok(TransitionResult::Done(value)) => {
                    self.ended = true;
                    return Ok(IOResult::Done(value));
                }
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
    }
}

/// Takes one turn of an inner machine from within an outer turn: gives the inner value when it is done, returns from
/// the outer turn otherwise.
#[macro_export]
macro_rules! turn {
    ($expr:expr) => {
        match $expr? {
            $crate::io::TransitionResult::Done(value) => value,
            $crate::io::TransitionResult::Continue => return Ok($crate::io::TransitionResult::Continue),
            $crate::io::TransitionResult::Io(io) => return Ok($crate::io::TransitionResult::Io(io)),
        }
    };
}
