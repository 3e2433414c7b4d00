//! What became of damaged runs, in words and as JSON.

use std::fmt::Write;

use falken_harness::fault::Damage;
use serde_json::{Value, json};

use crate::text::grouped;

/// Lines for people; none if there was no damage.
pub fn write(out: &mut String, damage: &Damage) {
    for (fault, runs) in &damage.runs {
        let _ =
            writeln!(out, "  damage      {} in {} runs: detection is owed, not survival", fault.key(), grouped(*runs));
    }
    for ((fault, invariant), runs) in &damage.detected {
        let (key, runs) = (fault.key(), grouped(*runs));
        let _ = writeln!(out, "  detected    {runs} times by {invariant}, which {key} explains");
    }
    if !damage.runs.is_empty() {
        let _ =
            writeln!(out, "  undetected  {} damaged runs in which nothing was noticed", grouped(damage.undetected()));
    }
}

/// The same for programs.
pub fn json(damage: &Damage) -> Value {
    let runs: Vec<Value> =
        damage.runs.iter().map(|(fault, runs)| json!({"fault": fault.key(), "runs": runs})).collect();
    let detected = damage
        .detected
        .iter()
        .map(|((fault, invariant), runs)| json!({"fault": fault.key(), "invariant": invariant, "runs": runs}));
    let detected: Vec<Value> = detected.collect();
    json!({"damaged": runs, "detected": detected, "undetected": damage.undetected()})
}
