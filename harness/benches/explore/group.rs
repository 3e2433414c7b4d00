//! A completion group and the one who waits for it: each member counts down, the last one wakes; the waiter looks, leaves
//! its waker and sleeps. The planted race: it does not look again after it has left its waker.

use falken_harness::protocol::{Protocol, Step};
use falken_harness::verdict::Evidence;

/// What the waiter does when it has left its waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waiter {
    LooksAgain,
    DoesNot,
}

/// Where somebody stands: before its n-th access to what is shared.
type At = u8;

/// A member's accesses: count down, then, if it was the last one, take the waker.
const TAKE: At = 1;
const MEMBER_DONE: At = 2;
/// The waiter's: look, leave the waker, look again.
const LEAVE: At = 1;
const LOOK_AGAIN: At = 2;
const ASLEEP: At = 3;
const WAITER_DONE: At = 4;

/// A group of `N` members; actor `N` is the waiter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group<const N: usize> {
    kind: Waiter,
    pending: u8,
    waker_left: bool,
    members: [At; N],
    waiter: At,
}

impl<const N: usize> Group<N> {
    pub fn new(kind: Waiter) -> Self {
        Self { kind, pending: N as u8, waker_left: false, members: [0; N], waiter: 0 }
    }
}

impl<const N: usize> Protocol for Group<N> {
    fn enabled(&self, steps: &mut Vec<Step>) {
        let members = (0..).zip(&self.members).filter(|(_, at)| **at != MEMBER_DONE);
        steps.extend(members.map(|(actor, _)| Step::of(actor)));
        if self.waiter < ASLEEP {
            steps.push(Step::of(N as u8));
        }
    }

    fn step(&mut self, Step { actor, .. }: Step) {
        if usize::from(actor) == N {
            self.waiter = match self.waiter {
                0 | LOOK_AGAIN if self.pending == 0 => WAITER_DONE,
                0 => LEAVE,
                LEAVE => {
                    self.waker_left = true;
                    if self.kind == Waiter::LooksAgain { LOOK_AGAIN } else { ASLEEP }
                }
                _ => ASLEEP,
            };
            return;
        }
        let at = &mut self.members[usize::from(actor)];
        if *at == TAKE {
            *at = MEMBER_DONE;
            if std::mem::take(&mut self.waker_left) && self.waiter != WAITER_DONE {
                // Woken, it finds the group finished.
                self.waiter = WAITER_DONE;
            }
        } else {
            self.pending -= 1;
            *at = if self.pending == 0 { TAKE } else { MEMBER_DONE };
        }
    }

    fn check_end(&self) -> Result<(), Evidence> {
        if self.waiter == ASLEEP {
            return Err(Evidence::new("the group has finished and its waiter sleeps for ever"));
        }
        Ok(())
    }
}
