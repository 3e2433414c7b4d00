//! Why an I/O operation did not succeed.

use thiserror::Error;

/// The terminal failure of a [`Completion`](super::Completion).
///
/// An error says nothing about the effect: a failed write may have left any part of itself in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[repr(u32)]
pub enum CompletionError {
    /// The device reported a hardware error (`EIO`).
    #[error("i/o error (EIO)")]
    Io = 1,
    /// The device is full (`ENOSPC`).
    #[error("no space left on device (ENOSPC)")]
    NoSpace = 2,
    /// The waiter gave up; the kernel may still be working on the operation.
    #[error("aborted by its waiter")]
    Aborted = 3,
    /// The kernel confirmed that it cancelled the operation.
    #[error("cancelled by the kernel")]
    Cancelled = 4,
    /// Fewer bytes than asked for were there to read.
    #[error("short read")]
    ShortRead = 5,
    /// Fewer bytes than asked for were written.
    #[error("short write")]
    ShortWrite = 6,
}

impl CompletionError {
    /// Every error, in the order of their codes.
    pub const ALL: [Self; 6] =
        [Self::Io, Self::NoSpace, Self::Aborted, Self::Cancelled, Self::ShortRead, Self::ShortWrite];

    /// The non-zero code under which an atomic word stores this error.
    pub(super) fn code(self) -> u32 {
        self as u32
    }

    /// The error with this code; `None` for 0 and for codes that [`code`](Self::code) never returns.
    pub(super) fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.code() == code)
    }
}
