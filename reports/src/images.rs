//! What crash images have covered, in words and as JSON.

use std::fmt::Write;

use falken_harness::image::{Coverage, Explored, Raw};
use serde_json::{Value, json};

use crate::text::grouped;

/// Lines for people.
pub fn write(out: &mut String, coverage: &Coverage) {
    if coverage.first.barriers > 0 {
        line(out, "images", &coverage.first);
    }
    if coverage.process.barriers > 0 {
        let _ = writeln!(out, "  the process crashing instead of the power failing:");
        line(out, "  images", &coverage.process);
    }
    if coverage.went_on > 0 {
        let _ = writeln!(out, "  going on    from {} recovered classes; their crashes:", grouped(coverage.went_on));
        line(out, "  images", &coverage.second);
    }
    if coverage.collisions > 0 {
        let images = grouped(coverage.collisions);
        let _ = writeln!(
            out,
            "  collisions  {images} images not judged: the log's checksum takes an old page for the one written"
        );
    }
}

fn line(out: &mut String, name: &str, e: &Explored) {
    let _ = writeln!(
        out,
        "  {name:10}  {} of {} ({}) at {} moments: {} exhaustive, {} reduced, {} cut off",
        grouped(e.images),
        count(e.raw),
        percent(e.share()),
        grouped(e.barriers),
        grouped(e.exhaustive),
        grouped(e.reduced),
        grouped(e.cut),
    );
    let (distinct, recovered) = (grouped(e.distinct), grouped(e.recovered));
    let states = grouped(e.states);
    let _ = writeln!(out, "  {:10}  {distinct} distinct, {recovered} recovered, {states} different states", "");
}

/// An exact number, or its magnitude.
fn count(raw: Raw) -> String {
    match raw.exact().map(u64::try_from) {
        Some(Ok(exact)) => grouped(exact),
        _ => format!("10^{:.1}", raw.log10()),
    }
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent >= 99.95 && share < 1.0 => "99.9 %".into(),
        percent if percent >= 0.1 => format!("{percent:.1} %").replace(".0 %", " %"),
        percent if percent > 0.0 => format!("10^{:.1} %", percent.log10()),
        _ => "0 %".into(),
    }
}

/// The same for programs. `raw` is null where it is beyond 64 bits; `raw_log10` is always there unless it is zero.
pub fn json(coverage: &Coverage) -> Value {
    let explored = |e: &Explored| {
        json!({
            "barriers": e.barriers,
            "barriers_exhaustive": e.exhaustive,
            "barriers_reduced": e.reduced,
            "barriers_cut_off": e.cut,
            "raw": e.raw.exact().and_then(|raw| u64::try_from(raw).ok()),
            "raw_log10": e.raw.log10(),
            "explored": e.images,
            "coverage": e.share(),
            "distinct": e.distinct,
            "recovered": e.recovered,
            "states": e.states,
        })
    };
    json!({
        "first": explored(&coverage.first),
        "process": explored(&coverage.process),
        "went_on": coverage.went_on,
        "second": explored(&coverage.second),
        "collisions": coverage.collisions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_integer_holds_keep_their_magnitude() {
        let huge = (0..300).fold(Raw::ONE, |raw, _| raw.times(2));
        assert_eq!((count(Raw::ONE.times(4096)), count(huge)), ("4,096".into(), "10^90.3".into()));
        let shares = [1.0, 0.999_999, 0.5, 1e-8, 0.0].map(percent);
        assert_eq!(shares, ["100 %", "99.9 %", "50 %", "10^-6.0 %", "0 %"]);
    }
}
