//! One disturbance at one point of a schedule that another strategy decides, and none elsewhere; or none at all, while the
//! points are written down at which there could be one.

use std::cell::RefCell;
use std::rc::Rc;

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
    /// The operation that ends there fails with EIO.
    Eio,
}

impl Aim {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Abandon, Self::Drop, Self::Eio];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Abandon => "abandon",
            Self::Drop => "drop",
            Self::Eio => "eio",
        }
    }

    /// The option of a choice that makes it happen.
    const fn option(self) -> OptionId {
        match self {
            Self::Abandon => OptionId::Abandon,
            Self::Drop => OptionId::Drop,
            Self::Eio => OptionId::End(EndingId::Fault(Fault::Eio)),
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Abandon | Self::Drop => Kind::Disturbance,
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
    /// To which connection.
    pub conn: u8,
    /// The how-manieth statement of that connection is suspended, from 1.
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

    /// Writes down that `aim` could happen to `conn` now, if its statement is suspended.
    fn pass(&self, choice: &Choice<'_>, aim: Aim, conn: u8) {
        let standing = choice.standing.get(usize::from(conn)).copied().unwrap_or_default();
        if let Some(site) = standing.site.filter(|_| choice.options.contains(&aim.option())) {
            let point = Point { aim, key: choice.key, conn, statement: standing.statement, site };
            self.passed.borrow_mut().push(point);
        }
    }

    fn disturb(&mut self, choice: &Choice<'_>) -> usize {
        let here = self.point.filter(|point| point.key == choice.key && point.aim.kind() == choice.kind);
        if let Some(point) = here {
            return choice.options.iter().position(|option| *option == point.aim.option()).unwrap_or(0);
        }
        match (choice.kind, self.last) {
            // Only a connection that has just stepped has come to another yield.
            (Kind::Disturbance, Some(OptionId::Step(conn))) => {
                self.pass(choice, Aim::Abandon, conn);
                self.pass(choice, Aim::Drop, conn);
            }
            (Kind::Ending, Some(OptionId::Finish { owner, .. })) => self.pass(choice, Aim::Eio, owner),
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
                let conn = self.point.map(|point| OptionId::Conn(point.conn));
                choice.options.iter().position(|option| Some(*option) == conn).unwrap_or(0)
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
