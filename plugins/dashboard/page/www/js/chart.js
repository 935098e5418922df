// Charts by uPlot in the colours of the page, with buttons for what a mouse does by dragging.

import uPlot from "../vendor/uPlot.esm.js";
import { h, say } from "./dom.js";
import { count } from "./format.js";

const HEIGHT = 230;
// Steps of an axis of bytes.
const POWERS = Array.from({ length: 50 }, (_, at) => 2 ** at);

function times(u, ticks, axis, space, step_s) {
  return ticks.map((tick) => {
    const time = new Date(tick * 1000);
    if (step_s >= 86400) return time.toLocaleDateString([], { month: "short", day: "numeric" });
    return time.toLocaleTimeString([], { hour12: false, hour: "2-digit", minute: "2-digit", second: step_s < 60 ? "2-digit" : undefined });
  });
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const colour = (at) => css(`--c${(at % 8) + 1}`);

// `series`: [{ label, format?, fill? }]. `marks`: () => [{ x (seconds), short }]. The chart is made anew when the labels or the
// colours change, else only its data are.
export function chart({ title, format = count, marks = () => [], heading = "h2", binary = false }) {
  const place = h("div", { className: "chart", role: "img" });
  const summary = h("p", { className: "sr" });
  const zoom = (factor) => () => {
    if (!plot) return;
    const { min, max } = plot.scales.x;
    const [middle, half] = [(min + max) / 2, ((max - min) / 2) * factor];
    zoomed = true;
    plot.setScale("x", { min: middle - half, max: middle + half });
  };
  const move = (share) => () => {
    if (!plot) return;
    const { min, max } = plot.scales.x;
    zoomed = true;
    plot.setScale("x", { min: min + (max - min) * share, max: max + (max - min) * share });
  };
  const button = (text, name, onclick) => h("button", { type: "button", onclick, "aria-label": `${name}: ${title}`, title: name }, text);
  const all = () => {
    zoomed = false;
    if (plot) plot.setData(data);
  };
  const element = h(
    "div",
    { className: "chart-box" },
    h("div", { className: "chart-head" }, h(heading, {}, title),
      h("div", { className: "chart-tools" }, button("←", "Earlier", move(-0.4)), button("→", "Later", move(0.4)),
        button("+", "Zoom in", zoom(0.5)), button("−", "Zoom out", zoom(2)), button("All", "Show all", all))),
    place, summary,
  );
  let [plot, data, shape, zoomed, list] = [null, null, "", false, []];

  function drawMarks(u) {
    const context = u.ctx;
    context.save();
    context.font = `600 ${11 * devicePixelRatio}px system-ui, sans-serif`;
    context.textAlign = "center";
    for (const mark of marks()) {
      const x = u.valToPos(mark.x, "x", true);
      if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
      context.strokeStyle = context.fillStyle = css("--warn");
      context.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
      context.beginPath();
      context.moveTo(x, u.bbox.top);
      context.lineTo(x, u.bbox.top + u.bbox.height);
      context.stroke();
      context.setLineDash([]);
      const wide = Math.max(16 * devicePixelRatio, context.measureText(mark.short).width + 8 * devicePixelRatio);
      context.fillRect(x - wide / 2, u.bbox.top, wide, 16 * devicePixelRatio);
      context.fillStyle = css("--card");
      context.fillText(mark.short, x, u.bbox.top + 12 * devicePixelRatio);
    }
    context.restore();
  }

  function make() {
    plot?.destroy();
    const axis = { stroke: css("--soft"), grid: { stroke: css("--grid"), width: 1 }, ticks: { stroke: css("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
    const formatOf = (at) => list[at]?.format ?? format;
    plot = new uPlot({
      width: Math.max(200, place.clientWidth), height: HEIGHT,
      cursor: { drag: { x: true, y: false, setScale: true }, points: { size: 6 } },
      legend: { live: true },
      scales: { x: { time: true }, y: { range: (u, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.08 : (low ?? 0) < 0 ? 0 : 1] } },
      axes: [{ ...axis, values: times }, { ...axis, size: 68, incrs: binary ? POWERS : undefined, values: (u, ticks) => ticks.map((tick) => format(tick)) }],
      series: [
        { label: "time", value: (u, time) => (time === null ? "–" : new Date(time * 1000).toLocaleTimeString([], { hour12: false })) },
        ...list.map((series, at) => ({
          label: series.label, stroke: colour(at), width: 1.6, spanGaps: false, points: { show: false },
          fill: series.fill ? colour(at) + "22" : undefined, value: (u, value) => (value === null ? "–" : formatOf(at)(series.real?.(value, u) ?? value)),
        })),
      ],
      hooks: { draw: [drawMarks], setSelect: [(u) => { if (u.select.width > 0) zoomed = true; }] },
    }, data, place);
    plot.over.addEventListener("dblclick", all);
  }

  const onTheme = () => { shape = ""; if (data) update(list, data); };
  const observer = new ResizeObserver(() => {
    const width = place.clientWidth;
    if (plot && width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT });
  });
  observer.observe(place);
  document.addEventListener("theme", onTheme);

  function update(series, columns) {
    list = series;
    data = columns;
    const asked = series.map((one) => one.label).join("\u0000");
    if (!plot || asked !== shape) {
      shape = asked;
      zoomed = false;
      make();
    } else {
      plot.setData(columns, !zoomed);
      if (zoomed) plot.redraw();
    }
    // Where no pointer is the legend shows the last values. A new chart takes them once it is drawn.
    requestAnimationFrame(() => {
      if (plot && (plot.cursor.idx === null || plot.cursor.idx === undefined)) plot.setLegend({ idx: data[0].length - 1 }, false);
    });
    const last = series.slice(0, 8).map((one, at) => {
      const values = (columns[at + 1] ?? []).filter((value) => value !== null);
      return values.length ? `${one.label}: last ${(one.format ?? format)(values.at(-1))}, most ${(one.format ?? format)(values.reduce((a, b) => Math.max(a, b)))}` : `${one.label}: nothing`;
    });
    place.setAttribute("aria-label", `${title}. ${last.join("; ")}`);
    say(summary, "");
  }

  const end = () => {
    observer.disconnect();
    document.removeEventListener("theme", onTheme);
    plot?.destroy();
    plot = null;
  };
  return { element, update, end };
}
