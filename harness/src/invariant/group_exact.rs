//! A group has finished if and only if every member of it has; one without members has nothing to wait for.

use falken_models::io::{Completion, CompletionKind, IOCompletions};
use falken_models::session::STATEMENT_SLOTS;

use super::{Invariant, Moment, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct GroupExact;

impl Invariant for GroupExact {
    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(internals) = view.internals else { return Ok(()) };
        for connection in internals.connections.iter().flatten() {
            for IOCompletions::Single(completion) in (0..STATEMENT_SLOTS as u8).filter_map(|slot| connection.awaiting(slot)) {
                check(completion, connection.session().conn)?;
            }
        }
        Ok(())
    }
}

fn check(group: &Completion, conn: u8) -> Result<(), Evidence> {
    let members = group.members();
    members.iter().try_for_each(|member| check(member, conn))?;
    let is_group = group.kind() == CompletionKind::Group;
    if !is_group || group.finished() == members.iter().all(Completion::finished) {
        return Ok(());
    }
    let states: Vec<_> = members.iter().map(|member| format!("{member:?}")).collect();
    let summary = format!("a group that connection c{conn} waits for is {}, but its members are not alike", claim(group));
    Err(Evidence::new(summary).with("group", format!("{group:?}")).with("members", states.join(", ")))
}

fn claim(group: &Completion) -> &'static str {
    if group.finished() { "finished" } else { "not finished" }
}
