//! What lies in the files: as the engine finds it, as independent readers do, and whether these agree.

use falken_models::disk::FileId;

use super::{Checked, Run, Watch};
use crate::action::CrashKind;
use crate::history::run::Recovery;
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
        if let Some(version) =
            parser::foreign_version(&log).filter(|_| self.duty.is_some() && self.checks.has("FORMAT"))
        {
            let evidence = Evidence::new("the log has a version that SQLite refuses to read").with("version", version);
            return Err(failed("FORMAT", evidence));
        }
        let image = parser::recover(&database, &log, self.ledger.page_size).image;
        let (invariant, rows) = match self.duty {
            Some(_) => ("FILES", parser::read_any_rows(&image, self.ledger.page_size)),
            None => ("PG-5", parser::read_rows(&image, self.ledger.page_size)),
        };
        let rows = rows
            .map_err(|problem| failed(invariant, Evidence::new(format!("page {} {}", problem.page, problem.what))))?;
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
        let Some(own) = own.filter(|own| *own != others) else { return Ok(()) };
        let key = own.keys().chain(others.keys()).find(|key| own.get(key) != others.get(key));
        let evidence = Evidence::new("the engine reads other rows than an independent reader of its files")
            .with("first key that differs", key.copied().unwrap_or_default())
            .with("rows", format!("the engine {}, the reader {}", own.len(), others.len()));
        Err(self.failed(("FILES", evidence)))
    }
}
