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
use crate::trace::Traced;

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
    /// The first thing that happened otherwise, in either run: mostly an operation of the disk. It is missing if the runs differ in
    /// another way when they are made once more, and if it happened long before it could be noticed.
    pub happened: Option<[String; 2]>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { choice, what, first, second, happened } = self;
        write!(f, "at choice {choice} {what}: first {first}, then {second}")?;
        if let Some([first, second]) = happened {
            write!(f, "; before it there happened first {first}, then {second}")?;
        }
        Ok(())
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
        let until = |run: &mut dyn FnMut(Box<dyn Strategy>) -> RunReport| {
            run(Box::new(Cut { inner: strategy(), left: choice })).last_events
        };
        let happened = first_other(&until(run), &until(run));
        return Err(Box::new(Difference { happened, ..differ(choice, &first[choice], &second[choice]) }));
    }
    let choice = first.len().min(second.len());
    let ends =
        |what, first: String, second: String| Err(Box::new(Difference { choice, what, first, second, happened: None }));
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
    Difference { choice, what, first, second, happened: None }
}

/// The first events that are not the same.
fn first_other(first: &[Traced], second: &[Traced]) -> Option<[String; 2]> {
    let tell = |traced: &Traced| format!("at action {} {:?} {:?}", traced.step, traced.event.actor, traced.event.kind);
    // Only the last events of a run are kept, so the two lists may begin at different ones.
    let place = |list: &[Traced], of: &[Traced]| list.iter().position(|traced| Some(traced) == of.first());
    let (first, second) = match (place(first, second), place(second, first)) {
        (Some(at), _) => (&first[at..], second),
        (None, Some(at)) => (first, &second[at..]),
        (None, None) => return None,
    };
    let other = first.iter().zip(second).find(|(first, second)| first != second)?;
    Some([tell(other.0), tell(other.1)])
}

/// Ends a run at a choice, so that what happened last is what happened before it.
struct Cut {
    inner: Box<dyn Strategy>,
    left: usize,
}

impl Cut {
    fn count(&mut self) {
        assert!(self.left > 0, "the run is cut here");
        self.left -= 1;
    }
}

impl Strategy for Cut {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        self.count();
        self.inner.choose(choice)
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        self.count();
        self.inner.number(kind, key, most)
    }
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
