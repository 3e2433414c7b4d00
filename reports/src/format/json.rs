//! JSON: the whole [`Night`](crate::Night), for programs. Its schema is published in `reports/schema/night.schema.json`.

use super::{Report, ReportFormat};

/// The format.
pub struct Json;

impl ReportFormat for Json {
    fn write(&self, report: &Report) -> String {
        let mut text = serde_json::to_string_pretty(&report.night).expect("a night has a JSON form");
        text.push('\n');
        text
    }
}
