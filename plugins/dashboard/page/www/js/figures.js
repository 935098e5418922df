// The figures of now and of the last hour, asked for every two seconds; views listen.

import * as api from "./api.js";

const EVERY_MS = 2000;
const POINTS_MAX = 2400;
const KEEP_MS = 3600e3;

export const STUCK_S = 2;
const BEHIND_S = 10;

// `now` is the last answer. `times` (seconds since 1970) and `series` (by `kind name`: messages so far, lag, age) are of one
// length; `rates` are messages a second between the last two answers.
export const figures = { now: null, before: null, error: null, times: [], series: new Map(), rates: new Map() };

const listeners = new Set();

export function listen(listener) {
  listeners.add(listener);
  if (figures.now) listener();
  return () => listeners.delete(listener);
}

export const inputKey = (input) => "input " + input.name;
export const readerKey = (reader) => `${reader.kind} ${reader.name}`;

function points(now) {
  return [
    ...now.inputs.map((input) => [inputKey(input), [input.messages, 0, 0]]),
    ...now.readers.map((reader) => [readerKey(reader), [reader.messages, reader.lag_bytes, reader.oldest_unread_s]]),
  ];
}

function add(time_s, entries) {
  const length = figures.times.length;
  figures.times.push(time_s);
  for (const [key, point] of entries) {
    let series = figures.series.get(key);
    if (!series) figures.series.set(key, (series = Array(length).fill(null)));
    if (series.length === length) series.push(point);
  }
  for (const series of figures.series.values()) if (series.length === length) series.push(null);
  let old = Math.max(0, figures.times.length - POINTS_MAX);
  while (old < length && figures.times[old] < time_s - KEEP_MS / 1000) old += 1;
  if (old) {
    figures.times.splice(0, old);
    for (const series of figures.series.values()) series.splice(0, old);
  }
  for (const [key, series] of figures.series) if (series.every((point) => point === null)) figures.series.delete(key);
}

// Messages a second at each time, for one series.
export function rateOf(key) {
  const series = figures.series.get(key) ?? [];
  return figures.times.map((time, at) => {
    const [one, other] = [series[at - 1], series[at]];
    if (!one || !other || other[0] < one[0]) return null;
    return (other[0] - one[0]) / Math.max(0.001, time - figures.times[at - 1]);
  });
}

export function sum(columns) {
  return figures.times.map((_, at) => {
    const values = columns.map((column) => column[at]).filter((value) => value !== null);
    return values.length ? values.reduce((all, value) => all + value, 0) : null;
  });
}

export function column(key, which) {
  return (figures.series.get(key) ?? figures.times.map(() => null)).map((point) => (point ? point[which] : null));
}

// What is to be said of a reader: how bad it is, one word, and the reason.
export function condition(reader) {
  if (!reader.running) return { level: "bad", word: "ended", why: "What is queued for it is kept, up to its limit." };
  if (reader.holds_inputs) return { level: "bad", word: "holds inputs", why: "It is at its limit, so inputs are held back." };
  if (reader.busy_s >= STUCK_S) return { level: "bad", word: "stuck", why: "It does not get on with what it has in hand." };
  if (reader.oldest_unread_s >= BEHIND_S) return { level: "warn", word: "behind", why: "It reads more slowly than messages come." };
  return { level: "good", word: "ok", why: "" };
}

async function ask() {
  try {
    const now = await api.status();
    const before = figures.now;
    const restarted = before && before.process.pid !== now.process.pid;
    // The first answer is compared with the last of the history.
    const took_s = now.time_ms / 1000 - (figures.times.at(-1) ?? Infinity);
    if (!restarted && took_s > 0) {
      const last = (key) => figures.series.get(key)?.at(-1) ?? null;
      figures.rates = new Map(points(now).map(([key, point]) => [key, last(key) ? Math.max(0, (point[0] - last(key)[0]) / took_s) : null]));
    }
    Object.assign(figures, { before: restarted ? null : before, now, error: null });
    add(now.time_ms / 1000, points(now));
  } catch (error) {
    figures.error = error;
  }
  for (const listener of listeners) listener();
  setTimeout(ask, EVERY_MS);
}

export async function start() {
  try {
    const { times_ms, series } = await api.history();
    const keys = Object.keys(series);
    times_ms.forEach((time, at) => add(time / 1000, keys.filter((key) => series[key][at]).map((key) => [key, series[key][at]])));
  } catch {
    // The curves begin now.
  }
  ask();
}
