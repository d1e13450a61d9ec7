// Building the page. Whatever comes from outside is put in as text, never as markup.

// h makes an element. Props: class, text, on (listeners), data (dataset), everything else an attribute; false and null leave it out.
export function h(tag, props = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(el, name, value);
  add(el, children);
  return el;
}

function set(el, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "class") el.className = value;
  else if (name === "text") el.textContent = value;
  else if (name === "value") el.value = value;
  else if (name === "checked" || name === "disabled" || name === "open" || name === "selected" || name === "hidden") el[name] = Boolean(value);
  else if (name === "on") for (const [event, listener] of Object.entries(value)) el.addEventListener(event, listener);
  else if (name === "data") Object.assign(el.dataset, value);
  else el.setAttribute(name, value === true ? "" : String(value));
}

function add(el, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    el.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

// keyed makes the children of an element those of a list, and touches only those whose signature changed.
export function keyed(parent, list, key, signature, make) {
  const before = parent.keyedNodes ?? new Map();
  const now = new Map();
  let at = parent.firstChild;
  for (const item of list) {
    const id = key(item);
    if (now.has(id)) continue;
    const sign = signature(item);
    let entry = before.get(id);
    if (!entry || !same(entry.sign, sign)) {
      const node = make(item);
      node.dataset.key = id;
      if (entry) {
        if (entry.node === at) at = at.nextSibling;
        entry.node.replaceWith(node);
      }
      entry = { node, sign };
    }
    if (entry.node === at) at = at.nextSibling;
    else parent.insertBefore(entry.node, at);
    now.set(id, entry);
  }
  for (const [id, entry] of before) if (!now.has(id)) entry.node.remove();
  parent.keyedNodes = now;
}

function same(a, b) {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

// fill replaces what is in an element.
export function fill(el, ...children) {
  el.keyedNodes = undefined;
  el.replaceChildren();
  add(el, children);
  return el;
}

// icon makes one of a few line drawings.
export function icon(name, size = 16) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  for (const [k, v] of Object.entries({ viewBox: "0 0 24 24", width: size, height: size, fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" })) svg.setAttribute(k, v);
  const path = document.createElementNS(ns, "path");
  path.setAttribute("d", drawings[name] ?? "");
  svg.append(path);
  return svg;
}

const drawings = {
  send: "M4 12 20 4l-5 16-3.5-6.5zM11.5 13.5 20 4",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M9 9h.01",
  close: "M6 6l12 12M18 6 6 18",
  back: "M15 5l-7 7 7 7",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  reply: "M4 5h16v11h-9l-5 4v-4H4z",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9 10h.01M15 10h.01M8.5 14.5c1.8 2 5.2 2 7 0",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  bold: "M7 4h6a4 4 0 0 1 0 8H7zM7 12h7a4 4 0 0 1 0 8H7z",
  italic: "M10 4h8M6 20h8M14 4l-4 16",
  strike: "M4 12h16M8 7c0-4 8-4 8-1M8 17c0 4 9 4 8-1",
  code: "M8 7l-5 5 5 5M16 7l5 5-5 5",
  codeblock: "M4 4h16v16H4zM10 9l-3 3 3 3M14 9l3 3-3 3",
  quote: "M5 4v16M9 8h11M9 12h11M9 16h7",
  ordered: "M10 6h10M10 12h10M10 18h10M4 5l1.5-1v4M4 14.5c.5-1.5 2.5-1 2 .3L4 17.5h2.5",
  bullet: "M9 6h11M9 12h11M9 18h11M4 6h.01M4 12h.01M4 18h.01",
  at: "M16 8v5a2.5 2.5 0 0 0 5 0v-1a9 9 0 1 0-4 7.5M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0z",
  hash: "M9 4 7 20M17 4l-2 16M4 9h16M3 15h16",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  plus: "M12 5v14M5 12h14",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 13l4 4L19 7",
  moon: "M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10z",
  flag: "M5 21V4M5 5h13l-3 4 3 4H5",
  restart: "M4 12a8 8 0 1 1 2.5 5.8M4 20v-5h5",
  stop: "M7 7h10v10H7z",
  play: "M8 5l11 7-11 7z",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c1-5 4-7 8-7s7 2 8 7",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
  slash: "M4 4h16v16H4zM14 8l-4 8",
  external: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  shop: "M4 9l1-5h14l1 5M4 9v11h16V9M4 9c0 3 4 3 4 0 0 3 4 3 4 0 0 3 4 3 4 0 0 3 4 3 4 0M10 20v-6h4v6",
  gauge: "M4 18a9 9 0 1 1 16 0M12 15l4-6",
};
