//! Bytes that an I/O operation reads from or writes to.

use std::hash::{Hash, Hasher};

use crate::state::hash_identity;
use crate::sync::{Arc, Mutex};

/// A block of bytes of fixed length, shared between whoever submitted an operation and the kernel.
///
/// An operation keeps its buffer alive by holding an [`Arc`] of it until the kernel's terminal completion, also after
/// an abort. Whoever submits a write must leave the bytes alone until then; the invariant *IO-5 buffer-lifetime*
/// compares the bytes at submit with those that the kernel takes.
#[derive(Debug)]
pub struct Buffer(Mutex<Box<[u8]>>);

impl Hash for Buffer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_identity(self, state);
        self.read(|bytes| bytes.hash(state));
    }
}

impl Buffer {
    /// A buffer of `len` zero bytes.
    pub fn zeroed(len: usize) -> Arc<Self> {
        Self::from_vec(vec![0; len])
    }

    /// A buffer that holds exactly `bytes`.
    pub fn from_vec(bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(bytes.into_boxed_slice())))
    }

    /// The length in bytes.
    #[allow(clippy::len_without_is_empty, reason = "an empty buffer is never submitted")]
    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Lends the bytes to `f`. `f` must not touch this buffer again.
    #[inline]
    pub fn read<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        f(&self.0.lock())
    }

    /// Lends the bytes to `f` for change. `f` must not touch this buffer again.
    #[inline]
    pub fn write<R>(&self, f: impl FnOnce(&mut [u8]) -> R) -> R {
        f(&mut self.0.lock())
    }
}
