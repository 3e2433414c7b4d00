//! Exit codes and the errors that lead to them.

use thiserror::Error;

/// How a command ends; the numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Nothing was found.
    Pass = 0,
    /// An invariant was broken.
    Violation = 1,
    /// Usage or bad input.
    Usage = 2,
    /// falken itself failed.
    Harness = 3,
    /// A violation of progress: stuck, or a loop.
    Liveness = 4,
    /// A replay did not reproduce what its file says.
    Nondeterminism = 5,
    /// There is not enough to judge: a bound was hit, a history tells too little, or somebody has said stop.
    Unknown = 6,
    /// A night found no violation, but one of its gates did not hold.
    Gate = 7,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The same for work that was cut off: without a finding that is no pass.
    #[must_use]
    pub const fn unless_cut(self, is_cut: bool) -> Self {
        match self {
            Self::Pass if is_cut => Self::Unknown,
            exit => exit,
        }
    }
}

/// The table that `--help` shows.
pub const TABLE: &str = "\
Exit codes:
  0  pass
  1  violation
  2  usage or bad input
  3  harness error
  4  liveness violation (stuck, deadlock, endless loop)
  5  nondeterminism (a replay did not reproduce its file, a case to shrink does not fail any more)
  6  unknown (a history that tells too little to be judged, a search that was not finished, work that was interrupted
     before all of it was done and before anything had failed)
  7  a gate of a nightly failed (unreached probes, the canary, a stale regression, a falling rate)";

/// Why a command could not do its work.
#[derive(Debug, Error)]
pub enum Failure {
    /// The user asked for something that is not there or makes no sense.
    #[error("{0}")]
    Input(String),
    /// falken itself, or the machine under it, failed.
    #[error("{0}")]
    Harness(String),
    /// What the user's file tells of does not happen any more.
    #[error("{0}")]
    Gone(String),
}

impl Failure {
    /// The exit code.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Input(_) => Exit::Usage,
            Self::Harness(_) => Exit::Harness,
            Self::Gone(_) => Exit::Nondeterminism,
        }
    }
}

/// Adds the nearest known name to an error about an unknown one.
pub fn suggest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known.map(|name| (strsim::jaro_winkler(wanted, name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((similarity, name)) if similarity > 0.7 => format!("; did you mean `{name}`?"),
        _ => String::new(),
    }
}
