// Numbers for people.

export function count(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e9) return trim(value / 1e9) + " G";
  if (size >= 1e6) return trim(value / 1e6) + " M";
  if (size >= 1e4) return trim(value / 1e3) + " k";
  return size >= 100 || Number.isInteger(value) ? Math.round(value).toString() : trim(value);
}

function trim(value) {
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2).replace(/\.0+$/, "");
}

export function rate(value) {
  return value === null || value === undefined ? "–" : count(Math.abs(value) < 0.005 ? 0 : value) + "/s";
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (Math.abs(value) >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return (at === 0 ? Math.round(value) : trim(value)) + " " + units[at];
}

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0 s";
  if (value < 1e-3) return trim(value * 1e6) + " µs";
  if (value < 1) return trim(value * 1e3) + " ms";
  if (value < 120) return trim(value) + " s";
  if (value < 7200) return trim(value / 60) + " min";
  if (value < 172800) return trim(value / 3600) + " h";
  return trim(value / 86400) + " d";
}

export function nanoseconds(value) {
  return seconds(value / 1e9);
}

export function clock(ms) {
  return new Date(ms).toLocaleTimeString([], { hour12: false });
}

export function moment(ms) {
  return new Date(ms).toLocaleString([], { hour12: false });
}

// A field of Heka's report.
export function field(representation, value) {
  if (typeof value !== "number") return String(value);
  if (representation === "ns") return nanoseconds(value);
  if (representation === "B") return bytes(value);
  return value.toLocaleString("en");
}
