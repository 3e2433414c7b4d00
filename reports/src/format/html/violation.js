// One violation: what it is, how to see it again, its tape, and its timeline.

function violationPage(report, group) {
  const timeline = report.timelines[group.id];
  const story = group.story;
  return [
    h("p", { class: "meta" }, h("a", { href: "#", id: "back" }, report.night.plan.command === "nightly" ? "← The night" : "← The report")),
    h("div", { class: "lede", style: "margin-top:8px" }, h("span", { class: `tag ${group.standing}` }, group.invariant), h("h1", {}, group.summary || group.rule)),
    h("p", { class: "meta" }, group.rule),
    h("div", { class: "grid cols-2", style: "margin-top:16px;align-items:start" },
      h("div", { class: "grid" }, evidence(group), commands(group), group.ways.length > 0 && waysPanel(group)),
      story && storyPanel(story)),
    timeline ? timelineSection(report, group, timeline) : group.lanes.length > 0 ? lanesSection(group) : section("Timeline", null, h("p", { class: "note" }, report.omitted.includes(group.id) ? "Left out to keep this page small. Its replay command with --report html=FILE makes a page of it alone." : "No recording of it was made.")),
  ];
}

function evidence(group) {
  const first = group.first && `run ${grouped(group.first.run)}: ${group.first.scenario}, ${group.first.strategy}, seed ${group.first.seed}`;
  const rows = [...group.evidence.map((fact) => [fact.label, fact.value]), group.lanes.length === 0 && ["failed runs", grouped(group.count)], group.lanes.length === 0 && first && ["first", first], group.lanes.length === 0 && ["event hash", group.hash]].filter(Boolean);
  return h("div", { class: "panel pad" }, h("h3", { style: "margin-bottom:6px" }, "Evidence"), h("dl", { class: "facts", style: "margin:0" }, rows.map(([label, value]) => [h("dt", {}, label), h("dd", {}, value)])));
}

function commands(group) {
  return h("div", { class: "panel pad grid" },
    h("h3", {}, "See it again"),
    group.replay && h("div", { class: "command" }, h("code", { id: "replay" }, group.replay), copyButton("Copy", group.replay, "the replay command")),
    group.test && h("details", {}, h("summary", {}, "As a Rust test"), h("div", { style: "margin-top:8px" }, copyButton("Copy the test", group.test, "the test")), h("pre", { id: "test" }, group.test)),
    group.repro && h("details", {}, h("summary", {}, "The repro file"), h("div", { style: "margin-top:8px" }, copyButton("Copy the file", group.repro, "the repro file")), h("pre", {}, group.repro)));
}

// Parts of the group that share no stage of the protocol: a second bug with the same symptom would be one of them.
function waysPanel({ ways }) {
  return h("div", { class: "panel pad grid", id: "ways" }, h("h3", {}, `${plural(ways.length, "way")} to the same words`), h("p", { class: "dim", style: "font-size:12.5px;margin:0" }, "They have no stage of the protocol in common: one of them may be another bug."),
    ways.map((way) => h("div", {}, h("p", { style: "margin:0 0 4px;font-size:12.5px" }, `${grouped(way.shrunk)} shrunk: `, h("span", { class: "mono" }, way.slice.slice(-3).join(" → "))), h("div", { class: "command" }, h("code", {}, way.replay), copyButton("Copy", way.replay, "the replay command of this way")))));
}

function storyPanel(story) {
  const { before, after } = story;
  const sizes = `${plural(after.actions, "action")} (${plural(after.switches, "switch").replace(/hs$/, "hes")}, ${plural(after.faults, "fault")}, ${plural(after.steps, "step")})`;
  return h("div", { class: "panel pad" },
    h("h3", {}, "The story"),
    h("p", { class: "dim", style: "font-size:12.5px" }, before.steps !== after.steps ? `Shrunk from ${plural(before.actions, "action")} to ${sizes}` : sizes),
    h("dl", { class: "facts", style: "margin:8px 0" }, story.programs.map((program, conn) => [h("dt", { class: "mono" }, `c${conn}`), h("dd", {}, program.join("; "))]), story.settings.length > 0 && [h("dt", {}, "with"), h("dd", {}, story.settings.join(", "))]),
    story.race && h("p", { class: "race-note" }, h("strong", {}, "Race: "), story.race),
    h("h3", { style: "margin:10px 0 4px" }, "The choice tape"),
    story.orders.length === 0 ? h("p", { class: "dim" }, "In any order: no turn has to be taken at a certain place.") : h("ol", { class: "tape", id: "tape", tabindex: "0", "aria-label": "The choice tape" }, story.orders.map((order) => h("li", { class: order.note === "any order" ? "free" : null }, h("span", {}, order.text), order.note && h("span", { class: order.note === "any order" ? "faint" : "tape-note" }, order.note)))));
}

// What racing threads did: a column each, the failing step last.
function lanesSection({ lanes }) {
  const names = [...new Set(lanes.map((event) => event.lane))];
  const rows = lanes.map((event, at) => h("tr", { class: at === lanes.length - 1 ? "last" : null }, h("td", { class: "num dim" }, grouped(at + 1)), names.map((name) => h("td", { class: "mono" }, name === event.lane ? event.text : ""))));
  return section("What the threads did", `${plural(lanes.length, "event")} of ${plural(names.length, "thread")}, in the order in which they happened`,
    h("div", { class: "panel scroll", id: "racing", tabindex: "0", "aria-label": "What the threads did" }, h("table", { class: "racing" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, ""), names.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows))));
}

function timelineSection(report, group, timeline) {
  const view = new Timeline(timeline);
  current = view;
  const element = section("Timeline", `${plural(timeline.actions.length, "action")}${timeline.skipped > 0 ? `, the last of ${grouped(timeline.actions.length + timeline.skipped)}` : ""}; ← and → step, / filters, r goes to the racing steps`, view.element());
  view.go(view.start());
  return element;
}
