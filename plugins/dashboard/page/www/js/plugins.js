// A row for each plugin: what it did, a curve, and all that it reports.

import * as api from "./api.js";
import { Rows, h, put, say } from "./dom.js";
import { condition, figures, inputKey, listen, rateOf, readerKey } from "./figures.js";
import * as format from "./format.js";
import { spark } from "./spark.js";

const REPORT_EVERY_MS = 5000;
const SECTIONS = { inputs: "Inputs", filters: "Filters", outputs: "Outputs", decoders: "Decoders", splitters: "Splitters", encoders: "Encoders", globals: "Globals" };

function mean(histogram) {
  return histogram.count ? histogram.sum_s / histogram.count : null;
}

// The figures of a plugin that are ours, beside Heka's report.
function own(plugin) {
  if (plugin.kind) {
    return [["Matcher", plugin.matcher], ["Encoder", plugin.encoder || "–"], ["Failures", format.count(plugin.failures)], ["Injected", format.count(plugin.injected)], ["Sent again", format.count(plugin.retries)],
      ["Limit", plugin.limit_bytes ? `${format.bytes(plugin.limit_bytes)}, then ${plugin.full_action}` : "none"], [plugin.kind === "output" ? "Mean time of a batch" : "Mean time of a message", format.seconds(mean(plugin.duration))]];
  }
  return [["Splitter", plugin.splitter || "–"], ["Decoder", plugin.decoder || "–"], ["Decode failures", format.count(plugin.decode_failures)], ["Restarts", format.count(plugin.restarts)],
    ["Mean time of an append", format.seconds(mean(plugin.append))], ["Mean time of decoding", plugin.decoded ? format.seconds(mean(plugin.decode)) : "–"]];
}

function fieldList(pairs) {
  return pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
}

function row(item) {
  const [name, type, pill] = [h("b"), h("span"), h("span", { className: "pill" })];
  const curve = spark(`Messages a second of ${item.name}`);
  const cells = ["Messages", "Total", "Bytes", "Errors"].map((label) => h("td", { className: "num", "data-label": label }));
  const fields = h("dl", { className: "fields" });
  const problem = h("p", { className: "wrong" });
  const details = h("details", {}, h("summary", {}, "Report"), problem, fields);
  const element = h("tr", {}, h("td", { className: "wide" }, h("div", { className: "who" }, name, type)), h("td", { "data-label": "State" }, pill), h("td", { "data-label": "Last minutes" }, curve.element), cells, h("td", { className: "wide" }, details));
  let shown = null;
  const update = ({ plugin, key, report }) => {
    const state = plugin.kind ? condition(plugin) : plugin.running ? { level: "good", word: "ok" } : { level: "bad", word: "ended" };
    element.className = state.level;
    say(name, plugin.name);
    say(type, plugin.type_name);
    say(pill, state.word);
    pill.className = "pill " + state.level;
    curve.update(rateOf(key));
    [format.rate(figures.rates.get(key)), format.count(plugin.messages), format.bytes(plugin.bytes), format.count(plugin.errors)].forEach((text, at) => say(cells[at], text));
    say(problem, plugin.problem ? `${format.moment(plugin.problem.time_ms)}: ${plugin.problem.text}` : "");
    problem.hidden = !plugin.problem;
    if (details.open || !shown) {
      const pairs = [...own(plugin), ...report];
      const text = JSON.stringify(pairs);
      if (text !== shown) put(fields, fieldList(pairs));
      shown = text;
    }
  };
  return { element, update };
}

function reported(report, section, name) {
  const found = report?.[section]?.find((one) => one.Name === name) ?? {};
  return Object.entries(found).filter(([key]) => key !== "Name").map(([key, { representation, value }]) => [key, format.field(representation, value)]);
}

function part() {
  const fields = h("dl", { className: "fields" });
  const name = h("h3");
  const element = h("div", { className: "card" }, name, fields);
  const update = ({ name: text, pairs }) => {
    say(name, text);
    put(fields, pairs.length ? fieldList(pairs) : h("dt", {}, "reports nothing"));
  };
  return { element, update };
}

function table(section) {
  const body = h("tbody");
  const heads = ["Name", "State", "Last minutes", "Messages", "Total", "Bytes", "Errors", "Report"];
  const element = h("section", { className: "card" }, h("h2", {}, SECTIONS[section]), h("div", { className: "scroll" },
    h("table", { className: "list stack" }, h("thead", {}, h("tr", {}, heads.map((label, at) => h("th", { scope: "col", className: at > 2 && at < 7 ? "num" : "" }, label)))), body)));
  return { element, rows: new Rows(body, (item) => item.key, row) };
}

export function plugins(main) {
  const tables = Object.fromEntries(["inputs", "filters", "outputs"].map((section) => [section, table(section)]));
  const parts = Object.fromEntries(["decoders", "splitters", "encoders", "globals"].map((section) => {
    const grid = h("div", { className: "pair" });
    return [section, { element: h("section", {}, h("h2", {}, SECTIONS[section]), grid), rows: new Rows(grid, (item) => item.name, part) }];
  }));
  put(main, h("h1", { className: "sr" }, "Plugins"), Object.values(tables).map(({ element }) => element), Object.values(parts).map(({ element }) => element));
  let [report, ended] = [null, false];
  const show = () => {
    if (!figures.now) return;
    const { inputs, readers } = figures.now;
    const items = {
      inputs: inputs.map((plugin) => ({ plugin, name: plugin.name, key: inputKey(plugin), report: reported(report, "inputs", plugin.name) })),
      filters: readers.filter(({ kind }) => kind === "filter").map((plugin) => ({ plugin, name: plugin.name, key: readerKey(plugin), report: reported(report, "filters", plugin.name) })),
      outputs: readers.filter(({ kind }) => kind === "output").map((plugin) => ({ plugin, name: plugin.name, key: readerKey(plugin), report: reported(report, "outputs", plugin.name) })),
    };
    for (const [section, { element, rows }] of Object.entries(tables)) {
      rows.show(items[section]);
      element.hidden = items[section].length === 0;
    }
  };
  const ask = async () => {
    try {
      report = await api.json("data/heka_report.json");
      for (const [section, { element, rows }] of Object.entries(parts)) {
        const found = report?.[section] ?? [];
        rows.show(found.map(({ Name }) => ({ name: Name, pairs: reported(report, section, Name) })));
        element.hidden = found.length === 0;
      }
      show();
    } catch {
      // The next one is asked for in a while.
    }
    if (!ended) setTimeout(ask, REPORT_EVERY_MS);
  };
  ask();
  const stop = listen(show);
  return () => {
    ended = true;
    stop();
  };
}
