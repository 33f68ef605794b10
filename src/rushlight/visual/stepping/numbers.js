// Values: numbers, maps and histograms.

const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

// An element: attributes by name, functions as listeners, and children.
function el(tag, given = {}, ...children) {
  const made = tag.startsWith("svg:") ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

function bytes(text) {
  const plain = atob(text), made = new Uint8Array(plain.length);
  for (let i = 0; i < plain.length; i++) made[i] = plain.charCodeAt(i);
  return made;
}

// All elements of a value, if they are there.
function elements(value) {
  if (value.x === undefined) return null;
  const raw = bytes(value.x).buffer;
  return value.w ? new Float64Array(raw) : new Float32Array(raw);
}

function shown(x, digits = 4) {
  if (x === null || x === undefined) return "–";
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x);
  const size = Math.abs(x);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? x.toExponential(Math.max(digits - 2, 1)) : String(Number(x.toPrecision(digits)));
}

// What is not finite in a value, in a word; and the one number of a value, in words where it is none.
const oddOf = ({ st: [, , , , , nans, infinite] }) => nans ? "nan" : infinite ? "inf" : null;
const oneOf = (value) => oddOf(value) ?? value.st[0];
const shape = (value) => value.s.length ? "[" + value.s.join(", ") + "]" : "scalar";
const count = (value) => value.s.reduce((a, b) => a * b, 1);

let colours = null;
function palette() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).split(",").map(Number);
  colours = { minus: read("--minus"), plus: read("--plus"), zero: read("--zero"), hole: read("--hole") };
}

// The colour of a part from -1 to 1; what is no number has one of its own.
function colour(part) {
  if (Number.isNaN(part)) return colours.hole;
  const end = part < 0 ? colours.minus : colours.plus, t = Math.min(Math.abs(part), 1) ** 0.75;
  return colours.zero.map((z, i) => Math.round(z + (end[i] - z) * t));
}

function grid(value, all, columns) {
  let largest = 0;
  for (const x of all) if (Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
  const table = el("table", { class: "grid" });
  for (let at = 0; at < all.length; at += columns) {
    const row = el("tr");
    for (let i = at; i < Math.min(at + columns, all.length); i++) {
      const part = Number.isFinite(all[i]) ? (largest ? all[i] / largest : 0) : NaN;
      const [r, g, b] = colour(part * 0.6);
      row.append(el("td", { style: `background: rgb(${r} ${g} ${b})`, title: place(value, i) + " " + all[i], "data-v": String(all[i]) }, shown(all[i], 3)));
    }
    table.append(row);
  }
  return el("div", { class: "scroll" }, table);
}

function place(value, flat) {
  const at = [];
  for (let d = value.s.length - 1; d >= 0; d--) { at.unshift(flat % value.s[d]); flat = Math.floor(flat / value.s[d]); }
  return "[" + at.join(", ") + "]";
}

// A picture of rows of parts; what is under the pointer is told in words.
function picture(rows, columns, part, told, hover) {
  const canvas = el("canvas", { width: columns, height: rows, role: "img" });
  canvas.style.aspectRatio = `${columns} / ${rows}`;
  const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    image.data.set([...colour(part(i)), 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = Math.min(box.width / columns, box.height / rows);
    const x = Math.floor((event.clientX - box.left) / scale), y = Math.floor((event.clientY - box.top) / scale);
    if (x >= 0 && x < columns && y >= 0 && y < rows) hover.textContent = told(y * columns + x);
  });
  canvas.addEventListener("pointerleave", () => { hover.textContent = ""; });
  return canvas;
}

function map(value) {
  const hover = el("div", { class: "hover" });
  const all = elements(value);
  if (all) {
    const last = value.s[value.s.length - 1];
    const columns = value.s.length > 1 ? (last < 8 ? all.length / value.s[0] : last) : Math.min(all.length, 32);
    const rows = Math.ceil(all.length / columns);
    let largest = 0;
    for (const x of all) if (Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
    const part = (i) => i < all.length && Number.isFinite(all[i]) ? (largest ? all[i] / largest : 0) : i < all.length ? NaN : 0;
    return [picture(rows, columns, part, (i) => i < all.length ? `${place(value, i)}  ${all[i]}` : "", hover), hover];
  }
  const [rows, columns, largest, packed, words] = value.m, levels = bytes(packed);
  const part = (i) => levels[i] === 255 ? NaN : (levels[i] - 127) / 127;
  hover.textContent = words;
  const made = picture(rows, columns, part, (i) => levels[i] === 255 ? "not finite" : "≈ " + shown(part(i) * largest, 3), hover);
  made.addEventListener("pointerleave", () => { hover.textContent = words; });
  return [made, hover];
}

function bars(value) {
  const most = Math.max(...value.h), width = 100 / value.h.length;
  return el("svg:svg", { class: "bars", viewBox: "0 0 100 34", preserveAspectRatio: "none" },
    value.h.map((n, i) => el("svg:rect", { x: i * width, width: width * 0.9, y: 34 - 34 * n / most, height: 34 * n / most })));
}

function facts(value) {
  if (!value.st) return [];
  const [low, high, mean, size, zeros, nans, infinite] = value.st, n = count(value);
  const line = el("div", { class: "stats" });
  if (n > 1) line.append(`${shown(low, 3)} … ${shown(high, 3)}   mean ${shown(mean, 3)}   rms ${shown(size, 3)}`);
  if (zeros && n > 1) line.append(el("br"), `${shown(100 * zeros / n, 3)} % zeros`);
  if (value.dead) line.append(`, ${value.dead[0]} of ${value.dead[1]} units`);
  for (const [bad, words] of [[nans, "nan"], [infinite, "infinite"]]) {
    if (bad) line.append(el("br"), el("span", { class: "bad" }, `${bad.toLocaleString()} ${words}`));
  }
  return line.childNodes.length ? [line] : [];
}

const KINDS = { parameter: "parameter", buffer: "buffer", leaf: "wants a gradient", input: "input", constant: "constant" };

// A card that shows a value of the story: `at` is its place, or a word of Python's, or null.
function card(at, role, { accent = false, name = "" } = {}) {
  if (at === null) return null;
  if (typeof at === "string") return el("div", { class: "value" }, el("div", { class: "role" }, role), el("code", { class: "chip" }, at));
  const value = data.values[at], n = count(value), all = elements(value);
  const columns = value.s.length > 1 ? value.s[value.s.length - 1] : Math.min(n, 8);
  const few = all && columns <= 12 && n <= 96;
  const made = el("div", { class: "value" + (accent ? " in" : "") + (few && columns > 5 ? " wide" : ""), "data-value": at },
    el("div", { class: "role" }, role + (value.k && KINDS[value.k] && !accent ? ` · ${KINDS[value.k]}` : "")),
    el("div", { class: "name" }, value.n || name ? el("b", {}, value.n || name) : null, el("span", {}, `${shape(value)} ${value.d}`)));
  if (few) made.append(grid(value, all, columns));
  else if (all || value.m) made.append(...map(value));
  if (value.h) made.append(bars(value));
  made.append(...facts(value));
  if (!value.st) made.append(el("div", { class: "stats" }, n ? "the numbers were not kept" : "no elements"));
  return made;
}
