//! The table `kv(k INTEGER PRIMARY KEY, v BLOB)` as a b-tree in SQLite's format: leaves, overflow chains, a freelist.
//!
//! The tree has at most two levels: a root and its leaves. That is enough for operations of many pages, which is what
//! re-entrancy bugs need; an insert that would need a third level fails with [`Full`](crate::session::Error::Full)
//! before it changes anything. A leaf that becomes empty is freed.
//!
//! Each operation pins the pages that it needs over several turns, and changes them all in one turn.
//!
//! Reading order: `format` (varints, records, the initial file), `node` (cells of a page), then the machines:
//! `layout`, `seek`, `freelist`, `overflow`, `get`, `put`, `delete`, `scan`.

mod delete;
pub mod format;
mod freelist;
mod get;
mod layout;
pub mod node;
mod overflow;
mod put;
mod scan;
mod seek;

pub use delete::Delete;
pub use format::initial_database;
pub(crate) use freelist::{AllocatePage, check_size};
pub use get::Get;
pub use layout::ChangeLayout;
pub(crate) use layout::{Layout, ReadLayout, forget_undone_layout};
pub use put::{Append, Put};
pub use scan::{Count, Scan};

machines! {
    "table.get" => get::State,
    "table.put" => put::State,
    "table.append" => put::AppendState,
    "table.delete" => delete::State,
    "table.leaves" => scan::LeavesState,
    "table.overflow.read" => overflow::ReadState,
    "table.overflow.free" => overflow::FreeState,
    "table.layout" => layout::State,
}

/// The page number of the table's root in a new database. [`ChangeLayout`] moves it.
pub const ROOT: u32 = 2;
