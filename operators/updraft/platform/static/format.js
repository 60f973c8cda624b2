// Numbers and times with their units, for people.

const fixed = (value, digits) =>
  value.toLocaleString("en", { maximumFractionDigits: digits, useGrouping: true });

/** Three significant digits are enough to tell one amount from another. */
function short(value) {
  const size = Math.abs(value);
  return fixed(value, size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

export function seconds(value) {
  if (value < 100) return `${short(value)} s`;
  if (value < 7200) {
    const whole = Math.round(value);
    return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
  }
  if (value < 172800) return `${short(value / 3600)} h`;
  return `${short(value / 86400)} d`;
}

function bytes(value) {
  for (const [name, size] of [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]]) {
    if (Math.abs(value) >= size) return `${short(value / size)} ${name}`;
  }
  return `${fixed(value, 0)} B`;
}

export function amount(value, unit) {
  if (value === null || value === undefined) return "no data";
  if (unit === "seconds") return seconds(value);
  if (unit === "bytes") return bytes(value);
  if (unit === "ratio") return `${fixed(value * 100, 1)} %`;
  if (/^[A-Z]{3}$/.test(unit)) return `${value < 100 ? value.toFixed(2) : fixed(value, 0)} ${unit}`;
  const one = unit === "cores" && value === 1 ? "core" : value === 1 ? unit.replace(/s$/, "") : unit;
  return `${short(value)} ${one}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const brief = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

export const moment = (at) => brief.format(at);
export const time = (at) => clock.format(at);
export const date = (at) => day.format(at);

/** How long ago a moment was, such as "3 min 5 s ago". */
export const ago = (at) => `${seconds(Math.max(0, Math.round((Date.now() - at) / 1000)))} ago`;
