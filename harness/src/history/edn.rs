//! Histories in EDN, as Elle and Jepsen write them: one map per line, or one vector of maps.
//!
//! `{:index 0, :type :invoke, :process 1, :f :txn, :value [[:append 1 2] [:r 3 nil]]}`
//!
//! The reader knows all of EDN's syntax but keeps only what [`Datum`] can hold; tags are dropped. It is ours because
//! it is small and because an error has to name its line; the crates at hand give neither positions nor a stream.
//! Next: [`event`](super::event), which says what the maps mean.

use std::io::{self, Write};

use super::datum::Datum;
use super::error::{HistoryError, Reason};
use super::event::{Assembler, events};
use super::{History, MicroOp, Names, Outcome, RegisterRead};

/// How deep forms may nest; a history needs five.
const DEPTH_MAX: usize = 64;

/// Reads a history.
///
/// # Errors
/// The first malformed event, with its line and the reason.
pub fn read(text: &str) -> Result<History, HistoryError> {
    let mut reader = Reader { rest: text, line: 1, line_start: text.len() };
    let mut assembler = Assembler::default();
    reader.skip_blank(0)?;
    // A vector around all the events is opened and closed here, so that each event keeps its line.
    let wrapped = reader.eat('[') || reader.eat('(');
    loop {
        reader.skip_blank(0)?;
        if reader.rest.is_empty() {
            return if wrapped { Err(reader.error("the outer vector is not closed")) } else { Ok(assembler.finish()) };
        }
        if wrapped && (reader.eat(']') || reader.eat(')')) {
            break;
        }
        let line = reader.line;
        assembler.push(line, &reader.form(0)?)?;
    }
    reader.skip_blank(0)?;
    if reader.rest.is_empty() { Ok(assembler.finish()) } else { Err(reader.error("text after the outer vector")) }
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
        write!(out, "{{:index {index}, :type :{kind}, :process {}, :time {at}, ", transaction.process)?;
        write!(out, ":f :txn, :value [")?;
        for (i, op) in transaction.ops.iter().enumerate() {
            write_op(out, if i == 0 { "" } else { " " }, op, outcome.is_some(), &history.names)?;
        }
        writeln!(out, "]}}")?;
    }
    Ok(())
}

fn write_op(out: &mut impl Write, gap: &str, op: &MicroOp, returned: bool, names: &Names) -> io::Result<()> {
    let show = |id| names.show(id);
    let key = show(op.key());
    match op {
        MicroOp::Append { element, .. } => write!(out, "{gap}[:append {key} {}]", show(*element)),
        MicroOp::Write { value, .. } => write!(out, "{gap}[:w {key} {}]", show(*value)),
        MicroOp::ReadRegister { value: RegisterRead::Value(value), .. } if returned => {
            write!(out, "{gap}[:r {key} {}]", show(*value))
        }
        MicroOp::ReadList { elements: Some(elements), .. } if returned => {
            write!(out, "{gap}[:r {key} [")?;
            for (i, element) in elements.iter().enumerate() {
                write!(out, "{}{}", if i == 0 { "" } else { " " }, show(*element))?;
            }
            write!(out, "]]")
        }
        MicroOp::ReadList { .. } | MicroOp::ReadRegister { .. } => write!(out, "{gap}[:r {key} nil]"),
    }
}

/// A place in the text.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
    /// How much text was left where the current line began.
    line_start: usize,
}

impl Reader<'_> {
    fn error(&self, reason: impl Into<String>) -> HistoryError {
        let column = self.line_start - self.rest.len() + 1;
        HistoryError { line: self.line, column: Some(column), reason: Reason::Syntax(reason.into()) }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        if c == '\n' {
            self.line += 1;
            self.line_start = self.rest.len();
        }
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        self.peek() == Some(c) && self.bump().is_some()
    }

    /// Skips white space, commas, comments and discarded forms.
    fn skip_blank(&mut self, depth: usize) -> Result<(), HistoryError> {
        loop {
            match self.peek() {
                Some(c) if c.is_whitespace() || c == ',' => {
                    self.bump();
                }
                Some(';') => while !matches!(self.bump(), None | Some('\n')) {},
                Some('#') if self.rest.starts_with("#_") => {
                    self.bump();
                    self.bump();
                    self.form(depth + 1)?;
                }
                _ => return Ok(()),
            }
        }
    }

    fn form(&mut self, depth: usize) -> Result<Datum, HistoryError> {
        if depth >= DEPTH_MAX {
            return Err(self.error("forms are nested too deep"));
        }
        self.skip_blank(depth)?;
        match self.peek() {
            None => Err(self.error("the text ends inside a form")),
            Some('[') => self.seq(']', depth),
            Some('(') => self.seq(')', depth),
            Some('{') => self.map(depth),
            Some('"') => self.text(),
            Some('\\') => {
                self.bump();
                Ok(Datum::Text(format!("\\{}", self.token())))
            }
            Some('#') => {
                self.bump();
                if self.peek() == Some('{') {
                    return self.seq('}', depth);
                }
                // A tag: `#jepsen.history.Op{…}`. What it tags is all that matters here.
                self.token();
                self.form(depth + 1)
            }
            Some(c @ (']' | ')' | '}')) => Err(self.error(format!("unexpected {c}"))),
            Some(_) => self.atom(),
        }
    }

    fn seq(&mut self, close: char, depth: usize) -> Result<Datum, HistoryError> {
        self.bump();
        let mut items = Vec::new();
        loop {
            self.skip_blank(depth)?;
            if self.eat(close) {
                return Ok(Datum::Seq(items));
            }
            items.push(self.form(depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Datum, HistoryError> {
        self.bump();
        let mut pairs = Vec::new();
        loop {
            self.skip_blank(depth)?;
            if self.eat('}') {
                return Ok(Datum::Map(pairs));
            }
            let key = self.form(depth + 1)?;
            self.skip_blank(depth)?;
            if self.peek() == Some('}') {
                return Err(self.error(format!("map key {key} has no value")));
            }
            pairs.push((key, self.form(depth + 1)?));
        }
    }

    fn text(&mut self) -> Result<Datum, HistoryError> {
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                None => return Err(self.error("a string is not closed")),
                Some('"') => return Ok(Datum::Text(text)),
                Some('\\') => match self.bump() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(c) => text.push(c),
                    None => {}
                },
                Some(c) => text.push(c),
            }
        }
    }

    /// Everything up to the next delimiter.
    fn token(&mut self) -> &str {
        let end = self.rest.find(|c: char| c.is_whitespace() || "()[]{}\",;".contains(c)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        token
    }

    fn atom(&mut self) -> Result<Datum, HistoryError> {
        let token = self.token();
        if let Some(word) = token.strip_prefix(':') {
            return Ok(Datum::Word(word.to_owned()));
        }
        let number = token.starts_with(|c: char| c.is_ascii_digit())
            || token.strip_prefix(['-', '+']).is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit()));
        if number {
            let digits = token.strip_suffix('N').unwrap_or(token);
            if let Ok(n) = digits.parse() {
                return Ok(Datum::Int(n));
            }
            if let Ok(x) = token.strip_suffix('M').unwrap_or(digits).parse() {
                return Ok(Datum::Float(x));
            }
            let reason = format!("{token} is not a number");
            return Err(self.error(reason));
        }
        Ok(match token {
            "nil" => Datum::Nil,
            "true" => Datum::Bool(true),
            "false" => Datum::Bool(false),
            symbol => Datum::Word(symbol.to_owned()),
        })
    }
}
