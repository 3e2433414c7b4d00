//! Which choices of a shrunk case matter, and which two steps race.
//!
//! An order matters if the failure goes away both without it and when it changes places with the next one. The race is
//! looked for at the last order that matters and that stops a connection within a statement: the next step of that
//! connection, and the earliest step of the one that goes on then without which the failure goes away.

use falken_models::connection::StatementId;
use falken_models::sync::{Arc, Mutex};

use super::{Failing, cause};
use crate::case::Case;
use crate::choice::{Choice, Kind, OptionId, Tape, TapeEntry, Until};
use crate::strategy::{Replay, Strategy, Whereabouts};

/// Whether an order has to be as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freedom {
    /// Without it, or after the next one, the run fails as well.
    AnyOrder,
    /// Any other order passes, or fails otherwise.
    OnlyThisOrder,
}

impl Freedom {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AnyOrder => "any order",
            Self::OnlyThisOrder => "only this order",
        }
    }
}

/// Two steps whose order decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Race {
    /// The statement slot that was stopped, and where: its next step is one of the two.
    pub stopped: (StatementId, Until),
    /// The slot that went on, and where its step has led; `None` if the step is where it fails.
    pub overtook: (StatementId, Option<Until>),
}

/// What is known about the orders of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// For each entry of the tape.
    pub freedoms: Vec<Freedom>,
    /// The two steps that race, if orders of steps matter at all.
    pub race: Option<Race>,
}

/// Explains a case that fails. Costs some two runs for each entry of its tape.
pub fn explain(failing: &Failing) -> Explanation {
    let Some(violation) = failing.report.verdict.violation() else { return Explanation::default() };
    let asker = Asker { case: &failing.case, cause: cause(violation) };
    let entries = failing.case.tape.entries();
    let freedoms: Vec<Freedom> = (0..entries.len()).map(|at| asker.freedom(entries, at)).collect();
    let race = (0..entries.len()).rev().find_map(|at| match freedoms[at] {
        Freedom::OnlyThisOrder => asker.race(entries, at),
        Freedom::AnyOrder => None,
    });
    Explanation { freedoms, race }
}

struct Asker<'a> {
    case: &'a Case,
    cause: String,
}

impl Asker<'_> {
    fn fails(&self, entries: Vec<TapeEntry>) -> bool {
        let report = Case { tape: Tape::new(entries), ..self.case.clone() }.run();
        report.verdict.violation().map(cause).as_ref() == Some(&self.cause)
    }

    fn freedom(&self, entries: &[TapeEntry], at: usize) -> Freedom {
        let without = [&entries[..at], &entries[at + 1..]].concat();
        let swapped = (at + 1 < entries.len()).then(|| {
            let mut swapped = entries.to_vec();
            swapped.swap(at, at + 1);
            swapped
        });
        if self.fails(without) || swapped.is_some_and(|swapped| self.fails(swapped)) {
            Freedom::AnyOrder
        } else {
            Freedom::OnlyThisOrder
        }
    }

    /// The race at the order `at`, if it stops a connection within a statement and another one goes on.
    fn race(&self, entries: &[TapeEntry], at: usize) -> Option<Race> {
        let OptionId::Run { id: stopped, until: Some(place @ Until { site: Some(_), .. }) } = entries[at].id else {
            return None;
        };
        let steps = steps_of(self.case);
        let stop = steps.iter().position(|step| *step == (stopped, place))?;
        let overtook = steps.get(stop + 1)?.0;
        let burst: Vec<Until> =
            steps[stop + 1..].iter().take_while(|(id, _)| *id == overtook).map(|(_, until)| *until).collect();
        let returns =
            entries[at + 1..].iter().any(|entry| matches!(entry.id, OptionId::Run { id, .. } if id == stopped));
        let next = at + 1;
        let is_order_of = |entry: &TapeEntry| matches!(entry.id, OptionId::Run { id, .. } if id == overtook);
        if !returns || !entries.get(next).is_some_and(is_order_of) {
            return Some(Race { stopped: (stopped, place), overtook: (overtook, None) });
        }
        // Stopped earlier and earlier, until the failure goes away: the step after that place is the one.
        let mut needed = burst.last().copied();
        for (earlier, reached) in burst.iter().zip(burst.iter().skip(1)).rev().take(STEPS_TRIED) {
            let mut changed = entries.to_vec();
            changed[next].id = OptionId::Run { id: overtook, until: Some(*earlier) };
            needed = Some(*reached);
            if !self.fails(changed) {
                break;
            }
        }
        Some(Race { stopped: (stopped, place), overtook: (overtook, needed) })
    }
}

/// How many steps back the race is looked for.
const STEPS_TRIED: usize = 200;

/// Every step of the run, and where it led.
fn steps_of(case: &Case) -> Vec<(StatementId, Until)> {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let watcher = Watcher {
        inner: Replay::new(case.tape.clone()),
        whereabouts: Whereabouts::default(),
        stepped: None,
        steps: Arc::clone(&steps),
    };
    case.run_under(Box::new(watcher));
    std::mem::take(&mut *steps.lock())
}

struct Watcher {
    inner: Replay,
    whereabouts: Whereabouts,
    stepped: Option<StatementId>,
    steps: Arc<Mutex<Vec<(StatementId, Until)>>>,
}

impl Strategy for Watcher {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        let index = self.inner.choose(choice);
        if matches!(choice.kind, Kind::Who | Kind::Disturbance) {
            self.whereabouts.look(choice);
            if let Some(id) = self.stepped.take()
                && let Some(place) = self.whereabouts.place(id)
            {
                self.steps.lock().push((id, place));
            }
        }
        if choice.kind == Kind::Who {
            self.whereabouts.took(choice.options[index]);
            if let OptionId::Step(id) = choice.options[index] {
                self.stepped = Some(id);
            }
        }
        index
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        self.inner.number(kind, key, most)
    }
}
