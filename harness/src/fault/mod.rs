//! Faults as data: what can go wrong, how often, and what the subject owes when it does.
//!
//! A kind of fault is one variant of [`Fault`] and one line of [`TABLE`]; a scenario's `[faults]` gives each a
//! [`Rate`]. The run loop's `select.rs` asks whether one happens, `apply.rs` lets it happen, and an
//! [`Injected`](falken_models::event::EventKind::Injected) event marks what it did, so that nobody takes an injected
//! error for one of the subject's own.
//!
//! What "owed" says is the WAL protocol's promise, not an opinion: faults of class *survive* and *error* are the
//! envelope, and any violation under them is one. Under a *detect-only* fault nothing but honest recovery is owed, so the
//! first violation that the damage explains ends the run as detected.

mod damage;
mod rate;

use falken_models::disk::{IoKind, OpInfo};

use crate::scenario::Faults;
pub use damage::Damage;
pub use rate::Rate;

/// What is owed under a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// The operation may fail, everything else goes on as if nothing had happened.
    Survive,
    /// The operation must fail, and succeed when it is tried again.
    Error,
    /// Nothing but that the damage does not make recovery crash, hang or contradict itself.
    DetectOnly,
}

impl Class {
    /// The class's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Survive => "survive",
            Self::Error => "error",
            Self::DetectOnly => "detect-only",
        }
    }
}

/// When a fault may happen: what its rate counts.
#[derive(Clone, Copy, Debug)]
pub enum Opportunity {
    /// Before each action.
    Action,
    /// At the end of each operation of the disk for which this holds.
    Ending(fn(&OpInfo) -> bool),
    /// At each crash, of either kind.
    Crash,
    /// At each power loss.
    PowerLoss,
}

impl Opportunity {
    /// What one opportunity is.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Ending(_) => "operation",
            Self::Crash => "crash",
            Self::PowerLoss => "power loss",
        }
    }
}

/// One kind of fault.
pub struct Entry {
    /// Which.
    pub fault: Fault,
    /// What is owed.
    pub class: Class,
    /// What the rate counts.
    pub per: Opportunity,
    /// What it does.
    pub does: &'static str,
    /// What the subject owes.
    pub owed: &'static str,
    rate: fn(&Faults) -> Rate,
}

impl Entry {
    /// Its rate in a scenario.
    pub fn rate(&self, faults: &Faults) -> Rate {
        (self.rate)(faults)
    }
}

macro_rules! faults {
    ($($variant:ident, $key:literal, $probe:literal, $class:ident, $per:expr, $field:ident, $does:literal, $owed:literal;)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Fault { $(#[doc = $does] $variant,)* }

        impl Fault {
            /// How many kinds there are.
            pub const COUNT: usize = TABLE.len();

            /// Its key in a scenario's `[faults]` and its name on a tape.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }

            /// The probe that counts it.
            pub const fn probe(self) -> &'static str {
                match self { $(Self::$variant => $probe,)* }
            }
        }

        /// Every kind of fault, in the order of `[faults]`.
        pub const TABLE: &[Entry] = &[$(Entry {
            fault: Fault::$variant,
            class: Class::$class,
            per: $per,
            does: $does,
            owed: $owed,
            rate: |faults| faults.$field,
        },)*];
    };
}

use Opportunity::{Action, Crash, Ending, PowerLoss as AtPowerLoss};

fn is_write(op: &OpInfo) -> bool {
    op.kind == IoKind::Write
}

fn is_sync(op: &OpInfo) -> bool {
    op.kind == IoKind::Sync
}

fn moves(op: &OpInfo) -> bool {
    op.len > 1
}

faults! {
    ProcessCrash, "process-crash", "crash.process", Survive, Action, process_crash,
        "the process dies; what was written stays visible and un-synced, operations in flight happen or not",
        "every acknowledged commit is there";
    PowerLoss, "power-loss", "crash.power", Survive, Action, power_loss,
        "the power fails; each sector and size keeps any version since the last fsync: writes are lost, reordered, torn",
        "a committed prefix with everything that the sync mode owes";
    DoubleCrash, "double-crash", "crash.double", Survive, Crash, double_crash,
        "a crash, of either kind, a few actions after a crash: in the recovery, or just behind it",
        "the same as after the first";
    TornWrites, "torn-writes", "fault.torn-writes", Survive, AtPowerLoss, torn_writes,
        "sectors may also be left torn: of the bytes being written a part arrived, or they read as zeros or noise",
        "the same as without";
    SpoiltSectors, "spoilt-sectors", "fault.spoilt-sectors", Survive, AtPowerLoss, spoilt_sectors,
        "without powersafe overwrite: the whole of a sector that was being written may read as noise",
        "the same as without: commits are padded to sectors";
    Abandon, "abandon", "abandon", Survive, Action, abandon,
        "a suspended statement is dropped",
        "its effects are undone whole, and nothing that it held is left";
    Drop, "drop", "drop", Survive, Action, drop,
        "a connection is dropped with whatever it has under way",
        "its transaction is undone, its locks are released";
    Interrupt, "interrupt", "interrupt", Survive, Action, interrupt,
        "the statements of a connection are interrupted",
        "they end with INTERRUPT, their changes undone; statements that start later are not concerned";
    Cancel, "cancel", "fault.cancel", Survive, Action, cancel,
        "the kernel is asked to cancel what a suspended statement waits for: an operation, one of a group, or the whole group",
        "whatever comes of it (done anyway, in part, not at all), a statement or commit error at most; earlier commits intact";
    Spurious, "spurious", "fault.spurious", Survive, Action, spurious,
        "a statement is stepped although what it waits for has not finished",
        "the step changes nothing";
    Delay, "delay", "fault.delay", Survive, Action, delay,
        "an operation in flight is held back for a stretch",
        "nothing but time is lost";
    Starve, "starve", "fault.starve", Survive, Action, starve,
        "a statement gets no step for a stretch",
        "nothing but time is lost";
    EioAtSubmit, "eio-at-submit", "fault.eio-at-submit", Survive, Action, eio_at_submit,
        "the disk refuses a submission with EIO",
        "a statement or commit error; no callback, no trace; earlier commits intact, no lock or pin leaked";
    Eio, "eio", "fault.eio", Survive, Ending(|op| op.kind != IoKind::Sync), eio,
        "an operation other than an fsync ends with EIO after any part of a write",
        "a statement or commit error; a failed checkpoint leaves nBackfill; a failed recovery fails the open";
    FsyncKeptDirty, "fsync-kept-dirty", "fault.fsync-kept-dirty", Survive, Ending(is_sync), fsync_kept_dirty,
        "an fsync ends with EIO and leaves its pages dirty: the next one covers them",
        "a statement or commit error; a failed checkpoint leaves nBackfill; nothing that was acknowledged is lost";
    FsyncMarkedClean, "fsync-marked-clean", "fault.fsync-marked-clean", Survive, Ending(is_sync), fsync_marked_clean,
        "an fsync ends with EIO and its pages are marked clean, as on Linux: no later one covers them unless they are written again",
        "the same; but no log protocol survives a power loss that takes what was published before the error: then detection";
    NoSpace, "no-space", "fault.no-space", Survive, Ending(is_write), no_space,
        "a write ends with ENOSPC after any part of it",
        "a statement or commit error; earlier commits intact";
    ShortRead, "short-read", "fault.short-read", Survive, Ending(|op| op.kind == IoKind::Read && moves(op)), short_read,
        "a read moves only its first bytes and says so",
        "the rest is read, exactly once";
    ShortWrite, "short-write", "fault.short-write", Survive, Ending(|op| is_write(op) && moves(op)), short_write,
        "a write moves only its first bytes and says so",
        "the rest is written, exactly once";
    LyingFsync, "lying-fsync", "fault.lying-fsync", DetectOnly, Ending(is_sync), lying_fsync,
        "an fsync reports success and makes nothing durable; an honest one later covers it all",
        "that recovery neither crashes, hangs nor contradicts itself; what is lost is found missing";
    BitRot, "bit-rot", "fault.bit-rot", DetectOnly, Action, bit_rot,
        "a bit of the database file or of the log flips, on the platter and in every cache above it",
        "that nothing crashes or hangs and recovery does not contradict itself; a rotten log may end early";
    MisdirectedWrite, "misdirected-write", "fault.misdirected-write", DetectOnly, Ending(is_write), misdirected_write,
        "a write reports success and lands at another place of its file",
        "that nothing crashes or hangs and recovery does not contradict itself";
    LostWrite, "lost-write", "fault.lost-write", DetectOnly, Ending(is_write), lost_write,
        "a write reports success and changes nothing",
        "that nothing crashes or hangs and recovery does not contradict itself";
}

impl Fault {
    /// The kind with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        TABLE.iter().map(|entry| entry.fault).find(|fault| fault.key() == key)
    }

    /// Its line in the table.
    pub fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe;

    #[test]
    fn keys_lead_back_to_their_kind_and_every_kind_has_a_probe() {
        for (index, entry) in TABLE.iter().enumerate() {
            assert_eq!(entry.fault as usize, index);
            assert_eq!(Fault::from_key(entry.fault.key()), Some(entry.fault));
            assert!(probe::TABLE.iter().any(|probe| probe.name == entry.fault.probe()), "{}", entry.fault.key());
        }
    }

    #[test]
    fn every_key_of_a_scenario_s_faults_but_the_cap_on_crashes_is_a_line_of_the_table() {
        let written = toml::to_string(&Faults::default()).unwrap();
        let keys: Vec<&str> = written.lines().filter_map(|line| line.split(" = ").next()).collect();
        let known = TABLE.iter().map(|entry| entry.fault.key()).chain(["crashes-max"]);
        let mut known: Vec<&str> = known.collect();
        known.sort_unstable();
        let mut keys = keys;
        keys.sort_unstable();
        assert_eq!(keys, known);
    }
}
