// What is asked of hekad. All addresses are relative, so that a proxy may put the site anywhere.

async function get(path, how) {
  const reply = await fetch(path, { cache: "no-store", ...how });
  if (reply.ok) return reply;
  const error = new Error((await reply.text()).trim() || reply.statusText);
  error.status = reply.status;
  throw error;
}

export const status = async () => (await get("api/status")).json();
export const history = async () => (await get("api/history")).json();

// A file of the dashboard's folder as text; null if it is not there (yet).
export async function file(name) {
  const path = name.split("/").map(encodeURIComponent).join("/");
  const reply = await fetch("../" + path, { cache: "no-cache" });
  if (reply.status === 404) return null;
  if (!reply.ok) throw new Error(`${name}: ${reply.status}`);
  return reply.text();
}

export async function json(name) {
  const text = await file(name);
  return text ? JSON.parse(text) : null;
}

// Follows the messages that a matcher matches until `signal` ends it. `on` is told each event.
export async function tap(matcher, signal, on) {
  const reply = await get("api/tap?matcher=" + encodeURIComponent(matcher), { signal });
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  on("open");
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const lines = event.split("\n");
      const kind = lines.find((line) => line.startsWith("event: "))?.slice(7) ?? "message";
      const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
      if (data) on(kind, JSON.parse(data));
    }
  }
}
