// Messages as they are queued.

import * as api from "./api.js";
import { h, put, say } from "./dom.js";
import * as format from "./format.js";

const SHOWN_MAX = 200;

function message(item) {
  const pairs = [["Timestamp", format.moment(item.timestamp)], ["Type", item.type], ["Logger", item.logger], ["Hostname", item.hostname], ["Severity", item.severity], ["Pid", item.pid], ["EnvVersion", item.env_version], ["Uuid", item.uuid],
    ...item.fields.map((field) => [field.name + (field.representation ? ` (${field.representation})` : ""), field.values.join(", ")])].filter(([, value]) => value !== "");
  const details = h("details", {}, h("summary", {}, h("span", { className: "when" }, format.clock(item.timestamp)), h("b", {}, item.type || "(no type)"), h("span", {}, item.logger), h("span", { className: "gist" }, item.payload.slice(0, 200) || item.fields.map((field) => `${field.name}=${field.values.join(",")}`).join(" "))));
  details.ontoggle = () => {
    if (!details.open || details.children.length > 1) return;
    details.append(h("dl", { className: "fields" }, pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))])), item.payload ? h("pre", { tabIndex: 0 }, item.payload) : "", item.cut ? h("p", { className: "hint" }, "It is longer; what is long is cut here.") : "");
  };
  return h("li", {}, details);
}

export function tap(main) {
  const input = h("input", { type: "text", className: "mono", spellcheck: false, autocomplete: "off", value: localStorage.getItem("tap") ?? "TRUE", "aria-describedby": "tap-hint" });
  const button = h("button", { type: "submit", className: "main" }, "Start");
  const clear = h("button", { type: "button" }, "Clear");
  const wrong = h("p", { className: "wrong", role: "alert" });
  const state = h("p", { className: "hint", role: "status" }, "Not tapping.");
  const list = h("ol", { className: "messages", "aria-label": "Messages, the newest first" });
  const form = h("form", { className: "row" }, h("label", {}, "message_matcher", input), h("div", {}, button, " ", clear));
  put(main, h("section", { className: "card" }, h("h1", {}, "Live tap"), h("p", { className: "hint", id: "tap-hint" }, "Shows messages as they are queued, for example ", h("code", {}, "Type == 'nginx.access' && Fields[status] >= 500"), ". It reads only: nothing is held back, no place is kept. Of many messages it shows some."), form, wrong, state), h("section", { className: "card" }, list));
  let [control, seen, skipped] = [null, 0, 0];
  const tell = () => say(state, control ? `Tapping. ${format.count(seen)} shown${skipped ? `, about ${format.count(skipped)} passed over` : ""}.` : seen ? `Stopped. ${format.count(seen)} were shown.` : "Not tapping.");
  const end = () => {
    control?.abort();
    control = null;
    say(button, "Start");
    tell();
  };
  const begin = async () => {
    const mine = (control = new AbortController());
    [seen, skipped] = [0, 0];
    say(wrong, "");
    say(button, "Stop");
    localStorage.setItem("tap", input.value);
    tell();
    try {
      await api.tap(input.value, mine.signal, (kind, data) => {
        if (kind === "message") {
          seen += 1;
          list.prepend(message(data));
          while (list.children.length > SHOWN_MAX) list.lastChild.remove();
        } else if (kind === "skipped") {
          skipped += data;
        }
        tell();
      });
      if (control === mine) say(wrong, "hekad has ended the tap.");
    } catch (error) {
      if (control === mine) say(wrong, error.message);
    }
    if (control === mine) end();
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    if (control) end();
    else begin();
  };
  clear.onclick = () => put(list);
  return end;
}
