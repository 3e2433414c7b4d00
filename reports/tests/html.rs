//! The HTML page as bytes; what it does in a browser is tested where the program is.

mod support;

use std::fs;
use std::time::Instant;

use falken_harness::repro::Repro;
use falken_reports::format;

/// What a page of 10,000 runs may weigh, and how long it may take.
const BYTES_MAX: usize = 5_000_000;
const SECONDS_MAX: u64 = 5;

#[test]
fn a_night_of_ten_thousand_runs_is_small_and_made_fast() {
    let mut report = support::night(10_000, 300);
    let repro = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/regressions/ckpt.ignores-read-marks.toml");
    let repro = Repro::from_toml(&fs::read_to_string(repro).unwrap()).unwrap();
    let recording = repro.case.record().1;
    let groups = report.night.facts.groups.iter().map(|group| group.id.clone());
    report.recordings = groups.map(|id| (id, recording.clone())).collect();
    for entry in format::FORMATS {
        let started = Instant::now();
        let text = entry.format.write(&report);
        let elapsed = started.elapsed();
        println!("{}: {} bytes in {elapsed:?}", entry.name, text.len());
        // A trace holds every event of every recording, and is read by a program.
        assert!(text.len() < BYTES_MAX || entry.name == "perfetto", "{}: {} bytes", entry.name, text.len());
        assert!(elapsed.as_secs() < SECONDS_MAX, "{}: {elapsed:?}", entry.name);
    }
    // Timelines beyond what a page should weigh are left out, and named.
    let data = data(&format::find("html").unwrap().format.write(&report));
    let shown = data["timelines"].as_object().unwrap().len();
    assert!(shown > 100, "{shown} timelines");
    assert_eq!(shown + data["omitted"].as_array().unwrap().len(), 300);
}

/// The JSON in a page.
fn data(page: &str) -> serde_json::Value {
    let data = page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    serde_json::from_str(data).expect("the data is JSON")
}

#[test]
fn nothing_in_the_data_ends_the_element_that_holds_it() {
    for report in support::without_runs().into_iter().chain([support::eventful()]) {
        let page = format::find("html").unwrap().format.write(&report);
        let count = |text: &str| page.matches(text).count();
        assert_eq!((count("<script"), count("</script>")), (2, 2));
        assert_eq!(count("<img"), 0);
        // The only addresses are a namespace and the name of a header; neither is fetched.
        let known = count("http://www.w3.org/2000/svg") + count("http-equiv");
        assert_eq!(count("http"), known);
        let data = data(&page);
        assert!(data["night"]["notes"][0].as_str().unwrap().contains(support::HOSTILE));
    }
}
