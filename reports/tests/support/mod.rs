//! A night with everything in it, as hostile as text can be.

use falken_reports::Report;
use falken_reports::night::{
    Difference, Evaluated, FORMAT, Gate, GateOutcome, Group, Hex, KillCell, KillMatrix, KillRow, KillStatus, Kind,
    LaneEvent, NightFact, NightOrder, NightStory, Point, Probe, Racing, RacingKill, Regression, RegressionOutcome,
    ScenarioFacts, Search, SearchEnd, Sighting, Standing, Way,
};

/// Text that ends every kind of quoting that there is, if nobody escapes it.
pub const HOSTILE: &str =
    "</script><script>alert(1)</script> <img src=x onerror=alert(2)> ]]> --> \" ' & ` | \u{1b}[31m \u{0} \u{2028} ü";

/// The scenarios of [`night`].
const SCENARIOS: u64 = 12;

fn group(at: u64, scenarios: &[&str]) -> Group {
    let order = NightOrder { text: format!("run c1 to 2 {HOSTILE}"), note: Some("only this order".into()) };
    Group {
        id: format!("wal-{at}-0123abcd"),
        invariant: format!("WAL-{at}"),
        rule: format!("a rule {HOSTILE}"),
        summary: format!("connection c2 does what it must not {HOSTILE}"),
        slice: vec!["wal.append.frames".into()],
        count: 3 + at,
        scenarios: scenarios.iter().map(|name| ((*name).into(), 3 + at)).collect(),
        first: scenarios.first().map(|name| Sighting {
            scenario: (*name).into(),
            strategy: "pct".into(),
            ..Sighting::default()
        }),
        evidence: vec![NightFact { label: "slot".into(), value: HOSTILE.into() }],
        story: Some(NightStory {
            programs: vec![vec!["begin".into(), HOSTILE.into()]],
            orders: vec![order],
            race: Some(HOSTILE.into()),
            ..NightStory::default()
        }),
        repro: format!("format = 2\n# {HOSTILE}\n"),
        replay: format!("falken replay 'a {HOSTILE}.toml'"),
        test: format!("#[test] fn a() {{ {HOSTILE} }}"),
        ..Group::default()
    }
}

/// A night of `runs` runs over twelve scenarios, with `groups` groups of violations.
pub fn night(runs: u64, groups: u64) -> Report {
    let mut report = Report::default();
    let night = &mut report.night;
    (night.format, night.falken) = (FORMAT, "0.1.0".into());
    night.plan.command = "nightly".into();
    night.notes = vec![HOSTILE.into()];
    let facts = &mut night.facts;
    (facts.runs, facts.failed, facts.actions) = (runs, groups * 4, runs * 20_000);
    let evaluated =
        |at| Evaluated { id: format!("WAL-{at}"), name: "a-name".into(), evaluated: u64::from(at != 3) * runs };
    facts.invariants = (0..30).map(evaluated).collect();
    let scenario = |at: u64| ScenarioFacts {
        name: format!("scenario-{at}"),
        about: HOSTILE.into(),
        runs: runs / SCENARIOS,
        actions: runs / SCENARIOS * 20_000,
        probes: (0..20)
            .map(|probe| Probe { name: format!("probe-{probe}"), hits: probe * at, expected: probe < 9 })
            .collect(),
        evaluated: facts.invariants.iter().map(|invariant| invariant.evaluated / SCENARIOS).collect(),
        ..ScenarioFacts::default()
    };
    facts.scenarios = (0..SCENARIOS).map(scenario).collect();
    facts.groups = (0..groups).map(|at| group(at, &["scenario-1", "scenario-2"])).collect();
    night.timing.seconds = 120.5;
    night.timing.jobs = 2;
    let point =
        |at| Point { second: at as f64, runs: runs * at / 120, actions: runs * at / 120 * 20_000, failed: at / 30 };
    night.timing.points = (0..=120).map(point).collect();
    report
}

/// The same with a group that is fixed, one of a hung run, a known repro that fails, a gate that failed and a difference.
pub fn eventful() -> Report {
    let mut report = night(240, 2);
    let night = &mut report.night;
    let facts = &mut night.facts;
    facts.groups.push(Group { standing: Standing::Fixed, count: 0, first: None, ..group(7, &[]) });
    facts.groups.push(Group { kind: Kind::Hung, invariant: "RUN-HUNG".into(), ..group(8, &["scenario-4"]) });
    facts.groups.push(Group { first: None, ..group(9, &["a scenario of another catalogue"]) });
    let way = |run| Way { slice: vec![HOSTILE.into()], shrunk: 2, run, replay: HOSTILE.into() };
    facts.groups[0].ways = vec![way(1), way(7)];
    facts.regressions = vec![
        Regression { file: "kept.toml".into(), ..Regression::default() },
        Regression {
            file: "failing.toml".into(),
            invariant: "WAL-1".into(),
            outcome: RegressionOutcome::Failing,
            what: HOSTILE.into(),
            ..Regression::default()
        },
    ];
    facts.determinism.twice = 12;
    facts.determinism.differences.push(Difference { what: HOSTILE.into(), seed: Hex(7), ..Difference::default() });
    let gate = |name: &str, outcome| Gate { name: name.into(), outcome, what: HOSTILE.into() };
    facts.gates = vec![
        gate("probes", GateOutcome::Failed),
        gate("canary", GateOutcome::Held),
        gate("rate", GateOutcome::NotJudged),
    ];
    report
}

/// One of each kind of work that is no runs: a search, an exploration of threads and a kill matrix.
pub fn without_runs() -> [Report; 3] {
    let of = |command: &str| {
        let mut report = Report::default();
        let night = &mut report.night;
        (night.format, night.plan.command, night.notes) = (FORMAT, command.into(), vec![HOSTILE.into()]);
        report
    };
    let with_group = |report: &mut Report, group: Group| {
        let name = group.scenarios[0].0.clone();
        report.night.facts.scenarios = vec![ScenarioFacts { name, failed: 1, ..ScenarioFacts::default() }];
        report.night.facts.groups = vec![group];
    };
    let [mut search, mut racing, mut kills] = ["explore", "threads", "bugs"].map(of);
    search.night.search =
        Some(Search { end: SearchEnd::Violation, states: 4503, bounds: vec![HOSTILE.into()], ..Search::default() });
    with_group(&mut search, group(1, &["two-writers"]));
    racing.night.racing = Some(Racing {
        subject: HOSTILE.into(),
        engine: "loom".into(),
        bound: HOSTILE.into(),
        executions: 77,
        failed: true,
        not_proved: vec![HOSTILE.into()],
        ..Racing::default()
    });
    let event = |lane: &str| LaneEvent { lane: lane.into(), text: HOSTILE.into() };
    let lanes = vec![event("main"), event(HOSTILE)];
    with_group(&mut racing, Group { story: None, lanes, ..group(2, &["group-two"]) });
    let cell = |found| KillCell { found, runs: 3, seconds: 0.5 };
    let racing_kill =
        RacingKill { engine: "loom".into(), form: HOSTILE.into(), executions: 9, ..RacingKill::default() };
    let row = |bug: &str, status| KillRow { bug: bug.into(), status, ..KillRow::default() };
    let rows = vec![
        KillRow { cells: vec![cell(20), cell(0)], ..row("a.bug", KillStatus::Caught) },
        KillRow { racing: vec![racing_kill], ..row("b.bug", KillStatus::Survived) },
    ];
    let strategies = vec!["random".into(), HOSTILE.into()];
    kills.night.kill_matrix = Some(KillMatrix { trials: 20, cap: 300, strategies, rows });
    [search, racing, kills]
}
