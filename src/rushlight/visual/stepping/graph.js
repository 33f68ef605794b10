// The graph: operations of the forward, grouped by the modules in which they ran; dagre lays it out.

const steps = data.steps;
const producer = new Map(), readers = new Map();
steps.forEach((step, i) => {
  if (step.p !== "f") return;
  for (const at of step.out) if (typeof at === "number") producer.set(at, i);
  for (const at of step.in) if (typeof at === "number") readers.set(at, [...(readers.get(at) || []), i]);
});

const MOST_IN_GROUP = 48, CHUNK = 24, AT_FIRST = 16;
const groups = new Map([["", { id: "", label: "", up: null, members: [] }]]);
const nodes = new Map(), links = [];

const path = (call) => data.calls[call].path || data.calls[call].kind;
function within(call, group) {
  // The path of a call as it is known within the group that is drawn around it.
  const own = path(call), outer = group && groups.get(group).call !== undefined ? data.calls[groups.get(group).call].path : "";
  return outer && own.startsWith(outer + ".") ? own.slice(outer.length + 1) : own;
}

function build() {
  const inside = new Map();
  for (const step of steps) {
    if (step.p !== "f" || step.minor) continue;
    for (let call = step.call; call !== undefined; call = data.calls[call].up) inside.set(call, (inside.get(call) || 0) + 1);
  }
  const groupOf = (call) => {
    while (call !== undefined && inside.get(call) < 2) call = data.calls[call].up;
    if (call === undefined) return "";
    const id = "g" + call;
    if (!groups.has(id)) {
      const up = groupOf(data.calls[call].up);
      groups.set(id, { id, up, call, members: [] });
      groups.get(up).members.push(id);
      groups.get(id).label = within(call, up);
      groups.get(id).kind = data.calls[call].kind;
    }
    return id;
  };
  // What ran outside of modules and has no gradient, if there is more of it: how the batch was made.
  const visited = new Set(steps.filter((step) => step.p === "b").map((step) => step.of));
  const loose = (step, i) => step.call === undefined && visited.size && !visited.has(i);
  if (steps.filter((step, i) => step.p === "f" && !step.minor && loose(step, i)).length > 3) {
    groups.set("prepared", { id: "prepared", up: "", members: [], label: "before the model", kind: "no gradient" });
    groups.get("").members.push("prepared");
  }
  steps.forEach((step, i) => {
    if (step.p !== "f" || step.minor) return;
    const up = groups.has("prepared") && loose(step, i) ? "prepared" : groupOf(step.call), alone = step.call !== undefined && "g" + step.call !== up;
    const out = step.out.find((at) => typeof at === "number");
    const size = out === undefined ? "" : shape(data.values[out]);
    const node = { id: "s" + i, step: i, up, title: alone ? within(step.call, up) : step.name, sub: alone ? `${step.name} ${size}` : size };
    nodes.set(node.id, node);
    groups.get(up).members.push(node.id);
    for (const at of step.in) {
      if (typeof at !== "number") continue;
      const value = data.values[at];
      if (producer.has(at) && !steps[producer.get(at)].minor) links.push(["s" + producer.get(at), node.id]);
      else if (value.k === "parameter" && readers.get(at).length === 1) node.owns = [...(node.owns || []), at];
      else if (value.k !== "buffer" && value.k !== "constant") {
        const id = "v" + at;
        if (!nodes.has(id)) {
          const home = readers.get(at).length === 1 ? up : "";
          nodes.set(id, { id, value: at, up: home, title: value.n || value.k || "value", sub: shape(value) });
          groups.get(home).members.unshift(id);
        }
        links.push([id, node.id]);
      }
    }
  });
  for (const group of [...groups.values()]) {
    // Parts of parts, where there is very much.
    const first = new Map(group.members.map((member, i) => [member, [i + 1, i + 1]]));
    while (group.members.length > MOST_IN_GROUP) {
      const all = group.members;
      group.members = [];
      for (let from = 0; from < all.length; from += CHUNK) {
        const part = all.slice(from, from + CHUNK), reach = [first.get(part[0])[0], first.get(part[part.length - 1])[1]];
        const id = `${group.id}c${reach.join("-")}`;
        groups.set(id, { id, up: group.id, members: part, label: reach.join("–"), kind: "part" });
        first.set(id, reach);
        group.members.push(id);
        for (const member of part) thing(member).up = id;
      }
    }
  }
}
build();

function thing(id) { return nodes.get(id) || groups.get(id); }
const opened = new Set([""]), forNow = new Set();
const isOpen = (id) => opened.has(id) || forNow.has(id);

(function openSome() {
  let seen = groups.get("").members.length;
  const queue = [...groups.get("").members];
  while (queue.length) {
    const group = groups.get(queue.shift());
    if (!group || group.id === "prepared" || seen + group.members.length > AT_FIRST) continue;
    opened.add(group.id);
    seen += group.members.length;
    queue.push(...group.members);
  }
})();

// What stands for a node where modules around it are closed.
const stands = new Map();
function standing(id) {
  let found = stands.get(id);
  if (found !== undefined) return found;
  found = id;
  for (let up = thing(id).up; up !== null && up !== ""; up = groups.get(up).up) if (!isOpen(up)) found = up;
  stands.set(id, found);
  return found;
}

const pen = document.createElement("canvas").getContext("2d");
function wide(text, size) {
  pen.font = `${size}px system-ui, sans-serif`;
  return pen.measureText(text).width;
}
const cut = (text, most) => text.length > most ? "…" + text.slice(text.length - most + 1) : text;

let placed = null;
function layout() {
  const seen = new Map(), parents = [];
  (function walk(group) {
    for (const id of groups.get(group).members) {
      const item = thing(id), open = groups.has(id) && isOpen(id);
      if (open) parents.push(id);
      const title = cut(groups.has(id) ? item.label || item.kind : item.title, 28);
      const sub = cut(groups.has(id) ? `${item.kind === item.label || item.kind === "part" ? "" : item.kind + " · "}${sizeOf(id)} operations` : item.sub || "", 40);
      const width = Math.max(60, wide(title, 12.5), wide(sub, 10.5)) + 22;
      seen.set(id, { v: id, width: open ? 0 : width, height: open ? 0 : sub ? 40 : 26, parent: group || undefined, title, sub, open });
      if (open) walk(id);
    }
  })("");
  const edges = new Map();
  for (const [from, to] of links) {
    const a = standing(from), b = standing(to);
    if (a !== b && !edges.has(a + " " + b)) edges.set(a + " " + b, { v: a, w: b, minlen: 1, weight: 1, width: 0, height: 0, labeloffset: 10, labelpos: "r" });
  }
  const list = [...seen.values()], lines = [...edges.values()];
  dagre.layout(list, lines, { nodesep: 18, ranksep: 30, rankdir: "TB" }, {});
  placed = { nodes: seen, edges: lines };
}

function sizeOf(id) {
  return groups.has(id) ? groups.get(id).members.reduce((n, m) => n + sizeOf(m), 0) : id[0] === "s" ? 1 : 0;
}

// A smooth line through the points that the layout gives: a B-spline.
function curve(points) {
  const p = points.map(({ x, y }) => [x, y]);
  if (p.length < 3) return `M${p.map((q) => q.join(",")).join("L")}`;
  const mid = (a, b, c) => [(a[0] + 4 * b[0] + c[0]) / 6, (a[1] + 4 * b[1] + c[1]) / 6];
  const q = [p[0], p[0], ...p, p[p.length - 1], p[p.length - 1]];
  let d = `M${p[0]}`;
  for (let i = 1; i < q.length - 2; i++) {
    const a = q[i], b = q[i + 1];
    d += `C${[(2 * a[0] + b[0]) / 3, (2 * a[1] + b[1]) / 3]} ${[(a[0] + 2 * b[0]) / 3, (a[1] + 2 * b[1]) / 3]} ${mid(a, b, q[i + 2])}`;
  }
  return d;
}

const camera = document.getElementById("camera"), stage = document.getElementById("graph"), drawing = document.getElementById("drawing");
const drawn = { nodes: new Map(), edges: [] };
const flags = new Map();
for (const mark of data.marks) {
  const step = steps[mark.s], at = step.p === "f" ? mark.s : step.p === "b" ? step.of : null;
  if (at !== null) flags.set("s" + at, [...(flags.get("s" + at) || []), mark]);
}

function draw(choose) {
  stands.clear();
  layout();
  drawn.nodes.clear();
  drawn.edges = [];
  const under = el("svg:g"), middle = el("svg:g"), over = el("svg:g");
  for (const edge of placed.edges) {
    const line = el("svg:path", { class: "edge", d: curve(edge.points), "marker-end": "url(#tip)" });
    drawn.edges.push([edge.v, edge.w, line]);
    middle.append(line);
  }
  for (const [id, box] of placed.nodes) {
    const x = box.x - box.width / 2, y = box.y - box.height / 2;
    if (box.open) {
      const toggle = (event) => { event.stopPropagation(); close(id); };
      under.append(el("svg:g", { class: "group" },
        el("svg:rect", { x: x - 4, y: y - 8, width: box.width + 8, height: box.height + 12, rx: 9 }),
        el("svg:text", { x: x + 3, y: y + 5, click: toggle }, `▾ ${box.title}${groups.get(id).kind && groups.get(id).kind !== "part" && groups.get(id).kind !== box.title ? " · " + groups.get(id).kind : ""}`)));
      continue;
    }
    const group = groups.has(id);
    const made = el("svg:g", { class: "node" + (group ? " closed" : "") + (id[0] === "v" ? " value" : ""), "data-id": id,
      click: () => { if (!moved) choose(id); }, dblclick: () => group && open(id) });
    if (group) made.append(el("svg:rect", { class: "under", x: x + 4, y: y + 4, width: box.width, height: box.height, rx: 7 }));
    made.append(el("svg:rect", { class: "face", x, y, width: box.width, height: box.height, rx: 7 }),
      el("svg:text", { x: box.x, y: box.sub ? box.y - 3 : box.y + 4 }, (group ? "▸ " : "") + box.title));
    if (box.sub) made.append(el("svg:text", { class: "sub", x: box.x, y: box.y + 12 }, box.sub));
    const about = group ? [...flags].filter(([at]) => standing(at) === id).flatMap(([, m]) => m) : flags.get(id) || [];
    if (about.length) {
      made.append(el("svg:circle", { class: "flag", cx: x + box.width - 2, cy: y + 2, r: 7 }), el("svg:text", { class: "flagtext", x: x + box.width - 2, y: y + 5.5 }, "!"),
        el("svg:title", {}, about.map((m) => m.t).join("\n")));
    }
    drawn.nodes.set(id, made);
    over.append(made);
  }
  const tip = el("svg:marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" },
    el("svg:path", { d: "M0,0.8L7.5,4L0,7.2z", fill: "context-stroke" }));
  camera.replaceChildren(el("svg:defs", {}, tip), under, middle, over);
}

// ---- the camera: drag, wheel, two fingers --------------------------------------------------------

const view = { k: 1, x: 0, y: 0 };
let moved = false, flight = 0;
const aim = () => camera.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.k})`);

function fly(k, x, y, slow = true) {
  cancelAnimationFrame(flight);
  const from = { ...view }, start = performance.now();
  if (!slow || matchMedia("(prefers-reduced-motion: reduce)").matches) { Object.assign(view, { k, x, y }); aim(); return; }
  const frame = (now) => {
    const t = Math.min((now - start) / 220, 1), e = 1 - (1 - t) ** 3;
    Object.assign(view, { k: from.k + (k - from.k) * e, x: from.x + (x - from.x) * e, y: from.y + (y - from.y) * e });
    aim();
    if (t < 1) flight = requestAnimationFrame(frame);
  };
  flight = requestAnimationFrame(frame);
}

function bounds() {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const box of placed.nodes.values()) {
    left = Math.min(left, box.x - box.width / 2); right = Math.max(right, box.x + box.width / 2);
    top = Math.min(top, box.y - box.height / 2); bottom = Math.max(bottom, box.y + box.height / 2);
  }
  return { left, top, width: right - left, height: bottom - top };
}

function fit(slow = true, first = false) {
  const { left, top, width, height } = bounds(), box = stage.getBoundingClientRect();
  if (!Number.isFinite(width)) return;
  let k = Math.min(1.3, (box.width - 40) / width, (box.height - 60) / height), y = (box.height - height * k) / 2 - top * k;
  if (first && k < 0.5) { k = 0.5; y = 30 - top * k; }
  fly(k, (box.width - width * k) / 2 - left * k, y, slow);
}

// Bring what is lit to where one sees it, large enough to be read.
function follow(id, slow = true) {
  const box = placed.nodes.get(id), room = stage.getBoundingClientRect();
  if (!box) return;
  const k = Math.max(view.k, 0.8), all = bounds();
  const whole = view.x + all.left * view.k > -8 && view.x + (all.left + all.width) * view.k < room.width + 8 && view.y + all.top * view.k > -8 && view.y + (all.top + all.height) * view.k < room.height + 8;
  if (whole && view.k >= 0.55) return;
  const x = view.x + box.x * view.k, y = view.y + box.y * view.k;
  if (k === view.k && x > room.width * 0.2 && x < room.width * 0.8 && y > room.height * 0.22 && y < room.height * 0.78) return;
  fly(k, room.width / 2 - box.x * k, room.height / 2 - box.y * k, slow);
}

function zoom(factor, x, y) {
  const k = Math.min(Math.max(view.k * factor, 0.05), 4);
  fly(k, x - (x - view.x) * k / view.k, y - (y - view.y) * k / view.k, false);
}

const fingers = new Map();
stage.addEventListener("pointerdown", (event) => {
  if (event.target.closest(".tools")) return;
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  moved = false;
});
window.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const [dx, dy] = [event.clientX - before[0], event.clientY - before[1]];
  if (!moved && Math.hypot(dx, dy) < 4) return;
  moved = true;
  stage.classList.add("held");
  const others = [...fingers].filter(([id]) => id !== event.pointerId);
  if (others.length) {
    const [ox, oy] = others[0][1], room = stage.getBoundingClientRect();
    const factor = Math.hypot(event.clientX - ox, event.clientY - oy) / Math.max(Math.hypot(before[0] - ox, before[1] - oy), 1);
    zoom(factor, (event.clientX + ox) / 2 - room.left, (event.clientY + oy) / 2 - room.top);
  } else fly(view.k, view.x + dx, view.y + dy, false);
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
});
for (const kind of ["pointerup", "pointercancel"]) {
  window.addEventListener(kind, (event) => {
    fingers.delete(event.pointerId);
    if (!fingers.size) { stage.classList.remove("held"); setTimeout(() => { moved = false; }); }
  });
}
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  const room = stage.getBoundingClientRect();
  if (event.ctrlKey || !event.deltaX) zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), event.clientX - room.left, event.clientY - room.top);
  else fly(view.k, view.x - event.deltaX, view.y - event.deltaY, false);
}, { passive: false });
