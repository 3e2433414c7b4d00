//! Wakers of parked statements: who was woken since it parked.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use falken_models::connection::StatementId;
use falken_models::io::Completion;
use falken_models::session::STATEMENT_SLOTS;

/// Which statements of a connection were woken. A connection is one task: when something that one of its statements waits
/// for has finished, all of them look at what they wait for.
#[derive(Debug, Default)]
struct Flags([AtomicBool; STATEMENT_SLOTS]);

/// How many members of a group (or: whether the completion itself) have finished.
fn progress(awaited: &Completion) -> usize {
    usize::from(awaited.finished()) + awaited.members().iter().filter(|member| member.finished()).count()
}

impl Wake for Flags {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.iter().for_each(|flag| flag.store(true, Ordering::Release));
    }
}

/// One waker per connection, made once.
pub struct Wakers(Vec<One>);

struct One {
    flags: Arc<Flags>,
    waker: Waker,
    /// The progress of what each statement waits for when it parked.
    at_park: [usize; STATEMENT_SLOTS],
}

impl Wakers {
    /// Wakers for this many connections.
    pub fn new(connections: u8) -> Self {
        let make = |_| {
            let flags = Arc::new(Flags::default());
            One { waker: Waker::from(Arc::clone(&flags)), flags, at_park: Default::default() }
        };
        Self((0..connections).map(make).collect())
    }

    /// A statement parks on `awaited`: forgets its earlier wakes and registers its connection's waker.
    pub fn park(&mut self, id: StatementId, awaited: &Completion) {
        let one = &mut self.0[usize::from(id.conn)];
        one.flags.0[usize::from(id.slot)].store(false, Ordering::Release);
        one.at_park[usize::from(id.slot)] = progress(awaited);
        awaited.set_waker(&one.waker);
    }

    /// Hashes what is known about a statement that is parked.
    pub fn hash_statement<H: Hasher>(&self, id: StatementId, state: &mut H) {
        let One { flags, waker: _, at_park } = &self.0[usize::from(id.conn)];
        flags.0[usize::from(id.slot)].load(Ordering::Acquire).hash(state);
        at_park[usize::from(id.slot)].hash(state);
    }

    /// Whether the statement was woken since it parked.
    #[inline]
    pub fn woken(&self, id: StatementId) -> bool {
        self.0[usize::from(id.conn)].flags.0[usize::from(id.slot)].load(Ordering::Acquire)
    }

    /// Whether what the statement waits for has made progress since it parked.
    pub fn progressed(&self, id: StatementId, awaited: &Completion) -> bool {
        progress(awaited) > self.0[usize::from(id.conn)].at_park[usize::from(id.slot)]
    }
}
