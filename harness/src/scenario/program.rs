//! Programs: the statements that a client runs, one after the other, written out.
//!
//! A mix draws transactions for as long as a run lasts; a program is finite, so a scenario made of programs has an end,
//! and all of its schedules can be tried. One line of text is one statement; the table below is all there is.

use falken_models::connection::{BeginKind, Op};
use falken_models::wal::CheckpointMode;

/// How a statement is written, and what it does. Help texts are made of this.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("begin", "opens a transaction that reads until it writes"),
    ("begin immediate", "opens a write transaction"),
    ("get KEY", "reads a row"),
    (
        "put KEY VALUE",
        "stores a row; `ab*300` is `ab` 300 times, `ab..301` is 301 bytes that begin with `ab` and do not repeat",
    ),
    ("append KEY VALUE", "appends to a row"),
    ("delete KEY", "deletes a row"),
    ("scan", "reads all rows"),
    ("count", "counts all rows"),
    ("commit", "ends the transaction"),
    ("rollback", "undoes the transaction"),
    ("savepoint", "opens a savepoint in a transaction"),
    ("release DEPTH", "closes the savepoint that has DEPTH others around it"),
    ("rollback to DEPTH", "undoes what was done since that savepoint"),
    ("change layout", "moves the table to another root page; needs `database.layout-changes`"),
    ("close", "closes the connection, whatever it has open, and opens another one"),
    ("checkpoint MODE", "copies the log: passive, full, restart or truncate"),
];

/// The longest value that a program may name, in bytes.
const VALUE_BYTES_MAX: usize = 1 << 20;

/// Reads one statement.
///
/// # Errors
/// Says what is wrong with it.
pub fn parse_statement(text: &str) -> Result<Op, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(match words[..] {
        ["begin"] => Op::Begin(BeginKind::Deferred),
        ["begin", "immediate"] => Op::Begin(BeginKind::Immediate),
        ["get", key] => Op::Get { key: parse_key(key)? },
        ["put", key, value] => Op::Put { key: parse_key(key)?, value: parse_value(value)?.into() },
        ["append", key, element] => Op::Append { key: parse_key(key)?, element: parse_value(element)?.into() },
        ["delete", key] => Op::Delete { key: parse_key(key)? },
        ["scan"] => Op::Scan,
        ["count"] => Op::Count,
        ["change", "layout"] => Op::ChangeLayout,
        ["commit"] => Op::Commit,
        ["rollback"] => Op::Rollback,
        ["savepoint"] => Op::Savepoint,
        ["release", depth] => Op::Release { depth: parse_depth(depth)? },
        ["rollback", "to", depth] => Op::RollbackTo { depth: parse_depth(depth)? },
        ["close"] => Op::Close,
        ["checkpoint", mode] => Op::Checkpoint(parse_mode(mode)?),
        _ => {
            let known = STATEMENTS.iter().map(|(form, _)| format!("`{form}`")).collect::<Vec<_>>().join(", ");
            return Err(format!("is `{text}`, which is no statement; known are {known}"));
        }
    })
}

/// Writes a statement. A value that cannot be written becomes another one, just as long, that begins with `label`.
pub fn write_statement(op: &Op, label: &str) -> String {
    match op {
        Op::Begin(BeginKind::Deferred) => "begin".into(),
        Op::Begin(BeginKind::Immediate) => "begin immediate".into(),
        Op::Get { key } => format!("get {key}"),
        Op::Put { key, value } => format!("put {key} {}", write_value(value, label)),
        Op::Append { key, element } => format!("append {key} {}", write_value(element, label)),
        Op::Delete { key } => format!("delete {key}"),
        Op::Scan => "scan".into(),
        Op::Count => "count".into(),
        Op::ChangeLayout => "change layout".into(),
        Op::Commit => "commit".into(),
        Op::Rollback | Op::Drop => "rollback".into(),
        Op::Close => "close".into(),
        Op::Savepoint => "savepoint".into(),
        Op::Release { depth } => format!("release {depth}"),
        Op::RollbackTo { depth } => format!("rollback to {depth}"),
        Op::Checkpoint(mode) => format!("checkpoint {}", mode.name()),
    }
}

fn write_value(value: &[u8], label: &str) -> String {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    let own = value.iter().take_while(|byte| is_word(byte)).count();
    let own = std::str::from_utf8(&value[..own]).expect("letters and digits");
    if !own.is_empty() && own.len() == value.len() {
        return own.into();
    }
    if !own.is_empty() && labelled_value(own, value.len()) == value {
        return format!("{own}..{}", value.len());
    }
    // The shortest part that, repeated, is the whole.
    let part = (1..=value.len()).find(|len| value.iter().eq(value[..*len].iter().cycle().take(value.len())));
    match part.filter(|len| value[..*len].iter().all(is_word) && value.len().is_multiple_of(*len)) {
        Some(len) => format!("{}*{}", String::from_utf8_lossy(&value[..len]), value.len() / len),
        None => format!("{label}..{}", value.len()),
    }
}

fn parse_key(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("has the key `{text}`, which is no whole number"))
}

fn parse_depth(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| format!("has the depth `{text}`, which is no number from 0 to 255"))
}

/// `len` bytes that begin with a label and, as long as no label is the beginning of another, occur nowhere else: `a7.0a7.1a7.2…`
pub fn labelled_value(label: &str, len: usize) -> Vec<u8> {
    let mut value = Vec::with_capacity(len + label.len() + 8);
    for i in 0_u64.. {
        if value.len() >= len {
            break;
        }
        value.extend_from_slice(label.as_bytes());
        value.push(b'.');
        value.extend_from_slice(i.to_string().as_bytes());
    }
    value.truncate(len);
    value
}

fn parse_value(text: &str) -> Result<Vec<u8>, String> {
    let number = |digits: &str| {
        digits
            .parse::<usize>()
            .map_err(|_| format!("has the value `{text}`, in which no number follows the `*` or `..`"))
    };
    let fits = |len: Option<usize>| {
        len.filter(|len| *len <= VALUE_BYTES_MAX)
            .ok_or_else(|| format!("has the value `{text}`, which is longer than {VALUE_BYTES_MAX} bytes"))
    };
    if let Some((part, count)) = text.rsplit_once('*') {
        let count = number(count)?;
        fits(part.len().checked_mul(count))?;
        return Ok(part.as_bytes().repeat(count));
    }
    match text.rsplit_once("..") {
        Some((label, len)) => Ok(labelled_value(label, fits(Some(number(len)?))?)),
        None => Ok(text.as_bytes().to_vec()),
    }
}

fn parse_mode(text: &str) -> Result<CheckpointMode, String> {
    let all = [CheckpointMode::Passive, CheckpointMode::Full, CheckpointMode::Restart, CheckpointMode::Truncate];
    let known = || all.map(CheckpointMode::name).join(", ");
    all.into_iter()
        .find(|mode| mode.name() == text)
        .ok_or_else(|| format!("has the checkpoint mode `{text}`; known are {}", known()))
}

/// Reads a program as transactions: a lone statement is one, and so is all from BEGIN, or a savepoint, to its end. After an error the rest
/// of a transaction is given up, and the program goes on behind it.
///
/// # Errors
/// The statement, by its position from 0, and what is wrong with it.
pub fn parse_program(program: &[String]) -> Result<Vec<Vec<Op>>, (usize, String)> {
    let mut transactions: Vec<Vec<Op>> = Vec::new();
    // Where the open transaction begins, and whether it is a savepoint that has opened it.
    let mut begun: Option<(usize, bool)> = None;
    for (i, text) in program.iter().enumerate() {
        let op = parse_statement(text).map_err(|problem| (i, problem))?;
        let opens = matches!(op, Op::Begin(_)) || (op == Op::Savepoint && begun.is_none());
        let by_savepoint = begun.is_some_and(|(_, by_savepoint)| by_savepoint);
        let ends =
            matches!(op, Op::Commit | Op::Rollback | Op::Close) || (by_savepoint && op == Op::Release { depth: 0 });
        let goes_on = (ends && op != Op::Close) || matches!(op, Op::Release { .. } | Op::RollbackTo { .. });
        match begun {
            Some(_) if opens => return Err((i, "opens a transaction inside another one".into())),
            None if goes_on => return Err((i, format!("is `{text}` outside a transaction"))),
            Some(_) => transactions.last_mut().expect("a transaction has begun").push(op.clone()),
            None => transactions.push(vec![op.clone()]),
        }
        if opens {
            begun = Some((i, op == Op::Savepoint));
        } else if ends {
            begun = None;
        }
    }
    match begun {
        Some((i, _)) => Err((i, "opens a transaction that never ends".into())),
        None => Ok(transactions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(statements: &[&str]) -> Vec<String> {
        statements.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn every_form_of_the_table_is_a_statement() {
        for (form, _) in STATEMENTS {
            let text = form.replace("KEY", "7").replace("VALUE", "ab*3").replace("MODE", "full").replace("DEPTH", "0");
            assert!(parse_statement(&text).is_ok(), "{text}");
        }
        assert_eq!(parse_statement("put -3 ab*3"), Ok(Op::Put { key: -3, value: b"ababab"[..].into() }));
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in
            ["put 3 a*300", "put 3 ab*300", "put 3 a17..300", "put 3 a17", "append 1 a1..3", "put 1 a..0", "delete 4"]
        {
            let op = parse_statement(text).unwrap();
            assert_eq!(parse_statement(&write_statement(&op, "x")), Ok(op), "{text}");
        }
        let binary = Op::Put { key: 1, value: (&[0_u8, 255, 3][..]).into() };
        assert_eq!(write_statement(&binary, "x"), "put 1 x..3");
    }

    #[test]
    fn statements_between_begin_and_its_end_are_one_transaction() {
        let transactions = parse_program(&program(&["get 1", "begin", "put 1 a", "commit", "scan"])).unwrap();
        assert_eq!(transactions.iter().map(Vec::len).collect::<Vec<_>>(), [1, 3, 1]);
    }

    #[test]
    fn what_is_no_program_is_named_with_its_position() {
        for (statements, at, part) in [
            (&["get 1", "puts 1 a"][..], 1, "no statement"),
            (&["get one"], 0, "no whole number"),
            (&["put 1 a*b"], 0, "no number follows"),
            (&["put 1 a*99999999"], 0, "longer than"),
            (&["put 1 a*99999999999999999999"], 0, "no number follows"),
            (&["checkpoint now"], 0, "known are passive"),
            (&["begin", "begin", "commit"], 1, "inside another"),
            (&["commit"], 0, "outside a transaction"),
            (&["begin", "put 1 a"], 0, "never ends"),
        ] {
            let (position, problem) = parse_program(&program(statements)).unwrap_err();
            assert!(position == at && problem.contains(part), "{statements:?}: {position} {problem}");
        }
    }
}
