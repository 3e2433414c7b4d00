//! Scenarios whose clients run programs: validation, and what a run makes of them.

use falken_harness::run::{Run, RunReport, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy::Random;
use falken_models::bug::Planted;
use falken_models::event::{Actor, EventKind, StatementKind};

fn scenario(text: &str) -> Result<Scenario, String> {
    Scenario::from_toml(&format!("name = \"test\"\nabout = \"test\"\n{text}")).map_err(|error| error.to_string())
}

fn run(scenario: &Scenario) -> RunReport {
    let strategy = Box::new(Random::new(3));
    Run::models(scenario, Settings { seed: 3, planted: Planted(None), strategy, oracle: None }).go()
}

#[test]
fn a_client_needs_a_mix_or_a_program_and_cannot_have_both() {
    for (clients, part) in [
        ("[[clients]]\ncount = 1", "`clients[0]` needs a `mix`"),
        ("[[clients]]\ncount = 1\nmix = { get = 1 }\nprogram = [\"scan\"]", "`clients[0]` has a `mix` and a `program`"),
        ("[[clients]]\ncount = 1\nprogram = [\"get 1\", \"get\"]", "`clients[0].program[1]` is `get`"),
        ("setup = [\"commit\"]\n[[clients]]\ncount = 1\nprogram = [\"scan\"]", "`setup[0]` is `commit` outside"),
    ] {
        let error = scenario(clients).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_program_runs_once_after_the_setup_and_survives_a_repro_file() {
    // Without switches after every access, the last events that a report keeps are all of them.
    let text = "setup = [\"put 1 a\", \"put 2 b\"]\n[[clients]]\ncount = 2\nprogram = [\"get 1\", \"begin\", \"put 1 c\", \"commit\"]\n[schedule]\nmicro = false";
    let scenario = scenario(text).unwrap();
    assert!(scenario.is_finite());
    let again = Scenario::from_toml(&toml::to_string(&scenario).unwrap()).unwrap();
    assert_eq!(again, scenario);

    let report = run(&scenario);
    assert!(report.verdict.violation().is_none(), "{:?}", report.verdict);
    assert_eq!(report.last_events.first().map(|traced| traced.step), Some(1));
    let begun = |conn: u8, wanted: StatementKind| {
        let of = |kind: &EventKind| matches!(kind, EventKind::StatementBegin { kind, .. } if *kind == wanted);
        report
            .last_events
            .iter()
            .filter(|traced| traced.event.actor == Actor::Conn(conn) && of(&traced.event.kind))
            .count()
    };
    assert_eq!((begun(1, StatementKind::Get), begun(1, StatementKind::Begin)), (1, 1));
    assert!(report.commits >= 3, "two of the setup, and at least one of the programs");
}
