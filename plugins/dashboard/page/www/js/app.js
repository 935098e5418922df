// The frame of the page: views by the hash of the address, the state in the head, light and dark.

import { h, put, say } from "./dom.js";
import { condition, figures, listen, start } from "./figures.js";
import * as format from "./format.js";
import { graph } from "./graph.js";
import { overview } from "./overview.js";
import { plugins } from "./plugins.js";
import { sandboxes } from "./sandboxes.js";
import { tap } from "./tap.js";

const VIEWS = { overview: ["Overview", overview], plugins: ["Plugins", plugins], graph: ["Graph", graph], sandboxes: ["Sandboxes", sandboxes], tap: ["Tap", tap] };
const byId = (id) => document.getElementById(id);
let leave = null;

function go() {
  const name = location.hash.slice(1);
  if (name === "main") return byId("main").focus();
  const view = VIEWS[name] ? name : "overview";
  leave?.();
  for (const link of document.querySelectorAll("#tabs a")) {
    if (link.hash === "#" + view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${VIEWS[view][0]} – hekad`;
  const main = byId("main");
  put(main);
  main.dataset.view = view;
  leave = VIEWS[view][1](main);
}

function head() {
  const { now, error } = figures;
  const pill = byId("state");
  if (error || !now) {
    say(pill, "no answer");
    pill.className = "pill bad";
    return;
  }
  const levels = now.readers.map((reader) => condition(reader).level);
  const bad = levels.filter((level) => level === "bad").length + now.inputs.filter((input) => !input.running).length + (now.inputs_held ? 1 : 0) + (now.queue_refuses ? 1 : 0);
  const warn = levels.filter((level) => level === "warn").length;
  say(pill, now.stopping ? "stopping" : bad ? `${bad} in trouble` : warn ? `${warn} behind` : "all well");
  pill.className = "pill " + (bad || now.stopping ? "bad" : warn ? "warn" : "good");
  say(byId("host"), now.hostname);
  say(byId("about"), `hekad ${now.version}, pid ${now.process.pid}, up ${format.seconds((now.time_ms - now.started_ms) / 1000)}`);
}

function theme(chosen) {
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  const button = byId("theme");
  say(button, dark ? "Light" : "Dark");
  button.setAttribute("aria-label", dark ? "Use light colours" : "Use dark colours");
  button.onclick = () => {
    const next = dark ? "light" : "dark";
    localStorage.setItem("theme", next);
    theme(next);
  };
  document.dispatchEvent(new Event("theme"));
}

put(byId("tabs"), Object.entries(VIEWS).map(([name, [title]]) => h("li", {}, h("a", { href: "#" + name }, title))));
theme(localStorage.getItem("theme"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme(localStorage.getItem("theme")));
addEventListener("hashchange", go);
listen(head);
go();
start();
