//! Pages in memory: the page cache of one connection, its dirty pages, and how a page gets in and out.
//!
//! A page is read once, shared by pin, changed only after [`mark_dirty`], written as a frame at commit, and may be
//! *spilled* (written as an unpublished frame) when the cache is too small. What this is not: it knows no cells and no
//! trees. Where to go next: `page.rs` for flags and pins, `cache.rs` for residency, `get.rs` for reading, `spill.rs` for
//! making room, `savepoint.rs` for undoing a part of a transaction.

mod cache;
mod get;
mod page;
mod savepoint;
mod spill;

pub use cache::PageCache;
pub use get::{GetPage, fresh_page, mark_dirty};
pub(crate) use get::{make_dirty, read_ahead};
pub use page::{Page, PinnedPage};
pub use savepoint::{Savepoints, UndoTo};
pub(crate) use savepoint::{journal_pinned, open_savepoint, release_savepoint};
pub(crate) use spill::{Spill, give_up_spill, settle_spill};

machines! {
    "pager.undo" => savepoint::State,
}
