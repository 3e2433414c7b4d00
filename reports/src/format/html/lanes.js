// The timeline: lanes over actions, and the place where the reader is.

const FAMILIES = [["statement", "statements"], ["io", "I/O"], ["lock", "locks"], ["log", "log and files"], ["page", "pages"], ["yield", "yields"], ["fault", "faults"]];
const LANE = 66, HEAD = 34, BAR = 13, EVENT = 8;

// States are stored as changes; here they become whole again. Unchanged parts are shared.
function statesOf(timeline) {
  const states = [timeline.before];
  for (const action of timeline.actions) states.push({ ...states[states.length - 1], ...action.s });
  return states;
}

class Timeline {
  constructor(timeline) {
    this.timeline = timeline;
    this.states = statesOf(timeline);
    this.at = 0;
    this.hidden = new Set();
    this.matches = null;
    this.column = Math.max(14, Math.min(88, Math.floor(1240 / Math.max(timeline.actions.length, 1))));
    this.layOut();
  }

  // The page opens where somebody wants to look: at the step in the address, else at the first of the racing ones.
  start() {
    const wanted = Number(address().step);
    const index = wanted ? this.timeline.actions.findIndex((action) => action.n === wanted) : -1;
    return index >= 0 ? index : this.timeline.race ? this.timeline.race[0] : this.timeline.actions.length - 1;
  }

  layOut() {
    const { actions, connections } = this.timeline;
    const used = new Set(actions.flatMap((action) => [action.l, ...action.e.map((event) => event[0])]));
    const conns = Array.from({ length: connections }, (_, at) => `c${at}`).filter((name) => used.has(name));
    this.flights = this.flightsOf(actions);
    this.lanes = [];
    let top = HEAD;
    const add = (name, about, height) => { this.lanes.push({ name, about, top, height }); top += height; };
    conns.forEach((name) => add(name, "connection", LANE));
    const rows = Math.max(1, ...this.flights.map((flight) => flight.row + 1));
    add("io", "in flight", Math.max(40, 20 + Math.min(rows, 8) * (BAR + 2)));
    const marks = Math.max(1, ...actions.map((action) => action.e.filter((event) => event[0] === "disk").length));
    add("disk", "disk and log", Math.max(40, 22 + Math.min(marks, 5) * 13));
    this.height = top + 18;
  }

  lane(name) { return this.lanes.find((lane) => lane.name === name) || this.lanes[this.lanes.length - 1]; }

  // Each operation from its submission to its end, in the first row that is free.
  flightsOf(actions) {
    const open = new Map(), flights = [];
    actions.forEach((action, at) => action.e.forEach(([, , words, by, about]) => {
      if (about && about.begin && about.op !== undefined) {
        const busy = new Set([...open.values()].map((flight) => flight.row));
        let row = 0;
        while (busy.has(row)) row += 1;
        const flight = { op: about.op, name: about.begin, words, by, from: at, to: null, row, woken: null };
        open.set(about.op, flight);
        flights.push(flight);
      } else if (about && about.end && about.op !== undefined && open.has(about.op)) {
        const flight = open.get(about.op);
        flight.to = at;
        flight.result = words;
        const next = actions.findIndex((later, index) => index > at && later.l === flight.by && later.k === "step");
        if (action.w.some((id) => id.split("/")[0] === flight.by) && next >= 0) flight.woken = next;
        open.delete(about.op);
      }
    }));
    return flights;
  }

  element() {
    const names = h("div", { class: "names" }, h("div", { style: `height:${HEAD}px;border:0`, class: "faint" }, ""), this.lanes.map((lane) => h("div", { style: `height:${lane.height}px` }, lane.name === "io" ? "I/O" : lane.name === "disk" ? "log" : lane.name, h("small", {}, lane.about))));
    this.field = h("div", { class: "field", tabindex: "0", role: "group", "aria-label": "Lanes of the timeline: left and right arrow keys step" }, this.draw());
    this.panel = h("div", { class: "step", id: "step" });
    return [this.controls(), this.families(), h("div", { class: "lanes" }, names, this.field), this.panel, h("div", { id: "announce", class: "skip", "aria-live": "polite" })];
  }

  controls() {
    const { actions, race } = this.timeline;
    const button = (label, what, act, id) => h("button", { type: "button", id, "aria-label": what, title: what, onclick: act }, label);
    this.range = h("input", { type: "range", id: "range", min: 0, max: actions.length - 1, value: 0, "aria-label": "Step", oninput: () => this.go(Number(this.range.value)) });
    this.count = h("span", { class: "count", id: "count" });
    this.filter = h("input", { type: "search", id: "filter", placeholder: "Filter events  /", "aria-label": "Filter events", oninput: () => this.search() });
    this.found = h("span", { class: "faint", id: "found", "aria-live": "polite" });
    return h("div", { class: "controls", role: "toolbar", "aria-label": "Stepping" },
      button("|◀", "First step (Home)", () => this.go(0), "first"), button("◀", "Step back (←)", () => this.go(this.at - 1), "prev"), this.count,
      button("▶", "Step forward (→)", () => this.go(this.at + 1), "next"), button("▶|", "Last step (End)", () => this.go(actions.length - 1), "last"), this.range,
      race && button("Race", "Next racing step (r)", () => this.race(), "race"), this.filter, this.found);
  }

  families() {
    const toggle = ([family, label]) => h("button", { type: "button", "aria-pressed": "true", "data-family": family, onclick: (event) => {
      const off = !this.hidden.delete(family);
      if (off) this.hidden.add(family);
      event.currentTarget.setAttribute("aria-pressed", String(!off));
      this.redraw();
    } }, h("span", { class: `dot f-${family}` }), label);
    return h("div", { class: "families", role: "group", "aria-label": "Families of events" }, FAMILIES.map(toggle));
  }

  x(at) { return at * this.column; }

  draw() {
    const { actions, race } = this.timeline;
    const width = Math.max(this.x(actions.length), 200);
    const middle = (at) => this.x(at) + this.column / 2;
    const band = (at, kind) => s("rect", { class: kind, x: this.x(at), y: 0, width: this.column, height: this.height });
    this.cursor = band(this.at, "band");
    const last = actions.length - 1;
    const parts = [band(last, "broken"), race && race.map((at) => band(at, "race")), this.cursor];
    parts.push(this.lanes.map((lane) => s("line", { class: "rule", x1: 0, x2: width, y1: lane.top, y2: lane.top })));
    const every = Math.ceil(34 / this.column);
    parts.push(actions.map((action, at) => at % every === 0 && s("text", { class: "number", x: middle(at), y: 12 }, action.n)));
    parts.push(this.statements(), this.locks(), this.inFlight(), actions.map((action, at) => this.action(action, at)));
    if (race) {
      parts.push(s("path", { class: "race-line", d: `M${middle(race[0])},30 H${middle(race[1])}` }), race.map((at) => s("text", { class: "race-label", x: middle(at), y: 25 }, "race")));
    }
    if (!race || !race.includes(last)) parts.push(s("text", { class: "broken-label", x: middle(last), y: 25 }, "broken"));
    parts.push(actions.map((action, at) => s("rect", { class: "hit", "data-at": at, x: this.x(at), y: 0, width: this.column, height: this.height })));
    this.svg = s("svg", { width, height: this.height, role: "img", "aria-label": `Timeline of ${actions.length} actions`, onmousemove: (event) => this.hover(event), onmouseleave: () => tip("", null), onclick: (event) => this.pick(event) }, parts);
    return this.svg;
  }

  redraw() {
    this.field.replaceChildren(this.draw());
    this.showStep();
  }

  // An action in its lane, and its events as marks in theirs.
  action(action, at) {
    const lane = this.lane(action.l);
    const inner = this.column - 3;
    const parts = [lane.name !== "io" && lane.name !== "disk" && s("rect", { class: `act ${action.k}`, x: this.x(at) + 1.5, y: lane.top + 21, width: inner, height: 31, rx: 3 })];
    const counts = new Map();
    for (const event of action.e) {
      const [name, family, words, , about] = event;
      const place = this.lane(name);
      const nth = counts.get(name) || 0;
      counts.set(name, nth + 1);
      const off = this.hidden.has(family) || (this.matches && !this.matches(words));
      const match = this.matches && !off;
      if (name === "disk" && about && about.mark && this.column >= 22) {
        if (nth < 5) parts.push(s("g", { class: `f-${family}` }, s("text", { class: "mark", opacity: off ? 0.15 : 1, x: this.x(at) + this.column / 2, y: place.top + 15 + nth * 13 }, about.mark)));
      } else if (name !== "io") {
        const columns = Math.max(1, Math.floor(inner / EVENT));
        const [row, column] = [Math.floor(nth / columns), nth % columns];
        const top = place.top + (name === "disk" ? 8 : 24);
        if (row < 3) parts.push(s("g", { class: `f-${family}` }, s("rect", { class: `event ${off ? "off" : ""} ${match ? "match" : ""}`, x: this.x(at) + 3.5 + column * EVENT, y: top + row * 9, width: 6, height: 6, rx: 1.5 })));
      }
    }
    return parts;
  }

  statements() {
    const open = new Map(), parts = [];
    const close = (key, to, ok) => {
      const { from, name } = open.get(key);
      open.delete(key);
      const [conn, slot] = key.split("/");
      const lane = this.lane(conn);
      const width = this.x(to - from + 1) - 2;
      parts.push(s("rect", { class: `statement ${ok === false ? "failed" : ""}`, x: this.x(from) + 1, y: lane.top + 3 + (slot === "1" ? 2 : 0), width, height: 14, rx: 3 }));
      const room = Math.floor((width - 6) / 6.1);
      if (room >= 2) parts.push(s("text", { class: "statement-name", x: this.x(from) + 5, y: lane.top + 13.5 }, name.length > room ? `${name.slice(0, room - 1)}…` : name));
    };
    this.timeline.actions.forEach((action, at) => action.e.forEach(([lane, , , , about]) => {
      if (!about || about.slot === undefined) return;
      const key = `${lane}/${about.slot}`;
      if (about.begin) { if (open.has(key)) close(key, at - 1); open.set(key, { from: at, name: about.begin }); }
      else if (open.has(key)) close(key, at, about.ok);
    }));
    [...open.keys()].forEach((key) => close(key, this.timeline.actions.length - 1));
    return parts;
  }

  // What each connection holds after each action, as lines at the bottom of its lane.
  locks() {
    const parts = [], open = new Map();
    const draw = (key, { from, how, row }, to) => {
      const [conn, lock] = key.split(" ");
      const y = this.lane(conn).top + 56 + (row % 3) * 3.5;
      parts.push(s("line", { class: `held ${how}`, x1: this.x(from) + 2, x2: this.x(to) - 1, y1: y, y2: y }, s("title", {}, `${lock} ${how}`)));
    };
    this.states.slice(1).forEach((state, at) => {
      const now = new Map(state.locks.flatMap(([lock, how, holders]) => holders.map((conn) => [`${conn} ${lock}`, how])));
      for (const [key, line] of [...open]) if (now.get(key) !== line.how) { draw(key, line, at); open.delete(key); }
      for (const [key, how] of now) if (!open.has(key)) open.set(key, { from: at, how, row: [...open.keys()].filter((other) => other.split(" ")[0] === key.split(" ")[0]).length });
    });
    for (const [key, line] of open) draw(key, line, this.timeline.actions.length);
    return parts;
  }

  inFlight() {
    const lane = this.lane("io");
    return this.flights.filter((flight) => flight.row < 8).map((flight) => {
      const to = flight.to === null ? this.timeline.actions.length - 1 : flight.to;
      const width = this.x(to - flight.from + 1) - 3;
      const y = lane.top + 6 + flight.row * (BAR + 2);
      const label = `#${flight.op} ${flight.name}`;
      const room = Math.floor((width - 6) / 6.1);
      const off = this.hidden.has("io") || (this.matches && !this.matches(flight.words) && !(flight.result && this.matches(flight.result)));
      const owner = this.lane(flight.by);
      // From the callback to the step of whoever it woke.
      const wake = flight.woken !== null && s("path", { class: "wake", d: `M${this.x(to) + this.column - 2},${y + BAR / 2} C${this.x(flight.woken)},${y} ${this.x(flight.woken) + 4},${owner.top + 62} ${this.x(flight.woken) + this.column / 2},${owner.top + 53}` });
      return s("g", { opacity: off ? 0.2 : 1 }, s("rect", { class: "flight", x: this.x(flight.from) + 1.5, y, width, height: BAR, rx: 3 }), room >= 2 && s("text", { x: this.x(flight.from) + 5, y: y + 10 }, label.slice(0, room)), wake);
    });
  }

  indexAt(event) {
    const at = Math.floor((event.clientX - this.svg.getBoundingClientRect().left) / this.column);
    return Math.max(0, Math.min(this.timeline.actions.length - 1, at));
  }

  hover(event) {
    const action = this.timeline.actions[this.indexAt(event)];
    const y = event.clientY - this.svg.getBoundingClientRect().top;
    const lane = this.lanes.find((one) => y >= one.top && y < one.top + one.height);
    const here = lane ? action.e.filter((one) => one[0] === lane.name || (lane.name === "io" && one[1] === "io")) : action.e;
    tip([`${action.n}  ${action.t}`, ...here.slice(0, 14).map((one) => `  ${one[2]}`), here.length > 14 ? `  and ${here.length - 14} more` : ""].filter(Boolean).join("\n"), event);
  }

  pick(event) { this.go(this.indexAt(event)); this.field.focus({ preventScroll: true }); }

  go(at) {
    this.at = Math.max(0, Math.min(this.timeline.actions.length - 1, at));
    this.range.value = this.at;
    this.showStep();
    remember(this.timeline.actions[this.at].n);
  }

  race() {
    const [first, second] = this.timeline.race;
    this.go(this.at === first ? second : first);
  }

  search() {
    this.matches = matcher(this.filter.value);
    const steps = this.matching();
    this.found.textContent = this.matches ? `${plural(steps.length, "step")}, enter goes on` : "";
    this.redraw();
  }

  matching() {
    if (!this.matches) return [];
    return this.timeline.actions.flatMap((action, at) => (action.e.some((event) => this.matches(event[2]) && !this.hidden.has(event[1])) || this.matches(action.t) ? [at] : []));
  }

  // The next step that the filter finds, from the beginning again after the last one.
  next(direction) {
    const steps = this.matching();
    if (steps.length === 0) return;
    const ahead = direction > 0 ? steps.find((at) => at > this.at) : steps.findLast((at) => at < this.at);
    this.go(ahead === undefined ? (direction > 0 ? steps[0] : steps[steps.length - 1]) : ahead);
  }

  showStep() {
    const { actions } = this.timeline;
    const action = actions[this.at];
    this.cursor.setAttribute("x", this.x(this.at));
    const left = this.x(this.at);
    if (left < this.field.scrollLeft || left + this.column > this.field.scrollLeft + this.field.clientWidth) this.field.scrollLeft = left - this.field.clientWidth / 2;
    this.count.textContent = `action ${grouped(action.n)} of ${grouped(actions[actions.length - 1].n)}`;
    $("first") && ["first", "prev"].forEach((id) => { $(id).disabled = this.at === 0; });
    $("next") && ["next", "last"].forEach((id) => { $(id).disabled = this.at === actions.length - 1; });
    this.panel.replaceChildren(stepPanel(this, action), statePanel(this.states[this.at + 1], this.states[this.at]));
    if ($("announce")) $("announce").textContent = `Action ${action.n}: ${action.t}`;
  }
}
