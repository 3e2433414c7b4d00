//! Reports that are written to a file: one format a file, behind one trait, all from the same [`Report`].
//!
//! A new format is a file here and a line in [`FORMATS`]. What a batch prints on stdout is [`crate::TABLE`]'s business.

mod html;
mod json;
mod junit;
mod markdown;
mod perfetto;
mod text;

use std::collections::BTreeMap;

use falken_harness::recording::Recording;

use crate::Night;

/// What every format is written from.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The runs, summed up and grouped.
    pub night: Night,
    /// The smallest repros, recorded, by the id of their group. Formats that show no timeline need none.
    pub recordings: BTreeMap<String, Recording>,
}

/// Writes a report in one format. It asks nobody for anything and is the same for the same data.
pub trait ReportFormat: Sync {
    /// The whole file.
    fn write(&self, report: &Report) -> String;
}

/// What a format shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// The night.
    Night,
    /// The recordings too.
    Recordings,
}

/// A format that can be named on a command line.
pub struct FormatEntry {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// Whether it shows recordings.
    pub shows: Shows,
    /// The format.
    pub format: &'static dyn ReportFormat,
}

/// Every format.
pub const FORMATS: &[FormatEntry] = &[
    FormatEntry {
        name: "html",
        about: "one page with everything, and a timeline of each violation to step through",
        shows: Shows::Recordings,
        format: &html::Html,
    },
    FormatEntry {
        name: "json",
        about: "all of it for programs; its schema is reports/schema/night.schema.json",
        shows: Shows::Night,
        format: &json::Json,
    },
    FormatEntry {
        name: "junit",
        about: "JUnit XML, a case per scenario and property",
        shows: Shows::Night,
        format: &junit::Junit,
    },
    FormatEntry { name: "md", about: "Markdown, as GitHub shows it", shows: Shows::Night, format: &markdown::Markdown },
    FormatEntry {
        name: "perfetto",
        about: "a trace of each violation for ui.perfetto.dev",
        shows: Shows::Recordings,
        format: &perfetto::Perfetto,
    },
    FormatEntry { name: "text", about: "plain text, as on the terminal", shows: Shows::Night, format: &text::Text },
];

/// The format of this name.
pub fn find(name: &str) -> Option<&'static FormatEntry> {
    FORMATS.iter().find(|entry| entry.name == name)
}
