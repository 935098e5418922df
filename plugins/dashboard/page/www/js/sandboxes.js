// What sandboxes put out: circular buffers as curves, all else as text; and which of them ended.

import * as api from "./api.js";
import { parse, stack } from "./cbuf.js";
import { chart } from "./chart.js";
import { Rows, h, put, say } from "./dom.js";
import * as format from "./format.js";

const EVERY_MS = 5000;
const TEXT_MAX = 100000;
const ENDS_MAX = 200;

function output({ title }) {
  const place = h("div");
  const element = h("section", { className: "card", "aria-label": title }, place);
  let [curve, pre, marks, list] = [null, null, [], null];
  const drop = () => {
    curve?.end();
    curve = null;
  };
  const asText = (text) => {
    if (!pre) {
      drop();
      pre = h("pre", { tabIndex: 0 });
      put(place, h("div", { className: "chart-head" }, h("h3", {}, title)), pre);
    }
    say(pre, text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) + "\n…" : text);
  };
  const asCurve = (buffer) => {
    if (!curve) {
      pre = null;
      curve = chart({ title, marks: () => marks, heading: "h3" });
      list = h("ul", { className: "marks", "aria-label": `Annotations of ${title}` });
      put(place, curve.element, list);
    }
    marks = buffer.marks;
    const shown = buffer.stacked ? stack(buffer.columns) : buffer.columns.map((column) => column.values);
    const series = buffer.columns.map((column) => ({ label: column.unit && column.unit !== "count" ? `${column.name} (${column.unit})` : column.name, fill: buffer.stacked || buffer.columns.length === 1, format: format.count }));
    curve.update(series, [buffer.times, ...shown]);
    put(list, marks.slice(-20).map((mark) => h("li", {}, h("b", {}, mark.short), `${format.moment(mark.x * 1000)} `, mark.column ? `${mark.column}: ` : "", mark.text)));
    list.hidden = marks.length === 0;
  };
  const update = ({ text, file }) => {
    if (text === undefined) return;
    const buffer = /\.cbuf$/.test(file) ? parse(text) : null;
    if (buffer && buffer.times.length) asCurve(buffer);
    else asText(text);
  };
  return { element, update, end: drop };
}

function ends(text) {
  const lines = (text ?? "").split("\n").filter(Boolean).slice(-ENDS_MAX).reverse();
  return lines.map((line) => {
    const [time, plugin, ...why] = line.split("\t");
    return { time: Number(time) * 1000, plugin, why: why.join("\t") };
  });
}

export function sandboxes(main) {
  const grid = h("div", { className: "pair" });
  const filter = h("input", { type: "search", placeholder: "name of a filter or output" });
  const empty = h("p", { className: "hint" }, "No sandbox has put anything out since hekad started.");
  const body = h("tbody");
  const terminated = h("section", { className: "card", hidden: true }, h("h2", {}, "Sandboxes that ended"), h("div", { className: "scroll" },
    h("table", { className: "list" }, h("thead", {}, h("tr", {}, ["When", "Filter", "Why"].map((text) => h("th", { scope: "col" }, text)))), body)));
  put(main, h("section", { className: "card" }, h("form", { className: "row", onsubmit: (event) => event.preventDefault() }, h("h1", {}, "Sandbox outputs"), h("label", {}, "Show only", filter)), empty), grid, terminated);
  const rows = new Rows(grid, (item) => item.file, output);
  let [items, ended, timer] = [[], false, null];
  const show = () => {
    const wanted = filter.value.toLowerCase();
    rows.show(items.filter((item) => item.title.toLowerCase().includes(wanted)));
    empty.hidden = items.length > 0;
  };
  filter.oninput = show;
  const ask = async () => {
    try {
      const list = (await api.json("data/sandboxes.json"))?.sandboxes ?? [];
      const found = list.flatMap((sandbox) => sandbox.Outputs.map((one) => ({ title: one.Name ? `${sandbox.Name}: ${one.Name}` : sandbox.Name, file: one.Filename })));
      found.sort((one, other) => (one.title < other.title ? -1 : 1));
      for (const item of found) {
        if (ended) return;
        item.text = (await api.file(item.file)) ?? undefined;
      }
      items = found;
      show();
      const lines = ends(await api.file("data/heka_sandbox_termination.tsv"));
      put(body, lines.map(({ time, plugin, why }) => h("tr", {}, h("td", {}, format.moment(time)), h("td", {}, plugin), h("td", { className: "mono" }, why))));
      terminated.hidden = lines.length === 0;
    } catch {
      // hekad does not answer; the head of the page tells that.
    }
    if (!ended) timer = setTimeout(ask, EVERY_MS);
  };
  ask();
  return () => {
    ended = true;
    clearTimeout(timer);
    rows.end();
  };
}
