//! Second opinions on the files of a run.

mod sqlite;

pub use sqlite::Sqlite;
