// What is shown, and the keys.

const report = JSON.parse($("data").textContent);
let current = null;
let chosen = -1;

const link = (id) => `#group=${encodeURIComponent(id)}`;

// The address holds the group and the step, so that a place in a timeline can be sent to somebody.
function address() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

function remember(step) {
  const { group } = address();
  history.replaceState(null, "", `${link(group)}&step=${step}`);
}

function drawTop() {
  const { group } = address();
  const crumb = group || report.subject;
  const theme = h("button", { type: "button", id: "theme", "aria-label": "Switch between light and dark (t)", title: "Light or dark (t)", onclick: toggleTheme }, "◐");
  const help = h("button", { type: "button", id: "help-button", "aria-label": "Keys (?)", title: "Keys (?)", onclick: () => $("help").showModal() }, "?");
  $("top").replaceChildren(h("div", { class: "bar" }, h("a", { class: "brand", href: "#" }, "falken"), h("span", { class: "crumb" }, crumb), h("span", { class: "space" }), theme, help));
}

function show() {
  const { group: id } = address();
  const group = report.night.facts.groups.find((one) => one.id === id);
  current = null;
  chosen = -1;
  const page = group ? violationPage(report, group) : nightPage(report);
  fill($("main"), {}, []).replaceChildren(...page.flat(Infinity).filter(Boolean));
  drawTop();
  if (current) current.showStep();
  else scrollTo(0, 0);
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  // Storage may be closed to a page that was opened from a file.
  try { localStorage.setItem("falken-theme", theme); } catch { /* the choice lasts as long as the page */ }
}

function toggleTheme() {
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
}

function firstTheme() {
  try {
    const kept = localStorage.getItem("falken-theme");
    if (kept) return kept;
  } catch { /* no storage */ }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function choose(direction) {
  const rows = [...document.querySelectorAll("[data-group]")];
  if (rows.length === 0) return;
  chosen = Math.max(0, Math.min(rows.length - 1, chosen + direction));
  rows.forEach((row, at) => row.classList.toggle("current", at === chosen));
  rows[chosen].querySelector("a.what").focus();
}

const KEYS = [
  ["← →", "step back and forward"], ["Shift ← →", "ten steps"], ["Home End", "first and last step"], ["r", "the next racing step"], ["/", "filter events; enter goes to the next match"],
  ["c", "copy the replay command"], ["j k", "next and previous violation"], ["Esc", "leave the filter, or go back to the night"], ["t", "light or dark"], ["?", "these keys"],
];

const group = () => report.night.facts.groups.find((one) => one.id === address().group);

// Each returns whether the key meant something.
const ON_TIMELINE = {
  ArrowLeft: (event) => current.go(current.at - (event.shiftKey ? 10 : 1)),
  ArrowRight: (event) => current.go(current.at + (event.shiftKey ? 10 : 1)),
  Home: () => current.go(0),
  End: () => current.go(Infinity),
  r: () => current.timeline.race && current.race(),
  "/": () => current.filter.focus(),
  n: () => current.next(1),
  N: () => current.next(-1),
};

const ANYWHERE = {
  "?": () => $("help").showModal(),
  t: toggleTheme,
  j: () => choose(1),
  k: () => choose(-1),
  c: () => group() && group().replay && copy(group().replay, "the replay command"),
  Escape: () => { if (address().group) location.hash = ""; },
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const typing = event.target instanceof HTMLInputElement && event.target.type === "search";
  if (typing) {
    if (event.key === "Escape") { current.filter.value = ""; current.search(); current.field.focus({ preventScroll: true }); event.preventDefault(); }
    if (event.key === "Enter") { current.next(event.shiftKey ? -1 : 1); event.preventDefault(); }
    return;
  }
  // The slider steps by itself, and says so to whoever listens.
  if (event.target === (current && current.range) && event.key.startsWith("Arrow")) return;
  // Text that scrolls keeps its keys.
  if (event.target instanceof HTMLElement && event.target.id === "tape" && (event.key === "Home" || event.key === "End")) return;
  const act = (current && ON_TIMELINE[event.key]) || ANYWHERE[event.key];
  if (act) { act(event); event.preventDefault(); }
}

setTheme(firstTheme());
fill($("help"), {}, [h("h2", { id: "help-title" }, "Keys"), h("table", {}, h("tbody", {}, KEYS.map(([keys, what]) => h("tr", {}, h("td", {}, keys.split(" ").map((key) => [h("kbd", {}, key), " "])), h("td", {}, what))))), h("form", { method: "dialog", style: "margin-top:12px;text-align:right" }, h("button", { class: "primary" }, "Close"))]);
addEventListener("hashchange", show);
addEventListener("keydown", onKey);
show();
