//! `falken check`: judges a history of client calls, whoever made it.

use std::path::Path;

use falken_harness::check::{self, Model, Verdict};
use falken_harness::history::History;
use falken_reports::cycle;
use serde_json::json;

use crate::cli::Check;
use crate::exit::{Exit, Failure, suggest};
use crate::{history_file, repro_file};

/// Judges a history file.
///
/// # Errors
/// The file cannot be read, or is not a history.
pub fn check(options: &Check) -> Result<Exit, Failure> {
    options.svg.as_deref().map(repro_file::must_be_writable).transpose()?;
    let history = history_file::read(&options.file, options.format)?;
    let report = check::check(&history, options.model);
    let mut rendered = report.render(&history).to_string();
    let says_nothing = report.verdict == Verdict::Ok && report.coverage.committed == 0;
    if says_nothing {
        let what = match history.transactions.len() {
            0 => "it holds no transaction".into(),
            1 => "its only transaction has not committed".into(),
            count => format!("none of its {count} transactions has committed"),
        };
        rendered = format!("unknown: the history tells too little to be judged: {what}");
    }
    let exit = match report.verdict {
        Verdict::Ok if says_nothing => Exit::Unknown,
        Verdict::Ok => Exit::Pass,
        Verdict::Violation(_) => Exit::Violation,
        Verdict::Unknown(_) => Exit::Unknown,
    };
    let text = if options.json {
        let anomalies: Vec<String> = match &report.verdict {
            Verdict::Violation(anomalies) => anomalies.iter().map(|anomaly| anomaly.kind.to_string()).collect(),
            Verdict::Ok | Verdict::Unknown(_) => Vec::new(),
        };
        let verdict = match exit {
            Exit::Pass => "ok",
            Exit::Violation => "violation",
            _ => "unknown",
        };
        let transactions = history.transactions.len();
        let model = report.model.to_string();
        let value = json!({"verdict": verdict, "model": model, "transactions": transactions, "anomalies": anomalies, "report": rendered});
        format!("{value:#}\n")
    } else {
        format!("{}\n", rendered.trim_end())
    };
    super::print(&text)?;
    if let Some(path) = &options.svg {
        draw(path, &report, &history)?;
    }
    Ok(exit)
}

/// Draws the cycles, if there are any.
fn draw(path: &Path, report: &check::Report, history: &History) -> Result<(), Failure> {
    let Some(drawing) = cycle::svg(report, history) else {
        eprintln!("no cycle to draw, so {} was not written", path.display());
        return Ok(());
    };
    repro_file::write_whole(path, &drawing)
        .map_err(|error| Failure::Harness(format!("cannot write {}: {error}", path.display())))?;
    eprintln!("drawing: {}", path.display());
    Ok(())
}

/// Reads a model's name from the command line.
///
/// # Errors
/// Names the nearest one, and all.
pub fn model(text: &str) -> Result<Model, String> {
    text.parse().map_err(|_| {
        let known: Vec<&str> = Model::all().map(Model::name).collect();
        let hint = suggest(text, known.iter().copied());
        format!("there is no such model{hint}\nknown are {}", known.join(", "))
    })
}
