// Shared by heat maps and charts: the page's memory, colours, and the frame.
// The files of this folder are joined into one script that reaches the page once; each puts its function
// into DRAW, and what is mounted on the page calls it by name (see __init__.py).

// One object for the page. tensors: id -> {shape, data}. wants: what a person just chose and the server has
// not yet confirmed. Components talk by events on `bus`.
// reports: what a person did and the server has not yet seen, numbered by `count`; seen: the last it has.
const PAGE = Object.assign(window.__glassbox, {
  tensors: new Map(),
  wants: {},
  bus: new EventTarget(),
  reports: [],
  count: 0,
  seen: 0,
});
const DRAW = {};

// A choice shows at once; until the server has answered the report that follows it, older answers do not take
// it back.
const FORGOTTEN = 3000; // milliseconds after which one that was never reported is forgotten
function choose(name, value) {
  PAGE.wants[name] = { value, after: PAGE.count, since: performance.now() };
  PAGE.bus.dispatchEvent(new CustomEvent(name, { detail: value }));
}
function chosen(name, fromServer) {
  const want = PAGE.wants[name];
  if (!want || want.value === fromServer || isAnswered(want)) {
    delete PAGE.wants[name];
    return fromServer;
  }
  return want.value;
}
function isAnswered({ after, since }) {
  const forgotten = after === PAGE.count && performance.now() - since > FORGOTTEN;
  return after < PAGE.seen || forgotten;
}

// Enter, unless it ends the composing of letters (Chinese, Japanese, Korean …). Safari sends it after the
// composition has ended, as a key without a name, and some keyboards in the same moment.
let composed = -Infinity;
const COMPOSING = 229, MOMENT_AFTER = 100; // milliseconds
window.addEventListener("compositionend", (e) => (composed = e.timeStamp), true);
const enters = (e) =>
  e.key === "Enter" && !e.isComposing && e.keyCode !== COMPOSING && e.timeStamp - composed > MOMENT_AFTER;

// Listeners of one component's root; renewed on every call, because earlier ones stay otherwise. first: before
// what is inside the target has its turn.
function listen(root, target, type, handler, first = false) {
  const key = `${type}${target === window ? "@window" : ""}${first}`;
  const all = (root.__listeners ??= new Map());
  if (all.has(key)) all.get(key)();
  target.addEventListener(type, handler, first);
  all.set(key, () => target.removeEventListener(type, handler, first));
}
function silence(root) {
  root.__listeners?.forEach((off) => off());
  root.__listeners?.clear();
}

// Asking for a size makes the browser lay out the whole page. So all questions of one moment are answered
// together, right before the next frame, and their answers are used after the last.
const QUESTIONS = [];
function ask(question, then) {
  if (!QUESTIONS.length) requestAnimationFrame(answer);
  QUESTIONS.push([question, then]);
}
function answer() {
  const asked = QUESTIONS.splice(0), answers = asked.map(([question]) => question());
  asked.forEach(([, then], i) => then(answers[i]));
}

// Draw when the width is known, and again when it changes.
function watchWidth(root, state, draw) {
  state.redraw = draw;
  if (state.watch) return;
  const drawn = (width) => width !== state.width && ((state.width = width), state.redraw());
  ask(() => root.clientWidth, drawn);
  state.watch = new ResizeObserver(() => state.width !== undefined && drawn(root.clientWidth));
  state.watch.observe(root);
}

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node[name] = value;
    else if (value === null || value === undefined) continue;
    else if (name.startsWith("aria-")) node.setAttribute(name, value); // where true and false are words
    else if (value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// A button that does nothing for now keeps the focus: whoever just pressed it is still there.
const able = (button, on) => button.setAttribute("aria-disabled", !on);
const isAble = (button) => button.getAttribute("aria-disabled") !== "true";

// The theme's values are the same for all pictures; they are asked for once a frame.
const THEME = new Map();
function css(root, name) {
  if (!root.isConnected) return ""; // nor may a picture that is on its way out answer for the others
  if (!THEME.size) requestAnimationFrame(() => THEME.clear());
  if (!THEME.has(name)) THEME.set(name, getComputedStyle(root).getPropertyValue(name).trim());
  return THEME.get(name);
}
// How high the picture on a stage is: less where its arithmetic stands below it, or the sentence needs the room
const LOW = 480; // pixels of a window
const stageHeight = (level) =>
  innerHeight * (level === 4 && innerWidth < innerHeight ? 0.42 : innerHeight < LOW ? 0.5 : 0.66);
// So many pixels of a picture at 1280 × 720, as large as they are on this screen (see style.css)
const sized = (pixels) => pixels * (parseFloat(css(document.documentElement, "font-size")) / 15);
const palette = (root, name) => css(root, name).match(/#[0-9a-f]{6}/gi) ?? ["#ffffff", "#000000"];

// A number's place on a scale, 0 to 255. Weights (0 to 1) go by their square root: small ones stay visible.
function shade(x, scale, limit) {
  const share = scale === "diverging" ? 0.5 + (0.5 * x) / limit : Math.sqrt(Math.max(0, x) / limit);
  return Math.max(0, Math.min(255, Math.round(share * 255)));
}
// The largest size among `count` numbers; what is masked counts for nothing.
function largest(data, from, count) {
  let top = 0;
  for (let i = from; i < from + count; i++) {
    const a = Math.abs(data[i]);
    if (a > top && a !== Infinity) top = a;
  }
  return top || 1;
}
// A matrix [R, C] with `stride` numbers a row, in P × Q places, each the largest in size of the cells that share it,
// masked (−∞) where all are; and `at`, where the largest of all is.
function pooled(data, { from, R, C, stride, P, Q }) {
  const values = new Float32Array(P * Q).fill(-Infinity), to = placesOf(C, Q);
  let at = 0, top = -1;
  for (let r = 0; r < R; r++) {
    const row = from + r * stride, into = Math.floor(r * P / R) * Q;
    for (let c = 0; c < C; c++) {
      const x = data[row + c], place = into + to[c];
      if (x === -Infinity) continue;
      const size = x < 0 ? -x : x, now = values[place];
      if (now === -Infinity || size > (now < 0 ? -now : now)) values[place] = x;
      if (size > top) [top, at] = [size, r * C + c];
    }
  }
  return { values, at };
}
const placesOf = (cells, places) =>
  Uint32Array.from({ length: cells }, (_, i) => Math.floor(i * places / cells));
// What the colours mean: the ends of the scale and the colours between them
function legendOf(lut, scale, limit) {
  const stops = Array.from({ length: 9 }, (_, i) => toCss(lut[Math.round((i * 255) / 8)])).join(",");
  const middle = scale === "diverging" ? "0 in the middle" : `${show(limit / 4)} in the middle`;
  const bar = el("i", { style: `background: linear-gradient(90deg, ${stops})`, title: middle });
  return [
    el("span", { text: show(scale === "diverging" ? -limit : 0) }),
    bar,
    el("span", { text: show(limit) }),
  ];
}
// The hatching of masked cells, the same in every heat map
function hatching(g, root) {
  const tile = new OffscreenCanvas(6, 6), t = tile.getContext("2d");
  t.strokeStyle = css(root, "--st-text-color");
  t.globalAlpha = 0.35;
  t.beginPath();
  for (const d of [-6, 0, 6]) {
    t.moveTo(d, 6);
    t.lineTo(d + 6, 0);
  }
  t.stroke();
  return g.createPattern(tile, "repeat");
}

// 256 colours between the theme's stops, as RGBA words
function ramp(stops) {
  const rgb = stops.map((s) => [1, 3, 5].map((i) => parseInt(s.slice(i, i + 2), 16)));
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (rgb.length - 1), k = Math.min(rgb.length - 2, Math.floor(at)), f = at - k;
    const [r, g, b] = [0, 1, 2].map((c) => Math.round(rgb[k][c] * (1 - f) + rgb[k + 1][c] * f));
    return (255 << 24) | (b << 16) | (g << 8) | r;
  });
}
function colours(root, scale) {
  const stops = css(
    root,
    scale === "diverging" ? "--st-chart-diverging-colors" : "--st-chart-sequential-colors",
  );
  if (!RAMPS.has(stops)) RAMPS.set(stops, ramp(stops.match(/#[0-9a-f]{6}/gi) ?? ["#ffffff", "#000000"]));
  return RAMPS.get(stops);
}
const RAMPS = new Map();
const toCss = (word) => `rgb(${word & 255},${(word >> 8) & 255},${(word >> 16) & 255})`;
const isDark = (word) => 0.3 * (word & 255) + 0.59 * ((word >> 8) & 255) + 0.11 * ((word >> 16) & 255) < 128;

// RGBA words as the pixels of a canvas, which takes their width and height.
function put(canvas, width, height, word) {
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height), words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = word(i);
  canvas.getContext("2d").putImageData(image, 0, 0);
}
const rgb = (r, g, b) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

// Four significant digits; −∞ where a cell is masked.
function show(x) {
  if (x === -Infinity) return "−∞";
  if (x === 0) return "0";
  const a = Math.abs(x);
  const text = a >= 1e5 || a < 1e-4 ? x.toExponential(2) : String(Number(x.toPrecision(4)));
  return text.replace("-", "−");
}

// Few digits, for a narrow cell
const rounded = (x) => x.toFixed(Math.abs(x) >= 100 ? 0 : Math.abs(x) >= 10 ? 1 : 2).replace("-", "−");
const percent = (x) => (100 * x).toFixed(x < 0.0995 ? 1 : 0) + "%";
const placed = (label, i) => `${label} (${i})`;

function save(name, blob) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
// A token such as "=1+1" must not become a formula in a spreadsheet: a leading apostrophe keeps it text.
function csvCell(x) {
  const text = /^[=+@\t\r-]/.test(x) && isNaN(x) && x !== "-inf" ? `'${x}` : x;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
const csv = (rows) =>
  new Blob([rows.map((r) => r.map((x) => csvCell(String(x))).join(",")).join("\r\n")], { type: "text/csv" });

// The frame of every heat map and chart: title, tools, body, and the line that says where the numbers come
// from. `h` has title, aria, foot, model, light {ok, text}; `rows()` gives the table twin, head row first.
function frame(root, h, rows, tag = "canvas") {
  const made = root.__frame ?? (root.__frame = build(root, tag));
  bringPlotly();
  made.title.textContent = h.title ?? "";
  made.title.hidden = !h.title;
  made.canvas.setAttribute("aria-label", h.aria || h.title || "picture");
  const from = JSON.stringify([h.foot, h.model, h.light]);
  if (made.from !== from) made.source.replaceChildren(...source(h, made.words)); // else what was unfolded stays so
  made.from = from;
  made.rows = rows;
  made.name = (h.foot || h.title || "picture").split(/\s{2}/)[0].replace(/[^\w.-]+/g, "-");
  if (!made.table.hidden) fillTable(made);
  return made;
}
// The letters of a shape in words: [B=1, H=6, T=9, S=9] -> "B batch, H heads, T positions (queries), S key
// positions".
const AXES = {
  B: "batch",
  H: "heads",
  G: "key/value heads",
  T: "positions (queries)",
  S: "key positions",
  D: "model width",
  E: "head width",
  F: "MLP units",
  V: "vocabulary",
  C: "classes",
  N: "patches",
  P: "values of a patch",
  K: "channels",
  I: "rows",
  J: "columns",
  L: "blocks",
};
const axesOf = (foot) =>
  (/\[([^\]]*)\]$/.exec(foot)?.[1].match(/\b[A-Z]\b/g) ?? []).map((letter) => `${letter} ${AXES[letter]}`)
    .join(", ");
// Where the numbers come from, in one line: self-check, shape, model. It unfolds to the point's name, the
// letters of its shape, the check, and what can be read off the numbers; a failed check is unfolded.
function source(h, words = null) {
  const [name, shape] = (h.foot ?? "").split(/ {2}/),
    failed = h.light && !h.light.ok,
    letters = axesOf(h.foot ?? "");
  const short = shape?.replace("B=1, ", "") ?? name;
  const line = el(
    "summary",
    { title: [letters, h.light?.text].filter(Boolean).join(". ") },
    ...(h.light
      ? [el("span", { class: failed ? "light off" : "light ok", text: failed ? "✗" : "✓" }), " "]
      : []),
    short || "what it shows, in words",
  );
  const more = [
    h.foot && el("code", { text: h.foot, title: letters, "aria-description": letters }),
    letters,
    h.light && el("span", { class: "check", text: h.light.text }),
    words,
  ];
  const inside = more.filter(Boolean).flatMap((part) => [part, el("br")]);
  const details = h.foot || h.light ? [el("details", { open: failed }, line, ...inside)] : [];
  return [...details, ...(h.model ? [badge(h.model, details.length > 0)] : [])];
}
// Which model computed it; the picker of the page opens that model's card.
function badge(model, after) {
  const name = model.replace(/, what if$/, ""),
    open = () => PAGE.bus.dispatchEvent(new CustomEvent("card", { detail: name }));
  const button = el("button", { type: "button", title: "The model's card", onclick: open, text: name });
  return el("span", { class: "badge" }, after ? "· " : "", button, model.slice(name.length));
}
// What can be read off a heat map or chart: a screen reader reads it with the title. The sentence that somebody
// wrote for it stands below it; the one made of its numbers is among the details.
function remark(made, h, text) {
  made.note.textContent = h.say ?? "";
  made.note.hidden = !h.say;
  made.words.textContent = h.say ? "" : text;
  made.canvas.setAttribute("aria-label", `${h.aria || h.title}. ${text}`);
}
// Plotly is loaded once the first heat map is drawn and the browser is idle; nothing waits for it.
function bringPlotly() {
  const resting = window.requestIdleCallback ?? setTimeout;
  const bring = (done) =>
    document.head.append(el("script", { src: PLOTLY, onload: () => done(window.Plotly) }));
  return (PAGE.plotly ??= new Promise((done) =>
    requestAnimationFrame(() => resting(() => bring(done), { timeout: 1500 }))
  ));
}
function build(root, tag) {
  const made = { save: saveCanvas };
  const tool = (text, help, onclick) =>
    el("button", { type: "button", text, title: help, "aria-label": help, onclick });
  made.title = el("span", { class: "title" });
  made.canvas = el(tag, { role: "img", tabindex: 0 });
  made.tip = el("div", { class: "tip", role: "status", "aria-live": "polite", hidden: true });
  made.table = el("div", { class: "table", tabindex: 0, hidden: true });
  made.note = el("div", { class: "note" });
  made.words = el("span");
  made.key = el("span", { class: "key" });
  made.source = el("div", { class: "source" });
  const table = tool("Table", "Show the numbers as a table", () => {
    made.table.hidden = !made.table.hidden;
    table.setAttribute("aria-pressed", !made.table.hidden);
    if (!made.table.hidden) fillTable(made);
  });
  table.setAttribute("aria-pressed", "false");
  const png = tool("PNG", "Save the picture as PNG", () => made.save(root, made));
  const numbers = tool("CSV", "Save the numbers as CSV", () => save(made.name + ".csv", csv(made.rows())));
  made.tools = el("span", { class: "tools" }, table, png, numbers);
  const head = el("div", { class: "caption" }, made.title, made.tools);
  made.body = el("div", { class: "body" }, made.canvas, made.tip);
  root.replaceChildren(
    el(
      "figure",
      {},
      head,
      made.body,
      made.table,
      made.note,
      el("div", { class: "foot" }, made.key, made.source),
    ),
  );
  return made;
}
function saveCanvas(root, made) {
  const from = made.canvas, to = el("canvas"), g = to.getContext("2d");
  [to.width, to.height] = [from.width, from.height];
  g.fillStyle = css(root, "--st-background-color") || "#fff";
  g.fillRect(0, 0, to.width, to.height);
  g.drawImage(from, 0, 0);
  to.toBlob((blob) => save(made.name + ".png", blob));
}
const MOST_CELLS = 6000;
function fillTable(made, into = made.table) {
  const all = made.rows(), most = Math.max(2, Math.floor(MOST_CELLS / all[0].length));
  const rows = all.slice(0, most);
  const line = (tag) => (cells, first) =>
    el(
      "tr",
      {},
      ...cells.map((x, i) =>
        el(i === 0 && !first ? "th" : tag, { text: typeof x === "number" ? show(x) : x })
      ),
    );
  const table = el(
    "table",
    {},
    el("thead", {}, line("th")(rows[0], true)),
    el("tbody", {}, ...rows.slice(1).map((r) => line("td")(r))),
  );
  const more = all.length > most
    ? [el("p", { text: `Rows not shown: ${all.length - most}. Save all as CSV.` })]
    : [];
  into.replaceChildren(table, ...more);
}

// A canvas of w × h CSS pixels, sharp on every screen, cleared
function surface(canvas, w, h) {
  const ratio = (devicePixelRatio || 1) * (canvas.currentCSSZoom ?? 1);
  const [width, height] = [w, h].map((side) => Math.round(side * ratio)), g = canvas.getContext("2d");
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  else g.reset(); // which costs less than another size
  canvas.style.width = w + "px";
  canvas.style.height = h + "px";
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  return g;
}
function tipAt(made, x, y, text) {
  made.tip.hidden = !text;
  made.tip.textContent = text;
  const room = made.body.clientWidth - made.tip.offsetWidth - 4;
  made.tip.style.left = Math.max(0, Math.min(x + 14, room)) + "px";
  made.tip.style.top = Math.max(0, y - made.tip.offsetHeight - 8) + "px";
}
function clip(g, text, width) {
  if (g.measureText(text).width <= width) return text;
  const letters = [...text];
  while (letters.length && g.measureText(letters.join("") + "…").width > width) letters.pop();
  return letters.join("") + "…";
}
DRAW.leave = (parent) => {
  for (const root of parent.querySelectorAll(".gb")) {
    silence(root);
    root.__state?.watch?.disconnect?.();
    root.__state?.leave?.();
  }
};

// Arrow keys move inside a group of choices, as in a radio group.
function amongChoices(e) {
  const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[e.key], on = e.composedPath()[0];
  if (!by || !on.classList?.contains("choice")) return;
  e.preventDefault();
  e.stopPropagation();
  const all = [...on.parentElement.querySelectorAll(".choice")], to = all[all.indexOf(on) + by];
  if (to) {
    to.click();
    to.focus();
  }
}
