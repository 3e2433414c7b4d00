//! Options of `check`.

use std::path::PathBuf;

use clap::Args;
use falken_harness::check::Model;

use crate::{command, history_file};

/// Options of `check`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken run --runs 1 --history run.edn && falken check run.edn    judge a run of falken's own once more
  falken check theirs.jsonl --model snapshot-isolation            a history that another tester has made
  zcat theirs.edn.gz | falken check - --format edn                one from a pipe

A history has one call or return per line, as Elle and Jepsen write them:
  {:type :invoke, :process 0, :f :txn, :value [[:append 1 2] [:r 3 nil]]}
  {\"type\":\"ok\",\"process\":0,\"f\":\"txn\",\"value\":[[\"append\",1,2],[\"r\",3,[4,5]]]}

A pass says that the history is explained by the model, not that the engine always behaves so.")]
pub struct Check {
    /// The history: a .edn or .jsonl file, or - for stdin
    pub file: PathBuf,
    /// How it is written (default: what the file's name says)
    #[arg(long, value_enum)]
    pub format: Option<history_file::Format>,
    /// The consistency model that it must satisfy
    #[arg(long, value_parser = command::check::model, default_value = "strong-serializable")]
    pub model: Model,
    /// Draw the dependency cycles that were found
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write the verdict as JSON
    #[arg(long)]
    pub json: bool,
}
