//! falken-reports: what a run says about itself, one file per format.
//!
//! A report is made from data that is complete before it is written; it runs nothing and asks nobody. [`Summary`] is that
//! data; [`TABLE`] lists the formats. A new format is one file and one line there. [`Night`] is the data of many scenarios' runs, of a
//! search, an exploration of threads or a kill matrix, with a JSON form of its own; [`format`](mod@format) holds the formats that are made from it, for files.

mod action;
pub mod alone;
mod catalogue;
pub mod cycle;
mod damage;
pub mod duel;
mod exploration;
pub mod format;
pub mod github;
mod images;
mod json;
pub mod kill;
mod lanes;
pub mod night;
pub mod rust_test;
mod scene;
mod story;
mod summary;
mod sweep;
pub mod table;
mod text;
pub mod threads;
mod timeline;
mod words;

pub use catalogue::Catalogue;
pub use exploration::Exploration;
pub use format::{FORMATS, FormatEntry, Report, ReportFormat};
pub use night::Night;
pub use story::{Order, Shrinking, Story};
pub use summary::{Failure, InvariantCount, ProbeCount, Summary};
pub use sweep::{Covered, Sweep};

/// Writes a summary in one format.
pub trait Format {
    /// The whole report.
    fn write(&self, summary: &Summary) -> String;
}

/// A format that can be named on a command line.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// The format.
    pub format: &'static dyn Format,
}

/// Every format.
pub const TABLE: &[Entry] = &[Entry { name: "text", format: &text::Text }, Entry { name: "json", format: &json::Json }];

/// Writes a summary in the format of this name.
///
/// # Panics
/// If there is no such format.
pub fn write(format: &str, summary: &Summary) -> String {
    let entry = TABLE.iter().find(|entry| entry.name == format).expect("a format of the table");
    entry.format.write(summary)
}
