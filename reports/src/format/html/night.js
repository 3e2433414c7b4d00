// The night at a glance.

function nightPage(report) {
  const { night } = report;
  const notes = night.notes.length > 0 && section("Notes", null, h("div", { class: "panel pad" }, night.notes.map((note) => h("p", {}, note))));
  if (night.search || night.racing || night.kill_matrix) return [nightHead(report), covered(report), night.kill_matrix ? killMatrix(night.kill_matrix) : violations(report, night.facts.groups), notProved(report), notes];
  const { facts, timing } = night;
  const failing = facts.groups.filter((group) => group.standing === "failing");
  return [
    nightHead(report),
    kpis(night, failing),
    violations(report, facts.groups),
    h("div", { class: "grid cols-2", style: "margin-top:26px" }, progressChart(timing), strategyChart(facts)),
    gates(night),
    scenarios(facts),
    probes(facts),
    invariants(facts),
    regressions(facts),
    determinism(facts.determinism),
    machines(timing),
    notes,
  ];
}

// What was counted where there are no runs: by a search, by an exploration of threads, by hunts for planted bugs.
function covered({ figures }) {
  return h("div", { class: "panel pad", style: "margin-top:14px" }, h("dl", { class: "facts", style: "margin:0", id: "figures" }, figures.map(([label, value]) => [h("dt", {}, label), h("dd", {}, value)])));
}

function notProved({ not_proved: gaps }) {
  return gaps.length > 0 && section("What a pass does not prove", null, h("div", { class: "panel pad" }, gaps.map((gap) => h("p", {}, gap))));
}

function verdictPill(verdict) {
  return h("span", { class: `pill ${verdict === "pass" ? "good" : "bad"}`, id: "verdict" }, verdict);
}

function nightHead({ night, verdict, subject }) {
  const { plan, timing } = night;
  const asked = plan.seconds ? `for ${duration(plan.seconds)}` : plan.runs ? `${grouped(plan.runs)} runs asked for` : "";
  const meta = [subject, moment(timing.began), asked, !night.kill_matrix && `seed ${plan.seed}`, plan.seed_from && `from ${plan.seed_from}`, plan.planted.length > 0 && !night.kill_matrix && `planted: ${plan.planted.length > 4 ? plural(plan.planted.length, "bug") : plan.planted.join(", ")}`, `falken ${night.falken}`];
  return h("div", {}, h("div", { class: "lede" }, h("h1", {}, `falken ${plan.command}`), verdictPill(verdict)), h("p", { class: "meta" }, meta.filter(Boolean).join("  ·  ")));
}

function kpis({ facts, timing }, failing) {
  const expected = facts.scenarios.flatMap((scenario) => scenario.probes.filter((probe) => probe.expected));
  const hit = expected.filter((probe) => probe.hits > 0).length;
  const rate = timing.seconds > 0 ? facts.actions / timing.seconds : 0;
  const one = (value, label, bad) => h("div", { class: `kpi ${bad ? "bad" : ""}` }, h("b", {}, value), h("span", {}, label));
  return h("div", { class: "panel kpis" },
    one(grouped(facts.runs), "runs"),
    one(grouped(failing.length), failing.length === 1 ? "group of violations" : "groups of violations", failing.length > 0),
    one(compact(facts.actions), "actions"),
    one(compact(rate), `actions per second, ${plural(timing.jobs, "job")}`),
    one(compact(facts.commits), "commits"),
    one(compact(facts.crashes), "crashes"),
    expected.length > 0 && one(`${hit} / ${expected.length}`, "expected probes hit", hit < expected.length),
    one(duration(timing.seconds), "time"));
}

function violations(report, groups) {
  if (groups.length === 0) {
    return section("Violations", null, h("div", { class: "panel pad dim" }, "None in the schedules that were tried. That does not say that there is nothing to find."));
  }
  return section("Violations", `${plural(groups.length, "group")} by cause; j and k move, enter opens`, h("div", { class: "panel", id: "groups" }, groups.map((group) => groupRow(report, group))));
}

function groupRow({ night, timelines }, group) {
  const times = night.timing.groups.find((one) => one.id === group.id) || {};
  const standing = group.standing === "fixed" ? h("span", { class: "pill good" }, "fixed") : group.known ? h("span", { class: "pill" }, `known from ${group.known.from}`) : night.plan.command === "nightly" && h("span", { class: "pill bad" }, "new");
  const most = [...group.scenarios].sort((a, b) => b[1] - a[1]);
  const named = most.slice(0, most.length > 4 ? 3 : 4).map(([name, count]) => (night.search || night.racing ? name : `${name} ${grouped(count)}`)).join(", ");
  const where = most.length > 4 ? `${named} and ${most.length - 3} other scenarios` : named;
  const story = group.story;
  const size = story && (story.before.steps !== story.after.steps ? `${grouped(story.before.steps)} steps shrunk to ${grouped(story.after.steps)}` : plural(story.after.steps, "step"));
  const [first, last] = [moment(times.first), moment(times.last)];
  const seen = first && `seen ${first}${last && last !== first ? ` to ${last.startsWith(first.slice(0, 10)) ? last.slice(11) : last}` : ""}`;
  return h("div", { class: "group", "data-group": group.id },
    h("div", {}, h("span", { class: `tag ${group.standing}` }, group.invariant)),
    h("div", {}, h("a", { class: "what", href: link(group.id) }, group.summary || group.rule),
      h("div", { class: "sub" }, [!night.search && !night.racing && plural(group.count, "run"), where, size, seen, group.ways.length > 0 && plural(group.ways.length, "way"), group.planted.length > 0 && `planted: ${group.planted.join(", ")}`].filter(Boolean).join("  ·  "))),
    h("div", { class: "right" }, standing, group.replay && copyButton("Copy replay", group.replay, "the replay command"), (timelines[group.id] || group.lanes.length > 0) && h("a", { class: "button", href: link(group.id) }, timelines[group.id] ? "Timeline" : "Threads")));
}

// Sums are written down when runs end, at no regular times: what is drawn are means over equal stretches of the night.
const BINS = 60;

function binned(points, end) {
  if (points.length < 2) return [];
  const bins = Math.min(BINS, points.length - 1);
  const sumsAt = (second) => {
    const next = points.findIndex((point) => point.second >= second);
    if (next <= 0) return next === 0 ? points[0] : points[points.length - 1];
    const [before, after] = [points[next - 1], points[next]];
    const share = (second - before.second) / Math.max(after.second - before.second, 1e-9);
    return { actions: before.actions + share * (after.actions - before.actions), failed: second >= after.second ? after.failed : before.failed };
  };
  const edges = Array.from({ length: bins + 1 }, (_, at) => sumsAt((end * at) / bins));
  return edges.slice(1).map((sums, at) => [(end * (at + 1)) / bins, (sums.actions - edges[at].actions) / (end / bins), sums.failed - edges[at].failed]);
}

// Actions per second as an area, and where failed runs came in.
function progressChart({ points, seconds }) {
  const [width, height, left, bottom] = [560, 150, 46, 20];
  const end = Math.max(seconds, ...points.map((point) => point.second), 1e-9);
  const rates = binned(points, end);
  const top = Math.max(...rates.map(([, rate]) => rate), 1) * 1.1;
  const x = (second) => left + (second / end) * (width - left - 8);
  const y = (rate) => height - bottom - (rate / top) * (height - bottom - 12);
  const first = rates.length > 0 ? [`${x(0)},${y(rates[0][1])}`] : [];
  const curve = first.concat(rates.map(([second, rate]) => `${x(second)},${y(rate)}`)).join(" ");
  const ticks = [0, top / 2, top].map((rate) => s("text", { x: left - 6, y: y(rate) + 3, "text-anchor": "end" }, compact(rate)));
  const failures = rates.filter(([, , failed]) => failed > 0).map(([second, , failed]) => s("line", { class: "fail", x1: x(second), x2: x(second), y1: height - bottom, y2: height - bottom - 12 }, s("title", {}, plural(failed, "failed run"))));
  const chart = s("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Actions per second over ${duration(end)}` },
    curve && s("polygon", { class: "area", points: `${x(0)},${y(0)} ${curve} ${x(end)},${y(0)}` }), curve && s("polyline", { class: "curve", points: curve }),
    s("line", { class: "axis", x1: left, x2: width - 8, y1: y(0), y2: y(0) }), failures, ticks,
    s("text", { x: left, y: height - 5 }, "0"), s("text", { x: width - 8, y: height - 5, "text-anchor": "end" }, duration(end)));
  return h("div", { class: "panel pad" }, h("h3", {}, "Actions per second", rates.some(([, , failed]) => failed > 0) && h("span", { class: "f-fault" }, "  | failed runs")), chart);
}

function bars(rows, name, value, failed) {
  const most = Math.max(...rows.map(value), 1);
  return h("div", { class: "bars" }, rows.map((row) => [
    h("span", { class: "mono" }, name(row)),
    h("span", { class: "track" }, h("span", { class: "fill", style: `width:${((value(row) - failed(row)) / most) * 100}%` }), h("span", { class: "fill bad", style: `width:${(failed(row) / most) * 100}%` })),
    h("span", { class: "num dim" }, failed(row) > 0 ? `${grouped(value(row))}, ${grouped(failed(row))} failed` : grouped(value(row)))]));
}

function strategyChart(facts) {
  return h("div", { class: "panel pad" }, h("h3", { style: "margin-bottom:9px" }, "Runs by strategy"), bars(facts.strategies, (row) => row.name, (row) => row.runs, (row) => row.failed));
}

function gates(night) {
  const all = [...night.facts.gates, ...night.timing.gates];
  const pill = { held: ["good", "held"], failed: ["bad", "failed"], "not-judged": ["", "not judged"] };
  return all.length > 0 && section("Gates", null, table(["gate", "", ""], all.map((gate) => [gate.name, h("span", { class: `pill ${pill[gate.outcome][0]}` }, pill[gate.outcome][1]), gate.what]), []));
}

function scenarios(facts) {
  const rows = facts.scenarios.map((one) => {
    const expected = one.probes.filter((probe) => probe.expected);
    const missed = expected.filter((probe) => probe.hits === 0).map((probe) => probe.name);
    const probes = expected.length === 0 ? "" : missed.length === 0 ? `all ${expected.length}` : h("span", { class: "f-fault" }, `not hit: ${missed.join(", ")}`);
    return [h("span", { title: one.about }, one.name), grouped(one.runs), one.failed > 0 ? h("span", { class: "f-fault" }, grouped(one.failed)) : "0", compact(one.actions), compact(one.commits), compact(one.crashes), probes];
  });
  return section("Scenarios", null, table(["scenario", "runs", "failed", "actions", "commits", "crashes", "expected probes"], rows, [1, 2, 3, 4, 5]));
}

function probes(facts) {
  const names = [...new Set(facts.scenarios.flatMap((one) => one.probes.map((probe) => probe.name)))];
  if (names.length === 0) return null;
  const hits = (name) => facts.scenarios.reduce((sum, one) => sum + one.probes.filter((probe) => probe.name === name).reduce((all, probe) => all + probe.hits, 0), 0);
  const rows = names.map((name) => ({ name, hits: hits(name) }));
  const half = Math.ceil(rows.length / 2);
  const list = (part) => h("div", { class: "panel pad" }, h("div", { class: "bars" }, part.map((row) => [h("span", { class: "mono" }, row.name), h("span", { class: "track" }, h("span", { class: "fill", style: `width:${row.hits > 0 ? 4 + 96 * (Math.log10(row.hits + 1) / 9) : 0}%` })), h("span", { class: row.hits > 0 ? "num dim" : "num f-fault" }, grouped(row.hits))])));
  return section("Probes", "how often each situation came up, on a logarithmic scale", h("div", { class: "grid cols-2" }, list(rows.slice(0, half)), list(rows.slice(half))));
}

function killMatrix(matrix) {
  const engines = [...new Set(matrix.rows.flatMap((row) => row.racing.map((kill) => kill.engine)))].sort();
  const none = (title) => h("td", { class: "heat", style: "background:var(--bad-soft)", title }, "none");
  const cell = (one) => {
    if (one.found === 0) return none(`none of ${matrix.trials} trials`);
    const share = matrix.trials > 0 ? one.found / matrix.trials : 0;
    const colour = `color-mix(in srgb, var(--good) ${Math.round(12 + 45 * share * Math.max(0, 1 - Math.log10(Math.max(one.runs, 1)) / 4))}%, var(--panel))`;
    return h("td", { class: "heat", style: `background:${colour}`, title: `${one.found} of ${matrix.trials} trials, median ${grouped(one.runs)} runs, ${one.seconds.toFixed(2)} s` }, grouped(one.runs));
  };
  const cells = (row) => (row.cells.length > 0 ? row.cells.map(cell) : matrix.strategies.map(() => h("td", {})));
  const raced = (row) => engines.map((engine) => {
    const kill = row.racing.find((one) => one.engine === engine);
    if (!kill) return h("td", {});
    return kill.caught_by ? h("td", { class: "heat", title: `${kill.form}: ${kill.caught_by} in execution ${grouped(kill.executions)}, ${kill.replays ? "replays" : "does not replay"}, ${kill.seconds.toFixed(2)} s` }, grouped(kill.executions)) : none(`${kill.form}: none of ${grouped(kill.executions)} executions`);
  });
  const pill = { caught: ["good", "caught"], survived: ["bad", "survived"], missed: ["warn", "missed"], equivalent: ["", "equivalent"], "not-tried": ["", "not tried"] };
  const head = (name) => h("th", { scope: "col" }, name);
  return section("Planted bugs", `median runs until each strategy has found it; ${plural(matrix.trials, "trial")} of at most ${plural(matrix.cap, "run")}${engines.length > 0 ? "; under engines of threads the execution that fails" : ""}`,
    h("div", { class: "panel scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["planted bug", "", "broken", "shown in", ...matrix.strategies, "shrunk to", ...engines].map(head))),
      h("tbody", {}, matrix.rows.map((row) => h("tr", { "data-bug": row.bug }, h("td", { class: "mono", style: "white-space:nowrap" }, `${row.bug} ${row.variant}`.trim()), h("td", {}, h("span", { class: `pill ${pill[row.status][0]}` }, pill[row.status][1])), h("td", {}, row.invariants.join(" ")), h("td", { style: "white-space:nowrap" }, row.scenario), cells(row), h("td", { class: "num" }, row.shrunk === null ? "" : grouped(row.shrunk)), raced(row)))))));
}

function invariants(facts) {
  const never = facts.invariants.filter((one) => one.evaluated === 0);
  const rows = facts.invariants.map((one) => [h("span", { class: "mono" }, one.id), one.name, one.evaluated === 0 ? h("span", { class: "f-fault" }, "never") : grouped(one.evaluated)]);
  return section("Invariants", never.length > 0 ? `${never.length} never evaluated` : `all ${facts.invariants.length} evaluated`, h("details", {}, h("summary", {}, "How often each was evaluated"), table(["", "invariant", "evaluated"], rows, [2])));
}

function regressions(facts) {
  const pill = { kept: ["good", "kept"], fixed: ["good", "fixed"], failing: ["bad", "failing"], stale: ["warn", "stale"], unreadable: ["warn", "unreadable"] };
  const rows = facts.regressions.map((one) => [h("span", { class: "mono" }, one.file), one.invariant, h("span", { class: `pill ${pill[one.outcome][0]}` }, pill[one.outcome][1]), one.what]);
  const odd = facts.regressions.filter((one) => one.outcome !== "kept" && one.outcome !== "fixed").length;
  return rows.length > 0 && section("Known repros", odd > 0 ? `${odd} need a look` : "all as they should be", h("details", { open: odd > 0 }, h("summary", {}, `${plural(rows.length, "file")} replayed first`), table(["file", "broke", "", ""], rows, [])));
}

function determinism({ twice, differences }) {
  if (twice === 0) return null;
  const body = differences.length === 0 ? h("p", { class: "dim" }, `${plural(twice, "run")} made twice, all the same choice by choice.`) : table(["scenario", "strategy", "seed", "difference", ""], differences.map((one) => [one.scenario, one.strategy, h("code", {}, one.seed), one.what, copyButton("Copy", one.replay, "the command that makes it again")]), []);
  return section("Determinism", null, body);
}

function machines({ machines: all }) {
  return all.length > 0 && section("Machines", null, table(["host", "shard", "cores", "jobs", "runs", "time"], all.map((one) => [one.host, `${one.shard} of ${one.shards}`, one.cores, one.jobs, grouped(one.runs), duration(one.seconds)]), [2, 3, 4, 5]));
}
