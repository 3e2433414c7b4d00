//! All that may differ in the API of another version of the engine: opening, settings, journals, and what its errors mean.

use std::io::ErrorKind;
use std::sync::Arc;

use falken_harness::parser::Rows;
use falken_harness::scenario::Journal;
use falken_models::io::CompletionError;
use falken_models::session::{Config, Error};
use falken_models::wal::SyncMode;
use turso_core::storage::database::DatabaseFile;
use turso_core::{
    Connection, Database, IO, IOResult, LimboError, OpenDbAsyncState, OpenFlags, OpenOptions, SqliteDialect,
};

use crate::sql;

/// The database's path; its logs lie at `-wal` and `-log` behind it.
pub const PATH: &str = "falken.db";

/// Opens the database. Some of this waits inside; all of it may, because the disk finishes I/O from within [`IO::step`].
///
/// # Errors
/// The engine cannot open it.
pub fn open(io: &Arc<dyn IO>) -> Result<Arc<Database>, LimboError> {
    // Not `Database::open`: that asks a registry of the whole process, keyed by the file's identity, and would hand out
    // the database of another run.
    let storage = Arc::new(DatabaseFile::new(io.open_file(PATH, OpenFlags::Create, true)?));
    let options = OpenOptions::new(Arc::new(SqliteDialect)).storage(storage);
    let mut state = OpenDbAsyncState::new();
    loop {
        match Database::do_open_async(&mut state, Arc::clone(io), PATH, &options).map_err(|error| *error)? {
            IOResult::Done(database) => return Ok(database),
            IOResult::IO(waits) => waits.wait(&**io)?,
        }
    }
}

/// Gives a database that has a write-ahead log the journal that it is to have. Waits inside.
///
/// # Errors
/// The engine cannot.
pub fn switch(database: &Arc<Database>, journal: Journal) -> Result<(), LimboError> {
    match journal {
        Journal::Wal => Ok(()),
        Journal::Mvcc => database.connect()?.execute("PRAGMA journal_mode = 'mvcc'"),
    }
}

/// Opens a connection, set up as the scenario says.
///
/// # Errors
/// The engine cannot.
pub fn connect(database: &Arc<Database>, journal: Journal, config: &Config) -> Result<Arc<Connection>, LimboError> {
    let connection = database.connect()?;
    connection.set_sync_mode(match config.sync {
        SyncMode::Off => turso_core::SyncMode::Off,
        SyncMode::Normal => turso_core::SyncMode::Normal,
        SyncMode::Full => turso_core::SyncMode::Full,
    });
    connection.execute(format!("PRAGMA cache_size = {}", config.cache_pages))?;
    if journal == Journal::Mvcc {
        // The engine counts bytes of its log, the scenario frames of one page each.
        let bytes = i64::from(config.auto_checkpoint) * config.page_size as i64;
        let threshold = if bytes == 0 { -1 } else { bytes };
        connection.execute(format!("PRAGMA mvcc_checkpoint_threshold = {threshold}"))?;
    }
    Ok(connection)
}

/// All rows, read at once.
///
/// # Errors
/// The engine cannot read them.
pub fn rows(connection: &Arc<Connection>) -> Result<Rows, LimboError> {
    let mut scan = connection.prepare("SELECT k, v FROM kv ORDER BY k")?;
    let rows = scan.run_collect_rows()?;
    Ok(sql::rows(&rows))
}

/// An error of the disk in the engine's words.
pub fn completion_error(error: CompletionError, what: &'static str) -> turso_core::CompletionError {
    match error {
        CompletionError::Io => turso_core::CompletionError::IOError(ErrorKind::Other, what),
        CompletionError::NoSpace => turso_core::CompletionError::IOError(ErrorKind::StorageFull, what),
        CompletionError::Aborted | CompletionError::Cancelled => turso_core::CompletionError::Aborted,
        CompletionError::ShortRead => turso_core::CompletionError::IOError(ErrorKind::UnexpectedEof, what),
        CompletionError::ShortWrite => turso_core::CompletionError::ShortWrite,
    }
}

/// An error of the engine in falken's words; `None` if neither a lock, nor the client, nor the disk explains it.
pub fn error(error: &LimboError) -> Option<Error> {
    match error {
        LimboError::Busy | LimboError::StatementsInProgress(_) => Some(Error::Busy),
        // Somebody else was faster, so the whole transaction has to be made again.
        LimboError::BusySnapshot
        | LimboError::WriteWriteConflict
        | LimboError::CommitDependencyAborted
        | LimboError::Conflict(_) => Some(Error::BusySnapshot),
        LimboError::TableLocked => Some(Error::Locked),
        LimboError::Interrupt => Some(Error::Interrupted),
        LimboError::CompletionError(turso_core::CompletionError::IOError(ErrorKind::StorageFull, _)) => {
            Some(Error::Io(CompletionError::NoSpace))
        }
        LimboError::CompletionError(turso_core::CompletionError::IOError(..)) => Some(Error::Io(CompletionError::Io)),
        LimboError::CompletionError(turso_core::CompletionError::Aborted) => Some(Error::Io(CompletionError::Aborted)),
        LimboError::TxError(_) => Some(Error::Misuse),
        _ => None,
    }
}
