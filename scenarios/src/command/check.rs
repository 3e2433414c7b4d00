//! `falken check`: judges a history of client calls, whoever made it.

use std::fs;
use std::path::Path;

use falken_harness::check::{self, Model, Verdict};
use falken_harness::history::{History, edn, jsonl};
use serde_json::json;

use crate::cli::Check;
use crate::exit::{Exit, Failure};

/// Judges a history file.
///
/// # Errors
/// The file cannot be read, or is not a history.
pub fn check(options: &Check) -> Result<Exit, Failure> {
    let history = read(&options.file)?;
    let report = check::check(&history, options.model);
    let rendered = report.render(&history).to_string();
    let exit = match report.verdict {
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
    Ok(exit)
}

fn read(path: &Path) -> Result<History, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| Failure::Input(format!("cannot read {name}: {error}")))?;
    let parsed = match path.extension().and_then(|extension| extension.to_str()) {
        Some("edn") => edn::read(&text),
        Some("jsonl" | "json" | "ndjson") => jsonl::read(&text),
        _ => return Err(Failure::Input(format!("{name} is neither .edn nor .jsonl, so its format is unknown"))),
    };
    parsed.map_err(|error| Failure::Input(format!("in {name}: {error}")))
}

/// Reads a model's name from the command line.
///
/// # Errors
/// Names the known ones.
pub fn model(text: &str) -> Result<Model, String> {
    text.parse().map_err(|_| {
        let known: Vec<String> = Model::all().map(|model| model.to_string()).collect();
        format!("known models are {}", known.join(", "))
    })
}
