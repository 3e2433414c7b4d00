//! Selecting faults: what goes wrong before an action, how an operation ends, what is held back and for how long.
//!
//! What each kind is and owes stands in [`TABLE`](crate::fault::TABLE); here is only who is asked and when.

use std::hash::{Hash, Hasher};

use falken_models::connection::StatementId;
use falken_models::disk::{Ending, FileId, IoKind, Lie, OpInfo, Tear, Ticket};
use falken_models::io::{Completion, CompletionError, CompletionKind, IOCompletions};
use falken_models::site::Site;

use super::{Run, Stage};
use crate::action::{Action, CrashKind, Held};
use crate::choice::{Choice, CrashId, EndingId, Kind, OptionId};
use crate::client::Phase;
use crate::fault::{self, Fault, Opportunity, Rate};
use crate::scenario::{Faults, Sync};
use crate::subject::Subject;

/// What "one in so many" is measured in.
const RATE_BASE: u32 = 1_000_000;

/// The longest stretch for which something is held back, in actions.
const HOLD_ACTIONS_MAX: u64 = 600;

/// The most actions between a crash and one that follows it soon.
const SECOND_CRASH_ACTIONS_MAX: u64 = 60;

/// A refused submission comes after at most this many others of its step.
const REFUSED_AFTER_MAX: u64 = 3;

/// The kinds that a scenario switches on, and how often each has happened.
#[derive(Debug)]
pub(super) struct Injector {
    /// What may happen before an action, "nothing" first, with weights.
    options: Vec<OptionId>,
    weights: Vec<u32>,
    /// How an operation may end, besides well: the kind, for which operations, and its weight.
    endings: Vec<(Fault, Applies, u32)>,
    crashes_max: u32,
    left: [u32; Fault::COUNT],
    /// A crash that follows the last one, and at which action.
    second_crash: Option<(u64, CrashKind)>,
    /// What is held back, and up to which action.
    held: Vec<(Held, u64)>,
    /// Storage that is used again at every ending.
    ending_options: Vec<OptionId>,
    ending_weights: Vec<u32>,
}

/// Whether an operation may end with a fault.
type Applies = fn(&OpInfo) -> bool;

fn weight(rate: Rate) -> u32 {
    RATE_BASE.checked_div(rate.one_in).map_or(0, |weight| weight.max(1))
}

/// How a tape names what happens before an action.
fn option_of(fault: Fault) -> OptionId {
    match fault {
        Fault::ProcessCrash => OptionId::Crash(CrashId::Process),
        Fault::PowerLoss => OptionId::Crash(CrashId::Power),
        Fault::Abandon => OptionId::Abandon,
        Fault::Drop => OptionId::Drop,
        other => OptionId::Fault(other),
    }
}

impl Injector {
    pub(super) fn new(faults: &Faults) -> Self {
        let on = || fault::TABLE.iter().filter(|entry| entry.rate(faults).is_on());
        let before = on().filter(|entry| matches!(entry.per, Opportunity::Action));
        let before: Vec<_> = before.map(|entry| (option_of(entry.fault), weight(entry.rate(faults)))).collect();
        let sum: u32 = before.iter().map(|(_, weight)| weight).sum();
        let none = (OptionId::None, RATE_BASE.saturating_sub(sum).max(1));
        let (options, weights) = std::iter::once(none).chain(before).unzip();
        let ending = |entry: &fault::Entry| match entry.per {
            Opportunity::Ending(applies) => Some((entry.fault, applies, weight(entry.rate(faults)))),
            Opportunity::Action | Opportunity::Crash | Opportunity::PowerLoss => None,
        };
        let mut left = [0; Fault::COUNT];
        on().for_each(|entry| left[entry.fault as usize] = entry.rate(faults).at_most);
        Self {
            options,
            weights,
            endings: on().filter_map(ending).collect(),
            crashes_max: faults.crashes_max,
            left,
            second_crash: None,
            held: Vec::new(),
            ending_options: Vec::new(),
            ending_weights: Vec::new(),
        }
    }

    /// Hashes what decides which faults may still happen, and who is held back for how long from now on.
    pub(super) fn hash_state<H: Hasher>(&self, now: u64, state: &mut H) {
        let Self {
            options: _,
            weights: _,
            endings: _,
            crashes_max: _,
            left,
            second_crash,
            held,
            ending_options: _,
            ending_weights: _,
        } = self;
        // What has no cap is counted down from the highest number, and never gets anywhere near 0.
        left.iter().for_each(|left| (*left).min(u32::MAX / 2).hash(state));
        second_crash.map(|(at, kind)| (at.saturating_sub(now), kind)).hash(state);
        held.iter().for_each(|(held, until)| (held.actor(), until.saturating_sub(now)).hash(state));
    }

    /// Takes one of a kind, unless its cap is reached.
    fn take(&mut self, fault: Fault) -> bool {
        let left = &mut self.left[fault as usize];
        let some = *left > 0;
        *left = left.saturating_sub(1);
        some
    }

    /// Holds something back for so many actions.
    pub(super) fn hold(&mut self, held: Held, now: u64, actions: u64) {
        self.held.push((held, now + actions));
    }

    /// Nothing is held back any more.
    pub(super) fn release_all(&mut self) {
        self.held.clear();
    }

    /// Takes out the actors that are held back, unless nobody else is left.
    pub(super) fn withhold(&mut self, now: u64, options: &mut Vec<OptionId>) {
        if self.held.is_empty() {
            return;
        }
        self.held.retain(|(_, until)| *until > now);
        let is_held = |option: &OptionId| self.held.iter().any(|(held, _)| held.actor() == *option);
        if !options.iter().all(is_held) {
            options.retain(|option| !is_held(option));
        }
    }

    /// Lists how an operation may end: well first, then what its cancel may come to, then the faults.
    fn list_endings(&mut self, op: &OpInfo) {
        let (options, weights) = (&mut self.ending_options, &mut self.ending_weights);
        options.clear();
        weights.clear();
        let mut add = |ending, weight| {
            options.push(OptionId::End(ending));
            weights.push(weight);
        };
        add(EndingId::Success, 0);
        if op.cancel_asked {
            // Each outcome of a cancel is as likely as any other.
            add(EndingId::Cancelled, RATE_BASE);
            if op.len > 1 {
                add(EndingId::CancelledPartly, RATE_BASE);
            }
        }
        for &(fault, applies, weight) in &self.endings {
            if applies(op) && self.left[fault as usize] > 0 {
                add(EndingId::Fault(fault), weight);
            }
        }
        let sum: u32 = weights[1..].iter().sum();
        weights[0] = if op.cancel_asked { RATE_BASE } else { RATE_BASE.saturating_sub(sum).max(1) };
    }
}

impl Held {
    /// The actor that is held back.
    fn actor(self) -> OptionId {
        match self {
            Self::Operation { owner, ordinal } => OptionId::Finish { owner, ordinal },
            Self::Statement(id) => OptionId::Step(id),
        }
    }
}

impl<S: Subject> Run<'_, S> {
    /// Whether something goes wrong now, before anybody acts.
    pub(super) fn select_disturbance(&mut self) -> Option<Action> {
        if let Some((_, kind)) = self.injector.second_crash.take_if(|(at, _)| *at <= self.step) {
            return Some(Action::SecondCrash(kind));
        }
        if self.injector.options.len() == 1 {
            return None;
        }
        let Injector { options, weights, .. } = &self.injector;
        let choice = Choice {
            kind: Kind::Disturbance,
            key: self.step,
            options,
            weights,
            standing: &self.standing,
            events: self.trace.hash(),
        };
        let fault = match options[self.chooser.choose(&choice)] {
            OptionId::Crash(_) if self.crashes >= u64::from(self.injector.crashes_max) => return None,
            OptionId::Crash(CrashId::Process) => Fault::ProcessCrash,
            OptionId::Crash(CrashId::Power) => Fault::PowerLoss,
            OptionId::Abandon => Fault::Abandon,
            OptionId::Drop => Fault::Drop,
            OptionId::Fault(fault) => fault,
            _ => return None,
        };
        if !self.injector.take(fault) {
            return None;
        }
        match fault {
            Fault::ProcessCrash => Some(Action::Crash(CrashKind::Process)),
            Fault::PowerLoss => Some(Action::Crash(CrashKind::Power)),
            Fault::Abandon => self.select_statement(|_, _, phase| phase == Phase::Running).map(Action::Abandon),
            Fault::Drop => self.select_connection().map(Action::Drop),
            Fault::Interrupt => self.select_connection().map(Action::Interrupt),
            Fault::Cancel => self.select_cancel(),
            Fault::Spurious => self.select_statement(|run, id, _| run.waits(id)).map(Action::Poll),
            Fault::EioAtSubmit => self.select_refusal(),
            Fault::Delay => self.select_delay(),
            Fault::Starve => {
                let id = self.select_statement(|_, _, _| true)?;
                Some(Action::Hold(Held::Statement(id), self.select_stretch()))
            }
            Fault::BitRot => self.select_rot(),
            Fault::DoubleCrash
            | Fault::TornWrites
            | Fault::SpoiltSectors
            | Fault::MisdirectedWrite
            | Fault::LostWrite
            | Fault::Eio
            | Fault::FsyncKeptDirty
            | Fault::FsyncMarkedClean
            | Fault::NoSpace
            | Fault::ShortRead
            | Fault::ShortWrite
            | Fault::LyingFsync => None,
        }
    }

    /// Whether a step of the statement has nothing to go on with.
    fn waits(&self, id: StatementId) -> bool {
        self.subject.awaiting(id).is_some_and(|io| !io.is_settled())
    }

    fn select_statement(&mut self, eligible: impl Fn(&Self, StatementId, Phase) -> bool) -> Option<StatementId> {
        let used = self.clients.iter().filter(|client| client.id.slot == 0 || client.phase != Phase::Idle);
        let named = used.filter(|client| eligible(self, client.id, client.phase));
        let options: Vec<OptionId> = named.map(|client| OptionId::Statement(client.id)).collect();
        match self.select_among(&options)? {
            OptionId::Statement(id) => Some(id),
            _ => None,
        }
    }

    /// A connection that is not being dropped.
    fn select_connection(&mut self) -> Option<u8> {
        let first = self.clients.iter().filter(|client| client.id.slot == 0);
        let open = first.filter(|client| matches!(client.phase, Phase::Idle | Phase::Running));
        let options: Vec<OptionId> = open.map(|client| OptionId::Conn(client.id.conn)).collect();
        match self.select_among(&options)? {
            OptionId::Conn(conn) => Some(conn),
            _ => None,
        }
    }

    fn select_among(&mut self, options: &[OptionId]) -> Option<OptionId> {
        if options.is_empty() {
            return None;
        }
        let choice = Choice {
            kind: Kind::Target,
            key: self.step,
            options,
            weights: &[],
            standing: &self.standing,
            events: self.trace.hash(),
        };
        Some(options[self.chooser.choose(&choice)])
    }

    fn select_stretch(&mut self) -> u64 {
        1 + self.chooser.number(Kind::Value, self.step, HOLD_ACTIONS_MAX - 1)
    }

    fn select_delay(&mut self) -> Option<Action> {
        self.disk.list_in_flight(&mut self.in_flight);
        let named = self.in_flight.iter().map(|op| OptionId::Hold { owner: op.owner, ordinal: op.ordinal });
        let options: Vec<OptionId> = named.collect();
        match self.select_among(&options)? {
            OptionId::Hold { owner, ordinal } => {
                Some(Action::Hold(Held::Operation { owner, ordinal }, self.select_stretch()))
            }
            _ => None,
        }
    }

    fn select_cancel(&mut self) -> Option<Action> {
        let id = self.select_statement(|run, id, _| !run.awaited_operations(id).is_empty())?;
        // The simplest answer, 0, is all of them.
        let nth = match self.awaited_operations(id).len() as u64 {
            1 => 0,
            several => self.chooser.number(Kind::Value, self.step, several),
        };
        Some(Action::Cancel(id, nth))
    }

    /// The operations in flight that a statement waits for, members of groups each by itself.
    pub(super) fn awaited_operations(&self, id: StatementId) -> Vec<Ticket> {
        let mut tickets = Vec::new();
        let mut groups: Vec<&Completion> = self.subject.awaiting(id).iter().map(|IOCompletions::Single(c)| c).collect();
        while let Some(completion) = groups.pop() {
            if completion.kind() == CompletionKind::Group {
                groups.extend(completion.members().iter().rev());
            } else {
                tickets.extend(self.disk.ticket_of(completion));
            }
        }
        tickets
    }

    fn select_refusal(&mut self) -> Option<Action> {
        let id = self.select_statement(|run, id, phase| phase == Phase::Running && run.is_steppable(id))?;
        let after = self.chooser.number(Kind::Value, self.step, REFUSED_AFTER_MAX) as u32;
        Some(Action::StepRefused(id, after))
    }

    /// Whether a connection is in the middle of a recovery.
    pub(super) fn is_recovering(&self) -> bool {
        self.standing.iter().any(|standing| standing.site.is_some_and(Site::is_recovery))
    }

    /// Whether a fault of the kind that is counted at crashes happens at this one.
    fn happens(&mut self, fault: Fault) -> bool {
        let one_in = fault.entry().rate(&self.scenario.faults).one_in;
        if one_in == 0 || self.injector.left[fault as usize] == 0 {
            return false;
        }
        // The simplest answer, 0, is that it does not.
        let most = u64::from(one_in.max(2) - 1);
        let happens = self.chooser.number(Kind::Value, self.step, most) == most || one_in == 1;
        happens && self.injector.take(fault)
    }

    /// In which ways this power loss may tear sectors.
    pub(super) fn select_tears(&mut self) -> Vec<Tear> {
        let mut tears = Vec::new();
        if self.happens(Fault::TornWrites) {
            self.mark(Fault::TornWrites);
            let eighths = 1 + self.chooser.number(Kind::Value, self.step, 6) as u8;
            tears.extend([Tear::Parted { eighths }, Tear::Zeros, Tear::Noise]);
        }
        if self.happens(Fault::SpoiltSectors) {
            self.mark(Fault::SpoiltSectors);
            tears.push(Tear::Spoilt);
        }
        tears
    }

    /// Whether another crash follows the one that has just happened, which and when.
    pub(super) fn select_second_crash(&mut self) {
        if self.stage != Stage::Working || !self.happens(Fault::DoubleCrash) {
            return;
        }
        let power = self.scenario.database.sync != Sync::Off && self.chooser.number(Kind::Value, self.step, 1) == 1;
        let kind = if power { CrashKind::Power } else { CrashKind::Process };
        let actions = 1 + self.chooser.number(Kind::Value, self.step, SECOND_CRASH_ACTIONS_MAX - 1);
        self.injector.second_crash = Some((self.step + actions, kind));
    }

    /// A bit of a file. Not while somebody recovers the log: what he has read by then and what lies there could differ,
    /// and then nothing could be said about his recovery.
    fn select_rot(&mut self) -> Option<Action> {
        if self.is_recovering() {
            return None;
        }
        let file = FileId::ALL[self.chooser.number(Kind::Value, self.step, 1) as usize];
        let last = self.disk.size(file).checked_sub(1)?;
        let offset = self.chooser.number(Kind::Value, self.step, last);
        let mask = 1 << self.chooser.number(Kind::Value, self.step, 7);
        Some(Action::Rot(file, offset, mask))
    }

    /// Where a misdirected write lands: at the start of another sector of its file.
    fn select_stray(&mut self, op: OpInfo) -> u64 {
        let sector = self.scenario.disk.sector_size as u64;
        let sectors = self.disk.size(op.file) / sector;
        let stray = self.chooser.number(Kind::Value, self.step, sectors) * sector;
        if stray == op.offset { stray + sector } else { stray }
    }

    /// How an operation ends.
    pub(super) fn select_ending(&mut self, op: OpInfo) -> Action {
        let well = Action::Finish(op.op, Ending::Success);
        if self.stage != Stage::Working || (self.injector.endings.is_empty() && !op.cancel_asked) {
            return well;
        }
        self.injector.list_endings(&op);
        let Injector { ending_options: options, ending_weights: weights, .. } = &self.injector;
        let choice = Choice {
            kind: Kind::Ending,
            key: self.step,
            options,
            weights,
            standing: &self.standing,
            events: self.trace.hash(),
        };
        match options[self.chooser.choose(&choice)] {
            OptionId::End(EndingId::Cancelled) => Action::Finish(op.op, cancelled(0)),
            OptionId::End(EndingId::CancelledPartly) => {
                let part = self.select_part(op.len);
                Action::Finish(op.op, cancelled(part))
            }
            OptionId::End(EndingId::Fault(fault)) => {
                self.injector.take(fault);
                Action::Fail(op.op, self.faulty_ending(fault, op), fault)
            }
            _ => well,
        }
    }

    /// Some, but not all of an operation's bytes.
    fn select_part(&mut self, len: u32) -> u32 {
        1 + self.chooser.number(Kind::Value, self.step, u64::from(len) - 2) as u32
    }

    fn faulty_ending(&mut self, fault: Fault, op: OpInfo) -> Ending {
        // A write that fails has left any part of itself.
        let mut failed = |error| {
            let most = if op.kind == IoKind::Write { u64::from(op.len) } else { 0 };
            Ending::Error { error, moved: self.chooser.number(Kind::Value, self.step, most) as u32 }
        };
        match fault {
            Fault::Eio | Fault::FsyncKeptDirty => failed(CompletionError::Io),
            Fault::FsyncMarkedClean => Ending::MarkedClean { error: CompletionError::Io },
            Fault::LyingFsync => Ending::Lie(Lie::NotDurable),
            Fault::LostWrite => Ending::Lie(Lie::Lost),
            Fault::MisdirectedWrite => Ending::Lie(Lie::Misdirected { offset: self.select_stray(op) }),
            Fault::NoSpace => failed(CompletionError::NoSpace),
            Fault::ShortRead | Fault::ShortWrite => Ending::Short(self.select_part(op.len)),
            Fault::ProcessCrash
            | Fault::PowerLoss
            | Fault::Abandon
            | Fault::Drop
            | Fault::Interrupt
            | Fault::Cancel
            | Fault::Spurious
            | Fault::Delay
            | Fault::Starve
            | Fault::EioAtSubmit
            | Fault::DoubleCrash
            | Fault::TornWrites
            | Fault::SpoiltSectors
            | Fault::BitRot => Ending::Success,
        }
    }
}

fn cancelled(moved: u32) -> Ending {
    Ending::Error { error: CompletionError::Cancelled, moved }
}
