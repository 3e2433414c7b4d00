//! What lies in the files: as the engine finds it, as independent readers do, and whether these agree.

use falken_models::disk::FileId;

use super::{Checked, Oracle, Run, Watch};
use crate::action::CrashKind;
use crate::history::run::Recovery;
use crate::image::Broken;
use crate::parser::{self, Rows};
use crate::subject::Subject;
use crate::verdict::{Evidence, Violation};

impl<S: Subject> Run<'_, S> {
    /// What is left of an engine that shows no internals must be a database that it finds in order, with the rows that others
    /// find in its files; whether they are right is for the history to say.
    pub(super) fn judge_opaque_crash(&mut self, kind: CrashKind, left: Option<Rows>) -> Checked<()> {
        let own = self.audit()?;
        if let Some(left) = &left {
            self.compare(own.as_ref(), left)?;
        }
        let (Some(rows), Some(duty)) = (left.or(own), &mut self.duty) else { return Ok(()) };
        // What is found is an answer of its own: it may tell of a commit that nobody was told of before.
        let (synced, told) = (duty.bound(kind), duty.tell(false));
        if synced.is_some() {
            duty.begin_anew();
        }
        if self.watch == Watch::Report {
            self.history.crash(Recovery { rows, synced, is_ghost: false, commit: told, published: told });
        }
        Ok(())
    }

    /// What an independent reader finds in the files; a second opinion must find the same.
    pub(super) fn judge_files(&mut self) -> Checked<Rows> {
        let failed = |invariant, evidence| Box::new(Violation { invariant, step: self.step, evidence });
        let [database, log] = FileId::ALL.map(|file| self.disk.contents(file));
        if self.duty.is_some() {
            let read =
                read_files([&database, &log], self.ledger.page_size, self.checks.has("FORMAT"), &mut self.oracle);
            return read.map_err(|(invariant, evidence)| failed(invariant, evidence));
        }
        let image = parser::recover(&database, &log, self.ledger.page_size).image;
        let rows = parser::read_rows(&image, self.ledger.page_size)
            .map_err(|problem| failed("PG-5", Evidence::new(format!("page {} {}", problem.page, problem.what))))?;
        if let Some(oracle) = &mut self.oracle {
            oracle.judge(&database, &log, &rows).map_err(|evidence| failed("ORACLE", evidence))?;
        }
        Ok(rows)
    }

    /// The rows that the engine itself finds, if it says.
    pub(super) fn audit(&mut self) -> Checked<Option<Rows>> {
        let found = self.subject.audit();
        self.note_events()?;
        found.map_err(|damage| {
            let evidence = Evidence::new("the engine finds its database damaged").with("found", damage);
            self.failed(("FILES", evidence))
        })
    }

    /// What the engine finds in its files is what others find there.
    pub(super) fn compare(&self, own: Option<&Rows>, others: &Rows) -> Checked<()> {
        let difference = own.and_then(|own| differ(own, others));
        difference.map_or(Ok(()), |evidence| Err(self.failed(("FILES", evidence))))
    }
}

/// What an independent reader finds in files of an engine that shows no internals; a second opinion must find the same.
///
/// # Errors
/// SQLite would refuse the log's version, if that `is_format_checked`; a page is no part of a table; the second opinion differs.
pub(crate) fn read_files(
    [database, log]: [&[u8]; 2],
    page_size: usize,
    is_format_checked: bool,
    oracle: &mut Option<Box<dyn Oracle>>,
) -> Result<Rows, Broken> {
    if let Some(version) = parser::foreign_version(log).filter(|_| is_format_checked) {
        let evidence = Evidence::new("the log has a version that SQLite refuses to read").with("version", version);
        return Err(("FORMAT", evidence));
    }
    let image = parser::recover(database, log, page_size).image;
    let rows = parser::read_any_rows(&image, page_size)
        .map_err(|problem| ("FILES", Evidence::new(format!("page {} {}", problem.page, problem.what))))?;
    if let Some(oracle) = oracle {
        oracle.judge(database, log, &rows).map_err(|evidence| ("ORACLE", evidence))?;
    }
    Ok(rows)
}

/// How the rows that the engine finds differ from those of an independent reader, if they do.
pub(crate) fn differ(own: &Rows, others: &Rows) -> Option<Evidence> {
    let key = own.keys().chain(others.keys()).find(|key| own.get(key) != others.get(key))?;
    let evidence = Evidence::new("the engine reads other rows than an independent reader of its files")
        .with("first key that differs", *key)
        .with("rows", format!("the engine {}, the reader {}", own.len(), others.len()));
    Some(evidence)
}
