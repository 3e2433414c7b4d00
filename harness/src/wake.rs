//! Wakers of parked connections: who was woken since it parked.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use falken_models::io::Completion;

/// The waker of one connection.
#[derive(Debug, Default)]
struct Flag(AtomicBool);

/// How many members of a group (or: whether the completion itself) have finished.
fn progress(awaited: &Completion) -> usize {
    usize::from(awaited.finished()) + awaited.members().iter().filter(|member| member.finished()).count()
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// One waker per connection, made once.
pub struct Wakers(Vec<One>);

struct One {
    flag: Arc<Flag>,
    waker: Waker,
    /// The progress of what the connection waits for when it parked.
    at_park: usize,
}

impl Wakers {
    /// Wakers for this many connections.
    pub fn new(connections: u8) -> Self {
        let make = |_| {
            let flag = Arc::new(Flag::default());
            One { waker: Waker::from(Arc::clone(&flag)), flag, at_park: 0 }
        };
        Self((0..connections).map(make).collect())
    }

    /// The connection parks on `awaited`: forgets earlier wakes and registers its waker.
    pub fn park(&mut self, conn: u8, awaited: &Completion) {
        let one = &mut self.0[usize::from(conn)];
        one.flag.0.store(false, Ordering::Release);
        one.at_park = progress(awaited);
        awaited.set_waker(&one.waker);
    }

    /// Hashes what is known about a connection that is parked.
    pub fn hash_connection<H: Hasher>(&self, conn: u8, state: &mut H) {
        let One { flag, waker: _, at_park } = &self.0[usize::from(conn)];
        flag.0.load(Ordering::Acquire).hash(state);
        at_park.hash(state);
    }

    /// Whether the connection was woken since it parked.
    #[inline]
    pub fn woken(&self, conn: u8) -> bool {
        self.0[usize::from(conn)].flag.0.load(Ordering::Acquire)
    }

    /// Whether what the connection waits for has made progress since it parked.
    pub fn progressed(&self, conn: u8, awaited: &Completion) -> bool {
        progress(awaited) > self.0[usize::from(conn)].at_park
    }
}
