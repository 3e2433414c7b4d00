//! One disturbance at one point of a schedule that another strategy decides, and none elsewhere; or none at all, while the
//! points are written down at which there could be one.

use std::fmt;

use falken_models::connection::StatementId;
use falken_models::session::STATEMENT_SLOTS;
use falken_models::site::Site;
use falken_models::sync::{Arc, Mutex};

use super::{Divergence, Strategy};
use crate::choice::{Choice, EndingId, Kind, OptionId};
use crate::fault::Fault;

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aim {
    /// The suspended statement is abandoned.
    Abandon,
    /// The connection is dropped.
    Drop,
    /// The connection is interrupted.
    Interrupt,
    /// What the statement waits for is cancelled, before anything of it is done: all of it, or one member of a group.
    Cancel,
    /// The operation that ends there fails with EIO.
    Eio,
    /// A submission of the step that leads there is refused with EIO.
    Refuse,
    /// The statement is abandoned when what it waits for is done, and it has not been stepped since: its cancel is too late.
    CancelDone,
    /// It is abandoned, and what it had in flight completes long after all the same.
    CancelLate,
    /// It is abandoned, and what it had in flight is cancelled when a part of it is done.
    CancelPartly,
    /// It is abandoned, and what it had in flight is cancelled before anything of it is done.
    Cancelled,
}

impl Aim {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Abandon,
        Self::Drop,
        Self::Interrupt,
        Self::Cancel,
        Self::Eio,
        Self::Refuse,
        Self::CancelDone,
        Self::CancelLate,
        Self::CancelPartly,
        Self::Cancelled,
    ];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Abandon => "abandon",
            Self::Drop => "drop",
            Self::Interrupt => "interrupt",
            Self::Cancel => "cancel",
            Self::Eio => "eio",
            Self::Refuse => "refuse",
            Self::CancelDone => "cancel-done",
            Self::CancelLate => "cancel-late",
            Self::CancelPartly => "cancel-partly",
            Self::Cancelled => "cancelled",
        }
    }

    /// The options of a choice that make it happen, of which at most one is offered.
    const fn options(self) -> &'static [OptionId] {
        match self {
            Self::Abandon | Self::CancelDone | Self::CancelLate | Self::CancelPartly | Self::Cancelled => {
                &[OptionId::Abandon]
            }
            Self::Refuse => &[OptionId::Fault(Fault::EioAtSubmit)],
            Self::Drop => &[OptionId::Drop],
            Self::Interrupt => &[OptionId::Fault(Fault::Interrupt)],
            Self::Cancel => &[OptionId::Fault(Fault::Cancel)],
            Self::Eio => {
                &[OptionId::End(EndingId::Fault(Fault::Eio)), OptionId::End(EndingId::Fault(Fault::FsyncKeptDirty))]
            }
        }
    }

    /// Where it is among the options of a choice, if it is offered.
    fn place(self, choice: &Choice<'_>) -> Option<usize> {
        choice.options.iter().position(|option| self.options().contains(option))
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Abandon
            | Self::Drop
            | Self::Interrupt
            | Self::Cancel
            | Self::Refuse
            | Self::CancelDone
            | Self::CancelLate
            | Self::CancelPartly
            | Self::Cancelled => Kind::Disturbance,
            Self::Eio => Kind::Ending,
        }
    }

    /// For which an abandoned statement must have something in flight.
    const NEED_FLIGHT: [Self; 3] = [Self::CancelLate, Self::CancelPartly, Self::Cancelled];
}

/// One point: at which action, what happens to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// What happens.
    pub aim: Aim,
    /// The key of the choice: how many actions come before it.
    pub key: u64,
    /// To which statement slot, or to its connection.
    pub id: StatementId,
    /// The how-manieth statement of that slot is suspended, from 1.
    pub statement: u32,
    /// Where it is suspended; where it would have waited for what is refused.
    pub site: Site,
    /// Of the submissions of a step, the one that is refused, from 0; of the operations that a statement waits for, the
    /// one that is cancelled, from 1, or 0 for all of them; 0 for every other aim.
    pub nth: u32,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { aim, key, id, statement, site, nth } = self;
        write!(f, "{} {id}, ", aim.name())?;
        match (aim, nth) {
            (Aim::Cancel, 0) => f.write_str("all that it waits for, ")?,
            (Aim::Cancel, nth) => write!(f, "only operation {nth} that it waits for, ")?,
            (Aim::Refuse, nth) => write!(f, "submission {}, ", nth + 1)?,
            _ => {}
        }
        write!(f, "statement {statement} at {}, before action {key}", site.name())
    }
}

/// For how many actions a cancelled operation is kept in flight that completes late, if anybody else can act.
const LATE_ACTIONS: u64 = 200;

/// Of one step, so many submissions are refused in turn: as many as a scenario's own refusals reach.
const REFUSED_MAX: u32 = 4;

/// Every point that a run has passed.
pub type Passed = Arc<Mutex<Vec<Point>>>;

/// Lets another strategy decide all but disturbances and endings.
pub struct Aimed {
    inner: Box<dyn Strategy>,
    point: Option<Point>,
    passed: Passed,
    /// The actor that was chosen last.
    last: Option<OptionId>,
    /// The action that it was.
    last_key: u64,
    /// The last action before which an abandon was offered, a cancel, and a refusal.
    offers_abandon: Option<u64>,
    offers_cancel: Option<u64>,
    offers_refusal: Option<u64>,
    /// Whether a submission of the last step could have been refused.
    can_refuse: bool,
    /// The number that is asked next is which submission is refused, or which operation is cancelled.
    counting: bool,
    /// What is kept in flight after a cancel.
    late: Vec<OptionId>,
    /// The next operation of each connection, by number, that has not been seen in flight.
    unseen: Vec<u32>,
}

impl Aimed {
    /// Makes the one thing happen that `point` says, and nothing else.
    pub fn at(point: Point, inner: Box<dyn Strategy>) -> Self {
        Self::new(Some(point), inner, Passed::default())
    }

    /// Makes nothing happen, and writes the points into `passed`.
    pub fn nowhere(inner: Box<dyn Strategy>, passed: &Passed) -> Self {
        Self::new(None, inner, Arc::clone(passed))
    }

    fn new(point: Option<Point>, inner: Box<dyn Strategy>, passed: Passed) -> Self {
        Self {
            inner,
            point,
            passed,
            last: None,
            last_key: 0,
            offers_abandon: None,
            offers_cancel: None,
            offers_refusal: None,
            can_refuse: false,
            counting: false,
            late: Vec::new(),
            unseen: Vec::new(),
        }
    }

    /// Writes down that `aim` could happen to a slot now, if its statement is suspended.
    fn pass(&self, choice: &Choice<'_>, aim: Aim, id: StatementId) {
        if aim.place(choice).is_some() {
            self.pass_at(choice, aim, id, choice.key, 0);
        }
    }

    fn pass_at(&self, choice: &Choice<'_>, aim: Aim, id: StatementId, key: u64, nth: u32) {
        let standing = choice.standing.get(id.index()).copied().unwrap_or_default();
        if let Some(site) = standing.site {
            let point = Point { aim, key, id, statement: standing.statement, site, nth };
            self.passed.lock().push(point);
        }
    }

    /// Whether who acts now is a statement under way: no step is refused anything before it is.
    fn is_suspended(&self, choice: &Choice<'_>) -> bool {
        let Some(OptionId::Step(id)) = self.last else { return false };
        choice.standing.get(id.index()).is_some_and(|standing| standing.site.is_some())
    }

    /// Writes down what the last step has submitted, and what could be cancelled after it: the operations in flight are
    /// among the actors.
    fn pass_submitted(&mut self, choice: &Choice<'_>) {
        let mut submitted = 0;
        let stepped = match self.last {
            Some(OptionId::Step(id)) => Some(id),
            _ => None,
        };
        let mut in_flight = 0;
        for option in choice.options {
            let OptionId::Finish { owner, ordinal } = *option else { continue };
            let conn = usize::from(owner);
            self.unseen.resize(self.unseen.len().max(conn + 1), 0);
            let is_own = stepped.is_some_and(|id| id.conn == owner);
            in_flight += u32::from(is_own);
            submitted += u32::from(is_own && ordinal >= self.unseen[conn]);
        }
        for option in choice.options {
            if let OptionId::Finish { owner, ordinal } = *option {
                let unseen = &mut self.unseen[usize::from(owner)];
                *unseen = (*unseen).max(ordinal + 1);
            }
        }
        let Some(id) = stepped else { return };
        if self.can_refuse {
            (0..submitted.min(REFUSED_MAX)).for_each(|nth| self.pass_at(choice, Aim::Refuse, id, self.last_key, nth));
        }
        if in_flight > 0 && self.offers_abandon == Some(choice.key) {
            Aim::NEED_FLIGHT.iter().for_each(|aim| self.pass_at(choice, *aim, id, choice.key, 0));
        }
        if in_flight > 0 && self.offers_cancel == Some(choice.key) {
            let members = if in_flight > 1 { in_flight } else { 0 };
            (0..=members).for_each(|nth| self.pass_at(choice, Aim::Cancel, id, choice.key, nth));
        }
    }

    fn disturb(&mut self, choice: &Choice<'_>) -> usize {
        let here = self.point.filter(|point| point.key == choice.key && point.aim.kind() == choice.kind);
        if let Some(point) = here {
            return point.aim.place(choice).unwrap_or(0);
        }
        if choice.kind == Kind::Disturbance {
            self.offers_abandon = Aim::Abandon.place(choice).map(|_| choice.key);
            self.offers_cancel = Aim::Cancel.place(choice).map(|_| choice.key);
            self.offers_refusal = Aim::Refuse.place(choice).map(|_| choice.key);
        }
        if let (Kind::Ending, Some(ending)) = (choice.kind, self.cancelled_ending(choice)) {
            return ending;
        }
        match (choice.kind, self.last) {
            // Only a statement that has just stepped has come to another yield.
            (Kind::Disturbance, Some(OptionId::Step(id))) => {
                self.pass(choice, Aim::Abandon, id);
                self.pass(choice, Aim::Drop, id);
                self.pass(choice, Aim::Interrupt, id);
            }
            (Kind::Ending, Some(OptionId::Finish { owner, .. })) => {
                self.pass(choice, Aim::Eio, StatementId::first(owner));
            }
            (Kind::Disturbance, Some(OptionId::Finish { owner, .. })) => {
                for slot in 0..STATEMENT_SLOTS as u8 {
                    self.pass(choice, Aim::CancelDone, StatementId { conn: owner, slot });
                }
            }
            _ => {}
        }
        0
    }

    /// How an operation ends that was asked to cancel, if the point says so.
    fn cancelled_ending(&self, choice: &Choice<'_>) -> Option<usize> {
        let point = self.point.filter(|point| point.key < choice.key)?;
        let place = |ending| choice.options.iter().position(|option| *option == OptionId::End(ending));
        match point.aim {
            Aim::Cancel | Aim::Cancelled => place(EndingId::Cancelled),
            Aim::CancelPartly => place(EndingId::CancelledPartly),
            _ => None,
        }
    }

    /// Who acts: whom the other strategy chooses, or the next one if that is an operation that is to end late.
    fn choose_actor(&mut self, choice: &Choice<'_>) -> usize {
        let index = self.inner.choose(choice);
        let Some(point) = self.point.filter(|point| point.aim == Aim::CancelLate) else { return index };
        if choice.key == point.key + 1 {
            let is_own =
                |option: &&OptionId| matches!(option, OptionId::Finish { owner, .. } if *owner == point.id.conn);
            self.late = choice.options.iter().filter(is_own).copied().collect();
        }
        if choice.key > point.key + LATE_ACTIONS {
            return index;
        }
        let len = choice.options.len();
        let mut others = (0..len).map(|further| (index + further) % len);
        others.find(|other| !self.late.contains(&choice.options[*other])).unwrap_or(index)
    }
}

impl Strategy for Aimed {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        match choice.kind {
            Kind::Disturbance | Kind::Ending => self.disturb(choice),
            Kind::Target => {
                let target = self.point.map(|point| match point.aim {
                    Aim::Abandon
                    | Aim::Cancel
                    | Aim::Refuse
                    | Aim::CancelDone
                    | Aim::CancelLate
                    | Aim::CancelPartly
                    | Aim::Cancelled => OptionId::Statement(point.id),
                    Aim::Drop | Aim::Interrupt | Aim::Eio => OptionId::Conn(point.id.conn),
                });
                self.counting = self.point.is_some_and(|point| matches!(point.aim, Aim::Refuse | Aim::Cancel));
                choice.options.iter().position(|option| Some(*option) == target).unwrap_or(0)
            }
            Kind::Who => {
                if self.point.is_none() {
                    self.pass_submitted(choice);
                }
                let index = self.choose_actor(choice);
                self.last = Some(choice.options[index]);
                self.last_key = choice.key;
                self.can_refuse = self.offers_refusal == Some(choice.key) && self.is_suspended(choice);
                index
            }
            _ => self.inner.choose(choice),
        }
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        match self.point {
            // A connection may have more in flight than the statement waits for.
            Some(point) if std::mem::take(&mut self.counting) && key == point.key => most.min(point.nth.into()),
            _ => self.inner.number(kind, key, most),
        }
    }

    fn divergence(&self) -> Option<Divergence> {
        self.inner.divergence()
    }
}
