//! Numbered pieces of work on several threads: the one place that starts threads for runs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam::channel;

/// Does pieces of work 0, 1, 2, … on `jobs` threads, and hands each result over as soon as it is there, on this thread.
///
/// `start` makes what a thread keeps for itself. `work` returns `None` when there is nothing more to do for its thread.
///
/// # Panics
/// If `work` does.
pub fn in_parallel<W, R: Send>(
    jobs: usize,
    start: &(dyn Fn(usize) -> W + Sync),
    work: &(dyn Fn(&mut W, u64) -> Option<R> + Sync),
    mut take: impl FnMut(u64, R),
) {
    let next = AtomicU64::new(0);
    // A short queue keeps memory flat when the receiver is slower than the work.
    let (sender, receiver) = channel::bounded(jobs * 2);
    crossbeam::thread::scope(|scope| {
        for job in 0..jobs {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move |_| {
                let mut own = start(job);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(result) = work(&mut own, number) else { return };
                    if sender.send((number, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        receiver.into_iter().for_each(|(number, result)| take(number, result));
    })
    .expect("a piece of work catches its panics");
}

/// Does pieces of work 0 to `total` on `jobs` threads and gives their results in order. `progress` is told, on this thread,
/// how many are done.
///
/// # Panics
/// If `work` does.
pub fn in_order<R: Send>(
    total: usize,
    jobs: usize,
    work: impl Fn(usize) -> R + Sync,
    progress: impl FnMut(u64),
) -> Vec<R> {
    let results = in_order_until(&AtomicBool::new(false), total, jobs, work, progress);
    results.into_iter().map(|result| result.expect("every piece has been done")).collect()
}

/// The same until somebody says stop: pieces that were not begun by then have no result.
///
/// # Panics
/// If `work` does.
pub fn in_order_until<R: Send>(
    stop: &AtomicBool,
    total: usize,
    jobs: usize,
    work: impl Fn(usize) -> R + Sync,
    mut progress: impl FnMut(u64),
) -> Vec<Option<R>> {
    let mut results: Vec<Option<R>> = (0..total).map(|_| None).collect();
    let mut done = 0;
    let goes_on = |number: u64| number < total as u64 && !stop.load(Ordering::Relaxed);
    let piece = |(): &mut (), number: u64| goes_on(number).then(|| work(number as usize));
    in_parallel(jobs, &|_| (), &piece, |number, result| {
        results[number as usize] = Some(result);
        done += 1;
        progress(done);
    });
    results
}
