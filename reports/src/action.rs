//! Actions in a few words.

use falken_harness::action::{Action, CrashKind, Held};
use falken_harness::recording::State;
use falken_models::disk::{Ending, Lie, OpId, OpInfo};

/// What an operation in flight does.
fn operation(before: &State, op: OpId) -> String {
    let found = before.in_flight.iter().find(|info| info.op == op);
    found.map_or(format!("#{}", op.0), in_flight)
}

/// An operation in flight.
pub(crate) fn in_flight(info: &OpInfo) -> String {
    let OpInfo { op, kind, file, offset, len, owner, .. } = info;
    format!("#{} {} {} {offset}+{len} of c{owner}", op.0, kind.name(), file.name())
}

fn ending(ending: Ending) -> String {
    match ending {
        Ending::Success => "ends".into(),
        Ending::Short(moved) => format!("moves only {moved} bytes"),
        Ending::Error { error, moved: 0 } => format!("fails: {error}"),
        Ending::Error { error, moved } => format!("fails after {moved} bytes: {error}"),
        Ending::MarkedClean { error } => format!("fails and its pages are marked clean: {error}"),
        Ending::Lie(Lie::NotDurable) => "claims success and makes nothing durable".into(),
        Ending::Lie(Lie::Lost) => "claims success and changes nothing".into(),
        Ending::Lie(Lie::Misdirected { offset }) => format!("claims success and lands at {offset}"),
    }
}

/// What is done, given how everything stood before.
pub(crate) fn describe(action: Action, before: &State) -> String {
    match action {
        Action::Step(id) => format!("{id} takes a step"),
        Action::Poll(id) => format!("{id} is stepped while it waits"),
        Action::StepRefused(id, after) => format!("{id} takes a step; its submission {} is refused", after + 1),
        Action::Finish(op, how) => format!("{} {}", operation(before, op), ending(how)),
        Action::Fail(op, how, fault) => format!("{} {} ({})", operation(before, op), ending(how), fault.key()),
        Action::Hold(Held::Operation { owner, ordinal }, actions) => {
            format!("operation {ordinal} of c{owner} is held back for {actions} actions")
        }
        Action::Hold(Held::Statement(id), actions) => format!("{id} gets no step for {actions} actions"),
        Action::Cancel(id, 0) => format!("a cancel of all that {id} waits for is asked for"),
        Action::Cancel(id, nth) => format!("a cancel of operation {nth} of those that {id} waits for is asked for"),
        Action::Abandon(id) => format!("the statement of {id} is dropped"),
        Action::Interrupt(conn) => format!("c{conn} is interrupted"),
        Action::Drop(conn) => format!("connection c{conn} is dropped"),
        Action::Crash(CrashKind::Process) => "the process crashes".into(),
        Action::Crash(CrashKind::Power) => "the power fails".into(),
        Action::SecondCrash(CrashKind::Process) => "the process crashes again".into(),
        Action::SecondCrash(CrashKind::Power) => "the power fails again".into(),
        Action::Rot(file, offset, mask) => format!("byte {offset} of {} rots (mask {mask:#04x})", file.name()),
        Action::Finale => "the end of the run is judged".into(),
    }
}

/// In which lane it is drawn: a connection's, the one of I/O (`io`), or that of the disk and the log (`disk`).
pub(crate) fn lane(action: Action) -> String {
    match action {
        Action::Step(id)
        | Action::Poll(id)
        | Action::StepRefused(id, _)
        | Action::Abandon(id)
        | Action::Cancel(id, _) => {
            format!("c{}", id.conn)
        }
        Action::Interrupt(conn) | Action::Drop(conn) => format!("c{conn}"),
        Action::Hold(Held::Statement(id), _) => format!("c{}", id.conn),
        Action::Finish(..) | Action::Fail(..) | Action::Hold(Held::Operation { .. }, _) => "io".into(),
        Action::Crash(_) | Action::SecondCrash(_) | Action::Rot(..) | Action::Finale => "disk".into(),
    }
}

/// What kind of action it is: `step`, `end` or `fault`.
pub(crate) fn kind(action: Action) -> &'static str {
    match action {
        Action::Step(_) | Action::Finale => "step",
        Action::Finish(_, Ending::Success) => "end",
        Action::Finish(..)
        | Action::Poll(_)
        | Action::StepRefused(..)
        | Action::Fail(..)
        | Action::Hold(..)
        | Action::Cancel(..)
        | Action::Abandon(_)
        | Action::Interrupt(_)
        | Action::Drop(_)
        | Action::Crash(_)
        | Action::SecondCrash(_)
        | Action::Rot(..) => "fault",
    }
}
