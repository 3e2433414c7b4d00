//! HTML: one page that needs nothing else, neither a network nor a server. It holds the whole report as JSON, and a script
//! that draws it.
//!
//! The data stands in a `<script type="application/json">`, where no `<` may occur; the page's own script puts every text
//! into the document as text, never as markup.

use serde_json::{Map, Value, json};

use super::{Report, ReportFormat};
use crate::night::Point;
use crate::{Night, timeline, words};

/// The format.
pub struct Html;

/// Bytes of timelines in one page. What is beyond is left out, and the page says so: a page should open at once.
const TIMELINES_MAX: usize = 3 << 20;
/// Points of a curve: more than a screen has room for.
const POINTS_MAX: usize = 400;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPTS: [&str; 6] = [
    include_str!("html/dom.js"),
    include_str!("html/night.js"),
    include_str!("html/violation.js"),
    include_str!("html/lanes.js"),
    include_str!("html/state.js"),
    include_str!("html/main.js"),
];

impl ReportFormat for Html {
    fn write(&self, report: &Report) -> String {
        let mut timelines = Map::new();
        let mut omitted = Vec::new();
        let mut room = TIMELINES_MAX;
        for group in &report.night.facts.groups {
            let Some(recording) = report.recordings.get(&group.id) else { continue };
            let timeline = timeline::json(recording);
            let length = timeline.to_string().len();
            if length <= room {
                room -= length;
                timelines.insert(group.id.clone(), timeline);
            } else {
                omitted.push(group.id.as_str());
            }
        }
        let night = thinned(&report.night);
        let verdict = night.verdict();
        let data = json!({
            "night": night,
            "verdict": verdict,
            "subject": words::subject(&night),
            "figures": words::figures(&night),
            "not_proved": words::not_proved(&night),
            "timelines": timelines,
            "omitted": omitted,
        });
        let title = format!("falken {}: {verdict}", night.plan.command);
        fill(&[
            ("{{title}}", &text(&title)),
            ("{{style}}", STYLE),
            ("{{data}}", &embedded(&data)),
            ("{{script}}", &SCRIPTS.concat()),
        ])
    }
}

/// Fills the template in one pass, so that nothing that was filled in is taken for a place to fill.
fn fill(places: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = PAGE;
    for (place, content) in places {
        let (before, after) = rest.split_once(place).expect("the template has its places, in this order");
        out.push_str(before);
        out.push_str(content);
        rest = after;
    }
    out + rest
}

/// Text in HTML.
fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// JSON in a script element: what could end the element is written as an escape.
fn embedded(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// The night with curves that have no more points than can be seen.
fn thinned(night: &Night) -> Night {
    let mut night = night.clone();
    let points = std::mem::take(&mut night.timing.points);
    let every = points.len().div_ceil(POINTS_MAX).max(1);
    let last = points.len().saturating_sub(1);
    let kept = points.into_iter().enumerate().filter(|(at, _)| at % every == 0 || *at == last);
    night.timing.points = kept.map(|(_, point)| point).collect::<Vec<Point>>();
    night
}
