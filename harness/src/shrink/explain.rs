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
    /// Whoever watches had enough before it was tried.
    Untried,
}

impl Freedom {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AnyOrder => "any order",
            Self::OnlyThisOrder => "only this order",
            Self::Untried => "not tried",
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

/// Explains a case that fails. Costs some two runs for each entry of its tape; `watch` ends it by returning `false`, and then
/// says nothing of the entries that come first.
pub fn explain(failing: &Failing, watch: &mut dyn FnMut() -> bool) -> Explanation {
    let Some(violation) = failing.report.verdict.violation() else { return Explanation::default() };
    let mut asker = Asker { case: &failing.case, cause: cause(violation), watch };
    let entries = failing.case.tape.entries();
    // Those next to the failure say most.
    let mut freedoms: Vec<Freedom> = (0..entries.len()).rev().map(|at| asker.freedom(entries, at)).collect();
    freedoms.reverse();
    let race = (0..entries.len()).rev().find_map(|at| match freedoms[at] {
        Freedom::OnlyThisOrder => asker.race(entries, at),
        Freedom::AnyOrder | Freedom::Untried => None,
    });
    Explanation { freedoms, race }
}

struct Asker<'a> {
    case: &'a Case,
    cause: String,
    watch: &'a mut dyn FnMut() -> bool,
}

impl Asker<'_> {
    fn fails(&self, entries: Vec<TapeEntry>) -> bool {
        let report = Case { tape: Tape::new(entries), ..self.case.clone() }.run();
        report.verdict.violation().map(cause).as_ref() == Some(&self.cause)
    }

    fn freedom(&mut self, entries: &[TapeEntry], at: usize) -> Freedom {
        if !(self.watch)() {
            return Freedom::Untried;
        }
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
    fn race(&mut self, entries: &[TapeEntry], at: usize) -> Option<Race> {
        let OptionId::Run { id: stopped, until: Some(place @ Until { site: Some(_), .. }) } = entries[at].id else {
            return None;
        };
        let (steps, failing) = steps_of(self.case);
        let stop = steps.iter().position(|step| *step == (stopped, place))?;
        let overtook = steps.get(stop + 1).map(|(id, _)| *id).filter(|id| *id != stopped)?;
        let burst: Vec<Until> =
            steps[stop + 1..].iter().take_while(|(id, _)| *id == overtook).map(|(_, until)| *until).collect();
        let returns =
            entries[at + 1..].iter().any(|entry| matches!(entry.id, OptionId::Run { id, .. } if id == stopped));
        let next = at + 1;
        let is_order_of = |entry: &TapeEntry| matches!(entry.id, OptionId::Run { id, .. } if id == overtook);
        if !returns || !entries.get(next).is_some_and(is_order_of) {
            let failing = failing.filter(|id| *id != stopped)?;
            return Some(Race { stopped: (stopped, place), overtook: (failing, None) });
        }
        // Stopped earlier and earlier, until the failure goes away: the step after that place is the one.
        let mut needed = burst.last().copied();
        for (earlier, reached) in burst.iter().zip(burst.iter().skip(1)).rev().take(STEPS_TRIED) {
            let mut changed = entries.to_vec();
            changed[next].id = OptionId::Run { id: overtook, until: Some(*earlier) };
            needed = Some(*reached);
            if !(self.watch)() || !self.fails(changed) {
                break;
            }
        }
        Some(Race { stopped: (stopped, place), overtook: (overtook, needed) })
    }
}

/// How many steps back the race is looked for.
const STEPS_TRIED: usize = 200;

/// Every step of the run and where it led; and whose step was the last action, if one was.
pub(super) fn steps_of(case: &Case) -> (Vec<(StatementId, Until)>, Option<StatementId>) {
    let steps = Arc::new(Mutex::new(Steps::default()));
    let watcher = Watcher {
        inner: Replay::new(case.tape.clone()),
        whereabouts: Whereabouts::default(),
        steps: Arc::clone(&steps),
    };
    case.run_under(Box::new(watcher));
    let Steps { taken, last } = std::mem::take(&mut *steps.lock());
    (taken, last)
}

#[derive(Default)]
struct Steps {
    taken: Vec<(StatementId, Until)>,
    /// Who has taken the step of which it is not known yet where it leads.
    last: Option<StatementId>,
}

struct Watcher {
    inner: Replay,
    whereabouts: Whereabouts,
    steps: Arc<Mutex<Steps>>,
}

impl Strategy for Watcher {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        let index = self.inner.choose(choice);
        if matches!(choice.kind, Kind::Who | Kind::Disturbance) {
            self.whereabouts.look(choice);
            let mut steps = self.steps.lock();
            if let Some(id) = steps.last.take()
                && let Some(place) = self.whereabouts.place(id)
            {
                steps.taken.push((id, place));
            }
        }
        if choice.kind == Kind::Who {
            self.whereabouts.took(choice.options[index]);
            if let OptionId::Step(id) = choice.options[index] {
                self.steps.lock().last = Some(id);
            }
        }
        index
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        self.inner.number(kind, key, most)
    }
}
