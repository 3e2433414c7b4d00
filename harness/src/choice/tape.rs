//! The recorded choices of one run.

use super::{Kind, OptionId};

/// One recorded answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapeEntry {
    /// What was asked.
    pub kind: Kind,
    /// What was chosen.
    pub id: OptionId,
}

/// Recorded answers in order. All are there but "no disturbance" and "it succeeds".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tape(Vec<TapeEntry>);

impl Tape {
    /// Appends an answer.
    #[inline]
    pub fn push(&mut self, entry: TapeEntry) {
        self.0.push(entry);
    }

    /// A tape of these answers.
    pub fn new(entries: Vec<TapeEntry>) -> Self {
        Self(entries)
    }

    /// The answers.
    pub fn entries(&self) -> &[TapeEntry] {
        &self.0
    }

    /// The text form: one word or two per answer, in order. A recording has eight answers to a line; orders, which are
    /// written to be read, have a line each. A word in front tells the kind where the id does not.
    pub fn to_lines(&self) -> Vec<String> {
        let has_orders = self.0.iter().any(|entry| matches!(entry.id, OptionId::Run { .. }));
        let per_line = if has_orders { 1 } else { 8 };
        self.0.chunks(per_line).map(|chunk| chunk.iter().map(render).collect::<Vec<_>>().join(", ")).collect()
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Names the entry that is none.
    pub fn from_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let words = lines.into_iter().flat_map(|line| line.split(',')).map(str::trim).filter(|word| !word.is_empty());
        words.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

/// Numbers are ambiguous: survivors and values are told apart by a prefix.
fn render(entry: &TapeEntry) -> String {
    match (entry.kind, entry.id) {
        (Kind::Survivor, OptionId::Number(n)) => format!("version {n}"),
        (_, id) => id.to_string(),
    }
}

fn parse(text: &str) -> Result<TapeEntry, String> {
    if let Some(n) = text.strip_prefix("version ") {
        let n = n.parse().map_err(|_| format!("`{text}` is no choice that this version knows"))?;
        return Ok(TapeEntry { kind: Kind::Survivor, id: OptionId::Number(n) });
    }
    let id: OptionId = text.parse()?;
    let kind = match id {
        OptionId::Step(_) | OptionId::Finish { .. } | OptionId::Run { .. } | OptionId::FinishOf { .. } => Kind::Who,
        OptionId::None | OptionId::Abandon | OptionId::Drop | OptionId::Crash(_) | OptionId::Fault(_) => {
            Kind::Disturbance
        }
        OptionId::Conn(_) | OptionId::Statement(_) | OptionId::Hold { .. } => Kind::Target,
        OptionId::End(_) => Kind::Ending,
        OptionId::Template(_) => Kind::Operation,
        OptionId::Number(_) => Kind::Value,
    };
    Ok(TapeEntry { kind, id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use falken_models::connection::StatementId;

    use crate::choice::CrashId;

    #[test]
    fn a_tape_reads_back_from_its_lines() {
        let mut tape = Tape::default();
        for (kind, id) in [
            (Kind::Operation, OptionId::Template("put")),
            (Kind::Value, OptionId::Number(4)),
            (Kind::Who, OptionId::Step(StatementId::first(1))),
            (Kind::Who, OptionId::Finish { owner: 1, ordinal: 0 }),
            (Kind::Disturbance, OptionId::Crash(CrashId::Power)),
            (Kind::Survivor, OptionId::Number(2)),
        ] {
            tape.push(TapeEntry { kind, id });
        }
        let lines = tape.to_lines();
        assert_eq!(Tape::from_lines(lines.iter().map(String::as_str)), Ok(tape));
        assert!(Tape::from_lines(["step c1, hop c2"]).is_err());
    }
}
