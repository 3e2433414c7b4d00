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
    ("put KEY VALUE", "stores a row; `ab*300` is `ab` 300 times"),
    ("append KEY VALUE", "appends to a row"),
    ("delete KEY", "deletes a row"),
    ("scan", "reads all rows"),
    ("count", "counts all rows"),
    ("commit", "ends the transaction"),
    ("rollback", "undoes the transaction"),
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
        ["commit"] => Op::Commit,
        ["rollback"] => Op::Rollback,
        ["checkpoint", mode] => Op::Checkpoint(parse_mode(mode)?),
        _ => {
            let known = STATEMENTS.iter().map(|(form, _)| format!("`{form}`")).collect::<Vec<_>>().join(", ");
            return Err(format!("is `{text}`, which is no statement; known are {known}"));
        }
    })
}

fn parse_key(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("has the key `{text}`, which is no whole number"))
}

fn parse_value(text: &str) -> Result<Vec<u8>, String> {
    let Some((part, count)) = text.rsplit_once('*') else { return Ok(text.as_bytes().to_vec()) };
    let count: usize =
        count.parse().map_err(|_| format!("has the value `{text}`, in which no number follows the `*`"))?;
    match part.len().checked_mul(count) {
        Some(len) if len <= VALUE_BYTES_MAX => Ok(part.as_bytes().repeat(count)),
        _ => Err(format!("has the value `{text}`, which is longer than {VALUE_BYTES_MAX} bytes")),
    }
}

fn parse_mode(text: &str) -> Result<CheckpointMode, String> {
    let all = [CheckpointMode::Passive, CheckpointMode::Full, CheckpointMode::Restart, CheckpointMode::Truncate];
    let known = || all.map(CheckpointMode::name).join(", ");
    all.into_iter()
        .find(|mode| mode.name() == text)
        .ok_or_else(|| format!("has the checkpoint mode `{text}`; known are {}", known()))
}

/// Reads a program as transactions: a lone statement is one, and so is all from BEGIN to its end. After an error the rest
/// of a transaction is given up, and the program goes on behind it.
///
/// # Errors
/// The statement, by its position from 0, and what is wrong with it.
pub fn parse_program(program: &[String]) -> Result<Vec<Vec<Op>>, (usize, String)> {
    let mut transactions: Vec<Vec<Op>> = Vec::new();
    let mut begun = None;
    for (i, text) in program.iter().enumerate() {
        let op = parse_statement(text).map_err(|problem| (i, problem))?;
        let (begins, ends) = (matches!(op, Op::Begin(_)), matches!(op, Op::Commit | Op::Rollback));
        match begun {
            Some(_) if begins => return Err((i, "opens a transaction inside another one".into())),
            None if ends => return Err((i, format!("is `{text}` outside a transaction"))),
            Some(_) => transactions.last_mut().expect("a transaction has begun").push(op),
            None => transactions.push(vec![op]),
        }
        if begins {
            begun = Some(i);
        } else if ends {
            begun = None;
        }
    }
    match begun {
        Some(i) => Err((i, "opens a transaction that never ends".into())),
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
            let text = form.replace("KEY", "7").replace("VALUE", "ab*3").replace("MODE", "full");
            assert!(parse_statement(&text).is_ok(), "{text}");
        }
        assert_eq!(parse_statement("put -3 ab*3"), Ok(Op::Put { key: -3, value: b"ababab"[..].into() }));
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
