//! What a worker says, one JSON object a line.

use std::any::Any;

use serde::{Deserialize, Serialize};

use crate::schedule::Schedule;

/// A line of what happened, in the lane of whoever did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Who.
    pub lane: String,
    /// What.
    pub text: String,
}

/// The first panic of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panicked {
    /// Its message.
    pub text: String,
    /// In which execution, from 1.
    pub execution: u64,
    /// The choices up to there, where the engine knows them by then.
    pub schedule: Option<Schedule>,
    /// What happened before; only in a replay.
    pub lanes: Vec<Lane>,
}

/// What `assert_eq!` and `assert_ne!` put before the message that they are given.
const BEFORE_MESSAGES: [&str; 2] = ["assertion `left == right` failed: ", "assertion `left != right` failed: "];

/// The message of a panic, which begins with an invariant's id if it tells of one; `None` if it has no words.
pub(crate) fn panic_text(payload: &dyn Any) -> Option<&str> {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    text.map(|text| BEFORE_MESSAGES.iter().find_map(|before| text.strip_prefix(before)).unwrap_or(text))
}

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// So many executions have begun.
    Progress(u64),
    /// An execution has failed; the worker ends.
    Panicked(Panicked),
    /// Every execution has passed.
    Ended {
        /// How many there were.
        executions: u64,
        /// Whether there are no others within the bound.
        exhaustive: bool,
        /// What happened in the last one; only in a replay.
        lanes: Vec<Lane>,
    },
    /// The shortest schedule found that fails in the same way.
    Shrunk(Schedule),
}
