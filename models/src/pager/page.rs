//! One page in memory: bytes, flags, pins.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::io::Buffer;
use crate::state::hash_identity;
use crate::sync::{Arc, AtomicU32, AtomicU64, Ordering};

/// The bytes have arrived.
const LOADED: u32 = 1;
/// A read for this page is in flight.
const LOCKED: u32 = 2;
/// Changed by the transaction under way, and not in a frame yet.
const DIRTY: u32 = 4;
/// Changed by the transaction under way, and its own unpublished frame holds the current bytes.
const SPILLED: u32 = 8;
/// Being written to an unpublished frame, and not changed since that began.
const SPILLING: u32 = 16;

fn joined(salts: [u32; 2]) -> u64 {
    u64::from(salts[0]) << 32 | u64::from(salts[1])
}

/// A page object. Connections hold it through [`PinnedPage`]; a read in flight holds it until it finishes.
pub struct Page {
    number: u32,
    buffer: Arc<Buffer>,
    flags: AtomicU32,
    pins: AtomicU32,
    /// The digest of the bytes when they were loaded or last written to a frame.
    digest: AtomicU64,
    /// The frame that it is known to be the image of, 0 for none, and the salts of that frame's generation.
    image_of: (AtomicU32, AtomicU64),
}

impl Page {
    pub(crate) fn new(number: u32, page_size: usize) -> Arc<Self> {
        Arc::new(Self {
            number,
            buffer: Buffer::zeroed(page_size),
            flags: AtomicU32::new(0),
            pins: AtomicU32::new(0),
            digest: AtomicU64::new(0),
            image_of: (AtomicU32::new(0), AtomicU64::new(0)),
        })
    }

    fn has(&self, flag: u32) -> bool {
        self.flags.load(Ordering::Acquire) & flag != 0
    }

    fn set(&self, flag: u32) {
        self.flags.fetch_or(flag, Ordering::AcqRel);
    }

    fn clear(&self, flag: u32) {
        self.flags.fetch_and(!flag, Ordering::AcqRel);
    }

    /// The page number, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether the bytes are there.
    pub fn is_loaded(&self) -> bool {
        self.has(LOADED)
    }

    /// Whether a read for this page is in flight.
    pub fn is_locked(&self) -> bool {
        self.has(LOCKED)
    }

    /// Whether the page was changed since it was last written to a frame.
    pub fn is_dirty(&self) -> bool {
        self.has(DIRTY)
    }

    /// Whether an unpublished frame of the own transaction holds the current bytes.
    pub fn is_spilled(&self) -> bool {
        self.has(SPILLED)
    }

    /// How many holders there are.
    pub fn pins(&self) -> u32 {
        self.pins.load(Ordering::Acquire)
    }

    /// The digest of the bytes when they were loaded or last written to a frame.
    pub fn digest(&self) -> u64 {
        self.digest.load(Ordering::Acquire)
    }

    /// Lends the bytes, whatever state they are in, for inspection.
    pub fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        self.buffer.read(f)
    }

    /// The bytes, for an operation that reads into them.
    pub(crate) fn buffer(&self) -> &Arc<Buffer> {
        &self.buffer
    }

    pub(crate) fn begin_read(&self) {
        self.set(LOCKED);
    }

    pub(crate) fn end_read(&self, loaded: Option<u64>) {
        if let Some(digest) = loaded {
            self.digest.store(digest, Ordering::Release);
            self.set(LOADED);
        }
        self.clear(LOCKED);
    }

    pub(super) fn make_fresh(&self) {
        self.buffer.write(|bytes| bytes.fill(0));
        self.set(LOADED);
    }

    /// Returns whether the page was clean before.
    pub(super) fn make_dirty(&self) -> bool {
        self.clear(SPILLED | SPILLING);
        self.image_of.0.store(0, Ordering::Release);
        self.flags.fetch_or(DIRTY, Ordering::AcqRel) & DIRTY == 0
    }

    /// A write of the bytes as they are now begins.
    pub(super) fn begin_spill(&self) {
        self.set(SPILLING);
    }

    /// Whether nothing has changed since the spill of this page began.
    pub(super) fn is_spilling(&self) -> bool {
        self.has(SPILLING)
    }

    /// The page is exactly this frame of this generation: it is being read from there, or was written to it.
    pub(super) fn set_image_of(&self, salts: [u32; 2], frame: u32) {
        self.image_of.0.store(frame, Ordering::Release);
        self.image_of.1.store(joined(salts), Ordering::Release);
    }

    /// Whether the bytes are known to be those of this frame of this generation.
    pub(super) fn is_image_of(&self, salts: [u32; 2], frame: u32) -> bool {
        let known = (self.image_of.0.load(Ordering::Acquire), self.image_of.1.load(Ordering::Acquire));
        self.is_loaded() && !self.is_dirty() && known == (frame, joined(salts))
    }

    pub(super) fn written_to_frame(&self, committed: bool) {
        self.clear(DIRTY | SPILLED | SPILLING);
        if !committed {
            self.set(SPILLED);
        }
        self.digest.store(self.buffer.read(crate::digest::digest), Ordering::Release);
    }

    /// Gives a new page object the bytes and flags of a pre-image.
    pub(super) fn restore(&self, image: &[u8], dirty: bool, spilled: bool) {
        self.buffer.write(|bytes| bytes.copy_from_slice(image));
        self.digest.store(crate::digest::digest(image), Ordering::Release);
        let flags = LOADED | if dirty { DIRTY } else { 0 } | if spilled { SPILLED } else { 0 };
        self.flags.store(flags, Ordering::Release);
    }

    pub(super) fn forget_spill(&self) {
        self.clear(SPILLED);
    }
}

impl Hash for Page {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_identity(self, state);
        let Self { number, buffer, flags, pins, digest, image_of } = self;
        number.hash(state);
        buffer.hash(state);
        flags.load(Ordering::Acquire).hash(state);
        pins.load(Ordering::Acquire).hash(state);
        digest.load(Ordering::Acquire).hash(state);
        (image_of.0.load(Ordering::Acquire), image_of.1.load(Ordering::Acquire)).hash(state);
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({}, flags {:#06b}, pins {})", self.number, self.flags.load(Ordering::Relaxed), self.pins())
    }
}

/// A page that stays in the cache for as long as this lives.
#[derive(Debug, Hash)]
pub struct PinnedPage(Arc<Page>);

impl PinnedPage {
    pub(super) fn new(page: Arc<Page>) -> Self {
        page.pins.fetch_add(1, Ordering::AcqRel);
        Self(page)
    }

    pub(super) fn page(&self) -> &Arc<Page> {
        &self.0
    }

    /// The page number.
    pub fn number(&self) -> u32 {
        self.0.number
    }

    /// Lends the bytes.
    pub fn read<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        debug_assert!(self.0.is_loaded(), "PG-2: page {} is used before it is loaded", self.0.number);
        self.0.buffer.read(f)
    }

    /// Whether the page was changed since it was last written to a frame.
    pub(crate) fn is_dirty(&self) -> bool {
        self.0.is_dirty()
    }

    /// The page is exactly this frame of this generation.
    pub(crate) fn set_image_of(&self, salts: [u32; 2], frame: u32) {
        self.0.set_image_of(salts, frame);
    }

    /// Lends the bytes for change. The page must have been marked dirty.
    pub fn write<R>(&self, f: impl FnOnce(&mut [u8]) -> R) -> R {
        debug_assert!(self.0.is_dirty(), "page {} is changed before it is dirty", self.0.number);
        self.0.buffer.write(f)
    }
}

impl Clone for PinnedPage {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.0))
    }
}

impl Drop for PinnedPage {
    fn drop(&mut self) {
        self.0.pins.fetch_sub(1, Ordering::AcqRel);
    }
}
