//! A repro as a Rust test that stays.

use falken_harness::repro::Repro;

/// Writes a file for a `tests/` directory of a crate that uses `falken-harness`. It passes as long as the failure is there if
/// the bug was planted, and as soon as it is gone if not.
pub fn write(repro: &Repro) -> String {
    let (invariant, summary) = repro.verdict.split_once(": ").unwrap_or((&repro.verdict, ""));
    let name: String = format!("{}_{invariant}_{:x}", repro.case.scenario.name, repro.case.seed)
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let expected = match repro.case.planted.0 {
        Some(bug) => format!("Some(\"{invariant}\"), \"`{}` is planted\"", bug.id()),
        None => "None".into(),
    };
    let text = repro.to_toml();
    // One more sign than the longest run of them behind a quote in the text.
    let fence =
        "#".repeat(1 + text.split('"').map(|part| part.len() - part.trim_start_matches('#').len()).max().unwrap_or(0));
    format!(
        "//! Written by `falken shrink --emit-test`.

use falken_harness::repro::Repro;

/// {summary}
#[test]
fn {name}() {{
    let repro = Repro::from_toml(REPRO).expect(\"a repro\");
    let report = repro.case.run();
    let broken = report.verdict.violation().map(|violation| violation.invariant);
    assert_eq!(broken, {expected});
}}

const REPRO: &str = r{fence}\"
{text}\"{fence};
"
    )
}
