//! Two-phase commit, after the TLA+ specification in Gray and Lamport, "Consensus on Transaction Commit" (2006): one
//! manager, participants that prepare or abort, messages that stay for ever.

use falken_harness::protocol::{Protocol, Step};
use falken_harness::verdict::Evidence;

/// A participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Participant {
    Working,
    Prepared,
    Committed,
    Aborted,
}

/// The manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Manager {
    Deciding,
    Committed,
    Aborted,
}

/// A state with `N` participants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TwoPhase<const N: usize> {
    pub participants: [Participant; N],
    pub manager: Manager,
    /// Whose message the manager has received, as bits.
    pub received: u16,
    /// Who has sent one, as bits.
    pub sent: u16,
    pub commit_sent: bool,
    pub abort_sent: bool,
}

/// What a participant does; the manager's own options are 0 and 1.
const PREPARE: u16 = 0;
const GIVE_UP: u16 = 1;
const HEAR_COMMIT: u16 = 2;
const HEAR_ABORT: u16 = 3;
/// The manager receives this participant's message.
const RECEIVE: u16 = 4;

impl<const N: usize> TwoPhase<N> {
    pub fn new() -> Self {
        Self {
            participants: [Participant::Working; N],
            manager: Manager::Deciding,
            received: 0,
            sent: 0,
            commit_sent: false,
            abort_sent: false,
        }
    }
}

impl<const N: usize> Protocol for TwoPhase<N> {
    #[inline]
    fn enabled(&self, steps: &mut Vec<Step>) {
        let manager = N as u8;
        for (actor, participant) in (0..).zip(&self.participants) {
            let mut add = |option| steps.push(Step { actor, option });
            if *participant == Participant::Working {
                add(PREPARE);
                add(GIVE_UP);
            }
            if self.commit_sent {
                add(HEAR_COMMIT);
            }
            if self.abort_sent {
                add(HEAR_ABORT);
            }
            if self.manager == Manager::Deciding && self.sent >> actor & 1 == 1 {
                add(RECEIVE);
            }
        }
        if self.manager == Manager::Deciding {
            steps.push(Step { actor: manager, option: 0 });
            if self.received == (1 << N) - 1 {
                steps.push(Step { actor: manager, option: 1 });
            }
        }
    }

    #[inline]
    fn step(&mut self, Step { actor, option }: Step) {
        let at = usize::from(actor);
        if at == N {
            match option {
                0 => (self.manager, self.abort_sent) = (Manager::Aborted, true),
                _ => (self.manager, self.commit_sent) = (Manager::Committed, true),
            }
            return;
        }
        match option {
            PREPARE => {
                self.participants[at] = Participant::Prepared;
                self.sent |= 1 << at;
            }
            GIVE_UP | HEAR_ABORT => self.participants[at] = Participant::Aborted,
            HEAR_COMMIT => self.participants[at] = Participant::Committed,
            _ => self.received |= 1 << at,
        }
    }

    #[inline]
    fn check(&self) -> Result<(), Evidence> {
        let any = |state| self.participants.contains(&state);
        if any(Participant::Committed) && any(Participant::Aborted) {
            return Err(Evidence::new("one participant has committed and another one has aborted"));
        }
        Ok(())
    }
}
