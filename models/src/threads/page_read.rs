//! A page that is being read: whoever sees that the read has ended sees the page as its callback left it, and whoever sees
//! that the page is loaded sees its bytes.

use super::Stage;
use super::stage::End;
use crate::digest::digest;
use crate::io::{Buffer, Completion};
use crate::pager::Page;
use crate::sync::{Arc, race};

const BYTES: usize = 4;

/// A device fills the page's buffer and ends the read, while the connection looks at the page.
pub(super) fn observer(stage: &Stage) {
    let page = Page::new(1, BYTES);
    page.begin_read();
    let loading = Arc::clone(&page);
    let notes = stage.clone();
    let loaded = move |result: Result<(Arc<Buffer>, i32), _>| {
        loading.end_read(result.ok().map(|(buffer, _)| buffer.read(digest)));
        notes.note("callback", || "the page is loaded".into());
    };
    let completion = Completion::new_read_planted(stage.planted, Arc::clone(page.buffer()), loaded);
    let (device, ended, filled) = (stage.clone(), completion.clone(), Arc::clone(&page));
    let body = Box::new(move || {
        filled.buffer().write(|bytes| bytes.fill(7));
        device.end("device", &ended, End::Complete(BYTES as i32));
    });
    race(vec![body], || {
        let finished = completion.finished();
        // In this order: a read that ends between the two looks has loaded the page by the second one.
        let is_locked = page.is_locked();
        let is_loaded = page.is_loaded();
        stage.note("waiter", || format!("finished {finished}, loaded {is_loaded}, locked {is_locked}"));
        assert!(!finished || is_loaded, "IO-2: the read has ended, and its page is not loaded");
        assert!(is_locked || is_loaded, "PG-2: the page is neither loaded nor being read");
        if is_loaded {
            let right = digest(&[7; BYTES]);
            assert_eq!((page.digest(), page.with_bytes(digest)), (right, right), "PG-2: loaded before its bytes");
        }
    });
    assert!(page.is_loaded() && !page.is_locked(), "PG-2: the page stays as if it were being read");
}
