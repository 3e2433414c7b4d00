//! Histories as JSON: one event a line, or one array of events (the two shapes that Elle's tools read).
//!
//! `{"type":"invoke","process":0,"f":"txn","value":[["append",1,2],["r",3,null]]}`
//!
//! Next: [`event`](super::event), which says what the objects mean.

use std::io::{self, Write};

use super::datum::Datum;
use super::error::{HistoryError, Reason};
use super::event::{Assembler, events};
use super::{History, MicroOp, Names, Outcome, RegisterRead};

/// Reads a history.
///
/// # Errors
/// The first malformed event, with its line and the reason.
pub fn read(text: &str) -> Result<History, HistoryError> {
    let mut assembler = Assembler::default();
    let mut cursor = Cursor { text, at: 0, line: 1 };
    cursor.skip_space();
    let wrapped = cursor.eat('[');
    loop {
        cursor.skip_space();
        if wrapped && cursor.eat(']') {
            cursor.skip_space();
            break;
        }
        if cursor.rest().is_empty() {
            break;
        }
        let line = cursor.line;
        assembler.push(line, &cursor.value()?)?;
        cursor.skip_space();
        if wrapped && !cursor.eat(',') && !cursor.rest().starts_with(']') {
            return Err(cursor.error("events in an array need commas between them, and the array needs its ]"));
        }
    }
    if cursor.rest().is_empty() { Ok(assembler.finish()) } else { Err(cursor.error("text after the array")) }
}

/// A place in the text.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.text[self.at..self.at + bytes];
        self.line += passed.bytes().filter(|b| *b == b'\n').count();
        self.at += bytes;
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.advance(rest.len() - rest.trim_start().len());
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        if found {
            self.advance(c.len_utf8());
        }
        found
    }

    fn value(&mut self) -> Result<Datum, HistoryError> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<Datum>();
        let value = values.next();
        let bytes = values.byte_offset();
        match value {
            Some(Ok(datum)) => {
                self.advance(bytes);
                Ok(datum)
            }
            Some(Err(e)) => Err(self.json_error(&e)),
            None => Err(self.error("the text ends inside a value")),
        }
    }

    fn error(&self, reason: &str) -> HistoryError {
        HistoryError::at(self.line, Reason::Syntax(reason.to_owned()))
    }

    /// The parser counts lines from where this value began, and notices that one was cut off at whatever follows: what is
    /// wrong stands at the end of what comes before that.
    fn json_error(&self, e: &serde_json::Error) -> HistoryError {
        let rest = self.rest();
        let lines = rest.split_inclusive('\n').take(e.line().saturating_sub(1));
        let noticed = lines.map(str::len).sum::<usize>() + e.column().saturating_sub(1);
        let before = rest.get(..noticed).unwrap_or(rest);
        let seen = before.trim_end();
        let place = if before[seen.len()..].contains('\n') { self.at + seen.len() } else { self.at + before.len() };
        let passed = &self.text[..place];
        let line = 1 + passed.bytes().filter(|b| *b == b'\n').count();
        let column = passed.rsplit('\n').next().map_or(0, str::len) + 1;
        let message = e.to_string();
        let reason = message.split(" at line ").next().unwrap_or_default().to_owned();
        HistoryError { line, column: Some(column), reason: Reason::Syntax(reason) }
    }
}

/// Writes a history, one event a line. Reading it back gives the same transactions, with the events renumbered.
///
/// # Errors
/// Whatever the writer says.
pub fn write(history: &History, out: &mut impl Write) -> io::Result<()> {
    for (index, (id, outcome)) in events(history).into_iter().enumerate() {
        let transaction = &history.transactions[id];
        let kind = outcome.map_or("invoke", Outcome::name);
        let at = if outcome.is_some() { transaction.completed } else { Some(transaction.invoked) }.unwrap_or_default();
        write!(out, r#"{{"index":{index},"type":"{kind}","process":{},"time":{at},"#, transaction.process)?;
        write!(out, r#""f":"txn","value":["#)?;
        for (i, op) in transaction.ops.iter().enumerate() {
            write_op(out, if i == 0 { "" } else { "," }, op, outcome.is_some(), &history.names)?;
        }
        writeln!(out, "]}}")?;
    }
    Ok(())
}

fn write_op(out: &mut impl Write, gap: &str, op: &MicroOp, returned: bool, names: &Names) -> io::Result<()> {
    let show = |id| json_scalar(id, names);
    let key = show(op.key());
    match op {
        MicroOp::Append { element, .. } => write!(out, r#"{gap}["append",{key},{}]"#, show(*element)),
        MicroOp::Write { value, .. } => write!(out, r#"{gap}["w",{key},{}]"#, show(*value)),
        MicroOp::ReadRegister { value: RegisterRead::Value(value), .. } if returned => {
            write!(out, r#"{gap}["r",{key},{}]"#, show(*value))
        }
        MicroOp::ReadList { elements: Some(elements), .. } if returned => {
            write!(out, r#"{gap}["r",{key},["#)?;
            for (i, element) in elements.iter().enumerate() {
                write!(out, "{}{}", if i == 0 { "" } else { "," }, show(*element))?;
            }
            write!(out, "]]")
        }
        MicroOp::ReadList { .. } | MicroOp::ReadRegister { .. } => write!(out, r#"{gap}["r",{key},null]"#),
    }
}

/// A string stays as it was spelled; a keyword becomes a string.
fn json_scalar(id: i64, names: &Names) -> String {
    match names.get(id) {
        Some(name) if !name.starts_with('"') => serde_json::Value::from(name).to_string(),
        Some(name) => name.to_owned(),
        None => id.to_string(),
    }
}
