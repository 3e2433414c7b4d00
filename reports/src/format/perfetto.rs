//! Traces for `ui.perfetto.dev` and `chrome://tracing`: one process per group of violations, one thread per connection, one
//! each for I/O, for the disk and the log, and for every lock.
//!
//! There is no time in a run: an action takes a millisecond, and its events follow one another in it. What racing threads did
//! has a thread each, and every event a millisecond.

use std::collections::BTreeMap;

use falken_harness::recording::{Recorded, Recording, State};
use falken_models::event::{Actor, Event, EventKind};
use falken_models::wal::{LockId, LockMode};
use serde_json::{Value, json};

use super::{Report, ReportFormat};
use crate::action;
use crate::night::Group;

/// The format.
pub struct Perfetto;

/// Microseconds of an action.
const ACTION: u64 = 1_000;
/// The threads behind those of the connections, which have their number plus one.
const IO: u64 = 300;
const DISK: u64 = 301;
const LOCKS: u64 = 310;

impl ReportFormat for Perfetto {
    fn write(&self, report: &Report) -> String {
        let mut events = Vec::new();
        for (group, process) in report.night.facts.groups.iter().zip(1..) {
            if let Some(recording) = report.recordings.get(&group.id) {
                let mut trace = Trace::new(process, recording.connections, &mut events);
                trace.name(&format!("{}: {}", group.invariant, group.summary));
                trace.write(recording);
            } else {
                write_lanes(process, group, &mut events);
            }
        }
        let trace = json!({"displayTimeUnit": "ms", "traceEvents": events});
        format!("{trace}\n")
    }
}

/// What racing threads did: a thread each, in the order in which it happened.
fn write_lanes(process: u64, group: &Group, out: &mut Vec<Value>) {
    let mut lanes: Vec<&str> = Vec::new();
    for (event, at) in group.lanes.iter().zip(0..) {
        let lane = lanes.iter().position(|lane| *lane == event.lane).unwrap_or_else(|| {
            lanes.push(&event.lane);
            lanes.len() - 1
        });
        out.push(json!({
            "ph": "X", "pid": process, "tid": lane, "ts": at * ACTION, "dur": ACTION, "name": event.text,
        }));
    }
    let name = |kind: &str, thread: usize, name: &str| json!({"ph": "M", "pid": process, "tid": thread, "name": kind, "args": {"name": name}});
    if !lanes.is_empty() {
        out.push(name("process_name", 0, &format!("{}: {}", group.invariant, group.summary)));
        out.extend(lanes.iter().enumerate().map(|(thread, lane)| name("thread_name", thread, lane)));
    }
}

struct Trace<'a> {
    process: u64,
    connections: u8,
    out: &'a mut Vec<Value>,
    /// The owner of each operation in flight, by its number.
    in_flight: BTreeMap<u32, u8>,
    /// Operations whose callback has run: their arrows end in the next step of their connection.
    called_back: Vec<(u8, u32)>,
    /// When each lock was taken, by lock and holder.
    held: BTreeMap<(u8, Actor), (u64, LockMode)>,
}

impl<'a> Trace<'a> {
    fn new(process: u64, connections: u8, out: &'a mut Vec<Value>) -> Self {
        let (in_flight, held) = (BTreeMap::new(), BTreeMap::new());
        Self { process, connections, out, in_flight, called_back: Vec::new(), held }
    }

    fn name(&mut self, title: &str) {
        let process = self.process;
        let mut name = |kind: &str, thread: u64, name: &str| {
            self.out.push(json!({"ph": "M", "pid": process, "tid": thread, "name": kind, "args": {"name": name}}));
            self.out.push(json!({"ph": "M", "pid": process, "tid": thread, "name": "thread_sort_index", "args": {"sort_index": thread}}));
        };
        name("process_name", 0, title);
        (0..self.connections).for_each(|conn| name("thread_name", of_connection(conn), &format!("connection c{conn}")));
        name("thread_name", IO, "I/O");
        name("thread_name", DISK, "disk and log");
        (0..LockId::COUNT as u8).for_each(|lock| name("thread_name", LOCKS + u64::from(lock), LockId(lock).name()));
    }

    fn write(&mut self, recording: &Recording) {
        let mut before = &recording.before;
        for (at, recorded) in (0..).zip(&recording.actions) {
            self.action(at * ACTION, recorded, before);
            before = &recorded.state;
        }
        let end = recording.actions.len() as u64 * ACTION;
        let held = std::mem::take(&mut self.held);
        held.into_iter().for_each(|((lock, actor), (since, mode))| self.lock(lock, actor, mode, since, end));
    }

    /// A slice of a thread; arrows begin and end in slices.
    fn slice(&mut self, thread: u64, [from, to]: [u64; 2], name: &str, args: &Value) {
        let length = to.saturating_sub(from).max(1);
        let process = self.process;
        self.out.push(
            json!({"ph": "X", "pid": process, "tid": thread, "ts": from, "dur": length, "name": name, "args": args}),
        );
    }

    /// One point of the arrow that follows an operation: `s` where it begins, `t` on its way, `f` at its end.
    fn arrow(&mut self, phase: &str, thread: u64, at: u64, op: u32) {
        let id = self.process << 32 | u64::from(op);
        self.out.push(json!({
            "ph": phase, "bp": "e", "cat": "io", "name": "operation", "id": id, "pid": self.process, "tid": thread, "ts": at,
        }));
    }

    fn counters(&mut self, at: u64, state: &State) {
        let (frames, backfill) = (state.headers[0].mx_frame, state.backfill);
        let process = self.process;
        let mut counter = |name: &str, value: u64| {
            self.out.push(json!({"ph": "C", "pid": process, "ts": at, "name": name, "args": {"value": value}}));
        };
        counter("mxFrame", frames.into());
        counter("nBackfill", backfill.into());
        counter("operations in flight", state.in_flight.len() as u64);
    }

    fn action(&mut self, start: u64, recorded: &Recorded, before: &State) {
        let (name, thread) = match recorded.action {
            Some(action) => (action::describe(action, before), self.thread(&action::lane(action))),
            None => ("nobody can go on".into(), DISK),
        };
        let place = recorded.place.map(|place| place.to_string());
        let args = json!({"action": recorded.step, "stands at": place, "stage": recorded.state.stage});
        self.slice(thread, [start, start + ACTION - 100], &name, &args);
        if let Some(id) = recorded.stepped() {
            let (mine, others) =
                std::mem::take(&mut self.called_back).into_iter().partition(|(conn, _)| *conn == id.conn);
            self.called_back = others;
            let mine: Vec<(u8, u32)> = mine;
            mine.into_iter().for_each(|(_, op)| self.arrow("f", thread, start + 1, op));
        }
        let gap = (ACTION - 200) / (recorded.events.len() as u64 + 1);
        for (event, nth) in recorded.events.iter().zip(1..) {
            self.event(start + nth * gap, gap, thread, event);
        }
        self.counters(start + ACTION - 1, &recorded.state);
    }

    fn event(&mut self, at: u64, gap: u64, thread: u64, event: &Event) {
        let end = at + gap.saturating_sub(1).max(1);
        let words = event.kind.to_string();
        match event.kind {
            EventKind::Submit { op, .. } => {
                let Actor::Conn(owner) = event.actor else { return };
                self.in_flight.insert(op.0, owner);
                self.slice(thread, [at, end], &words, &json!({}));
                self.arrow("s", thread, at, op.0);
                self.span("b", at, op.0, &words);
            }
            EventKind::Finish { op, .. } => {
                self.slice(IO, [at, end], &words, &json!({}));
                self.arrow("t", IO, at, op.0);
                self.span("e", at, op.0, &words);
            }
            EventKind::Callback { op, .. } => {
                self.slice(IO, [at, end], &words, &json!({}));
                self.arrow("t", IO, at, op.0);
                if let Some(owner) = self.in_flight.remove(&op.0) {
                    self.called_back.push((owner, op.0));
                }
            }
            EventKind::Lock { lock, mode } => _ = self.held.insert((lock.0, event.actor), (at, mode)),
            EventKind::Unlock { lock, .. } => {
                if let Some((since, mode)) = self.held.remove(&(lock.0, event.actor)) {
                    self.lock(lock.0, event.actor, mode, since, at);
                }
            }
            EventKind::Frame { .. }
            | EventKind::Overwrite { .. }
            | EventKind::WalHeader { .. }
            | EventKind::Publish { .. }
            | EventKind::Restart { .. }
            | EventKind::Backfill { .. }
            | EventKind::CheckpointCopy { .. }
            | EventKind::WalTruncate
            | EventKind::WalRemove
            | EventKind::DbTruncate { .. }
            | EventKind::Recovered { .. } => self.slice(DISK, [at, end], &words, &json!({})),
            EventKind::Crash { .. } => {
                // Memory is gone, and the locks and the operations in flight with it.
                let held = std::mem::take(&mut self.held);
                held.into_iter().for_each(|((lock, actor), (since, mode))| self.lock(lock, actor, mode, since, at));
                (self.in_flight, self.called_back) = (BTreeMap::new(), Vec::new());
                self.slice(DISK, [at, end], &words, &json!({}));
            }
            _ => self.slice(thread, [at, end], &words, &json!({})),
        }
    }

    /// An operation in flight, from its submission to its end: such spans may overlap, slices may not.
    fn span(&mut self, phase: &str, at: u64, op: u32, name: &str) {
        let id = format!("{}.{op}", self.process);
        self.out.push(
            json!({"ph": phase, "cat": "in flight", "id": id, "pid": self.process, "tid": IO, "ts": at, "name": name}),
        );
    }

    /// A lock that was held. Shared holders overlap, so these are spans too.
    fn lock(&mut self, lock: u8, actor: Actor, mode: LockMode, since: u64, until: u64) {
        let who = match actor {
            Actor::Conn(conn) => format!("c{conn}"),
            Actor::Disk | Actor::Run => "?".into(),
        };
        let how = match mode {
            LockMode::Shared => "shared",
            LockMode::Exclusive => "exclusive",
        };
        let id = format!("{}.{lock}.{who}.{since}", self.process);
        for (phase, at) in [("b", since), ("e", until)] {
            self.out.push(json!({
                "ph": phase, "cat": "lock", "id": id, "pid": self.process, "tid": LOCKS + u64::from(lock), "ts": at,
                "name": format!("{} {how} {who}", LockId(lock).name()),
            }));
        }
    }

    fn thread(&self, lane: &str) -> u64 {
        match lane {
            "io" => IO,
            "disk" => DISK,
            conn => conn.trim_start_matches('c').parse().map_or(DISK, of_connection),
        }
    }
}

fn of_connection(conn: u8) -> u64 {
    u64::from(conn) + 1
}
