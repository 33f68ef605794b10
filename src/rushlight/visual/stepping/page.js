// The page: where one is, what is shown of it, keys, search.

const WORDS = { o: "Overview", f: "Forward", b: "Backward", g: "Gradients land", u: "Update" };
const detail = document.getElementById("detail"), range = document.getElementById("range");
// The steps that one goes through: bookkeeping, which leads to no gradient, is passed over.
const order = steps.map((_, i) => i).filter((i) => !steps[i].minor);
const at = new Map(order.map((step, place) => [step, place]));
const visits = new Map(), users = new Map(), marksAt = new Map();
steps.forEach((step, i) => { if (step.p === "b") visits.set(step.of, [...(visits.get(step.of) || []), i]); });
steps.forEach((step, i) => { if (step.p === "f") for (const v of step.in) if (typeof v === "number") users.set(v, i); });
for (const mark of data.marks) marksAt.set(mark.s, [...(marksAt.get(mark.s) || []), mark]);
// Where gradients flow: from what took a value to what gave it.
const gradientLinks = [];
for (const step of steps) {
  if (step.p !== "b") continue;
  step.out.forEach((g, n) => {
    const v = steps[step.of].in[n];
    if (g !== null && typeof v === "number") gradientLinks.push([producer.has(v) ? "s" + producer.get(v) : "v" + v, "s" + step.of]);
  });
}
for (let i = gradientLinks.length - 1; i >= 0; i--) if (!gradientLinks[i].every((id) => nodes.has(id))) gradientLinks.splice(i, 1);
let now = -1;

const phaseOf = (step) => step.p === "g" ? "b" : step.p;
const forwardOf = (step) => step.p === "b" ? steps[step.of] : step;

function titleOf(i) {
  const step = steps[i];
  if (step.p === "g") return "gradients land in .grad";
  if (step.p === "u") return step.after === undefined ? step.ops[step.ops.length - 1].name : data.values[step.after].n || "update";
  return forwardOf(step).name;
}

function whereOf(i) {
  const step = forwardOf(steps[i]);
  return step.call === undefined ? "" : path(step.call);
}

// ---- going -----------------------------------------------------------------------------------------

function nodeOf(i) {
  if (i < 0) return null;
  const step = steps[i];
  if (step.p === "f") return nodes.has("s" + i) ? "s" + i : null;
  if (step.p === "b") return nodes.has("s" + step.of) ? "s" + step.of : null;
  if (step.p === "u" && step.before !== undefined) {
    const value = data.values[step.before];
    for (const [v, user] of users) if (v === step.before || (value.n && data.values[v].n === value.n)) return nodes.has("v" + v) ? "v" + v : "s" + user;
  }
  return null;
}

function go(place, follows = true) {
  now = Math.max(-1, Math.min(order.length - 1, place));
  const i = now < 0 ? -1 : order[now], node = nodeOf(i);
  const before = [...forNow].join();
  if (node !== null) {
    forNow.clear();
    for (let up = thing(node).up; up !== null && up !== ""; up = groups.get(up).up) if (!opened.has(up)) forNow.add(up);
  }
  if (before !== [...forNow].join()) draw(choose);
  light(i, node);
  if (node !== null && follows) follow(standing(node));
  range.value = now;
  document.getElementById("counter").value = now < 0 ? `${order.length} steps` : `${now + 1} / ${order.length}`;
  const phase = now < 0 ? "o" : phaseOf(steps[i]);
  for (const button of document.querySelectorAll("nav button")) button.classList.toggle("on", button.dataset.p === phase);
  detail.replaceChildren(...(now < 0 ? overview() : told(i)).flat(Infinity).filter((part) => part !== null && part !== undefined && part !== false));
  detail.scrollTop = 0;
  history.replaceState(null, "", now < 0 ? "#" : `#${now + 1}`);
}

function light(i, node) {
  const done = new Set(), back = new Set(), fresh = new Set();
  for (let place = 0; place <= now; place++) {
    const step = steps[order[place]];
    if (step.p === "f" && nodes.has("s" + order[place])) done.add(standing("s" + order[place]));
    else if (step.p === "b" && nodes.has("s" + step.of)) back.add(standing("s" + step.of));
    else if (step.p === "u") { const n = nodeOf(order[place]); if (n) fresh.add(standing(n)); }
  }
  const lit = node === null ? null : standing(node), phase = i < 0 ? "" : phaseOf(steps[i]);
  for (const [id, made] of drawn.nodes) {
    made.classList.toggle("done", done.has(id));
    made.classList.toggle("back", back.has(id));
    made.classList.toggle("new", fresh.has(id));
    made.classList.toggle("lit", id === lit);
    for (const p of "fbu") made.classList.toggle(p, id === lit && p === phase);
  }
  const bears = new Set();
  for (const [from, to] of gradientLinks) bears.add(standing(from) + " " + standing(to));
  for (const [from, to, line] of drawn.edges) {
    const flows = bears.has(from + " " + to), hot = lit !== null && (from === lit || to === lit) && (phase !== "b" || flows);
    const turned = flows && back.has(to) && phase === "b";
    line.classList.toggle("back", flows && back.has(to));
    line.classList.toggle("hot", hot);
    line.classList.toggle("b", phase === "b");
    line.setAttribute("marker-end", turned ? "" : "url(#tip)");
    line.setAttribute("marker-start", turned ? "url(#tip)" : "");
  }
}

function open(id) { opened.add(id); redraw(id); }
function close(id) { opened.delete(id); forNow.delete(id); redraw(id); }

// Draw anew, with what was clicked where it was.
function redraw(id) {
  const before = placed.nodes.get(id);
  draw(choose);
  const after = placed.nodes.get(id);
  if (before && after) fly(view.k, view.x + (before.x - after.x) * view.k, view.y + (before.y - before.height / 2 - after.y + after.height / 2) * view.k, false);
  light(now < 0 ? -1 : order[now], nodeOf(now < 0 ? -1 : order[now]));
}

function choose(id) {
  if (groups.has(id)) return open(id);
  if (id[0] === "v") return jump(readers.get(Number(id.slice(1)))[0]);
  const step = Number(id.slice(1)), phase = now < 0 ? "f" : phaseOf(steps[order[now]]);
  return jump(phase === "b" && visits.has(step) ? visits.get(step)[0] : step);
}

function jump(step, follows = true) {
  if (at.has(step)) go(at.get(step), follows);
}

// ---- what is told of a step --------------------------------------------------------------------------

const heading = (text) => el("h3", {}, text);
const inputName = (row, i) => { const known = data.rows[row] && data.rows[row].inputs; return known && known.length ? (known[Math.min(i, known.length - 1)] || "").replace("*", "") : ""; };

function lineOf(step) {
  if (step.line === undefined || step.line === null) return [];
  const line = data.lines[step.line], made = [heading("Your line"), code(line)];
  const rest = step.lines.filter((l) => l !== step.line);
  if (rest.length) made.push(el("details", {}, el("summary", {}, `called by way of ${rest.length} other line${rest.length > 1 ? "s" : ""}`), rest.map((l) => code(data.lines[l]))));
  return made;
}

function code(line) {
  const box = el("div", { class: "code" });
  for (const [number, text] of Object.entries(line.src)) {
    box.append(el("div", { class: Number(number) === line.at ? "here" : "" }, el("span", { class: "no" }, number), coloured(text)));
  }
  return [el("div", { class: "file" }, `${line.file}:${line.at}`, line.in && line.in !== "<module>" ? ` in ${line.in}` : ""), box.childNodes.length ? box : null];
}

const PYTHON = /("""[^]*?"""|r?f?"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(#.*)|\b(def|return|if|else|elif|for|in|while|import|from|class|lambda|with|as|not|and|or|is|None|True|False|yield|raise|try|except|finally|pass)\b/g;
function coloured(text) {
  const made = [];
  let last = 0;
  for (const found of text.matchAll(PYTHON)) {
    made.push(text.slice(last, found.index), el("span", { class: found[1] ? "t" : found[2] ? "r" : "w" }, found[0]));
    last = found.index + found[0].length;
  }
  return [...made, text.slice(last)];
}

function math([made, latex]) {
  const holder = el("div", { title: latex });
  holder.innerHTML = made;
  return holder;
}

function formulas(key, wanted) {
  const row = data.rows[key];
  if (!row || !row.def) return [];
  const forward = el("div", { class: "formula" + (wanted ? " dim" : "") }, math(row.def));
  const names = Object.keys(row.der).filter((name) => !wanted || wanted.includes(name.replace(/_\d+$/, "")));
  if (!names.length) return [heading("Formula"), forward];
  const behind = el("div", { class: "formula" + (wanted ? "" : " dim") }, names.map((name) => row.der[name].map(math)),
    el("div", { class: "why" }, "L the loss, g the gradient that comes in"));
  return [heading(wanted ? "Derivative" : "Formula"), ...(wanted ? [behind, forward] : [forward, behind])];
}

function sources(key) {
  const row = data.rows[key];
  if (!row || !row.src.length) return [];
  return [heading(row.own ? "Your Function" : "In the table"), row.src.map((source, i) => el("details", { open: row.own || i === 0 },
    el("summary", {}, `${{ row: "the row", forward: "its forward", rule: "its derivative", write: "what writes", random: "what draws" }[row.own ? "" : source.title] || source.title} `, el("span", { class: "file" }, `${source.file}:${source.line}`)),
    el("div", { class: "code" }, source.text.split("\n").map((text, n) => el("div", {}, el("span", { class: "no" }, source.line + n), coloured(text))))))];
}

function operands(list, row, role) {
  return list.map((v, i) => v === null ? null : card(v, list.length > 1 || inputName(row, i) ? `${role} ${inputName(row, i)}`.trim() : role));
}

// Operations within a rule or an update: a line each, with their values inside.
function within_(list) {
  return list.map((op) => {
    const names = op.in.map((v) => v === null ? "None" : typeof v === "string" ? v : data.values[v].n || shape(data.values[v]));
    const out = op.out.map((v) => shape(data.values[v])).join(", ");
    const made = el("details", { class: "op" }, el("summary", {}, `${op.name}(${names.join(", ")}) → ${out}`));
    made.addEventListener("toggle", () => {
      if (made.open && made.childNodes.length === 1) made.append(el("div", { class: "values" }, operands(op.in, op.row, "input"), op.out.map((v) => card(v, "output"))), ...formulas(op.row), ...sources(op.row));
    });
    return made;
  });
}

const statics = (step) => step.static ? [heading("Parameters of the call"), el("div", {}, step.static.map(([name, value]) => el("span", { class: "chip" }, `${name} = ${value}`)))] : [];
const marked = (i) => (marksAt.get(i) || []).map((mark) => el("div", { class: `mark ${mark.k}` }, mark.t));

function head(phase, name, step) {
  const call = step && step.call !== undefined ? data.calls[step.call] : null;
  return [el("div", { class: `phase ${phase}` }, WORDS[phase]), el("div", { class: "head" }, el("h2", {}, name)),
    el("div", { class: "where" }, call ? ["in ", el("b", {}, call.path || "the model"), ` (${call.kind})`] : null, step && step.asked && step.asked !== step.name ? `  asked for by ${step.asked}()` : null)];
}

function told(i) {
  const step = steps[i];
  return { f: forward, b: backward, g: landing, u: update }[step.p](step, i);
}

function forward(step, i) {
  const kind = { write: "writes into memory", random: "random numbers", function: "a Function of yours" }[step.kind];
  const back = visits.get(i);
  return [...head("f", step.name, step), kind ? el("div", { class: "where" }, kind) : null, ...marked(i),
    ...lineOf(step), ...formulas(step.row),
    heading("Takes"), el("div", { class: "values" }, operands(step.in, step.row, "input")),
    heading("Gives"), el("div", { class: "values" }, step.out.map((v, n) => card(v, step.out.length > 1 ? `output ${n + 1}` : "output"))),
    step.inside ? [heading("Inside, as it ran"), within_(step.inside)] : null,
    back ? el("p", {}, el("button", { click: () => jump(back[0]) }, "its step backward →")) : null,
    ...statics(step), ...sources(step.row)];
}

function backward(step, i) {
  const own = steps[step.of], wanted = step.out.map((v, n) => v === null ? null : inputName(own.row, n)).filter((name) => name);
  const called = (n) => { const v = own.in[n]; return typeof v === "number" && data.values[v].n || inputName(own.row, n) || `input ${n + 1}`; };
  const gradient = (v, role, name) => { if (v === null) return null; const made = card(v, role, { accent: true, name }); return made; };
  return [...head("b", own.name, own), ...marked(i), ...formulas(own.row, wanted),
    heading("Comes in"), el("div", { class: "values" }, step.in.map((v, n) => gradient(v, `gradient of ${step.in.length > 1 ? `output ${n + 1}` : "the output"}`, "g"))),
    heading("Goes out"), el("div", { class: "values" }, step.out.map((v, n) => gradient(v, `gradient of ${called(n)}`, `∂L/∂${called(n)}`))),
    step.rule.length ? [heading("The rule, as it ran"), within_(step.rule)] : null,
    step.pass.length ? [heading("Passing on: sums and shapes"), within_(step.pass)] : null,
    el("details", {}, el("summary", {}, "what the forward took and gave"), el("div", { class: "values" }, operands(own.in, own.row, "input"), own.out.map((v) => card(v, "output")))),
    el("p", {}, el("button", { click: () => jump(step.of) }, "← its step forward")),
    ...lineOf(own), ...statics(own), ...sources(own.row)];
}

function landing(step, i) {
  return [...head("g", "Gradients land in .grad"), ...marked(i), parameters(step.land),
    heading("One by one"), el("div", { class: "values" }, step.land.map(([leaf, g]) => card(g, `gradient of ${data.values[leaf].n || "a leaf"}`, { accent: true })))];
}

function update(step, i) {
  const name = step.after === undefined ? titleOf(i) : data.values[step.after].n || "a leaf";
  const cards = [["before", "before"], ["grad", "gradient"], ["after", "after"]].filter(([key]) => step[key] !== undefined).map(([key, role]) => card(step[key], role, { accent: key === "grad" }));
  return [...head("u", name), el("div", { class: "where" }, (step.owner ? `a step of ${step.owner}` : "changed in place") + (step.moved === undefined ? "" : `; it moved by ${step.moved} times its own length`)), ...marked(i),
    el("div", { class: "values" }, cards), heading("The operations of the update"), within_(step.ops),
    ...(step.lines.length ? [heading("Your line"), code(data.lines[step.lines[0]])] : [])];
}

function parameters(pairs) {
  const rms = (v) => {
    if (v === undefined || !data.values[v].st) return "–";
    const odd = oddOf(data.values[v]);
    return odd ? el("span", { class: "bad" }, odd) : shown(data.values[v].st[3], 3);
  };
  return el("table", { class: "list" }, el("tr", {}, ["leaf", "shape", "its size (rms)", "gradient (rms)"].map((t, n) => el("th", { class: n > 1 ? "n" : "" }, t))),
    pairs.map(([leaf, g]) => el("tr", { class: "link", click: () => { const user = users.get(leaf); if (user !== undefined) jump((visits.get(user) || [user])[0]); } },
      el("td", {}, data.values[leaf].n || "a leaf"), el("td", {}, shape(data.values[leaf])), el("td", { class: "n" }, rms(leaf)), el("td", { class: "n" }, rms(g)))));
}

function overview() {
  const counts = { f: 0, b: 0, u: 0 }, inner = steps.reduce((n, s) => n + (s.p === "b" ? s.rule.length + s.pass.length : s.p === "u" ? s.ops.length : s.p === "f" ? 1 : 0), 0);
  for (const i of order) counts[phaseOf(steps[i])]++;
  const land = steps.filter((s) => s.p === "g").flatMap((s) => s.land);
  const known = new Set(land.map(([leaf]) => leaf));
  const numbers = [...known].reduce((n, v) => n + count(data.values[v]), 0);
  const short = (n) => n < 1e6 ? n.toLocaleString("en") : `${Number((n / 1e6).toPrecision(3))} M`;
  const box = (number, words) => el("div", { title: typeof number === "number" ? number.toLocaleString("en") : null }, number instanceof Element ? number : el("b", {}, typeof number === "number" ? short(number) : number), el("span", {}, words));
  const first = steps.find((s) => s.p === "b"), loss = first ? steps[first.of].out[0] : undefined;
  const value = loss !== undefined && data.values[loss].st ? oneOf(data.values[loss]) : null;
  return [...head("o", data.title), data.note ? el("div", { class: "note" }, data.note) : null,
    el("div", { class: "big" }, value !== null && count(data.values[loss]) === 1 ? box(typeof value === "string" ? el("b", { class: "bad" }, value) : shown(value), data.values[loss].n || "loss") : null, box(inner, "operations"), box(counts.f, "steps forward"), box(counts.b, "steps backward"), counts.u ? box(counts.u, "updates") : null, numbers ? box(numbers, "gradient elements") : null),
    el("p", {}, el("button", { click: () => go(0) }, "Begin with the first operation →"), " or press →"),
    heading(data.marks.length ? "Look at" : "Nothing stands out"),
    data.marks.length ? data.marks.slice(0, 60).map((mark) => el("div", { class: `mark link ${mark.k}`, click: () => jump(mark.s) }, mark.t, whereOf(mark.s) ? ` (in ${whereOf(mark.s)})` : "")) : el("div", { class: "where" }, "No NaN and no infinity that was not put in, no vanishing or exploding gradient, no dead units."),
    land.length ? [heading("Gradients"), parameters(land)] : null];
}

// ---- search ------------------------------------------------------------------------------------------

const search = document.getElementById("search"), found = document.getElementById("found");
const index = order.map((i, placeAt) => {
  const step = steps[i], own = forwardOf(step), words = [titleOf(i), whereOf(i)];
  for (const v of [...(own.in || []), ...(own.out || [])]) if (typeof v === "number" && data.values[v].n) words.push(data.values[v].n);
  const line = own.line !== undefined && own.line !== null ? data.lines[own.line] : step.lines && step.lines.length ? data.lines[step.lines[0]] : null;
  // What is called so comes first, then what takes it or stands there; a file's name is looked at last.
  const file = line ? `${line.file}:${line.at}` : "";
  return { place: placeAt, i, parts: [step.p === "u" ? "" : titleOf(i), words.join("  "), line ? line.src[line.at] || "" : "", file].map((part) => part.toLowerCase()) };
});
let picked = 0;

function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rank = ({ parts }) => Math.max(0, ...words.map((word) => parts.findIndex((part) => part.includes(word)) >>> 0));
  const ranked = index.map((one) => [rank(one), one]).filter(([at]) => at < 4).sort(([a], [b]) => a - b);
  // Of a word that names something, lines in which it stands as well are no hits.
  const hits = ranked.filter(([at]) => at < 3 || ranked[0][0] === 3).slice(0, 80).map(([, one]) => one);
  picked = 0;
  found.replaceChildren(...hits.map(({ place: p, i }, n) => el("li", { class: n === 0 ? "on" : "", mousedown: (event) => { event.preventDefault(); leave(p); } },
    el("span", { class: `dot ${steps[i].p}` }), el("span", {}, titleOf(i)), el("span", {}, whereOf(i) || `step ${p + 1}`))));
  if (!hits.length) found.append(el("li", {}, "nothing is called that"));
  found.hits = hits;
  found.hidden = false;
}

function leave(place_) {
  found.hidden = true;
  search.blur();
  if (place_ !== undefined) go(place_);
}

search.addEventListener("input", find);
search.addEventListener("focus", find);
search.addEventListener("blur", () => { found.hidden = true; });
search.addEventListener("keydown", (event) => {
  if (event.key === "Escape") leave();
  if (event.key === "Enter" && found.hits && found.hits[picked]) leave(found.hits[picked].place);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    picked = Math.max(0, Math.min((found.hits || []).length - 1, picked + (event.key === "ArrowDown" ? 1 : -1)));
    [...found.children].forEach((li, n) => li.classList.toggle("on", n === picked));
    if (found.children[picked]) found.children[picked].scrollIntoView({ block: "nearest" });
  }
  event.stopPropagation();
});

// ---- keys, buttons, the bar ----------------------------------------------------------------------------

function firstOf(phase, from = 0, by = 1) {
  for (let p = from; p >= 0 && p < order.length; p += by) if (phaseOf(steps[order[p]]) === phase) return p;
  return null;
}

function nextPhase(by) {
  if (now < 0) return go(by > 0 ? 0 : -1);
  const own = phaseOf(steps[order[now]]);
  for (let p = now; p >= 0 && p < order.length; p += by) if (phaseOf(steps[order[p]]) !== own) return go(p);
  return go(by > 0 ? order.length - 1 : -1);
}

function theme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  palette();
  bar();
}

function bar() {
  const canvas = document.getElementById("phasebar"), width = canvas.width = Math.max(canvas.clientWidth * devicePixelRatio, 1);
  canvas.height = 14 * devicePixelRatio;
  const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement), h = canvas.height;
  const name = { f: "--forward", b: "--backward", u: "--update", g: "--update" };
  context.globalAlpha = 0.5;
  order.forEach((i, p) => {
    context.fillStyle = style.getPropertyValue(name[steps[i].p]);
    // Around where the handle stands at this step; before the first it is at the left end.
    context.fillRect((p + 0.5) / order.length * width, 0, width / order.length + 1, h);
  });
  context.globalAlpha = 1;
  context.fillStyle = style.getPropertyValue("--bad");
  for (const mark of data.marks) {
    if (at.has(mark.s)) context.fillRect((at.get(mark.s) + 1) / order.length * width - 1.5 * devicePixelRatio, 0, 3 * devicePixelRatio, h);
  }
}

const KEYS = [
  ["→ ←", "one step on, one back", { ArrowRight: () => go(now + 1), ArrowLeft: () => go(now - 1), l: () => go(now + 1), h: () => go(now - 1), " ": () => go(now + 1) }],
  ["↓ ↑", "the next phase, the one before", { ArrowDown: () => nextPhase(1), ArrowUp: () => nextPhase(-1) }],
  ["b", "between an operation's step forward and its step backward", { b: () => { if (now < 0) return; const i = order[now], s = steps[i]; if (s.p === "b") jump(s.of); else if (visits.has(i)) jump(visits.get(i)[0]); } }],
  ["m", "the next mark", { m: () => { const next = data.marks.map((k) => at.get(k.s)).filter((p) => p > now).sort((a, b) => a - b)[0]; if (next !== undefined) go(next); } }],
  ["Home End", "the overview, the last step", { Home: () => go(-1), End: () => go(order.length - 1) }],
  ["/", "search", { "/": () => search.focus() }],
  ["+ − f c", "nearer, farther, all of the graph, close all modules", { "+": () => middle(1.25), "-": () => middle(0.8), f: () => fit(), c: closeAll }],
  ["t ?", "light or dark, this", { t: () => theme(document.documentElement.dataset.theme !== "dark"), "?": () => document.getElementById("help").showModal() }],
];

function middle(factor) { const room = stage.getBoundingClientRect(); zoom(factor, room.width / 2, room.height / 2); }
function closeAll() { for (const id of [...opened]) if (id) opened.delete(id); forNow.clear(); draw(choose); light(now < 0 ? -1 : order[now], nodeOf(now < 0 ? -1 : order[now])); fit(); }

window.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("help").open) return;
  for (const [, , keys] of KEYS) {
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); return; }
  }
});

const help = document.getElementById("help");
help.append(el("h2", {}, "Keys"), el("table", {}, KEYS.map(([keys, words]) => el("tr", {}, el("td", {}, keys.split(" ").map((k) => [el("kbd", {}, k), " "])), el("td", {}, words)))),
  el("p", { class: "where" }, "Drag and turn the wheel (or use two fingers) to move the graph; a click opens a module or goes to an operation."),
  el("h2", {}, "In this file"), el("table", {}, data.credits.map((row) => el("tr", {}, el("td", {}, `${row[0]} ${row[1]}`), el("td", {}, row[2]), el("td", {}, row[3])))),
  el("p", {}, el("button", { click: () => help.close() }, "Close")));

document.getElementById("before").addEventListener("click", () => go(now - 1));
document.getElementById("after").addEventListener("click", () => go(now + 1));
document.getElementById("nearer").addEventListener("click", () => middle(1.25));
document.getElementById("farther").addEventListener("click", () => middle(0.8));
document.getElementById("fit").addEventListener("click", () => fit());
document.getElementById("closeall").addEventListener("click", closeAll);
document.getElementById("theme").addEventListener("click", () => { theme(document.documentElement.dataset.theme !== "dark"); go(now, false); });
document.getElementById("asked").addEventListener("click", () => help.showModal());
range.max = order.length - 1;
range.addEventListener("input", () => go(Number(range.value)));
range.addEventListener("keydown", (event) => event.preventDefault());
window.addEventListener("resize", bar);

const phases = document.getElementById("phases");
for (const p of ["o", "f", "b", "u"]) {
  const n = order.filter((i) => phaseOf(steps[i]) === p).length;
  if (p === "o" || n) phases.append(el("button", { "data-p": p, click: () => go(p === "o" ? -1 : firstOf(p)) }, WORDS[p], p === "o" ? null : el("small", {}, n)));
}
const legend = document.getElementById("legend");
for (const [name, words] of [["--forward", "computed"], ["--backward", "backward was here"], ["--update", "updated"]]) legend.append(el("span", {}, el("i", { style: `border-color: var(${name})` }), words));

theme(matchMedia("(prefers-color-scheme: dark)").matches);
draw(choose);
fit(false, true);
const asked = Number(location.hash.slice(1));
go(asked > 0 ? asked - 1 : -1);
document.documentElement.dataset.ready = String(Math.round(performance.now()));
