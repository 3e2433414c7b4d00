//! A fixed number of buffers for writes, as an engine has that registers its memory with the kernel.

use std::hash::{Hash, Hasher};

use super::Buffer;
use crate::state::hash_identity;
use crate::sync::{Arc, Mutex};

/// Lends buffers to writes. A buffer belongs to the disk from submit until the kernel's terminal completion, also after a
/// cancel and after whoever submitted the write is gone; only then it comes back.
///
/// What it is not: memory for pages. A page is read into its own buffer, and stays there.
#[derive(Debug)]
pub struct BufferPool {
    /// `None` if there are as many as are wanted.
    free: Option<Mutex<Vec<Arc<Buffer>>>>,
    size: usize,
}

impl Hash for BufferPool {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // What a free buffer holds is overwritten before anybody looks; whether it is in flight as well, its identity tells.
        let Self { free, size: _ } = self;
        let free = free.iter().flat_map(|free| free.lock().clone());
        free.for_each(|buffer| hash_identity(&*buffer, state));
    }
}

impl BufferPool {
    /// A pool of `size` buffers; 0 is as many as are wanted.
    pub fn new(size: u16) -> Self {
        let free = (0..size).map(|_| Buffer::zeroed(0)).collect();
        Self { free: (size > 0).then(|| Mutex::new(free)), size: usize::from(size) }
    }

    /// Whether writes need its buffers; without a limit each keeps its own.
    pub(crate) fn is_bounded(&self) -> bool {
        self.free.is_some()
    }

    /// A buffer that holds the bytes of another one, if one is free.
    pub(crate) fn take(&self, wanted: &Buffer) -> Option<Arc<Buffer>> {
        let mut free = self.free.as_ref()?.lock();
        let len = wanted.len();
        let at = free.iter().rposition(|buffer| buffer.len() == len).or(free.len().checked_sub(1))?;
        let buffer = free.remove(at);
        let bytes = wanted.read(<[u8]>::to_vec);
        if buffer.len() == len {
            buffer.write(|old| old.copy_from_slice(&bytes));
            return Some(buffer);
        }
        // The memory is cut to another length, which it can be because nobody else has it.
        Some(Buffer::from_vec(bytes))
    }

    /// The kernel is done with a buffer.
    pub(crate) fn give_back(&self, buffer: Arc<Buffer>) {
        if let Some(free) = &self.free {
            free.lock().push(buffer);
        }
    }

    /// How many buffers are lent, for inspection.
    pub fn lent(&self) -> usize {
        self.free.as_ref().map_or(0, |free| self.size - free.lock().len())
    }
}

#[cfg(all(test, not(any(falken_loom, falken_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_lent_buffer_is_nobody_else_s_until_it_comes_back() {
        let pool = BufferPool::new(2);
        let take = |bytes: &[u8]| pool.take(&Buffer::from_vec(bytes.to_vec()));
        let (first, second) = (take(b"one").unwrap(), take(b"two").unwrap());
        assert!(take(b"six").is_none() && pool.lent() == 2);
        assert_eq!([&first, &second].map(|buffer| buffer.read(<[u8]>::to_vec)), [b"one", b"two"]);
        let kept = Arc::as_ptr(&first);
        pool.give_back(first);
        let again = take(b"six").unwrap();
        assert!(Arc::as_ptr(&again) == kept && again.read(|bytes| bytes == b"six"), "the same memory with new bytes");
        pool.give_back(again);
        assert_eq!(take(b"longer").unwrap().len(), 6);
        assert!(BufferPool::new(0).lent() == 0 && !BufferPool::new(0).is_bounded());
    }
}
