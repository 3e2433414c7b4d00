//! Whether each invariant that is named for a bug catches it by itself.

use serde_json::{Value, json};

use crate::table::{Style, write_rows};

/// Whether one invariant catches a bug when it is the only one that is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Alone {
    /// The bug.
    pub bug: &'static str,
    /// The invariant.
    pub check: &'static str,
    /// Scenario, strategy and seed of the run that did.
    pub kill: Option<(String, &'static str, u64)>,
    /// Why it cannot, if that is known. A pair that was not caught and has no reason is a failure.
    pub excuse: Option<&'static str>,
    /// Runs that it took.
    pub runs: u64,
}

impl Alone {
    /// Whether the invariant should have caught the bug and did not.
    pub fn is_missed(&self) -> bool {
        self.kill.is_none() && self.excuse.is_none()
    }
}

/// Writes the pairs: as a table of six columns, the lines of which a test reads, and the reasons for what was not caught
/// below it.
pub fn to_table(pairs: &[Alone], style: Style) -> String {
    let mut rows = vec![["bug", "check", "scenario", "strategy", "seed", "runs"].map(String::from).to_vec()];
    let mut excused = Vec::new();
    for Alone { bug, check, kill, excuse, runs } in pairs {
        let [scenario, strategy, seed] = match (kill, excuse) {
            (Some((scenario, strategy, seed)), _) => [scenario.clone(), (*strategy).into(), seed.to_string()],
            (None, Some(why)) => {
                excused.push(vec![(*bug).into(), (*check).into(), (*why).into()]);
                ["not alone", "-", "-"].map(String::from)
            }
            (None, None) => ["NOT CAUGHT", "-", "-"].map(String::from),
        };
        rows.push(vec![(*bug).into(), (*check).into(), scenario, strategy, seed, runs.to_string()]);
    }
    let mut text = write_rows(&rows, style);
    if !excused.is_empty() {
        excused.insert(0, ["bug", "check", "why not alone"].map(String::from).to_vec());
        text.push('\n');
        text.push_str(&write_rows(&excused, style));
    }
    text
}

/// The pairs for programs.
pub fn to_json(pairs: &[Alone]) -> String {
    let pair = |Alone { bug, check, kill, excuse, runs }: &Alone| {
        let kill = kill
            .as_ref()
            .map(|(scenario, strategy, seed)| json!({"scenario": scenario, "strategy": strategy, "seed": seed}));
        json!({"bug": bug, "check": check, "kill": kill, "why_not": excuse, "runs": runs})
    };
    format!("{:#}\n", Value::from(pairs.iter().map(pair).collect::<Vec<Value>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_check_that_does_not_catch_its_bug_needs_a_reason() {
        let pair = |kill: Option<u64>, excuse| Alone {
            bug: "bug",
            check: "IO-1",
            kill: kill.map(|seed| ("place".into(), "random", seed)),
            excuse,
            runs: 2,
        };
        let pairs = [pair(Some(7), None), pair(None, Some("nobody waits for it")), pair(None, None)];
        assert_eq!(pairs.each_ref().map(Alone::is_missed), [false, false, true]);
        let text = to_table(&pairs, Style::Text);
        assert_eq!(text.matches("NOT CAUGHT").count(), 1, "{text}");
        assert_eq!(text.matches("nobody waits for it").count(), 1, "{text}");
        assert!(to_json(&pairs).contains("\"why_not\": \"nobody waits for it\""));
    }
}
