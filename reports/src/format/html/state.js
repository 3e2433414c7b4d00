// One step: what was done, what happened, and how everything stood afterwards. What has changed is marked.

function stepPanel(view, action) {
  const { race, actions } = view.timeline;
  const racing = race && race.includes(view.at);
  const shown = action.e.filter((event) => !view.hidden.has(event[1]));
  const row = ([lane, family, words, by]) => h("li", { class: view.matches && view.matches(words) ? "match" : null }, h("span", { class: `dot f-${family}`, title: family }), h("span", { class: "lane" }, by === "disk" ? "disk" : by), h("span", { class: "words" }, words));
  return h("div", { class: "panel pad" },
    h("p", { class: "now", id: "now" }, `${action.n}  ${action.t}`),
    h("p", { class: "dim", style: "font-size:12.5px" }, action.p && `It now stands in statement ${action.p}`),
    racing && h("p", { class: "race-note" }, "One of the two steps that race."),
    view.at === actions.length - 1 && h("p", { class: "race-note", style: "border-color:var(--bad)" }, "Here the violation was noticed."),
    h("ol", { class: "events", id: "events" }, shown.map(row)),
    shown.length < action.e.length && h("p", { class: "faint" }, `${plural(action.e.length - shown.length, "event")} filtered out`),
    action.w.length > 0 && h("p", { class: "dim", style: "margin-top:6px" }, `Woken: ${action.w.join(", ")}`));
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const mark = (changed) => (changed ? "changed" : null);

function statePanel(now, before) {
  const conns = Object.keys(now).filter((key) => /^c\d+$/.test(key)).sort((a, b) => a.slice(1) - b.slice(1));
  return h("div", { class: "state", id: "state" },
    h("div", { class: "panel pad", id: "wal" }, h("h3", {}, "WAL index"), walHeader(now, before)),
    h("div", { class: "panel pad", id: "locks" }, h("h3", {}, "Read marks and locks"), marksAndLocks(now, before)),
    h("div", { class: "panel pad wide", id: "connections" }, h("h3", {}, "Connections and their caches"), connections(conns, now, before)),
    h("div", { class: "panel pad wide", id: "disk" }, h("h3", {}, "Disk"), disk(now, before)),
    h("p", { class: "faint wide", style: "font-size:12px" }, `Stage of the run: ${now.stage}. Marked in amber: changed by this step.`));
}

function walHeader(now, before) {
  const names = ["valid", "sequence", "change counter", "mxFrame", "pages", "salts", "checksum"];
  const [first, second] = now.headers;
  const show = (value) => (value === true ? "yes" : value === false ? "no" : String(value));
  const rows = names.map((name, at) => h("tr", {}, h("td", { class: "dim" }, name), [0, 1].map((copyAt) => h("td", { class: mark(!same(now.headers[copyAt][at], before.headers[copyAt][at])) }, h("span", { class: same(first[at], second[at]) ? null : "torn" }, show(now.headers[copyAt][at]))))));
  const counters = [["nBackfill", now.backfill[0], before.backfill[0]], ["nBackfillAttempted", now.backfill[1], before.backfill[1]]];
  return h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, same(first, second) ? "" : h("span", { class: "torn" }, "copies differ")), h("th", {}, "copy 0"), h("th", {}, "copy 1"))),
    h("tbody", {}, rows, counters.map(([name, value, was]) => h("tr", {}, h("td", { class: "dim" }, name), h("td", { class: mark(value !== was), colspan: 2 }, value)))));
}

function marksAndLocks(now, before) {
  const holder = (state, lock) => { const held = state.locks.find(([name]) => name === lock); return held ? `${held[2].join(" ")} ${held[1] === "excl" ? "exclusive" : "shared"}` : ""; };
  const row = (lock, value, was) => h("tr", {}, h("td", { class: "dim" }, lock), h("td", { class: mark(!same(value, was)) }, value === undefined ? "" : value === null ? "unused" : `mark ${value}`), h("td", { class: mark(holder(now, lock) !== holder(before, lock)) }, holder(now, lock) || h("span", { class: "faint" }, "free")));
  const plain = ["WRITE", "CKPT", "RECOVER", ...now.locks.map(([lock]) => lock).filter((lock) => !lock.startsWith("READ"))];
  const others = [...new Set([...plain, ...before.locks.map(([lock]) => lock).filter((lock) => !lock.startsWith("READ"))])];
  return h("table", {}, h("tbody", {}, now.marks.map((value, slot) => row(`READ${slot}`, value, before.marks[slot])), others.map((lock) => row(lock))));
}

function connections(conns, now, before) {
  const rows = conns.map((name) => {
    const [one, was] = [now[name], before[name]];
    if (!one) return h("tr", {}, h("td", {}, name), h("td", { colspan: 4, class: mark(was) }, "closed"));
    const snapshot = one.slot === null ? "none" : `frame ${one.frame}, slot ${one.slot}${one.min > 1 ? `, from frame ${one.min}` : ""}`;
    const standing = one.statements.filter(([nth]) => nth > 0).map(([nth, site, waits], at) => `${at > 0 ? "second slot: " : ""}${site ? `statement ${nth} at ${site}${waits ? ", waits" : ""}` : `statement ${nth} ended`}`).join("; ");
    const chip = ([page, flags, pins]) => {
      const kind = flags.includes("R") ? "locked" : flags.includes("D") ? "dirty" : flags.includes("S") ? "spilled" : "";
      const words = [flags.includes("L") ? "loaded" : "not loaded", flags.includes("R") && "read in flight", flags.includes("D") && "dirty", flags.includes("S") && "spilled to the log", pins > 0 && plural(pins, "pin")].filter(Boolean).join(", ");
      const old = was && was.cache.find(([other]) => other === page);
      return h("span", { class: `chip ${kind} ${old && same(old, [page, flags, pins]) ? "" : "changed"}`, title: `page ${page}: ${words}` }, `${page}${flags.replace("L", "") && ` ${flags.replace("L", "")}`}${pins > 0 ? ` ·${pins}` : ""}`);
    };
    const role = one.writing ? "writes" : one.slot !== null ? "reads" : "";
    return h("tr", {}, h("td", {}, name), h("td", { class: mark(!was || role !== (was.writing ? "writes" : was.slot !== null ? "reads" : "") || one.tx !== was.tx) }, [one.tx && "BEGIN", role].filter(Boolean).join(", ") || h("span", { class: "faint" }, "idle")),
      h("td", { class: mark(!was || one.slot !== was.slot || one.frame !== was.frame) }, one.slot === null ? h("span", { class: "faint" }, "no snapshot") : snapshot), h("td", { class: mark(!was || !same(one.statements, was.statements)) }, standing), h("td", {}, h("div", { class: "chips" }, one.cache.map(chip))));
  });
  return h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["", "transaction", "snapshot", "stands", "cached pages (R read in flight, D dirty, S spilled, ·pins)"].map((head) => h("th", {}, head)))), h("tbody", {}, rows)));
}

function disk(now, before) {
  const flight = ([op, owner, kind, file, offset, len, cancel]) => h("span", { class: `chip locked ${before.flight.some(([other]) => other === op) ? "" : "changed"}` }, `#${op} ${owner} ${kind} ${file}${kind === "fsync" ? "" : ` ${offset}+${len}`}${cancel ? " cancel asked" : ""}`);
  const frame = ([page, commit, current, durable], at) => {
    const n = at + 1;
    const kind = [current ? "" : "stale", durable ? "durable" : "volatile", commit > 0 ? "commit" : "", current && n <= now.backfill[0] ? "backfilled" : "", same(before.frames[at], now.frames[at]) ? "" : "changed"].join(" ");
    return h("span", { class: `chip ${kind}`, title: `frame ${n}: page ${page}${commit > 0 ? `, commit of ${plural(commit, "page")}` : ""}${current ? "" : ", of an earlier generation"}; ${durable ? "durable" : "a power loss may take it"}` }, `${n}→p${page}`);
  };
  const pages = (state) => (state.volatile.length === 0 ? h("span", { class: "faint" }, "all durable") : h("span", {}, `pages ${state.volatile.join(", ")} not durable`));
  const sizes = (file) => `${grouped(now.sizes[file][0])} bytes${now.sizes[file][0] === now.sizes[file][1] ? "" : `, ${grouped(now.sizes[file][1])} of them durable`}`;
  const row = (label, value, changed) => h("tr", {}, h("td", { class: "dim" }, label), h("td", { class: mark(changed) }, value));
  return h("table", {}, h("tbody", {},
    row("in flight", now.flight.length > 0 ? h("div", { class: "chips" }, now.flight.map(flight)) : h("span", { class: "faint" }, "nothing")),
    row("log", [h("div", { class: "chips", id: "frames" }, now.frames.length > 0 ? now.frames.map(frame) : h("span", { class: "faint" }, "no frames")), h("div", { class: "faint" }, `${sizes("log")}; filled: durable, thick base: a commit ends, underlined: backfilled`)], !same(now.sizes.log, before.sizes.log)),
    row("database", [pages(now), h("div", { class: "faint" }, sizes("db"))], !same([now.volatile, now.sizes.db], [before.volatile, before.sizes.db]))));
}
