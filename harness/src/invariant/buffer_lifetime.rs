//! From submit to the terminal completion nobody else writes an operation's buffer.

use falken_models::disk::IoKind;
use falken_models::event::{Event, EventKind};

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct BufferLifetime;

impl Invariant for BufferLifetime {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        let EventKind::Finish { op, file, io: IoKind::Write, offset, len, digest, submit_digest, .. } = event.kind else {
            return Ok(());
        };
        if digest == submit_digest {
            return Ok(());
        }
        let summary = format!("the bytes of write {} changed between its submit and its completion", op.0);
        let range = format!("{} bytes {offset}..{}", file.name(), offset + u64::from(len));
        Err(Evidence::new(summary).with("range", range).with("digests", format!("{submit_digest:016x}, then {digest:016x}")))
    }
}
