//! Tables of text: columns of the same width, or Markdown.

use std::fmt::Write;

/// How a table's rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Columns of the same width.
    Text,
    /// A Markdown table.
    Markdown,
}

/// Writes rows of equal length, the first of which is the header.
///
/// # Panics
/// If there is no header.
pub fn write_rows(rows: &[Vec<String>], style: Style) -> String {
    let columns = rows[0].len();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = match style {
            Style::Text => writeln!(out, "{}", cells.join("  ").trim_end()),
            Style::Markdown => writeln!(out, "| {} |", row.join(" | ")),
        };
        if at == 0 && style == Style::Markdown {
            let _ = writeln!(out, "|{}", "---|".repeat(columns));
        }
    }
    out
}
