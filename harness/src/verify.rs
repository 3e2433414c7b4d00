//! The proof of determinism: the same run twice, compared choice by choice.
//!
//! Equal results are not enough: two runs that differ and end alike are as useless as two that end differently. So what is
//! compared is everything that a strategy could see: the kind of each choice, what it offered, where everybody stood, and
//! the hash of all events before it.

use std::fmt;

use falken_models::sync::{Arc, Mutex};

use crate::choice::{Choice, Kind, OptionId, Standing};
use crate::run::RunReport;
use crate::strategy::{Divergence, Strategy};

/// What a strategy sees of one choice.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    kind: Kind,
    key: u64,
    options: Vec<OptionId>,
    standing: Vec<Standing>,
    events: u64,
}

/// The first place where the second run was not the first one again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The choice, from 0.
    pub choice: usize,
    /// What differs.
    pub what: &'static str,
    /// As it was in the first run.
    pub first: String,
    /// As it was in the second one.
    pub second: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { choice, what, first, second } = self;
        write!(f, "at choice {choice} {what}: first {first}, then {second}")
    }
}

/// Makes a run twice. `run` must make the same run each time, with the strategy that it is given.
///
/// # Errors
/// The first difference.
pub fn verify(
    strategy: &dyn Fn() -> Box<dyn Strategy>,
    run: &mut dyn FnMut(Box<dyn Strategy>) -> RunReport,
) -> Result<RunReport, Box<Difference>> {
    let mut watch = || {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let report = run(Box::new(Witness { inner: strategy(), seen: Arc::clone(&seen) }));
        (report, std::mem::take(&mut *seen.lock()))
    };
    let (report, first) = watch();
    let (again, second) = watch();
    if let Some(choice) = (0..first.len().min(second.len())).find(|at| first[*at] != second[*at]) {
        return Err(Box::new(differ(choice, &first[choice], &second[choice])));
    }
    let choice = first.len().min(second.len());
    let ends = |what, first: String, second: String| Err(Box::new(Difference { choice, what, first, second }));
    if first.len() != second.len() {
        return ends("the number of choices differs", first.len().to_string(), second.len().to_string());
    }
    if report.hash != again.hash || report.verdict != again.verdict {
        let end = |report: &RunReport| format!("{:?} with event hash {:#018x}", report.verdict, report.hash);
        return ends("the end differs", end(&report), end(&again));
    }
    Ok(report)
}

fn differ(choice: usize, first: &Seen, second: &Seen) -> Difference {
    let names = |seen: &Seen| {
        let names: Vec<String> = seen.options.iter().map(ToString::to_string).collect();
        format!("{:?} of [{}]", seen.kind, names.join(", "))
    };
    let (what, first, second) = if (first.kind, &first.options) != (second.kind, &second.options) {
        ("what is offered differs", names(first), names(second))
    } else if first.events != second.events {
        ("the events before it differ", format!("{:#018x}", first.events), format!("{:#018x}", second.events))
    } else {
        ("who asks or where they stand differs", format!("{first:?}"), format!("{second:?}"))
    };
    Difference { choice, what, first, second }
}

/// Remembers every choice.
struct Witness {
    inner: Box<dyn Strategy>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Strategy for Witness {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        self.seen.lock().push(Seen {
            kind: choice.kind,
            key: choice.key,
            options: choice.options.to_vec(),
            standing: choice.standing.to_vec(),
            events: choice.events,
        });
        self.inner.choose(choice)
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        let options = vec![OptionId::Number(most)];
        self.seen.lock().push(Seen { kind, key, options, standing: Vec::new(), events: 0 });
        self.inner.number(kind, key, most)
    }

    fn divergence(&self) -> Option<Divergence> {
        self.inner.divergence()
    }
}
