//! Stepping a machine when nothing that it waits for has changed submits nothing, takes nothing, and waits for the same.

use falken_models::event::{Event, EventKind};
use falken_models::io::IOCompletions;

use super::{Invariant, Moment, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct IdlePoll;

impl Invariant for IdlePoll {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        if view.polled.is_none() {
            return Ok(());
        }
        let what = match event.kind {
            EventKind::Submit { io, .. } | EventKind::Refused { io, .. } => format!("submits a {}", io.name()),
            EventKind::Cancel { op, .. } => format!("cancels operation {}", op.0),
            EventKind::Lock { lock, .. } | EventKind::LockBusy { lock, .. } => format!("tries {}", lock.name()),
            EventKind::Unlock { lock, .. } => format!("releases {}", lock.name()),
            _ => format!("does something: {:?}", event.kind),
        };
        Err(Evidence::new(format!("{} {what} although what it waits for has not finished", name(event.actor))))
    }

    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some((id, before)) = view.polled else { return Ok(()) };
        let Some(connection) = view.connection(id.conn) else { return Ok(()) };
        let (IOCompletions::Single(before), now) = (before, connection.awaiting(id.slot));
        if now.is_some_and(|IOCompletions::Single(now)| now.same_as(before)) {
            return Ok(());
        }
        let summary = format!("{id} was stepped while it waits, and now waits for something else");
        Err(Evidence::new(summary)
            .with("before", format!("{before:?}"))
            .with("after", format!("{now:?}"))
            .with("at", connection.site(id.slot).name()))
    }
}
