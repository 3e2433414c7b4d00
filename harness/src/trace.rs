//! The last events of a run, for whoever reads a violation, and the rolling hash of all of them.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use falken_models::digest::mix;
use falken_models::event::Event;

/// How many events are kept.
const KEPT: usize = 400;

/// An event and the action during which it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The action, from 1.
    pub step: u64,
    /// The event.
    pub event: Event,
}

/// Keeps the last events and folds all of them into one hash.
#[derive(Debug, Default)]
pub struct Trace {
    last: VecDeque<Traced>,
    hash: RunHash,
}

impl Trace {
    /// Takes an event in.
    #[inline]
    pub fn note(&mut self, step: u64, event: Event) {
        event.hash(&mut self.hash);
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(Traced { step, event });
    }

    /// The hash of every event so far; the digests of all I/O bytes are among them.
    pub fn hash(&self) -> u64 {
        self.hash.0
    }

    /// The events of one of the last actions.
    pub fn of(&self, step: u64) -> Vec<Event> {
        let of_step =
            self.last.iter().rev().skip_while(|traced| traced.step > step).take_while(|traced| traced.step == step);
        let mut events: Vec<Event> = of_step.map(|traced| traced.event).collect();
        events.reverse();
        events
    }

    /// The last events, oldest first.
    pub fn into_last(self) -> Vec<Traced> {
        self.last.into()
    }
}

/// A hasher whose result is part of repro files: the same on every machine and in every build.
#[derive(Debug, Default)]
pub struct RunHash(u64);

impl Hasher for RunHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.0 = mix(self.0, value);
    }

    #[inline]
    fn write_i64(&mut self, value: i64) {
        self.write_u64(value.cast_unsigned());
    }

    #[inline]
    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }

    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
}
