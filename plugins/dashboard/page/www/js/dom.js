// Elements without a framework.

// An element of HTML; `props` are properties, or attributes where the name has a dash or there is no such property.
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

// The same of SVG.
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name.includes("-") || name === "role" || name === "for" || name === "scope") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Puts children into an element in place of what it has.
export function put(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
}

// Keeps one element for each item of a list: made once, updated at each call, in the order of the list. So focus, open
// details and selections stay.
export class Rows {
  constructor(parent, key, make) {
    Object.assign(this, { parent, key, make, known: new Map() });
  }

  show(items) {
    const seen = new Set();
    let before = null;
    for (const item of items) {
      const key = this.key(item);
      if (seen.has(key)) continue;
      seen.add(key);
      let row = this.known.get(key);
      if (!row) {
        row = this.make(item);
        this.known.set(key, row);
      }
      row.update(item);
      const next = before ? before.nextSibling : this.parent.firstChild;
      if (next !== row.element) this.parent.insertBefore(row.element, next);
      before = row.element;
    }
    for (const [key, row] of this.known) {
      if (!seen.has(key)) {
        row.element.remove();
        row.end?.();
        this.known.delete(key);
      }
    }
  }

  end() {
    for (const row of this.known.values()) row.end?.();
  }
}

// Sets a text only if it differs, so that a screen reader is not told of what has not changed.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
