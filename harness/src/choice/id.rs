//! Stable names of options, as they stand in a tape.

use std::fmt;
use std::str::FromStr;

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
    /// It fails with EIO and leaves no effect.
    Eio,
}

/// One option: who, what, which object. Its text form is what a tape holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OptionId {
    /// Nothing special.
    None,
    /// A connection steps.
    Step(u8),
    /// The `ordinal`-th operation of connection `owner` ends.
    Finish {
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
    /// A crash.
    Crash(CrashId),
    /// How an operation ends.
    End(EndingId),
    /// The transaction template with this name, one of [`TEMPLATES`].
    Template(&'static str),
    /// A number.
    Number(u64),
}

impl fmt::Display for OptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::None => f.write_str("none"),
            Self::Step(conn) => write!(f, "step c{conn}"),
            Self::Finish { owner, ordinal } => write!(f, "finish c{owner}.{ordinal}"),
            Self::Abandon => f.write_str("abandon"),
            Self::Drop => f.write_str("drop"),
            Self::Conn(conn) => write!(f, "target c{conn}"),
            Self::Crash(CrashId::Process) => f.write_str("crash process"),
            Self::Crash(CrashId::Power) => f.write_str("crash power"),
            Self::End(EndingId::Success) => f.write_str("end success"),
            Self::End(EndingId::Eio) => f.write_str("end eio"),
            Self::Template(name) => write!(f, "op {name}"),
            Self::Number(n) => write!(f, "number {n}"),
        }
    }
}

impl FromStr for OptionId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("`{text}` is no choice that this version knows");
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let conn = |name: &str| name.strip_prefix('c').and_then(|n| n.parse().ok()).ok_or_else(unknown);
        Ok(match (verb, rest) {
            ("none", "") => Self::None,
            ("abandon", "") => Self::Abandon,
            ("drop", "") => Self::Drop,
            ("crash", "process") => Self::Crash(CrashId::Process),
            ("crash", "power") => Self::Crash(CrashId::Power),
            ("end", "success") => Self::End(EndingId::Success),
            ("end", "eio") => Self::End(EndingId::Eio),
            ("step", name) => Self::Step(conn(name)?),
            ("target", name) => Self::Conn(conn(name)?),
            ("finish", name) => {
                let (owner, ordinal) = name.split_once('.').ok_or_else(unknown)?;
                Self::Finish { owner: conn(owner)?, ordinal: ordinal.parse().map_err(|_| unknown())? }
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
            OptionId::Step(3),
            OptionId::Finish { owner: 2, ordinal: 71 },
            OptionId::Abandon,
            OptionId::Drop,
            OptionId::Conn(1),
            OptionId::Crash(CrashId::Process),
            OptionId::Crash(CrashId::Power),
            OptionId::End(EndingId::Success),
            OptionId::End(EndingId::Eio),
            OptionId::Template(TEMPLATES[0]),
            OptionId::Number(u64::MAX),
        ];
        for id in ids {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for bad in ["", "step", "step x", "finish c1", "finish c1.x", "op nothing", "number", "crash", "walk c1"] {
            assert!(bad.parse::<OptionId>().is_err(), "{bad}");
        }
    }
}
