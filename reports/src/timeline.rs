//! A recording as JSON, for pages that step through it: each action with what happened, and how the state changed.
//!
//! States are flat objects. The first one is whole; each action carries only the fields that have another value after it.

use std::collections::BTreeMap;

use falken_harness::ledger::Holders;
use falken_harness::recording::{ConnectionState, FrameState, PageState, Recorded, Recording, State};
use falken_models::disk::OpInfo;
use falken_models::event::{Actor, Event, EventKind};
use falken_models::wal::{Header, LockId, MARK_UNUSED};
use serde_json::{Value, json};

use crate::action;

/// The fields of a state.
type Fields = BTreeMap<String, Value>;

/// The whole recording.
pub(crate) fn json(recording: &Recording) -> Value {
    let mut before = &recording.before;
    let mut fields = state(before);
    let first = json!(fields);
    let mut actions = Vec::with_capacity(recording.actions.len());
    for recorded in &recording.actions {
        let after = state(&recorded.state);
        let changed: Fields = after
            .iter()
            .filter(|(key, value)| fields.get(*key) != Some(value))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        actions.push(one(recorded, before, changed));
        (before, fields) = (&recorded.state, after);
    }
    json!({
        "connections": recording.connections,
        "skipped": recording.skipped,
        "race": recording.race,
        "before": first,
        "actions": actions,
    })
}

fn one(recorded: &Recorded, before: &State, changed: Fields) -> Value {
    let (text, lane, kind) = match recorded.action {
        Some(action) => (action::describe(action, before), action::lane(action), action::kind(action)),
        None => ("nobody can go on".into(), "disk".into(), "fault"),
    };
    let place = recorded.place.map(|place| place.to_string());
    let woken: Vec<String> = recorded.woken.iter().map(ToString::to_string).collect();
    let events: Vec<Value> = recorded.events.iter().map(event).collect();
    json!({"n": recorded.step, "t": text, "l": lane, "k": kind, "p": place, "w": woken, "e": events, "s": changed})
}

/// An event as lane, family, words, and what the page draws: the operation or frame that it is about.
fn event(event: &Event) -> Value {
    let family = Family::of(&event.kind);
    let lane = match (family, event.actor) {
        (Family::Log, _) | (_, Actor::Run) => "disk".into(),
        (_, Actor::Disk) => "io".into(),
        (_, Actor::Conn(conn)) => format!("c{conn}"),
    };
    let by = match event.actor {
        Actor::Conn(conn) => format!("c{conn}"),
        Actor::Disk => "disk".into(),
        Actor::Run => "run".into(),
    };
    json!([lane, family.name(), event.kind.to_string(), by, about(&event.kind)])
}

/// A short mark for the lanes: an operation's number and verb, a frame, a statement.
fn about(kind: &EventKind) -> Value {
    match *kind {
        EventKind::Submit { op, file, io, .. } => {
            json!({"op": op.0, "begin": format!("{} {}", io.name(), file.name())})
        }
        EventKind::Finish { op, .. } => json!({"op": op.0, "end": true}),
        EventKind::Callback { op, .. } => json!({"op": op.0}),
        EventKind::Frame { frame, .. } | EventKind::Overwrite { frame, .. } => json!({"mark": format!("f{frame}")}),
        EventKind::Publish { at, .. } => json!({"mark": format!("▲{}", at.frame)}),
        EventKind::Backfill { frame } => json!({"mark": format!("bf{frame}")}),
        EventKind::CheckpointCopy { page, .. } => json!({"mark": format!("→p{page}")}),
        EventKind::Restart { .. } => json!({"mark": "↺"}),
        EventKind::WalHeader { .. } => json!({"mark": "hdr"}),
        EventKind::WalTruncate | EventKind::WalRemove | EventKind::DbTruncate { .. } => json!({"mark": "cut"}),
        EventKind::Recovered { at, .. } => json!({"mark": format!("rec{}", at.frame)}),
        EventKind::Crash { power, .. } => json!({"mark": if power { "⚡" } else { "✝" }}),
        EventKind::StatementBegin { slot, kind, key } => {
            let key = if key == 0 { String::new() } else { format!(" {key}") };
            json!({"slot": slot, "begin": format!("{}{key}", kind.name())})
        }
        EventKind::StatementEnd { slot, ok, .. } => json!({"slot": slot, "end": true, "ok": ok}),
        _ => Value::Null,
    }
}

/// Which events belong together for whoever filters them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Statement,
    Io,
    Lock,
    Log,
    Page,
    Yield,
    Fault,
}

impl Family {
    const fn name(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Io => "io",
            Self::Lock => "lock",
            Self::Log => "log",
            Self::Page => "page",
            Self::Yield => "yield",
            Self::Fault => "fault",
        }
    }

    const fn of(kind: &EventKind) -> Self {
        match kind {
            EventKind::StatementBegin { .. }
            | EventKind::StatementEnd { .. }
            | EventKind::SavepointOpen { .. }
            | EventKind::SavepointRelease { .. }
            | EventKind::SavepointUndo { .. }
            | EventKind::Rollback
            | EventKind::ReadBegin { .. }
            | EventKind::ReadEnd
            | EventKind::WriteBegin { .. }
            | EventKind::WriteEnd { .. } => Self::Statement,
            EventKind::Submit { .. }
            | EventKind::Overflow { .. }
            | EventKind::NoBuffer { .. }
            | EventKind::Drained
            | EventKind::Finish { .. }
            | EventKind::Callback { .. } => Self::Io,
            EventKind::Lock { .. } | EventKind::LockBusy { .. } | EventKind::Unlock { .. } => Self::Lock,
            EventKind::WalHeader { .. }
            | EventKind::Frame { .. }
            | EventKind::SpillGivenUp { .. }
            | EventKind::Overwrite { .. }
            | EventKind::Publish { .. }
            | EventKind::Restart { .. }
            | EventKind::CheckpointBegin { .. }
            | EventKind::CheckpointSafe { .. }
            | EventKind::CheckpointCopy { .. }
            | EventKind::Backfill { .. }
            | EventKind::WalTruncate
            | EventKind::WalRemove
            | EventKind::DatabaseReady { .. }
            | EventKind::DbTruncate { .. }
            | EventKind::CheckpointEnd { .. }
            | EventKind::Recovered { .. } => Self::Log,
            EventKind::PageLoaded { .. }
            | EventKind::PageUsed { .. }
            | EventKind::LayoutUsed { .. }
            | EventKind::LayoutChanged { .. }
            | EventKind::Lookup { .. }
            | EventKind::Dirtied { .. }
            | EventKind::AllSpilled
            | EventKind::TrunkAdded { .. }
            | EventKind::TrunkEmptied { .. }
            | EventKind::Evicted { .. } => Self::Page,
            EventKind::Yield { .. } => Self::Yield,
            EventKind::Refused { .. }
            | EventKind::Cancel { .. }
            | EventKind::CancelOutcome { .. }
            | EventKind::Injected { .. }
            | EventKind::Abandon { .. }
            | EventKind::Interrupt
            | EventKind::NameLost { .. }
            | EventKind::PerformedUnheard { .. }
            | EventKind::Crash { .. } => Self::Fault,
        }
    }
}

fn state(state: &State) -> Fields {
    let mut fields = Fields::new();
    let mut put = |key: &str, value: Value| _ = fields.insert(key.into(), value);
    put("stage", json!(state.stage));
    put("headers", json!(state.headers.each_ref().map(header)));
    put("backfill", json!([state.backfill, state.backfill_attempted]));
    let mark = |mark: &u32| if *mark == MARK_UNUSED { Value::Null } else { json!(mark) };
    put("marks", state.marks.iter().map(mark).collect());
    put("locks", (0..).zip(&state.locks).filter_map(|(lock, holders)| held(LockId(lock), holders)).collect());
    let frame = |f: &FrameState| json!([f.page, f.commit_pages, u8::from(f.of_this_generation), u8::from(f.durable)]);
    put("frames", state.log.frames.iter().map(frame).collect());
    put("sizes", json!({"log": state.log.size, "db": state.database}));
    put("volatile", json!(state.volatile_pages));
    put("flight", state.in_flight.iter().map(in_flight).collect());
    for (conn, one) in state.connections.iter().enumerate() {
        put(&format!("c{conn}"), one.as_ref().map_or(Value::Null, connection));
    }
    fields
}

fn header(header: &Header) -> Value {
    let salts = format!("{:08x} {:08x}", header.salts[0], header.salts[1]);
    let checksum = format!("{:08x} {:08x}", header.checksum[0], header.checksum[1]);
    json!([header.is_init, header.seq, header.change, header.mx_frame, header.pages, salts, checksum])
}

fn held(lock: LockId, holders: &Holders) -> Option<Value> {
    let name = |conn: u8| format!("c{conn}");
    match holders.exclusive {
        Some(conn) => Some(json!([lock.name(), "excl", [name(conn)]])),
        None if holders.shared.is_empty() => None,
        None => Some(json!([lock.name(), "shared", holders.shared.iter().map(|conn| name(*conn)).collect::<Vec<_>>()])),
    }
}

fn in_flight(op: &OpInfo) -> Value {
    let OpInfo { op, owner, kind, file, offset, len, cancel_asked, .. } = op;
    json!([op.0, format!("c{owner}"), kind.name(), file.name(), offset, len, cancel_asked])
}

fn connection(one: &ConnectionState) -> Value {
    let page = |p: &PageState| {
        let flags = [(p.loaded, 'L'), (p.locked, 'R'), (p.dirty, 'D'), (p.spilled, 'S')];
        let flags: String = flags.into_iter().filter_map(|(set, letter)| set.then_some(letter)).collect();
        json!([p.page, flags, p.pins])
    };
    let statements: Vec<Value> =
        one.statements.iter().map(|s| json!([s.statement, s.site.map(|site| site.name()), s.waits])).collect();
    json!({
        "tx": one.in_transaction,
        "slot": one.slot,
        "frame": one.frame,
        "min": one.min_frame,
        "writing": one.writing,
        "cache": one.cache.iter().map(page).collect::<Vec<_>>(),
        "statements": statements,
    })
}
