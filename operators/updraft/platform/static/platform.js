// The Platform page: asks the server for each panel, and shows what it says or why it can't.

import { available, draw, forget, redraw } from "./charts.js";
import { make, notice } from "./dom.js";
import { time } from "./format.js";
import { numbers, statistics, table } from "./tables.js";
import { followTheme } from "./theme.js";
import { outside, routeOut } from "./ways.js";

const REFRESH = 30_000;
const asked = new URLSearchParams(location.search);
const task = { dag_id: asked.get("dag_id") ?? "", task_id: asked.get("task_id") ?? "" };
const pages = { failures: 0 };
let session = {};
let range = asked.get("range");
let loading = new AbortController();

function pager(name, content) {
  const last = Math.max(0, Math.ceil(content.total / content.page_size) - 1);
  const made = make("nav", null, { class: "pages", "aria-label": "Pages of failures" });
  const step = (text, by, possible) => {
    const button = make("button", text, { type: "button" });
    button.disabled = !possible;
    button.addEventListener("click", () => {
      pages[name] = content.page + by;
      load(document.querySelector(`[data-panel="${name}"]`));
    });
    return button;
  };
  made.append(step("Newer", -1, content.page > 0), step("Older", 1, content.page < last));
  made.append(make("span", `page ${content.page + 1} of ${last + 1}, ${content.total} in all`));
  return made;
}

function silent() {
  const made = make("p", "The Watchdog does not fire: alerts may not arrive at all. ");
  made.append(make("a", "What to do", { href: "runbooks/Watchdog.md" }));
  return made;
}

const REMARKS = {
  alerts: (content) => [
    content.watchdog ? "" : silent(),
    content.hidden ? `Left out, for they concern DAGs that you may not read: ${content.hidden}.` : "",
  ],
  cost: (content) => [content.hidden ? `Left out, for you may not read them: DAGs that cost something, ${content.hidden}.` : ""],
};
const EMPTY = {
  alerts: "No alert fires.",
  failures: "No task of the DAGs that you may read failed in this range.",
  task: "This task has not run yet, or its runs were deleted.",
};

/** Show a panel's content; what its details element had open stays open. */
function show(panel, content) {
  const { body, chart } = parts(panel);
  const { panel: name, chart: kind, table: rows } = panel.dataset;
  const unit = panel.dataset.unit ?? content.currency;
  const title = panel.querySelector("h2, h3").textContent;
  const open = body.querySelector("details")?.open ?? false;
  const shown = [];
  const remarks = (REMARKS[name]?.(content) ?? []).filter(Boolean);
  if (content.status === "failed" || content.status === "denied") {
    const where = content.where ? `Where: ${content.where}` : "";
    shown.push(notice(content.status, `${content.reason}.`, where, `What to do: ${content.fix}.`));
  } else {
    if (remarks.length) shown.push(notice("", ...remarks));
    if (content.status === "empty") {
      const why = "No data in this range: nothing has happened, or it is not yet, or no longer, recorded.";
      shown.push(notice("empty", EMPTY[name] ?? why));
    }
  }
  const draws = kind && content.status === "ok" && (content.series ?? content.rows)?.length > 0;
  if (content.status === "ok" && content.stats?.length) shown.push(statistics(content.stats));
  const full = content.status === "ok" && rows && content.rows.length ? table(rows, content, title) : null;
  const instead = draws && kind !== "bars" ? numbers(content.series, unit, title) : full;
  if (kind && instead) {
    const details = make("details");
    details.open = open || !available();
    details.append(make("summary", "As a table"), instead);
    shown.push(details);
  } else if (full) {
    shown.push(full);
  }
  if (content.total > content.page_size) shown.push(pager(name, content));
  body.replaceChildren(...shown);
  chart.hidden = !(draws && available());
  if (chart.hidden) {
    forget(chart);
  } else {
    // Numbers above, the chart below them, the table last.
    const details = body.querySelector("details");
    body.insertBefore(chart, details);
    chart.setAttribute("aria-label", `Chart of ${title}, ${unit}; its numbers follow as a table`);
    draw(chart, kind, content, unit);
  }
  panel.dataset.status = content.status;
}

/** The two places of a panel that change. */
function parts(panel) {
  if (!panel.parts) {
    const body = make("div", "loading …", { class: "body" });
    const chart = make("div", null, { class: "chart", role: "img" });
    panel.append(body);
    panel.parts = { body, chart };
    const heading = panel.querySelector("h2, h3");
    heading.id ||= `heading-${panel.dataset.panel}`;
    panel.setAttribute("aria-labelledby", heading.id);
    if (session.grafana && panel.dataset.grafana) {
      const query = new URLSearchParams({ from: `now-${range}`, to: "now" });
      for (const [key, value] of Object.entries(task)) if (value) query.set(`var-${key}`, value);
      const address = `${session.grafana}/d/${panel.dataset.grafana}?${query}`;
      const head = make("div", null, { class: "head" });
      heading.replaceWith(head);
      head.append(heading, outside(make("a", "Grafana", { "data-grafana-link": "" }), address));
    }
  }
  return panel.parts;
}

async function ask(path) {
  const answer = await fetch(`api/${path}`, { signal: loading.signal, headers: { Accept: "application/json" } });
  if (answer.status === 401 || answer.status === 403) {
    const signIn = notice("failed", "You are not logged in any more.");
    signIn.append(outside(make("a", "Log in again"), ""));
    document.getElementById("notices").replaceChildren(signIn);
    throw new Error("not logged in");
  }
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

async function load(panel) {
  const name = panel.dataset.panel;
  const query = new URLSearchParams({ range, page: pages[name] ?? 0 });
  for (const key of ["dag_id", "task_id", "run_id", "map_index"]) {
    const value = asked.get(key);
    if (value && name.startsWith("task") && !(key === "map_index" && Number(value) < 0)) query.set(key, value);
  }
  const { body } = parts(panel);
  body.setAttribute("aria-busy", "true");
  try {
    show(panel, await ask(`${name}?${query}`));
  } catch (error) {
    if (error.name === "AbortError") return;
    show(panel, {
      status: "failed", reason: `Airflow's API server does not give this panel (${error.message})`,
      where: `${location.pathname}api/${name}`, fix: "wait for it, log in again, or see its log: make logs LOG=api-server",
    });
  }
  body.removeAttribute("aria-busy");
}

async function refresh() {
  loading.abort();
  loading = new AbortController();
  const mine = loading;
  const chosen = document.querySelectorAll("main:not([hidden]) [data-panel]");
  await Promise.all([...chosen].map(load));
  if (mine === loading) document.getElementById("updated").textContent = `as of ${time(Date.now())}`;
}

function choose(name) {
  range = name;
  pages.failures = 0;
  const query = new URLSearchParams(location.search);
  query.set("range", name);
  history.replaceState(null, "", `?${query}`);
  document.getElementById("whole").href = `?range=${name}`;
  refresh();
}

function controls() {
  const group = document.getElementById("ranges");
  for (const name of session.ranges) {
    const label = make("label");
    const input = make("input", null, { type: "radio", name: "range", value: name, "aria-label": `last ${name}` });
    input.checked = name === range;
    input.addEventListener("change", () => choose(name));
    label.append(input, make("span", name));
    group.append(label);
  }
  document.getElementById("refresh").addEventListener("click", refresh);
  document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
  setInterval(() => {
    if (document.getElementById("auto").checked && !document.hidden) refresh();
  }, REFRESH);
}

function announce() {
  const notices = document.getElementById("notices");
  if (!available()) {
    notices.append(notice("", "Charts are missing: static/vendor/echarts.min.js is not there. Tables stand in for them.",
      "What to do: the image brings it; in a checkout, make dev fetches it."));
  }
  if (!session.platform && !session.dags) {
    notices.append(notice("denied", `You are logged in as ${session.user}, who may see nothing of what is here.`,
      "What to do: ask an administrator of Airflow for a role that may read DAGs, or Cluster Activity."));
  }
}

async function start() {
  followTheme(redraw);
  routeOut();
  try {
    session = await ask("session");
  } catch (error) {
    document.getElementById("notices").append(notice("failed", `The page can't begin: ${error.message}.`,
      "What to do: load it again; see the log of the API server: make logs LOG=api-server."));
    return;
  }
  if (!session.ranges.includes(range)) range = session.range;
  document.getElementById("cluster").textContent = session.cluster;
  if (session.version) document.getElementById("version").textContent = `Updraft ${session.version}`;
  const one = Boolean(task.dag_id && task.task_id);
  document.getElementById("task-name").textContent = `${task.dag_id} · ${task.task_id}`;
  document.getElementById("whole").href = `?range=${range}`;
  document.getElementById(one ? "task" : "platform").hidden = false;
  controls();
  announce();
  await refresh();
  if (location.hash) document.querySelector(CSS.escape(location.hash.slice(1)) && location.hash)?.scrollIntoView();
}

start();
