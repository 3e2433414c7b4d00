//! Exhaustive search: every schedule, every order of I/O, every fault within a budget, of a small scenario.
//!
//! A state that was reached before is not looked at again: its future is known. That is what makes the search possible,
//! and what it rests on: [`Run::state_hash`](crate::run::Run) must tell apart what has different futures. How that is
//! ensured stands in [`falken_models::state`]; how likely an accident is says [`collision_probability`].
//!
//! A finished search says that no schedule of *this* scenario breaks an invariant, on models whose every step between two
//! yields is atomic and whose memory is sequentially consistent. It says nothing about larger scenarios, about weaker
//! memory, or about runs that never end (a cycle of states is not a violation).
//!
//! `search.rs` is the loop, `expand.rs` finds the successors of a state, `script.rs` is the strategy that it does it with,
//! `tree.rs` remembers how each state was reached, and `save.rs` keeps that in a file.

mod expand;
mod save;
mod script;
mod search;
mod tree;
mod visited;

pub use expand::{Subjects, Successor, Transition};
pub use save::SaveError;
pub use script::Bounds;
pub use search::{Ended, Limits, OnViolation, Outcome, Prune};
pub use tree::{Figures, Tree};
pub use visited::{Visited, collision_probability};
