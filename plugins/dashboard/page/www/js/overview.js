// What is stuck, seen at once; then how much goes through, and who lags.

import { chart } from "./chart.js";
import { Rows, h, put, say } from "./dom.js";
import { column, condition, figures, inputKey, listen, rateOf, readerKey, sum } from "./figures.js";
import * as format from "./format.js";

const CURVES_MAX = 8;

function troubles(now) {
  const found = [];
  if (figures.error) found.push({ key: "gone", level: "bad", what: "hekad does not answer", why: figures.error.message });
  for (const queue of now.queues) {
    if (queue.failed) found.push({ key: "queue" + queue.name, level: "bad", what: `The ${queue.name} queue cannot hold records any more`, why: "hekad has to be started anew." });
  }
  if (now.queue_refuses) found.push({ key: "refuses", level: "bad", what: "The queues take no records", why: "Is the disk full? Inputs wait." });
  if (now.inputs_held) found.push({ key: "held", level: "bad", what: "Inputs are held back", why: "A filter or output is at its limit." });
  for (const reader of now.readers) {
    const { level, word, why } = condition(reader);
    if (level === "good") continue;
    const since = word === "stuck" ? ` for ${format.seconds(reader.busy_s)}` : "";
    const waiting = reader.lag_records ? ` ${format.count(reader.lag_records)} records (${format.bytes(reader.lag_bytes)}) wait, the oldest for ${format.seconds(reader.oldest_unread_s)}.` : "";
    found.push({ key: readerKey(reader), level, what: `${reader.name} (${reader.type_name}) ${word === "holds inputs" ? "is at its limit" : word === "ended" ? "has ended" : "is " + word}${since}`, why: why + waiting, problem: reader.problem?.text });
  }
  for (const input of now.inputs) {
    if (!input.running) found.push({ key: inputKey(input), level: "bad", what: `${input.name} (${input.type_name}) has ended`, why: "It brings nothing any more.", problem: input.problem?.text });
  }
  for (const reader of now.readers) {
    const before = figures.before?.readers.find((other) => readerKey(other) === readerKey(reader));
    if (before && reader.dropped_bytes > before.dropped_bytes) {
      found.push({ key: "drop" + readerKey(reader), level: "bad", what: `${reader.name} drops messages`, why: `${format.bytes(reader.dropped_bytes)} of queued messages given up so far.` });
    }
  }
  return found;
}

function trouble() {
  const [what, why, problem] = [h("b"), h("span"), h("code")];
  const element = h("li", {}, what, why, problem);
  const update = (item) => {
    element.className = "trouble " + item.level;
    say(what, item.what);
    say(why, item.why);
    say(problem, item.problem ?? "");
    problem.hidden = !item.problem;
  };
  return { element, update };
}

function tile(label) {
  const [value, small] = [document.createTextNode("–"), h("small")];
  const element = h("div", { className: "tile" }, h("dt", {}, label), h("dd", {}, value, small));
  const update = (text, note = "", level = "") => {
    if (value.data !== text) value.data = text;
    say(small, note);
    element.className = "tile " + level;
  };
  return { element, update };
}

function readerRow() {
  const cells = ["State", "Messages", "Lag", "Records", "Oldest unread", "Dropped", "Errors"].map((label) => h("td", { "data-label": label, className: label === "State" ? "" : "num" }));
  const [name, type, pill] = [h("b"), h("span"), h("span", { className: "pill" })];
  cells[0].append(pill);
  const element = h("tr", {}, h("td", { className: "wide" }, h("div", { className: "who" }, name, type)), cells);
  const update = (reader) => {
    const { level, word } = condition(reader);
    element.className = level;
    say(name, reader.name);
    say(type, reader.type_name);
    say(pill, word);
    pill.className = "pill " + level;
    [format.rate(figures.rates.get(readerKey(reader))), format.bytes(reader.lag_bytes), format.count(reader.lag_records), format.seconds(reader.oldest_unread_s), format.bytes(reader.dropped_bytes), format.count(reader.errors)]
      .forEach((text, at) => say(cells[at + 1], text));
  };
  return { element, update };
}

export function overview(main) {
  const list = h("ul", { className: "troubles" });
  const calm = h("p", { className: "calm" }, "Everything gets on.");
  const tiles = Object.fromEntries(["Messages in", "Messages read", "Largest lag", "Oldest unread", "Dropped", "Restarts", "Memory", "Processor"].map((label) => [label, tile(label)]));
  const traffic = chart({ title: "Messages a second", format: format.count });
  const lag = chart({ title: "Queued for each reader", format: format.bytes, binary: true });
  const body = h("tbody");
  put(main,
    h("h1", { className: "sr" }, "Overview"),
    h("section", { "aria-label": "What is wrong", role: "status" }, list, calm),
    h("dl", { className: "tiles", "aria-label": "Figures" }, Object.values(tiles).map(({ element }) => element)),
    h("div", { className: "pair" }, h("section", { className: "card" }, traffic.element), h("section", { className: "card" }, lag.element)),
    h("section", { className: "card" }, h("h2", {}, "Filters and outputs"),
      h("div", { className: "scroll" }, h("table", { className: "list stack" },
        h("thead", {}, h("tr", {}, ["Name", "State", "Messages", "Lag", "Records", "Oldest unread", "Dropped", "Errors"].map((label, at) => h("th", { scope: "col", className: at > 1 ? "num" : "" }, label)))), body))));
  const troubleRows = new Rows(list, (item) => item.key, trouble);
  const readers = new Rows(body, readerKey, readerRow);

  const show = () => {
    const { now, before, rates } = figures;
    if (!now) return;
    const found = troubles(now);
    troubleRows.show(found);
    calm.hidden = found.length > 0;
    const total = (items, key) => items.reduce((all, item) => all + (rates.get(key(item)) ?? 0), 0);
    const known = rates.size > 0;
    tiles["Messages in"].update(known ? format.rate(total(now.inputs, inputKey)) : "–", now.inputs.length === 1 ? "1 input" : `${now.inputs.length} inputs`);
    tiles["Messages read"].update(known ? format.rate(total(now.readers, readerKey)) : "–", `${now.readers.length} filters and outputs`);
    const most = now.readers.reduce((one, other) => (other.lag_bytes > (one?.lag_bytes ?? 0) ? other : one), null);
    tiles["Largest lag"].update(format.bytes(most?.lag_bytes ?? 0), most?.name ?? "nobody", most?.holds_inputs ? "bad" : "");
    const oldest = now.readers.reduce((one, other) => (other.oldest_unread_s > (one?.oldest_unread_s ?? 0) ? other : one), null);
    tiles["Oldest unread"].update(format.seconds(oldest?.oldest_unread_s ?? 0), oldest?.name ?? "all is read", (oldest?.oldest_unread_s ?? 0) >= 10 ? "warn" : "");
    const dropped = now.readers.reduce((all, reader) => all + reader.dropped_bytes, 0);
    tiles.Dropped.update(format.bytes(dropped), "since the start", dropped ? "bad" : "");
    const restarts = now.inputs.reduce((all, input) => all + input.restarts, 0);
    const retries = now.readers.reduce((all, reader) => all + reader.retries, 0);
    tiles.Restarts.update(format.count(restarts), `${format.count(retries)} batches sent again`, restarts ? "warn" : "");
    tiles.Memory.update(format.bytes(now.process.anonymous_bytes), `${format.bytes(now.process.resident_bytes)} with queue files`);
    const cpu = before ? (100 * (now.process.cpu_s - before.process.cpu_s)) / Math.max(0.001, (now.time_ms - before.time_ms) / 1000) : null;
    tiles.Processor.update(cpu === null ? "–" : `${cpu.toFixed(cpu < 10 ? 1 : 0)} %`, `of one; ${now.process.threads} threads`);
    const ins = now.inputs.map((input) => rateOf(inputKey(input)));
    const outs = (kind) => now.readers.filter((reader) => reader.kind === kind).map((reader) => rateOf(readerKey(reader)));
    traffic.update([{ label: "inputs", fill: true }, { label: "filters" }, { label: "outputs" }], [figures.times, sum(ins), sum(outs("filter")), sum(outs("output"))]);
    const lagging = [...now.readers].sort((one, other) => other.lag_bytes - one.lag_bytes).slice(0, CURVES_MAX).sort((one, other) => (one.name < other.name ? -1 : 1));
    lag.update(lagging.map((reader) => ({ label: reader.name })), [figures.times, ...lagging.map((reader) => column(readerKey(reader), 1))]);
    readers.show(now.readers);
  };
  const stop = listen(show);
  return () => {
    stop();
    traffic.end();
    lag.end();
  };
}
