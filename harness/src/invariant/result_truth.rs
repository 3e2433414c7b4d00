//! `succeeded` is true only for a terminal ok.

use falken_models::disk::IoResult;
use falken_models::event::{Event, EventKind};

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct ResultTruth;

impl Invariant for ResultTruth {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        let EventKind::Callback { op, accepted: true, claims_success, result, .. } = event.kind else { return Ok(()) };
        if claims_success == matches!(result, IoResult::Ok(_)) {
            return Ok(());
        }
        let summary = format!("operation {} ended with {result:?}, but its completion claims success: {claims_success}", op.0);
        Err(Evidence::new(summary).with("operation", op.0))
    }
}
