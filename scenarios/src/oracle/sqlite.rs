//! Stock SQLite as a judge: it opens a copy of database and log, recovers, and must find the same rows, intact.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use falken_harness::parser::{Rows, first_difference};
use falken_harness::run::Oracle;
use falken_harness::verdict::Evidence;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

/// Distinguishes the copies of runs that share a directory.
static COPIES: AtomicU64 = AtomicU64::new(0);

/// SQLite, with a directory for its copies.
pub struct Sqlite {
    /// Kept so that the directory lives as long as any judge.
    _directory: Arc<TempDir>,
    database: PathBuf,
}

impl Sqlite {
    /// A judge that works in `directory`.
    pub fn new(directory: Arc<TempDir>) -> Self {
        let number = COPIES.fetch_add(1, Ordering::Relaxed);
        let database = directory.path().join(format!("copy-{number}.db"));
        Self { _directory: directory, database }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.database.clone().into_os_string();
        name.push(suffix);
        name.into()
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        for path in [self.database.clone(), self.beside("-wal"), self.beside("-shm")] {
            // Whatever is left goes with the directory.
            let _ = fs::remove_file(path);
        }
    }
}

/// What the header says; runs have no pages of 65,536 bytes, which it could not.
fn page_size(database: &[u8]) -> usize {
    let size = database.get(16..18).map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
    usize::from(size).max(512)
}

/// Reads all rows and the result of `PRAGMA integrity_check` from a copy.
fn read(path: &Path) -> rusqlite::Result<(Rows, String)> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Closing checkpoints the copy; nobody needs it to be durable.
    connection.pragma_update(None, "synchronous", "OFF")?;
    let mut statement = connection.prepare("SELECT k, v FROM kv")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<Rows>>()?;
    let integrity = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    Ok((rows, integrity))
}

impl Oracle for Sqlite {
    fn judge(&mut self, database: &[u8], log: &[u8], rows: &Rows) -> Result<(), Evidence> {
        let copy = || {
            let _ = fs::remove_file(self.beside("-shm"));
            fs::write(&self.database, database)?;
            fs::write(self.beside("-wal"), log)
        };
        if let Err(error) = copy() {
            return Err(Evidence::new(format!("cannot copy the files for SQLite: {error}")));
        }
        let (found, integrity) =
            read(&self.database).map_err(|error| Evidence::new(format!("SQLite cannot read the files: {error}")))?;
        if integrity != "ok" {
            return Err(Evidence::new("SQLite finds the database damaged").with("integrity_check", integrity));
        }
        if found == *rows {
            return Ok(());
        }
        let keys = found.keys().chain(rows.keys()).find(|key| found.get(key) != rows.get(key)).copied();
        // Closing has checkpointed what it has recovered.
        let checkpointed = fs::read(&self.database).unwrap_or_default();
        let place = first_difference([database, log], page_size(database), &checkpointed);
        Err(Evidence::new("SQLite recovers other rows than the models")
            .with("first key that differs", keys.unwrap_or_default())
            .with("rows", format!("SQLite {}, models {}", found.len(), rows.len()))
            .with(
                "first byte that differs",
                place.unwrap_or_else(|| "none: it reads the same bytes in another way".into()),
            ))
    }
}
