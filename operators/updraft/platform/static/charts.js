// The charts, drawn by Apache ECharts in the colours of the page's theme.

import { amount } from "./format.js";

const drawn = new Map();
const STATES = {
  success: "--good", failed: "--bad", "up for retry": "--warn", "up for reschedule": "--series-3",
  skipped: "--muted", Running: "--series-1", Pending: "--warn", Succeeded: "--good", Failed: "--bad",
  Unknown: "--muted", used: "--series-1", requested: "--series-2", queued: "--warn",
};
const DASHES = ["solid", [6, 3], [2, 2], [9, 3, 2, 3], [12, 4]];

export const available = () => typeof window.echarts === "object";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const ofSeries = (name, place) => colour(STATES[name] ?? `--series-${(place % 5) + 1}`);

function base() {
  return {
    animation: false,
    textStyle: { color: colour("--text"), fontFamily: "inherit" },
    aria: { enabled: false },
    tooltip: {
      // Drawn in the canvas: a name is never read as HTML.
      renderMode: "richText", confine: true, trigger: "axis",
      backgroundColor: colour("--panel"), borderColor: colour("--line"), textStyle: { color: colour("--text") },
    },
  };
}

/** Steps of an axis that are round in its unit; undefined where ECharts knows best. */
function steps(unit, most) {
  if (unit === "ratio") return { max: Math.max(1, Math.ceil(most * 4) / 4), interval: 0.25 };
  if (unit === "bytes" && most > 0) {
    const interval = 2 ** Math.ceil(Math.log2(most / 4));
    return { max: Math.ceil(most / interval) * interval, interval };
  }
  if (unit === "seconds" && most > 100) {
    const interval = [30, 60, 120, 300, 600, 1800, 3600].find((each) => each * 6 >= most) ?? 7200;
    return { max: Math.ceil(most / interval) * interval, interval };
  }
  return { minInterval: unit === "tasks" || unit === "pods" ? 1 : undefined };
}

function axes(unit, range, most) {
  const label = { color: colour("--faint") };
  const line = { lineStyle: { color: colour("--line") } };
  return {
    xAxis: {
      type: "time", min: range.from, max: range.to, axisLabel: { ...label, hideOverlap: true },
      axisLine: line, splitLine: { show: false }, splitNumber: 4,
    },
    yAxis: {
      type: "value", min: 0, splitNumber: 4, ...steps(unit, most),
      axisLabel: { ...label, formatter: (value) => amount(value, unit) }, splitLine: line,
    },
  };
}

function lines(kind, series, unit, objective) {
  const shown = series.map((each, place) => ({
    type: "line", name: each.name, data: each.points, showSymbol: false, connectNulls: false,
    color: ofSeries(each.name, place),
    lineStyle: { width: kind === "stack" ? 1 : 2, type: kind === "lines" ? DASHES[place % 5] : "solid" },
    stack: kind === "stack" ? "all" : undefined,
    areaStyle: kind === "lines" ? undefined : { opacity: 0.35 },
  }));
  if (objective && shown.length) {
    shown[0].markLine = {
      symbol: "none", silent: true, data: [{ yAxis: objective }],
      lineStyle: { color: colour("--bad"), type: "dashed" },
      label: { formatter: `objective ${objective} s`, color: colour("--faint"), position: "insideStartTop" },
    };
  }
  return shown;
}

function overTime(kind, content, unit, width) {
  const points = content.series.flatMap((each) => each.points);
  const range = { from: points[0]?.[0], to: points[points.length - 1]?.[0] };
  const most = Math.max(0, ...points.map(([, value]) => value ?? 0));
  const option = base();
  option.tooltip.valueFormatter = (value) => amount(value, unit);
  const narrow = width < 480 && content.series.length > 3;
  return {
    ...option, ...axes(unit, range, most),
    legend: { top: 0, left: 0, itemWidth: 22, itemHeight: 8, textStyle: { color: colour("--text") } },
    grid: { top: narrow ? 56 : 34, left: 4, right: 16, bottom: 4 },
    series: lines(kind, content.series, unit, content.objective),
  };
}

function bars(content) {
  const rows = content.rows.filter((row) => row.kind !== "team");
  const option = base();
  const label = { color: colour("--faint") };
  option.tooltip.valueFormatter = (value) => amount(value, content.currency);
  option.tooltip.axisPointer = { type: "shadow" };
  return {
    ...option,
    grid: { top: 4, left: 4, right: 84, bottom: 4 },
    xAxis: { type: "value", axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: {
      type: "category", inverse: true, data: rows.map((row) => row.name), axisTick: { show: false },
      axisLine: { lineStyle: { color: colour("--line") } },
      axisLabel: { ...label, width: 130, overflow: "truncate", interval: 0 },
    },
    series: [{
      type: "bar", name: "cost", color: colour("--series-1"), barMaxWidth: 18,
      data: rows.map((row) => row.amount),
      label: {
        show: true, position: "right", color: colour("--text"),
        formatter: (each) => amount(each.value, content.currency),
      },
    }],
  };
}

/** Draw a panel's content into an element, or draw it anew. */
export function draw(element, kind, content, unit) {
  const height = kind === "bars" ? Math.max(90, content.rows.filter((row) => row.kind !== "team").length * 26 + 16) : 210;
  element.style.height = `${height}px`;
  let chart = drawn.get(element)?.chart;
  if (!chart) {
    chart = window.echarts.init(element, null, { renderer: "canvas" });
    new ResizeObserver(() => chart.resize()).observe(element);
  }
  drawn.set(element, { chart, kind, content, unit });
  chart.resize();
  const option = kind === "bars" ? bars(content) : overTime(kind, content, unit, element.clientWidth);
  chart.setOption(option, { notMerge: true });
}

/** Forget an element that shows no chart any more. */
export function forget(element) {
  drawn.get(element)?.chart.dispose();
  drawn.delete(element);
}

/** Draw all charts anew, in another theme's colours. */
export function redraw() {
  for (const [element, { kind, content, unit }] of drawn) draw(element, kind, content, unit);
}
