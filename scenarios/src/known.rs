//! Violations that are known: a batch counts them and goes on, so that people can look behind them.
//!
//! What is compared is the *symptom*: invariant and sentence, without numbers and kinds of statement. So another cause behind the
//! same sentence is taken for the known one. Whoever wants to be sure shrinks a run that was counted.

use std::path::Path;

use falken_harness::shrink::{cause, symptom};
use falken_harness::verdict::Violation;

use crate::exit::Failure;
use crate::nightly::regressions;
use crate::repro_file;

/// What is known, by symptom.
#[derive(Debug, Default)]
pub struct Known {
    repros: Vec<(String, String)>,
}

impl Known {
    /// Replays the repro files of a directory, and of the directories in it, to learn how each fails.
    ///
    /// # Errors
    /// The directory or a file cannot be read.
    pub fn read(dir: &Path) -> Result<Self, Failure> {
        let mut repros = Vec::new();
        for path in regressions(Some(dir), None)? {
            let name = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
            let name = name.trim_end_matches("/repro.toml").trim_end_matches(".toml").to_owned();
            match repro_file::read(&path)?.case.run().verdict.violation() {
                Some(violation) => repros.push((symptom(&cause(violation)), name)),
                None => eprintln!("note: {name} does not fail any more, so nothing is known by it"),
            }
        }
        Ok(Self { repros })
    }

    /// The name under which a violation is known.
    pub fn name_of(&self, violation: &Violation) -> Option<&str> {
        if self.repros.is_empty() {
            return None;
        }
        let symptom = symptom(&cause(violation));
        self.repros.iter().find(|(known, _)| *known == symptom).map(|(_, name)| name.as_str())
    }
}
