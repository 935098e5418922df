// The pipeline as a graph: inputs, the two queues, filters and outputs. Lines are as wide as what goes along them.

import { h, put, s } from "./dom.js";
import { condition, figures, inputKey, listen, readerKey } from "./figures.js";
import * as format from "./format.js";

const [NODE, GAP, HEAD] = [44, 12, 26];

const widthOf = (rate, most) => (rate > 0 ? 1.5 + 9 * Math.sqrt(rate / Math.max(most, 1e-9)) : 1);

function node({ x, y, width, name, sub, title, level = "", className = "" }) {
  const room = Math.floor((width - 16) / 7.6);
  const cut = (text, room) => (text.length > room ? text.slice(0, Math.max(1, room - 1)) + "…" : text);
  return s("g", { class: `node ${className} ${level}`, transform: `translate(${x} ${y})` }, s("title", {}, title),
    s("rect", { width, height: NODE, rx: 8 }), s("text", { x: 9, y: 19 }, cut(name, room)), s("text", { x: 9, y: 35, class: "sub" }, cut(sub, room + 2)));
}

function line(from, to, width, className, title) {
  const bend = (to.x - from.x) / 2;
  return s("path", { d: `M${from.x} ${from.y}C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`, "stroke-width": width.toFixed(1), class: className }, s("title", {}, title));
}

function draw(width) {
  const { now, rates } = figures;
  const filters = now.readers.filter((reader) => reader.kind === "filter");
  const outputs = now.readers.filter((reader) => reader.kind === "output");
  const rateIn = (input) => rates.get(inputKey(input)) ?? 0;
  const rateOf = (reader) => rates.get(readerKey(reader)) ?? 0;
  const took_s = figures.before ? Math.max(0.001, (now.time_ms - figures.before.time_ms) / 1000) : null;
  const injected = (filter) => {
    const before = figures.before?.readers.find((one) => readerKey(one) === readerKey(filter));
    return before && took_s ? Math.max(0, (filter.injected - before.injected) / took_s) : 0;
  };
  const narrow = width < 560;
  const column = narrow ? Math.floor((width - 56) / 3) : Math.min(230, Math.floor((width - 240) / 3));
  const xs = [0, (width - column) / 2, width - column];
  const readers = [...filters, ...outputs];
  const rows = Math.max(now.inputs.length, readers.length + (filters.length ? 0.5 : 0), 3);
  const height = HEAD + rows * (NODE + GAP);
  const middle = (count, at) => HEAD + at * (NODE + GAP) + ((rows - count) * (NODE + GAP)) / 2;
  const most = Math.max(...now.inputs.map(rateIn), ...readers.map(rateOf), 1e-9);
  const queueY = { input: middle(2.4, 0), filter: middle(2.4, 1.4) };
  const port = { input: { x: xs[1], y: queueY.input + NODE / 2 }, filter: { x: xs[1], y: queueY.filter + NODE / 2 } };
  const out = (queue) => ({ x: xs[1] + column, y: port[queue].y });
  const parts = [];
  const nodes = [];
  now.inputs.forEach((input, at) => {
    const y = middle(now.inputs.length, at);
    const rate = rateIn(input);
    const through = [input.splitter, input.decoder].filter(Boolean).join(" → ");
    parts.push(line({ x: column, y: y + NODE / 2 }, port.input, widthOf(rate, most), rate > 0 ? "" : "idle", `${input.name}: ${format.rate(rate)}`));
    nodes.push(node({ x: xs[0], y, width: column, name: input.name, sub: narrow ? format.rate(rate) : `${format.rate(rate)} · ${input.decoder || input.type_name}`, title: `${input.name}: ${input.type_name}${through ? ", " + through : ""}, ${format.rate(rate)}`, level: input.running ? "" : "bad" }));
  });
  readers.forEach((reader, at) => {
    const y = middle(readers.length, at);
    const rate = rateOf(reader);
    const { level, word } = condition(reader);
    const place = { x: xs[2], y: y + NODE / 2 };
    const bad = level === "bad" ? "bad" : "";
    parts.push(line(out("input"), place, widthOf(rate, most), bad || (rate > 0 ? "" : "idle"), `${reader.name}: ${format.rate(rate)}`));
    if (reader.kind === "filter") {
      const back = injected(reader);
      parts.push(line({ x: xs[2], y: place.y + 8 }, out("filter"), widthOf(back, most), back > 0 ? "inject" : "idle", `${reader.name} injects ${format.rate(back)}`));
    }
    const say = level === "good" ? format.rate(rate) : `${word}, ${format.bytes(reader.lag_bytes)}`;
    nodes.push(node({ x: xs[2], y, width: column, name: reader.name, sub: narrow ? say : `${say} · ${reader.type_name}`, title: `${reader.name}: ${reader.type_name}, ${format.rate(rate)}, ${word}, lag ${format.bytes(reader.lag_bytes)}, matcher ${reader.matcher}`, level: level === "good" ? "" : level }));
  });
  for (const queue of now.queues) {
    nodes.push(node({ x: xs[1], y: queueY[queue.name], width: column, name: `${queue.name} queue`, sub: `${format.bytes(queue.bytes)}, ${queue.segments} ${queue.segments === 1 ? "file" : "files"}`, title: `${queue.name} queue: ${queue.records} records so far, ${format.bytes(queue.bytes)} on the disk`, className: "queue", level: queue.failed ? "bad" : "" }));
  }
  const heads = ["Inputs", "Queues", narrow ? "Readers" : "Filters, outputs"].map((text, at) => s("text", { x: xs[at], y: 14, class: "head" }, text));
  const said = readers.map((reader) => `${reader.name} ${condition(reader).word} ${format.rate(rateOf(reader))}`).join(", ");
  return s("svg", { class: "graph", viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": `Pipeline: ${now.inputs.length} inputs into the input queue; read by ${said}` }, heads, parts, nodes);
}

export function graph(main) {
  const place = h("div");
  put(main, h("section", { className: "card" }, h("div", { className: "chart-head" }, h("h1", {}, "Pipeline"), h("p", { className: "hint" }, "Lines are as wide as their messages a second. Orange lines are what filters inject. Filters and outputs read both queues.")), place));
  const show = () => {
    if (figures.now && place.clientWidth) put(place, draw(Math.max(300, place.clientWidth)));
  };
  const observer = new ResizeObserver(show);
  observer.observe(place);
  const stop = listen(show);
  return () => {
    observer.disconnect();
    stop();
  };
}
