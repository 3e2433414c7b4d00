//! A failure as a story: what each connection does, and in which order they take turns.

use std::fmt::Write;

use falken_harness::shrink::{Certificate, Size};

use crate::words::count;

/// One order of a shrunk case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// As it stands on the tape.
    pub text: String,
    /// What is known about its place among the others.
    pub note: Option<String>,
}

/// A shrunk case, told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// For each connection what it runs.
    pub programs: Vec<Vec<String>>,
    /// In which order.
    pub orders: Vec<Order>,
    /// What is unusual about the database, its disk and the schedule, as `name = value`.
    pub settings: Vec<String>,
    /// The two steps that race, in a sentence.
    pub race: Option<String>,
    /// How large the failure was when it was found.
    pub before: Size,
    /// How large it is now.
    pub after: Size,
    /// How it was shrunk, if it was.
    pub shrinking: Option<Shrinking>,
    /// Whether there is a shorter one, if that was asked.
    pub certificate: Option<Certificate>,
    /// The file with the failure as it was found.
    pub raw: Option<String>,
}

/// How a case was shrunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shrinking {
    /// How many runs it took.
    pub replays: u64,
    /// Whether nothing more was found to take away, and not merely time was up.
    pub is_fixed_point: bool,
}

/// Writes a story as text.
pub(crate) fn write(out: &mut String, story: &Story) {
    let (before, after) = (in_words(&story.before), in_words(&story.after));
    let _ = match story.shrinking {
        None => writeln!(out, "\nWhat leads to it, in {after}:\n"),
        Some(Shrinking { replays, is_fixed_point }) => {
            let rest = if is_fixed_point { "" } else { "; stopped early, so there may be more to take away" };
            writeln!(out, "\nShrunk in {}{rest}:\n  from  {before}\n  to    {after}\n", count(replays, "run"))
        }
    };
    for (conn, program) in story.programs.iter().enumerate() {
        let _ = writeln!(out, "  c{conn} runs  {}", program.join("; "));
    }
    if !story.settings.is_empty() {
        let _ = writeln!(out, "  with     {}", story.settings.join(", "));
    }
    let _ = writeln!(out);
    if story.orders.is_empty() {
        let _ = writeln!(out, "  in any order: no turn has to be taken at a certain place");
    }
    let width = story.orders.iter().map(|order| order.text.len()).max().unwrap_or(0);
    for (at, Order { text, note }) in story.orders.iter().enumerate() {
        let line = format!("  {:2}  {text:width$}  {}", at + 1, note.as_deref().unwrap_or(""));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    if let Some(race) = &story.race {
        let _ = writeln!(out, "\n  race  {race}");
    }
    if let Some(certificate) = &story.certificate {
        let _ = writeln!(out, "\n  certificate  {}", certificate_in_words(certificate));
    }
}

/// A size, with the numbers that a reader counts.
fn in_words(size: &Size) -> String {
    let Size { connections, statements, switches, faults, steps, .. } = *size;
    let [switches, faults, steps] =
        [(switches, "switch"), (faults, "fault"), (steps, "step")].map(|(n, of)| count(n, of));
    let [actions, connections, statements] =
        [(size.actions(), "action"), (connections, "connection"), (statements, "statement")]
            .map(|(n, of)| count(n, of));
    format!("{actions} ({switches}, {faults}, {steps}), {connections}, {statements}")
}

/// A certificate in a sentence.
fn certificate_in_words(certificate: &Certificate) -> String {
    let Certificate { actions_max, faults_max, states, is_finished } = *certificate;
    let bound = format!("at most {actions_max} actions, {faults_max} of them faults");
    if is_finished {
        format!("no schedule of these programs with {bound}, fails so: all {states} states were searched")
    } else {
        format!("unknown: the schedules with {bound}, were not all searched in time, only {states} states")
    }
}
