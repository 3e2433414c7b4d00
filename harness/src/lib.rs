//! falken-harness: run loop, choices, strategies, invariants and checks.

pub mod check;
pub mod history;
