//! How the engine's wakers reach falken: the engine finishes completions of its own type, and the run loop waits for its own.

use std::sync::Arc;
use std::task::{Wake, Waker};

use falken_models::io::{Completion, IOCompletions};
use falken_models::sync::Mutex;

/// One for each slot of a connection. The engine rings it whenever what the slot's statement waits for has made progress.
pub struct Bell {
    clapper: Arc<Clapper>,
    /// Always the same task, so that the engine need not wake anybody to replace it.
    waker: Waker,
}

/// What is finished the next time the bell rings.
#[derive(Default)]
struct Clapper(Mutex<Option<Completion>>);

impl Default for Bell {
    fn default() -> Self {
        let clapper = Arc::<Clapper>::default();
        Self { waker: Waker::from(Arc::clone(&clapper)), clapper }
    }
}

impl Bell {
    /// The waker that rings it.
    pub fn waker(&self) -> &Waker {
        &self.waker
    }

    /// What is finished the next time it rings; asked for before the step that may wait.
    pub fn arm(&self) -> IOCompletions {
        let mut next = self.clapper.0.lock();
        IOCompletions::Single(next.get_or_insert_with(|| Completion::new_sync(|_| {})).clone())
    }
}

impl Wake for Clapper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let rung = self.0.lock().take();
        if let Some(completion) = rung {
            completion.complete(0);
        }
    }
}
