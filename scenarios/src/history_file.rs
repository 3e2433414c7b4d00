//! History files: what clients called and were told, as Elle's EDN or as JSON lines.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use falken_harness::history::run::Recorder;
use falken_harness::history::{History, edn, jsonl};

use crate::exit::Failure;

#[derive(Clone, Copy)]
enum Format {
    Edn,
    JsonLines,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "edn" => Some(Self::Edn),
            "jsonl" | "json" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// Reads a history.
///
/// # Errors
/// The file cannot be read, or is none; then the line and the reason are named.
pub fn read(path: &Path) -> Result<History, Failure> {
    let name = path.display();
    let format = Format::of(path)
        .ok_or_else(|| Failure::Input(format!("{name} is neither .edn nor .jsonl, so its format is unknown")))?;
    let text = fs::read_to_string(path).map_err(|error| Failure::Input(format!("cannot read {name}: {error}")))?;
    let parsed = match format {
        Format::Edn => edn::read(&text),
        Format::JsonLines => jsonl::read(&text),
    };
    parsed.map_err(|error| Failure::Input(format!("in {name}: {error}")))
}

fn write(path: &Path, format: Format, history: &Recorder) -> Result<(), Failure> {
    let history = history.history();
    let write = || {
        let mut out = BufWriter::new(File::create(path)?);
        match format {
            Format::Edn => edn::write(&history, &mut out)?,
            Format::JsonLines => jsonl::write(&history, &mut out)?,
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
    /// A file if the path says which format it has, else a directory, which is made.
    ///
    /// # Errors
    /// The directory cannot be written to.
    pub fn prepare(path: &Path) -> Result<Self, Failure> {
        if Format::of(path).is_some() {
            return Ok(Self::File(path.to_path_buf()));
        }
        crate::command::prepare_directory(path)?;
        Ok(Self::Directory(path.to_path_buf()))
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
