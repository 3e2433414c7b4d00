//! History files: what clients called and were told, as Elle's EDN or as JSON lines.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use falken_harness::history::run::Recorder;
use falken_harness::history::{History, edn, jsonl};

use crate::exit::Failure;
use crate::repro_file;

/// How a history is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Elle's EDN
    Edn,
    /// JSON, one event a line
    Jsonl,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "edn" => Some(Self::Edn),
            "jsonl" | "json" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// Reads a history; `-` is stdin, whose format must be given.
///
/// # Errors
/// The file cannot be read, or is none; then the line and the reason are named.
pub fn read(path: &Path, format: Option<Format>) -> Result<History, Failure> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin { "stdin".to_owned() } else { path.display().to_string() };
    if path.is_dir() {
        return Err(Failure::Input(format!("{name} is a directory: name one of the histories in it")));
    }
    let format = format.or_else(|| Format::of(path)).ok_or_else(|| {
        let why = if is_stdin { "has no name that tells its format" } else { "is neither .edn nor .jsonl" };
        Failure::Input(format!("{name} {why}: say --format edn or --format jsonl"))
    })?;
    let text = if is_stdin { std::io::read_to_string(std::io::stdin()) } else { fs::read_to_string(path) };
    let text = text.map_err(|error| Failure::Input(format!("cannot read {name}: {error}")))?;
    let parsed = match format {
        Format::Edn => edn::read(&text),
        Format::Jsonl => jsonl::read(&text),
    };
    parsed.map_err(|error| {
        let hint = match (format, looks_like(&text)) {
            (Format::Jsonl, Some(Format::Edn)) => "\nit looks like EDN: try --format edn",
            (Format::Edn, Some(Format::Jsonl)) => "\nit looks like JSON: try --format jsonl",
            _ => "",
        };
        Failure::Input(format!("in {name}: {error}{hint}"))
    })
}

/// What the first map of a text begins with tells the two formats apart: a keyword, or a string.
fn looks_like(text: &str) -> Option<Format> {
    match text.split_once('{')?.1.trim_start().chars().next()? {
        ':' => Some(Format::Edn),
        '"' => Some(Format::Jsonl),
        _ => None,
    }
}

fn write(path: &Path, format: Format, history: &Recorder) -> Result<(), Failure> {
    let history = history.history();
    let write = || {
        let mut out = BufWriter::new(File::create(path)?);
        match format {
            Format::Edn => edn::write(&history, &mut out)?,
            Format::Jsonl => jsonl::write(&history, &mut out)?,
        }
        out.flush()
    };
    write().map_err(|error| Failure::Harness(format!("cannot write the history to {}: {error}", path.display())))
}

/// Where the histories of runs go.
pub enum Target {
    /// One file, of the run that failed, or else of the last one.
    File(PathBuf),
    /// A file in this directory for every run, named after its seed.
    Directory(PathBuf),
}

impl Target {
    /// A file if the path says which format it has, else a directory.
    pub fn of(path: &Path) -> Self {
        match Format::of(path) {
            Some(_) => Self::File(path.to_owned()),
            None => Self::Directory(path.to_owned()),
        }
    }

    /// The same, and makes sure that it can be written; a directory is made.
    ///
    /// # Errors
    /// It cannot.
    pub fn prepare(path: &Path) -> Result<Self, Failure> {
        let target = Self::of(path);
        match &target {
            Self::File(path) => repro_file::must_be_writable(path)?,
            Self::Directory(path) => crate::command::prepare_directory(path)?,
        }
        Ok(target)
    }

    /// A run has ended.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn ended(&self, seed: u64, history: &Recorder) -> Result<(), Failure> {
        match self {
            Self::File(_) => Ok(()),
            Self::Directory(dir) => write(&dir.join(format!("{seed}.edn")), Format::Edn, history),
        }
    }

    /// No run follows this one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(&self, history: &Recorder) -> Result<(), Failure> {
        match self {
            Self::File(path) => write(path, Format::of(path).unwrap_or(Format::Edn), history),
            Self::Directory(_) => Ok(()),
        }
    }
}
