//! The happens-before slice of a shrunk case: which steps had to come before the failure, by the names of their sites.
//!
//! An order that matters says "this connection has come to that site before anybody else goes on": that is one edge of the
//! happens-before relation that the failure hangs on. Orders that do not matter are no part of the slice, and neither are
//! numbers, keys, and who it was.

use std::collections::BTreeSet;

use falken_models::event::{Actor, EventKind};
use falken_models::site::Site;

use super::{Explanation, Failing, Freedom};
use crate::choice::{EndingId, OptionId, TapeEntry};
use crate::run::RunReport;

/// What a failure hangs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Each step that had to be where it was, in order, and at last the one that failed.
    pub steps: Vec<String>,
    /// The stages of the protocol at which the race and the failure are. Failures of one cause, shrunk from different runs,
    /// seldom have all steps in common, but nearly always one of these.
    pub stages: BTreeSet<String>,
}

/// The part of the protocol that a site belongs to: `wal.append` for `wal.append.frames`.
fn stage(site: Site) -> String {
    site.name().split('.').take(2).collect::<Vec<_>>().join(".")
}

/// The site at which whoever failed stood last.
fn fails_at(report: &RunReport) -> Option<Site> {
    let of_connection = |actor: Actor| if let Actor::Conn(conn) = actor { Some(conn) } else { None };
    let last = report.last_events.iter().rev().find_map(|traced| of_connection(traced.event.actor))?;
    report.last_events.iter().rev().find_map(|traced| match traced.event.kind {
        EventKind::Yield { site } if traced.event.actor == Actor::Conn(last) => Some(site),
        _ => None,
    })
}

fn step(entry: &TapeEntry) -> Option<String> {
    match entry.id {
        OptionId::Run { until: Some(until), .. } => Some(until.site.map_or("end of statement", Site::name).into()),
        OptionId::Fault(fault) => Some(format!("fault {}", fault.key())),
        OptionId::End(EndingId::Success) => None,
        OptionId::Abandon | OptionId::Drop | OptionId::Crash(_) | OptionId::End(_) => Some(entry.id.to_string()),
        OptionId::FinishOf { .. } | OptionId::Finish { .. } => Some("operation ends".into()),
        OptionId::None
        | OptionId::Step(_)
        | OptionId::Hold { .. }
        | OptionId::Conn(_)
        | OptionId::Statement(_)
        | OptionId::Template(_)
        | OptionId::Number(_)
        | OptionId::Run { until: None, .. } => None,
    }
}

/// The slice of a case that fails, from its explanation. Of a case that could not be told as orders only the last step.
pub fn slice(failing: &Failing, explanation: &Explanation) -> Slice {
    let fails_at = fails_at(&failing.report);
    let entries = failing.case.tape.entries().iter().zip(&explanation.freedoms);
    let matters = entries.filter(|(_, freedom)| **freedom == Freedom::OnlyThisOrder);
    let mut steps: Vec<String> = matters.filter_map(|(entry, _)| step(entry)).collect();
    steps.dedup();
    let failed =
        fails_at.map_or_else(|| "fails before any yield".into(), |site| format!("fails after {}", site.name()));
    steps.push(failed);
    let race = explanation.race.iter().flat_map(|race| [Some(race.stopped.1), race.overtook.1]);
    let sites = race.filter_map(|until| until?.site).chain(fails_at);
    Slice { steps, stages: sites.map(stage).collect() }
}
