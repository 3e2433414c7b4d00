//! Pages in memory: the page cache of one connection, its dirty pages, and how a page gets in and out.
//!
//! A page is read once, shared by pin, changed only after [`mark_dirty`], written as a frame at commit, and may be
//! *spilled* (written as an unpublished frame) when the cache is too small. What this is not: it knows no cells and no
//! trees. Where to go next: `page.rs` for flags and pins, `cache.rs` for residency, `get.rs` for reading.

mod cache;
mod get;
mod page;

pub use cache::PageCache;
pub use get::{GetPage, fresh_page, mark_dirty};
pub use page::{Page, PinnedPage};
