//! falken-harness: drives a subject through schedules and faults that it chooses, and judges what it sees.
//!
//! Data flows one way: a [`scenario`] says what is run; the run loop ([`run`]) *selects* an [`action`] by asking
//! [`choice`]s of a [`strategy`], *applies* it to the [`subject`], and *checks*: the [`ledger`] keeps the truth that the
//! events imply, [`invariant`]s compare the subject with it, and at crashes and at the end a [`parser`] that shares no
//! code with the models reads the files, and all the [`image`]s that a power loss can leave. What comes out is a [`verdict`] and, for a failure, a [`repro`].
//!
//! Beside that stand a [`history`] of client calls, from whatever tester, and the [`check`]s that judge it offline.
//!
//! This crate never prints, knows no SQL and no catalogue entry; `random` is its only source of randomness.
//!
//! Start reading at [`run::Run::go`].

pub mod action;
pub mod case;
pub mod check;
pub mod choice;
pub mod client;
pub mod explore;
pub mod fault;
pub mod history;
pub mod image;
pub mod invariance;
pub mod invariant;
pub mod ledger;
pub mod parser;
pub mod probe;
pub mod protocol;
pub mod random;
pub mod recording;
pub mod repro;
pub mod run;
pub mod scenario;
pub mod shrink;
pub mod strategy;
pub mod subject;
pub mod sweep;
pub mod trace;
pub mod verdict;
pub mod verify;
pub mod wake;
