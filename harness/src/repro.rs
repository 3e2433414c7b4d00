//! Repro files.
