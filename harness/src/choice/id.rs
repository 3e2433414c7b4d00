//! Stable names of options, as they stand in a tape.

use std::fmt;
use std::str::FromStr;

use falken_models::connection::StatementId;
use falken_models::session::STATEMENT_SLOTS;
use falken_models::site::Site;

use crate::fault::Fault;
use crate::scenario::TEMPLATES;

/// How a crash is named in a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CrashId {
    /// The process dies.
    Process,
    /// The power fails.
    Power,
}

/// How the end of an operation is named in a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EndingId {
    /// It does what was asked.
    Success,
    /// It ends as this fault wants it.
    Fault(Fault),
    /// Its cancel was in time: it has done nothing.
    Cancelled,
    /// Its cancel came when a part was done.
    CancelledPartly,
}

/// How far an order to run lets a statement slot go. Absolute, so that an order means the same when those before it are taken
/// away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Until {
    /// The statement in that slot, from 1.
    pub statement: u32,
    /// Where in it; `None` is its end.
    pub site: Option<Site>,
    /// The how-manieth arrival there, from 1.
    pub nth: u16,
}

/// One option: who, what, which object. Its text form is what a tape holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OptionId {
    /// Nothing special.
    None,
    /// A statement steps.
    Step(StatementId),
    /// The `ordinal`-th operation of connection `owner` ends.
    Finish {
        /// Who submitted it.
        owner: u8,
        /// The how-manieth of that connection, from 0.
        ordinal: u32,
    },
    /// This fault happens before the action.
    Fault(Fault),
    /// The `ordinal`-th operation of connection `owner` is held back.
    Hold {
        /// Who submitted it.
        owner: u8,
        /// The how-manieth of that connection, from 0.
        ordinal: u32,
    },
    /// A statement is abandoned.
    Abandon,
    /// A connection is dropped.
    Drop,
    /// A connection, as a target.
    Conn(u8),
    /// A statement, as a target.
    Statement(StatementId),
    /// A crash.
    Crash(CrashId),
    /// How an operation ends.
    End(EndingId),
    /// The transaction template with this name, one of [`TEMPLATES`].
    Template(&'static str),
    /// A number.
    Number(u64),
    /// An order, only on tapes: the slot takes step after step and its operations succeed, oldest first, whenever it
    /// waits for them; up to a place, or as far as it goes.
    Run {
        /// Which statement slot.
        id: StatementId,
        /// How far.
        until: Option<Until>,
    },
    /// An order, only on tapes: an operation ends, named by the statement that submitted it.
    FinishOf {
        /// Who submitted it.
        id: StatementId,
        /// The statement, from 1.
        statement: u32,
        /// The how-manieth of that statement, from 0.
        nth: u32,
    },
}

impl OptionId {
    /// The connection that it is about, if it is about one.
    pub fn connection(self) -> Option<u8> {
        match self {
            Self::Step(id) | Self::Statement(id) | Self::Run { id, .. } | Self::FinishOf { id, .. } => Some(id.conn),
            Self::Conn(conn) => Some(conn),
            Self::Finish { owner, .. } | Self::Hold { owner, .. } => Some(owner),
            Self::None
            | Self::Fault(_)
            | Self::Abandon
            | Self::Drop
            | Self::Crash(_)
            | Self::End(_)
            | Self::Template(_)
            | Self::Number(_) => None,
        }
    }

    /// The same about another connection.
    #[must_use]
    pub fn with_connection(self, conn: u8) -> Self {
        match self {
            Self::Step(id) => Self::Step(StatementId { conn, ..id }),
            Self::Statement(id) => Self::Statement(StatementId { conn, ..id }),
            Self::Conn(_) => Self::Conn(conn),
            Self::Run { id, until } => Self::Run { id: StatementId { conn, ..id }, until },
            Self::Finish { ordinal, .. } => Self::Finish { owner: conn, ordinal },
            Self::Hold { ordinal, .. } => Self::Hold { owner: conn, ordinal },
            Self::FinishOf { id, statement, nth } => Self::FinishOf { id: StatementId { conn, ..id }, statement, nth },
            other => other,
        }
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.statement, self.site.map_or("end", Site::name))?;
        if self.nth > 1 { write!(f, " #{}", self.nth) } else { Ok(()) }
    }
}

impl FromStr for Until {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (place, nth) = text.split_once(" #").unwrap_or((text, "1"));
        let (statement, place) = place.split_once(' ').ok_or(())?;
        let site = if place == "end" { None } else { Some(Site::from_name(place).ok_or(())?) };
        let statement = statement.parse().map_err(|_| ())?;
        Ok(Self { statement, site, nth: nth.parse().map_err(|_| ())? })
    }
}

impl fmt::Display for OptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::None => f.write_str("none"),
            Self::Step(statement) => write!(f, "step {statement}"),
            Self::Finish { owner, ordinal } => write!(f, "finish c{owner}.{ordinal}"),
            Self::Abandon => f.write_str("abandon"),
            Self::Drop => f.write_str("drop"),
            Self::Conn(conn) => write!(f, "target c{conn}"),
            Self::Statement(statement) => write!(f, "statement {statement}"),
            Self::Crash(CrashId::Process) => f.write_str("crash process"),
            Self::Crash(CrashId::Power) => f.write_str("crash power"),
            Self::End(EndingId::Success) => f.write_str("end success"),
            Self::End(EndingId::Fault(fault)) => write!(f, "end {}", fault.key()),
            Self::End(EndingId::Cancelled) => f.write_str("end cancelled"),
            Self::End(EndingId::CancelledPartly) => f.write_str("end cancelled-partly"),
            Self::Fault(fault) => write!(f, "fault {}", fault.key()),
            Self::Hold { owner, ordinal } => write!(f, "hold c{owner}.{ordinal}"),
            Self::Template(name) => write!(f, "op {name}"),
            Self::Number(n) => write!(f, "number {n}"),
            Self::Run { id, until: None } => write!(f, "run {id}"),
            Self::Run { id, until: Some(until) } => write!(f, "run {id} to {until}"),
            Self::FinishOf { id, statement, nth } => write!(f, "finish {id} {statement}/{nth}"),
        }
    }
}

impl FromStr for OptionId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("`{text}` is no choice that this version knows");
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let conn = |name: &str| name.strip_prefix('c').and_then(|n| n.parse().ok()).ok_or_else(unknown);
        let operation = |name: &str| {
            let (owner, ordinal) = name.split_once('.').ok_or_else(unknown)?;
            Ok::<(u8, u32), String>((conn(owner)?, ordinal.parse().map_err(|_| unknown())?))
        };
        let statement = |name: &str| {
            let (name, slot) = match name.split_once('/') {
                None => (name, 0),
                Some((name, number)) => {
                    (name, number.parse::<u8>().ok().and_then(|n| n.checked_sub(1)).ok_or_else(unknown)?)
                }
            };
            let slot = Some(slot).filter(|slot| usize::from(*slot) < STATEMENT_SLOTS).ok_or_else(unknown)?;
            Ok::<_, String>(StatementId { conn: conn(name)?, slot })
        };
        Ok(match (verb, rest) {
            ("none", "") => Self::None,
            ("abandon", "") => Self::Abandon,
            ("drop", "") => Self::Drop,
            ("crash", "process") => Self::Crash(CrashId::Process),
            ("crash", "power") => Self::Crash(CrashId::Power),
            ("end", "success") => Self::End(EndingId::Success),
            ("end", "cancelled") => Self::End(EndingId::Cancelled),
            ("end", "cancelled-partly") => Self::End(EndingId::CancelledPartly),
            ("end", key) => Self::End(EndingId::Fault(Fault::from_key(key).ok_or_else(unknown)?)),
            ("fault", key) => Self::Fault(Fault::from_key(key).ok_or_else(unknown)?),
            ("hold", name) => {
                let (owner, ordinal) = operation(name)?;
                Self::Hold { owner, ordinal }
            }
            ("step", name) => Self::Step(statement(name)?),
            ("target", name) => Self::Conn(conn(name)?),
            ("statement", name) => Self::Statement(statement(name)?),
            ("run", order) => match order.split_once(" to ") {
                None => Self::Run { id: statement(order)?, until: None },
                Some((name, until)) => {
                    Self::Run { id: statement(name)?, until: Some(until.parse().map_err(|()| unknown())?) }
                }
            },
            ("finish", order) if order.contains(' ') => {
                let (name, which) = order.split_once(' ').ok_or_else(unknown)?;
                let (ordinal, nth) = which.split_once('/').ok_or_else(unknown)?;
                let number = |text: &str| text.parse().map_err(|_| unknown());
                Self::FinishOf { id: statement(name)?, statement: number(ordinal)?, nth: number(nth)? }
            }
            ("finish", name) => {
                let (owner, ordinal) = operation(name)?;
                Self::Finish { owner, ordinal }
            }
            ("op", name) => Self::Template(TEMPLATES.iter().copied().find(|known| *known == name).ok_or_else(unknown)?),
            ("number", n) => Self::Number(n.parse().map_err(|_| unknown())?),
            _ => return Err(unknown()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_reads_back_from_its_text() {
        let ids = [
            OptionId::None,
            OptionId::Step(StatementId::first(3)),
            OptionId::Step(StatementId { conn: 3, slot: 1 }),
            OptionId::Statement(StatementId { conn: 1, slot: 1 }),
            OptionId::Finish { owner: 2, ordinal: 71 },
            OptionId::Abandon,
            OptionId::Drop,
            OptionId::Conn(1),
            OptionId::Crash(CrashId::Process),
            OptionId::Crash(CrashId::Power),
            OptionId::End(EndingId::Success),
            OptionId::End(EndingId::Fault(Fault::Eio)),
            OptionId::End(EndingId::Cancelled),
            OptionId::End(EndingId::CancelledPartly),
            OptionId::Fault(Fault::Delay),
            OptionId::Hold { owner: 2, ordinal: 71 },
            OptionId::Template(TEMPLATES[0]),
            OptionId::Number(u64::MAX),
            OptionId::Run { id: StatementId { conn: 1, slot: 1 }, until: None },
            OptionId::Run { id: StatementId::first(1), until: Some(Until { statement: 2, site: None, nth: 1 }) },
            OptionId::Run {
                id: StatementId::first(1),
                until: Some(Until { statement: 2, site: Some(Site::PagerRead), nth: 1 }),
            },
            OptionId::Run {
                id: StatementId::first(1),
                until: Some(Until { statement: 2, site: Some(Site::HeaderLoad), nth: 13 }),
            },
            OptionId::FinishOf { id: StatementId::first(1), statement: 4, nth: 0 },
        ];
        for id in ids {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for bad in [
            "",
            "step",
            "step x",
            "step c1/0",
            "step c1/3",
            "step c1/x",
            "finish c1",
            "finish c1.x",
            "op nothing",
            "number",
            "crash",
            "walk c1",
            "run",
            "run c1 to",
            "run c1 to 2",
            "run c1 to 2 nowhere",
            "run c1 to 2 end #x",
            "finish c1 3",
            "end badly",
            "fault",
            "hold c1",
        ] {
            assert!(bad.parse::<OptionId>().is_err(), "{bad}");
        }
    }
}
