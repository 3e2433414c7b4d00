//! The engine's files: requests to falken's disk.

use std::sync::Arc;

use falken_models::disk::{FileId, Request};
use falken_models::io::Buffer as Bytes;
use turso_core::io::FileSyncType;
use turso_core::{Buffer, Completion, File, LimboError};

use crate::io::DiskIo;

/// One of the two files of a database.
pub struct DiskFile {
    pub io: Arc<DiskIo>,
    pub file: FileId,
}

impl DiskFile {
    fn write(&self, offset: u64, bytes: Vec<u8>, completion: Completion) -> Result<Completion, LimboError> {
        if bytes.is_empty() {
            completion.complete(0);
            return Ok(completion);
        }
        let request = Request::write(self.file, offset, Bytes::from_vec(bytes));
        self.io.submit(&request, "pwrite", completion, |_| {})
    }
}

impl File for DiskFile {
    // Locks between processes: there is one process.
    fn lock_file(&self, _exclusive: bool) -> Result<(), LimboError> {
        Ok(())
    }

    fn unlock_file(&self) -> Result<(), LimboError> {
        Ok(())
    }

    fn pread(&self, pos: u64, completion: Completion) -> Result<Completion, LimboError> {
        let into = completion.as_read().buf_arc();
        let buffer = Bytes::zeroed(into.len());
        let from = Arc::clone(&buffer);
        let request = Request::read(self.file, pos, buffer);
        self.io.submit(&request, "pread", completion, move |moved| {
            from.read(|bytes| into.as_mut_slice()[..moved as usize].copy_from_slice(&bytes[..moved as usize]));
        })
    }

    fn pwrite(&self, pos: u64, buffer: Arc<Buffer>, completion: Completion) -> Result<Completion, LimboError> {
        self.write(pos, buffer.as_slice().to_vec(), completion)
    }

    /// One operation, as for the kernel. The trait's default makes one of each buffer, and never ends when one of them fails.
    fn pwritev(&self, pos: u64, buffers: Vec<Arc<Buffer>>, completion: Completion) -> Result<Completion, LimboError> {
        let bytes: Vec<&[u8]> = buffers.iter().map(|buffer| buffer.as_slice()).collect();
        self.write(pos, bytes.concat(), completion)
    }

    fn sync(&self, completion: Completion, _kind: FileSyncType) -> Result<Completion, LimboError> {
        self.io.submit(&Request::Sync { file: self.file }, "fsync", completion, |_| {})
    }

    fn size(&self) -> Result<u64, LimboError> {
        Ok(self.io.disk().size(self.file))
    }

    fn truncate(&self, len: u64, completion: Completion) -> Result<Completion, LimboError> {
        self.io.submit(&Request::Truncate { file: self.file, len }, "truncate", completion, |_| {})
    }
}
