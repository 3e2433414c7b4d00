//! The last events as lanes: one column a connection, one for the disk.

use std::fmt::Write;

use falken_harness::trace::Traced;
use falken_models::event::{Actor, EventKind};
use falken_models::site::Site;

const LANE_WIDTH: usize = 27;
/// How many lines a report shows.
const LINES: usize = 60;

/// Whether an event says little: loads and stores of header words, and what another event already tells.
fn is_noise(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Yield { site: Site::HeaderLoad | Site::HeaderStore }
            | EventKind::Callback { runs: 1, .. }
            | EventKind::PageUsed { dirty: true, .. }
            | EventKind::LockBusy { .. }
    )
}

fn fit(text: &str) -> String {
    let mut fitted: String = text.chars().take(LANE_WIDTH - 1).collect();
    if text.chars().count() >= LANE_WIDTH {
        fitted.pop();
        fitted.push('…');
    }
    format!("{fitted:LANE_WIDTH$}")
}

/// Draws the last events of a run with this many connections.
pub fn draw(events: &[Traced], connections: u8) -> String {
    let mut out = String::new();
    let told: Vec<&Traced> = events.iter().filter(|traced| !is_noise(&traced.event.kind)).collect();
    let shown = &told[told.len().saturating_sub(LINES)..];
    // Lanes without an event are left out: sixty connections do not fit a screen.
    let used: Vec<u8> =
        (0..connections).filter(|&conn| shown.iter().any(|traced| traced.event.actor == Actor::Conn(conn))).collect();
    let _ = write!(out, "{:>8}  ", "action");
    used.iter().for_each(|conn| out.push_str(&fit(&format!("c{conn}"))));
    out.push_str("disk\n");
    for traced in shown {
        let lane = match traced.event.actor {
            Actor::Conn(conn) => used.iter().position(|&used| used == conn).unwrap_or(0),
            Actor::Disk | Actor::Run => used.len(),
        };
        let _ = write!(out, "{:>8}  {}", traced.step, " ".repeat(lane * LANE_WIDTH));
        let text = traced.event.kind.to_string();
        let _ = writeln!(out, "{}", if lane == used.len() { text } else { fit(&text).trim_end().into() });
    }
    out
}
