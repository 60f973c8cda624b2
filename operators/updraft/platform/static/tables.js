// The tables of the page: what each column of a panel's rows shows.

import { make } from "./dom.js";
import { ago, amount, date, moment, seconds } from "./format.js";
import { outside } from "./ways.js";

const TABLE_ROWS = 24;

const STATES = {
  success: "good", failed: "bad", upstream_failed: "bad", up_for_retry: "warn", running: "warn",
  critical: "bad", page: "bad", warning: "warn", up: "good", down: "bad",
};
const badge = (text) => make("span", text.replaceAll("_", " "), { class: `badge ${STATES[text] ?? ""}` });

function taskLink(row) {
  const query = new URLSearchParams({ dag_id: row.dag_id, task_id: row.task_id });
  const range = new URLSearchParams(location.search).get("range");
  if (range) query.set("range", range);
  return make("a", row.task_id, { href: `?${query}` });
}

const logLink = (row) => outside(make("a", `log of try ${row.try}`), row.log);
// The platform's own stay in this frame, as a task's page does.
const runbook = (address) => {
  const anchor = make("a", "what to do");
  if (/^https?:\/\//.test(address)) return outside(anchor, address);
  anchor.href = address;
  return anchor;
};
const lasted = (from, to) => (from && to ? seconds((to - from) / 1000) : "–");
const mapped = (row) => (row.map_index >= 0 ? String(row.map_index) : "–");

// Each column: its heading, and what a row has there, a text or an element.
const TABLES = {
  control: [
    ["Part", (row) => row.name],
    ["State", (row) => (row.up === null ? "never seen" : badge(row.up ? "up" : "down"))],
    ["Heard", (row) => (row.seen ? ago(row.seen) : row.up ? "answers" : "–")],
  ],
  alerts: [
    ["Alert", (row) => row.name],
    ["Severity", (row) => badge(row.severity)],
    ["Since", (row) => ago(row.since)],
    ["What", (row) => row.summary || "–"],
    ["Runbook", (row) => (row.runbook ? runbook(row.runbook) : "–")],
  ],
  failures: [
    ["Task", taskLink],
    ["DAG", (row) => row.dag_id],
    ["Index", mapped],
    ["Failed", (row) => date(row.ended)],
    ["Ran", (row) => lasted(row.started, row.ended)],
    ["Run", (row) => row.run_id],
    ["Log", logLink],
  ],
  tries: [
    ["Try", (row) => String(row.try)],
    ["State", (row) => badge(row.state)],
    ["Index", mapped],
    ["Started", (row) => (row.started ? date(row.started) : "not yet")],
    ["Waited", (row) => (row.started >= row.queued ? lasted(row.queued, row.started) : "–")],
    ["Ran", (row) => lasted(row.started, row.ended)],
    ["Run", (row) => row.run_id],
    ["Log", (row) => (row.started ? logLink(row) : "–")],
  ],
  cost: [
    ["DAG or team", (row) => row.name],
    ["Kind", (row) => row.kind],
    ["Cost", (row, content) => amount(row.amount, content.currency)],
  ],
};

// Columns with what people have written. They wrap: names anywhere, and an alert's, which is one
// word, only where it is very long. The others are short, and never do.
const WRAPPED = {
  Task: "long", DAG: "long", Run: "long", What: "long", "DAG or team": "long", Alert: "name",
};
// With more columns a table wants more room than a panel of the grid has.
const FEW = 3;

/** Rows as a table; where its panel is too narrow for one, each of them is a card. */
export function table(name, content, title) {
  const columns = TABLES[name];
  const made = make("table", null, columns.length > FEW ? { class: "many" } : {});
  made.append(make("caption", title));
  const head = make("tr");
  head.append(...columns.map(([heading]) => make("th", heading, { scope: "col" })));
  made.createTHead().append(head);
  const body = made.createTBody();
  for (const row of content.rows) {
    const line = make("tr");
    columns.forEach(([heading, value], place) => {
      const cell = place ? make("td", null, { "data-label": heading }) : make("th", null, { scope: "row", "data-label": heading });
      const inner = make("span", null, { class: WRAPPED[heading] ?? "short" });
      inner.append(value(row, content));
      cell.append(inner);
      line.append(cell);
    });
    body.append(line);
  }
  return made;
}

/** The chart's numbers: every so many points of each series, the newest first. */
export function numbers(series, unit, title) {
  const made = make("table");
  made.append(make("caption", title));
  const head = make("tr");
  head.append(make("th", "Time", { scope: "col" }));
  head.append(...series.map((each) => make("th", each.name, { scope: "col", class: "number" })));
  made.createTHead().append(head);
  const body = made.createTBody();
  const moments = series[0].points.map(([at]) => at);
  const pace = Math.max(1, Math.ceil(moments.length / TABLE_ROWS));
  for (let place = moments.length - 1; place >= 0; place -= pace) {
    const line = make("tr");
    line.append(make("th", moment(moments[place]), { scope: "row" }));
    line.append(...series.map((each) => make("td", amount(each.points[place]?.[1], unit), { class: "number" })));
    body.append(line);
  }
  const scroll = make("div", null, { class: "scroll", tabindex: "0", role: "region", "aria-label": title });
  scroll.append(made);
  return scroll;
}

/** A panel's numbers, each with its unit and what it is of. */
export function statistics(stats) {
  const made = make("dl", null, { class: "stats" });
  for (const each of stats) {
    const group = make("div");
    const value = make("dd", amount(each.value, each.unit));
    if (each.of !== null) value.append(make("small", ` of ${amount(each.of, each.unit)}`));
    group.append(make("dt", each.label), value);
    made.append(group);
  }
  return made;
}
