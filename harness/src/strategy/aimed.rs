//! One disturbance at one point of a schedule that another strategy decides, and none elsewhere; or none at all, while the
//! points are written down at which there could be one.

use std::cell::RefCell;
use std::rc::Rc;

use falken_models::connection::StatementId;
use falken_models::site::Site;

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
    /// The operation that ends there fails with EIO.
    Eio,
}

impl Aim {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Abandon, Self::Drop, Self::Interrupt, Self::Eio];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Abandon => "abandon",
            Self::Drop => "drop",
            Self::Interrupt => "interrupt",
            Self::Eio => "eio",
        }
    }

    /// The options of a choice that make it happen, of which at most one is offered.
    const fn options(self) -> &'static [OptionId] {
        match self {
            Self::Abandon => &[OptionId::Abandon],
            Self::Drop => &[OptionId::Drop],
            Self::Interrupt => &[OptionId::Fault(Fault::Interrupt)],
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
            Self::Abandon | Self::Drop | Self::Interrupt => Kind::Disturbance,
            Self::Eio => Kind::Ending,
        }
    }
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
    /// Where it is suspended.
    pub site: Site,
}

/// Every point that a run has passed.
pub type Passed = Rc<RefCell<Vec<Point>>>;

/// Lets another strategy decide all but disturbances and endings.
pub struct Aimed {
    inner: Box<dyn Strategy>,
    point: Option<Point>,
    passed: Passed,
    /// The actor that was chosen last.
    last: Option<OptionId>,
}

impl Aimed {
    /// Makes the one thing happen that `point` says, and nothing else.
    pub fn at(point: Point, inner: Box<dyn Strategy>) -> Self {
        Self { inner, point: Some(point), passed: Passed::default(), last: None }
    }

    /// Makes nothing happen, and writes the points into `passed`.
    pub fn nowhere(inner: Box<dyn Strategy>, passed: &Passed) -> Self {
        Self { inner, point: None, passed: Rc::clone(passed), last: None }
    }

    /// Writes down that `aim` could happen to a slot now, if its statement is suspended.
    fn pass(&self, choice: &Choice<'_>, aim: Aim, id: StatementId) {
        let standing = choice.standing.get(id.index()).copied().unwrap_or_default();
        if let Some(site) = standing.site.filter(|_| aim.place(choice).is_some()) {
            let point = Point { aim, key: choice.key, id, statement: standing.statement, site };
            self.passed.borrow_mut().push(point);
        }
    }

    fn disturb(&mut self, choice: &Choice<'_>) -> usize {
        let here = self.point.filter(|point| point.key == choice.key && point.aim.kind() == choice.kind);
        if let Some(point) = here {
            return point.aim.place(choice).unwrap_or(0);
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
            _ => {}
        }
        0
    }
}

impl Strategy for Aimed {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        match choice.kind {
            Kind::Disturbance | Kind::Ending => self.disturb(choice),
            Kind::Target => {
                let target = self.point.map(|point| match point.aim {
                    Aim::Abandon => OptionId::Statement(point.id),
                    Aim::Drop | Aim::Interrupt | Aim::Eio => OptionId::Conn(point.id.conn),
                });
                choice.options.iter().position(|option| Some(*option) == target).unwrap_or(0)
            }
            Kind::Who => {
                let index = self.inner.choose(choice);
                self.last = Some(choice.options[index]);
                index
            }
            _ => self.inner.choose(choice),
        }
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        self.inner.number(kind, key, most)
    }

    fn divergence(&self) -> Option<Divergence> {
        self.inner.divergence()
    }
}
