//! Wakers of parked connections: who was woken since it parked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

/// The waker of one connection.
#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// One waker per connection, made once.
pub struct Wakers(Vec<(Arc<Flag>, Waker)>);

impl Wakers {
    /// Wakers for this many connections.
    pub fn new(connections: u8) -> Self {
        let make = |_| {
            let flag = Arc::new(Flag::default());
            (Arc::clone(&flag), Waker::from(flag))
        };
        Self((0..connections).map(make).collect())
    }

    /// The connection parks: forgets earlier wakes and gives the waker to register.
    pub fn park(&self, conn: u8) -> &Waker {
        let (flag, waker) = &self.0[usize::from(conn)];
        flag.0.store(false, Ordering::Release);
        waker
    }

    /// Whether the connection was woken since it parked.
    #[inline]
    pub fn woken(&self, conn: u8) -> bool {
        self.0[usize::from(conn)].0.0.load(Ordering::Acquire)
    }
}
