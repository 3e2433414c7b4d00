//! The HTML report in a real browser. Skipped, with a message, where there is none; `FALKEN_BROWSER=required` makes that a failure.

mod driver;
#[path = "../../../reports/tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use driver::{Browser, END, ENTER, ESCAPE, HOME, LEFT, RIGHT};
use falken_reports::format;
use serde_json::json;

/// A page about a planted bug, made by the program as a user would.
fn page_of_a_planted_bug(dir: &Path) -> PathBuf {
    let page = dir.join("page.html");
    let output = Command::new(env!("CARGO_BIN_EXE_falken"))
        .args(["run", "--plant", "ckpt.ignores-read-marks", "--jobs", "1", "--repro-dir"])
        .arg(dir)
        .arg(format!("--report=html={}", page.display()))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    page
}

#[test]
fn a_person_can_step_through_a_violation() {
    let Some(browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    browser.open(&page_of_a_planted_bug(dir.path()));
    assert_eq!(browser.text("#verdict"), "violation");
    assert_eq!(browser.count("[data-group]"), 1);
    browser.click("[data-group] a.what");
    browser.wait("the timeline", "document.querySelector('#count')");
    lanes_and_steps(&browser);
    keys(&browser);
    filter(&browser);
    copying(&browser);
    themes(&browser);
    assert_eq!(
        browser.run("return performance.getEntriesByType('resource').length"),
        json!(0),
        "the page fetches nothing"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// The number of the action that the page shows, and of the last one.
fn position(browser: &Browser) -> (u64, u64) {
    let text = browser.text("#count");
    let mut numbers = text.split(' ').filter_map(|word| word.replace(',', "").parse().ok());
    (numbers.next().expect("action N"), numbers.next().expect("of M"))
}

fn lanes_and_steps(browser: &Browser) {
    let names = browser.text(".lanes .names");
    ["c0", "c1", "c2", "I/O", "log"].iter().for_each(|name| assert!(names.contains(name), "{names}"));
    assert_eq!(browser.count(".lanes rect.race"), 2, "both racing steps are marked");
    let (first, last) = position(browser);
    browser.click("#next");
    assert_eq!(position(browser), (first + 1, last));
    let now = browser.text("#now");
    browser.click("#prev");
    assert_eq!(position(browser), (first, last));
    assert_ne!(browser.text("#now"), now);
    browser.click("#last");
    assert_eq!(position(browser), (last, last));
    assert!(browser.text("#step").contains("Here the violation was noticed"));
    // The checkpointer overwrites what a reader relies on: that reader still holds its slot, shared.
    let locks = browser.text("#locks");
    assert!(locks.contains("c0 shared") && locks.contains("CKPTc2 exclusive"), "{locks}");
    let wal = browser.text("#wal");
    ["mxFrame", "nBackfill", "copy 0"].iter().for_each(|word| assert!(wal.contains(word), "{wal}"));
    assert!(browser.count("#frames .chip") > 0 && browser.count("#connections .chip") > 0);
    assert!(browser.run("return Boolean(document.querySelector('#next').disabled)") == json!(true));
}

fn keys(browser: &Browser) {
    browser.run("document.querySelector('.lanes .field').focus()");
    let (_, last) = position(browser);
    browser.keys(HOME);
    let (first, _) = position(browser);
    assert!(first < last);
    browser.keys(&format!("{RIGHT}{RIGHT}{LEFT}"));
    assert_eq!(position(browser), (first + 1, last));
    browser.keys(END);
    assert_eq!(position(browser), (last, last));
    browser.keys("r");
    assert!(browser.text("#step").contains("One of the two steps that race"));
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(browser.run(&format!("return {outline}")), json!("solid"), "focus is visible");
    browser.keys("?");
    browser.wait("the help", "document.querySelector('#help').open");
    browser.keys(ESCAPE);
    browser.wait("the help to close", "!document.querySelector('#help').open");
    let unnamed = "[...document.querySelectorAll('button, input, svg[role=img]')]
        .filter((e) => !e.getAttribute('aria-label') && !e.textContent.trim()).length";
    assert_eq!(browser.run(&format!("return {unnamed}")), json!(0), "everything that acts has a name");
}

fn filter(browser: &Browser) {
    browser.keys(&format!("{HOME}/"));
    browser.keys(&format!("publish{ENTER}"));
    assert!(browser.text("#found").contains("step"), "{}", browser.text("#found"));
    assert!(browser.text("#events li.match").contains("PUBLISH"));
    assert!(browser.count(".lanes .event.off") > 0, "other events step back");
    browser.keys(ESCAPE);
    assert_eq!(browser.count("#events li.match"), 0);
    let shown = browser.count("#events li");
    browser.click("[data-family=log]");
    assert!(browser.count("#events li") < shown, "a family can be hidden");
    browser.click("[data-family=log]");
    assert_eq!(browser.count("#events li"), shown);
}

fn copying(browser: &Browser) {
    let copied = |button: &str, expected: &str| {
        browser.click(button);
        browser
            .wait("the word that it was copied", "document.querySelector('#toast').textContent.startsWith('Copied')");
        browser.run("document.querySelector('#filter').value = ''");
        browser.click("#filter");
        browser.paste();
        let pasted = browser.run("return document.querySelector('#filter').value");
        // A field of one line takes no line ends: what is compared are the words.
        let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
        assert_eq!(words(pasted.as_str().unwrap()), words(expected));
        browser.keys(ESCAPE);
    };
    copied("[data-copy='the replay command']", &browser.text("#replay"));
    assert!(browser.text("#replay").contains(" replay "));
    browser.click("details summary");
    copied("[data-copy='the test']", &browser.text("#test"));
    assert!(browser.text("#test").contains("#[test]"));
}

fn themes(browser: &Browser) {
    let colour = || browser.run("return getComputedStyle(document.body).backgroundColor");
    let before = colour();
    browser.click("#theme");
    assert_ne!(colour(), before);
    browser.keys("t");
    assert_eq!(colour(), before);
}

#[test]
fn hostile_text_is_shown_and_not_obeyed() {
    let Some(browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("hostile.html");
    fs::write(&page, format::find("html").unwrap().format.write(&support::eventful())).unwrap();
    browser.open(&page);
    let markup = "return document.scripts.length + ' ' + document.images.length";
    assert_eq!(browser.run(markup), json!("2 0"));
    let first = browser.text("[data-group] a.what");
    assert!(first.contains("<img src=x onerror=alert(2)>"), "{first}");
    // Opening a violation, too, treats every text as text.
    browser.click("[data-group] a.what");
    browser.wait("the violation", "document.querySelector('#tape')");
    assert_eq!(browser.run(markup), json!("2 0"));
    assert!(browser.text("#tape").contains("</script>"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn what_is_no_batch_of_runs_has_a_page_too() {
    let Some(browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let [search, racing, kills] = support::without_runs();
    let open = |name: &str, report| {
        let page = dir.path().join(name);
        fs::write(&page, format::find("html").unwrap().format.write(report)).unwrap();
        browser.open(&page);
        browser.text("#verdict")
    };
    assert_eq!(open("search.html", &search), "violation");
    assert!(browser.text("#figures").contains("4,503"), "{}", browser.text("#figures"));
    assert_eq!(open("racing.html", &racing), "violation");
    browser.click("[data-group] a.what");
    browser.wait("what the threads did", "document.querySelectorAll('#racing tbody tr').length === 2");
    assert!(browser.text("#racing").contains("</script>"));
    assert_eq!(open("kills.html", &kills), "survivors");
    assert_eq!(browser.count("[data-bug]"), 2);
    let survivor = browser.text("[data-bug='b.bug']");
    assert!(survivor.contains("survived") && survivor.contains("none"), "{survivor}");
    assert_eq!(browser.run("return document.scripts.length + ' ' + document.images.length"), json!("2 0"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn ten_thousand_runs_open_fast() {
    let Some(browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("large.html");
    fs::write(&page, format::find("html").unwrap().format.write(&support::night(10_000, 60))).unwrap();
    let started = Instant::now();
    browser.open(&page);
    browser.wait("the groups", "document.querySelectorAll('[data-group]').length === 60");
    // A crowded machine is slow; a page that is slow by itself takes far longer.
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    browser.keys("jj");
    assert_eq!(
        browser.run("return document.querySelectorAll('.group.current')[0].dataset.group"),
        json!("wal-1-0123abcd")
    );
    browser.keys(ENTER);
    browser.wait("the second violation", "location.hash.includes('wal-1-')");
}
