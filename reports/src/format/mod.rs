//! Reports that are written to a file: one format a file, behind one trait, all from the same [`Report`].
//!
//! A new format is a file here and a line in [`FORMATS`]. What a batch prints on stdout is [`crate::TABLE`]'s business.

mod json;
mod junit;
mod markdown;

use crate::Night;

/// What every format is written from.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The runs, summed up and grouped.
    pub night: Night,
}

/// Writes a report in one format. It asks nobody for anything and is the same for the same data.
pub trait ReportFormat: Sync {
    /// The whole file.
    fn write(&self, report: &Report) -> String;
}

/// A format that can be named on a command line.
pub struct FormatEntry {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// The format.
    pub format: &'static dyn ReportFormat,
}

/// Every format.
pub const FORMATS: &[FormatEntry] = &[
    FormatEntry {
        name: "json",
        about: "all of it, for programs: reports/schema/night.schema.json",
        format: &json::Json,
    },
    FormatEntry { name: "junit", about: "JUnit XML: a case per scenario and property", format: &junit::Junit },
    FormatEntry { name: "md", about: "Markdown, as GitHub shows it", format: &markdown::Markdown },
];

/// The format of this name.
pub fn find(name: &str) -> Option<&'static FormatEntry> {
    FORMATS.iter().find(|entry| entry.name == name)
}
