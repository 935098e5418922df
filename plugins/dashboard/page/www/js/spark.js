// A curve of a few pixels.

import { s } from "./dom.js";

const WIDTH = 120;
const HEIGHT = 30;
const SHOWN = 150;

export function spark(label) {
  const area = s("path", { class: "area" });
  const line = s("path");
  const element = s("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, preserveAspectRatio: "none" }, area, line);
  const update = (all) => {
    const values = all.slice(-SHOWN);
    const most = Math.max(1e-9, ...values.filter((value) => value !== null));
    const x = (at) => (values.length < 2 ? WIDTH : (at / (values.length - 1)) * WIDTH);
    const y = (value) => HEIGHT - 2 - (value / most) * (HEIGHT - 5);
    let path = "";
    let [first, last] = [null, null];
    values.forEach((value, at) => {
      if (value === null) return;
      path += `${path ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      first ??= x(at);
      last = x(at);
    });
    line.setAttribute("d", path);
    area.setAttribute("d", path ? `${path}L${last} ${HEIGHT}L${first} ${HEIGHT}Z` : "");
  };
  return { element, update };
}
