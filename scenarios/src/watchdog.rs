//! Calls of an engine that do not return. A loop inside one step cannot be asked to end, so somebody with a clock looks on.
//!
//! The models need nobody: their steps end. What this does not see: an engine that waits for ever outside its own calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use falken_harness::subject::Pulse;
use falken_harness::verdict::{Evidence, Violation};

/// How often somebody looks.
const EVERY: Duration = Duration::from_millis(100);

/// Does `work`; `hangs` is told the seed of a run whose engine has not returned from a call for `limit`, on another thread
/// and once for each call. It can end the process, and nothing else helps.
pub fn watched<T>(limit: Duration, hangs: impl Fn(u64) + Sync, work: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut since = BTreeMap::new();
            while !is_over.load(Ordering::Relaxed) {
                look(&mut since, limit, &hangs);
                thread::park_timeout(EVERY);
            }
        });
        let _over = Over(&is_over, watch.thread());
        work()
    })
}

/// What such a run has broken.
pub fn violation(limit: Duration) -> Violation {
    let summary = format!("a call of the engine has not returned for {} seconds", limit.as_secs_f64());
    Violation { invariant: "LIVE-3", step: 0, evidence: Evidence::new(summary) }
}

/// A call, by the process and its number, since when it has been under way, and whether somebody was told.
type Since = BTreeMap<(usize, u64), (Instant, bool)>;

fn look(since: &mut Since, limit: Duration, hangs: &impl Fn(u64)) {
    let pulses = Pulse::all();
    let under_way = |pulse: &Arc<Pulse>| Some(((Arc::as_ptr(pulse) as usize, pulse.call()?), pulse.seed));
    let calls: BTreeMap<(usize, u64), u64> = pulses.iter().filter_map(under_way).collect();
    since.retain(|call, _| calls.contains_key(call));
    for (call, seed) in calls {
        let (begun, is_told) = since.entry(call).or_insert_with(|| (Instant::now(), false));
        if !*is_told && begun.elapsed() >= limit {
            *is_told = true;
            hangs(seed);
        }
    }
}

/// Ends the watch, however the work ends.
struct Over<'a>(&'a AtomicBool, &'a Thread);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.unpark();
    }
}
