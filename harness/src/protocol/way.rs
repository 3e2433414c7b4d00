//! Two ways back to a state that is to be looked at: a copy of it, or the way there once more.

use super::{Protocol, Step};

/// How a search comes back to a state.
pub trait Way<P> {
    /// What is kept of a state that waits to be looked at.
    type Kept;

    /// The first state.
    fn first(&self) -> P;

    /// Keeps a state.
    fn keep(&self, state: P) -> Self::Kept;

    /// The state again; `path` leads to it from the first one.
    fn back(&self, kept: &Self::Kept, path: impl FnOnce() -> Vec<Step>) -> P;
}

/// States are copied: a waiting state costs its size, a step one copy. The faster way for everything that is a plain value.
pub struct Fork<P>(pub P);

impl<P: Clone> Way<P> for Fork<P> {
    type Kept = P;

    fn first(&self) -> P {
        self.0.clone()
    }

    #[inline]
    fn keep(&self, state: P) -> P {
        state
    }

    #[inline]
    fn back(&self, kept: &P, _: impl FnOnce() -> Vec<Step>) -> P {
        kept.clone()
    }
}

/// States are made again by taking the same steps from the start: for what cannot be copied, such as closures and shared
/// objects. A waiting state costs nothing, a step costs all steps before it. The function makes the first state.
pub struct Again<F>(pub F);

impl<P: Protocol, F: Fn() -> P> Way<P> for Again<F> {
    type Kept = ();

    fn first(&self) -> P {
        (self.0)()
    }

    fn keep(&self, _: P) {}

    fn back(&self, (): &(), path: impl FnOnce() -> Vec<Step>) -> P {
        let mut state = (self.0)();
        path().into_iter().for_each(|step| state.step(step));
        state
    }
}
