//! The choices of one execution: which thread goes on at each point, and what a load of weak memory returns.
//!
//! As text a choice is a word, repetitions are counted: `t0*12 t1 t0*3 l2`. Threads are numbered in the order in which they
//! are started, 0 is the main one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// This thread goes on.
    Thread(usize),
    /// Nobody can go on.
    Nobody,
    /// Loom: a load returns the store with this number.
    Load(u8),
    /// Loom: whether a wait ends for no reason.
    Spurious(bool),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread(thread) => write!(f, "t{thread}"),
            Self::Nobody => f.write_str("t-"),
            Self::Load(store) => write!(f, "l{store}"),
            Self::Spurious(spurious) => write!(f, "s{}", u8::from(*spurious)),
        }
    }
}

fn parse_step(word: &str) -> Option<Step> {
    let (kind, rest) = word.split_at_checked(1)?;
    match (kind, rest) {
        ("t", "-") => Some(Step::Nobody),
        ("t", thread) => thread.parse().ok().map(Step::Thread),
        ("l", store) => store.parse().ok().map(Step::Load),
        ("s", "0") => Some(Step::Spurious(false)),
        ("s", "1") => Some(Step::Spurious(true)),
        _ => None,
    }
}

/// The choices of one execution, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
pub struct Schedule(pub Vec<Step>);

/// Words on a line of text.
const PER_LINE: usize = 16;
/// The longest repetition that a word may stand for: more than any execution has.
const REPEATS_MAX: usize = 100_000_000;

impl Schedule {
    /// The same choices as runs of equal ones.
    pub fn runs(&self) -> Vec<(Step, usize)> {
        self.0.chunk_by(PartialEq::eq).map(|run| (run[0], run.len())).collect()
    }

    /// How often another thread goes on than before.
    pub fn switches(&self) -> usize {
        let threads: Vec<_> = self.0.iter().filter(|step| matches!(step, Step::Thread(_))).collect();
        threads.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }
}

impl From<Schedule> for Vec<String> {
    fn from(schedule: Schedule) -> Self {
        let word = |(step, times): &(Step, usize)| match times {
            1 => step.to_string(),
            times => format!("{step}*{times}"),
        };
        schedule.runs().chunks(PER_LINE).map(|line| line.iter().map(word).collect::<Vec<_>>().join(" ")).collect()
    }
}

impl TryFrom<Vec<String>> for Schedule {
    type Error = String;

    fn try_from(lines: Vec<String>) -> Result<Self, String> {
        let mut steps = Vec::new();
        for word in lines.iter().flat_map(|line| line.split_whitespace()) {
            let (step, times) = word.split_once('*').unwrap_or((word, "1"));
            let times = times.parse().ok().filter(|times| *times <= REPEATS_MAX - steps.len());
            let (Some(step), Some(times)) = (parse_step(step), times) else {
                return Err(format!("`{word}` is no choice of a schedule"));
            };
            steps.extend(std::iter::repeat_n(step, times));
        }
        Ok(Self(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_reads_back_from_its_lines() {
        let steps =
            [Step::Thread(0), Step::Thread(0), Step::Load(2), Step::Thread(12), Step::Nobody, Step::Spurious(true)];
        let schedule = Schedule(steps.into());
        let lines: Vec<String> = schedule.clone().into();
        assert_eq!(lines, ["t0*2 l2 t12 t- s1"]);
        assert_eq!(Schedule::try_from(lines), Ok(schedule));
        for wrong in ["x1", "t", "l", "t1*", "s2", "t1*999999999999", "é"] {
            assert!(Schedule::try_from(vec![wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
