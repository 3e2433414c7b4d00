//! The HTML page as bytes; what it does in a browser is tested where the program is.

mod support;

use std::time::Instant;

use falken_reports::format;

/// What a page of 10,000 runs may weigh, and how long it may take.
const BYTES_MAX: usize = 5_000_000;
const SECONDS_MAX: u64 = 5;

#[test]
fn a_night_of_ten_thousand_runs_is_small_and_made_fast() {
    let report = support::night(10_000, 300);
    for entry in format::FORMATS {
        let started = Instant::now();
        let text = entry.format.write(&report);
        let elapsed = started.elapsed();
        println!("{}: {} bytes in {elapsed:?}", entry.name, text.len());
        assert!(text.len() < BYTES_MAX, "{}: {} bytes", entry.name, text.len());
        assert!(elapsed.as_secs() < SECONDS_MAX, "{}: {elapsed:?}", entry.name);
    }
}

#[test]
fn nothing_in_the_data_ends_the_element_that_holds_it() {
    let page = format::find("html").unwrap().format.write(&support::eventful());
    let count = |text: &str| page.matches(text).count();
    assert_eq!((count("<script"), count("</script>")), (2, 2));
    assert_eq!(count("<img"), 0);
    assert!(
        !page.contains("http://") && !page.contains("https://")
            || page.matches("http").count()
                == page.matches("http://www.w3.org/2000/svg").count() + page.matches("http-equiv").count(),
        "nothing is fetched"
    );
    let data = page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    let data: serde_json::Value = serde_json::from_str(data).expect("the data is JSON");
    assert!(data["night"]["notes"][0].as_str().unwrap().contains(support::HOSTILE));
}
