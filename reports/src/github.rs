//! Workflow commands of GitHub Actions: lines in a job's log that become annotations.

use std::fmt::Write;

use crate::Night;
use crate::night::{KillMatrix, Standing};

/// One `::error` line for each group that fails and each gate that did not hold.
pub fn annotations(night: &Night) -> String {
    let mut out = String::new();
    let mut error = |title: &str, message: &str| {
        let _ = writeln!(out, "::error title={}::{}", property(title), data(message));
    };
    for group in night.facts.groups.iter().filter(|group| group.standing == Standing::Failing) {
        let seen = format!("{}\n{} failed runs, group {}", group.summary, group.count, group.id);
        let replay = if group.replay.is_empty() { String::new() } else { format!("\n{}", group.replay) };
        error(&format!("{}: {}", group.invariant, group.rule), &(seen + &replay));
    }
    for difference in &night.facts.determinism.differences {
        error("a run was not the same again", &format!("{}\n{}", difference.what, difference.replay));
    }
    for row in night.kill_matrix.iter().flat_map(KillMatrix::survivors) {
        error(&format!("{} survived", row.name()), "nothing has caught this planted bug");
    }
    night.failed_gates().for_each(|gate| error(&format!("gate {}", gate.name), &gate.what));
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::night::Group;

    #[test]
    fn an_annotation_is_one_line_whatever_its_text_holds() {
        let mut night = Night::default();
        let (invariant, summary) = ("WAL-7".into(), "a\n::error::b, 100 %".into());
        night.facts.groups.push(Group { invariant, summary, count: 3, id: "g".into(), ..Group::default() });
        let expected = "::error title=WAL-7%3A ::a%0A::error::b, 100 %25%0A3 failed runs, group g\n";
        assert_eq!(annotations(&night), expected);
    }
}
