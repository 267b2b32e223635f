// The whole forward pass in one picture: zoom from the model to a single number, follow one token, play the
// computation in its order, take parts out. A double click (or Enter) opens the walk at that place.
const HIGH = { lane: 34, least: 380, below: 42 }; // below: what stands under it in a window
// Pixels: of a picture that is scrolled, of the answers beside one that is not, and of a window for that
const SCROLLED = 760, BESIDE = 214, NARROW = 820;

DRAW.machine = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= { view: { k: 1, x: 0, y: 0 }, at: Infinity, only: null, speed: 1 });
  Object.assign(state, { h: data, send: setTriggerValue, sink: data.sink, head: data.head });
  state.token = MACHINE.laneOf(data, chosen("token", data.token));
  const again = () => {
    if (state.width) draw(root, state);
  };
  for (const column of data.columns) { // each head's other side, told once for all
    if (typeof column.seen === "string") {
      column.seen = { ...data.seen[column.seen], other: column.seen !== "own" };
    }
  }
  const sources = new Set(data.columns.flatMap(({ src, at }) => [src, at]));
  listen(root, PAGE.bus, "tensor", (e) => sources.has(e.detail) && again());
  if (String(state.asked) !== String(data.zoom)) Object.assign(state, { asked: data.zoom, zoom: data.zoom });
  watchWidth(root, state, again);
  again();
};

function draw(root, state) {
  const h = state.h, made = frame(root, h, () => rows(h));
  if (!h.columns.every(({ src, at }) => PAGE.tensors.has(src) && (!at || PAGE.tensors.has(at)))) return;
  if (!made.controls) build(root, state, made);
  const narrow = state.width < NARROW, H = height(made.stage, h);
  state.plan = MACHINE.plan(h, narrow ? Math.max(state.width, SCROLLED) : state.width - BESIDE, H);
  made.stage.classList.toggle("narrow", narrow);
  state.paint = painter(root, state, made);
  if (state.zoom) { // of the whole picture's size, so that a link holds on any screen
    const [k, x, y] = state.zoom;
    Object.assign(state, { view: { k, x: x * state.plan.W, y: y * H }, zoom: null });
  }
  state.view = MACHINE.clamp(state.view, state.plan.W, H);
  state.shown();
  remark(made, h, h.say);
  legend(root, made);
  act(root, state, made);
  state.paint.now();
}
// As high as its lanes need, or as the window has room for when it is not scrolled
function height(stage, h) {
  const scrolled = stage.closest("[data-testid=stMain]")?.scrollTop ?? 0;
  const room = (innerHeight - HIGH.below - stage.getBoundingClientRect().top - scrolled) /
    (stage.currentCSSZoom ?? 1);
  return Math.max(HIGH.least, Math.min(room, MACHINE.TOP + HIGH.lane * h.lanes.length));
}
function build(root, state, made) {
  made.controls = MACHINE.controls(state, (by) => level(state, by));
  made.stage = made.body; // the picture, which a narrow screen scrolls, and beside or under it the answers
  made.stage.classList.replace("body", "machine");
  made.body = el("div", { class: "body" }, made.canvas, made.tip);
  made.answers = el("div", { class: "answers", role: "status" });
  made.stage.replaceChildren(made.body, made.answers);
  made.stage.before(made.controls);
  made.canvas.setAttribute("role", "application"); // with keys of its own
}
// Paints at the next frame, however often it is called until then; `now` at once.
function painter(root, state, made) {
  const now = () => {
    state.pending = false;
    const { plan } = state, numbers = MACHINE.paint(surface(made.canvas, plan.W, plan.H), root, state);
    answers(made.answers, state);
    made.canvas.style.touchAction = state.view.k > 1 ? "none" : "pan-x pan-y";
    root.dataset.sig = [state.h.columns[0].src, state.token, state.view.k.toFixed(2), state.at].join("|");
    root.dataset.numbers = numbers; // written in cells
  };
  const paint = () => {
    if (!state.pending) requestAnimationFrame(now);
    state.pending = true;
  };
  return Object.assign(paint, { now });
}

const rows = (h) => [
  ["token", ...h.answers[0].labels.map((_, i) => `answer ${i + 1}`)],
  ...h.lanes.map((lane, i) => [lane, ...told(MACHINE.answerOf(h, i))]),
];
const told = ({ labels, now, then }) => labels.map((label, n) => `${label} ${change(now, then, n)}`);
const change = (now, then, n) => (then ? `${percent(then[n])} → ` : "") + percent(now[n]);

// The lit lane's answers, before and after a what-if
function answers(place, { h, token }) {
  const best = MACHINE.answerOf(h, token), drawn = JSON.stringify([h.asks, best]);
  if (place.__drawn === drawn) return;
  place.__drawn = drawn;
  const bar = (kind, share) => el("i", { class: kind, style: `width: ${Math.max(0.5, 100 * share)}%` });
  place.replaceChildren(
    el("b", { text: h.asks }),
    ...best.labels.map((label, n) =>
      el(
        "div",
        { class: "answer" },
        el("span", { text: label }),
        el("span", { text: change(best.now, best.then, n) }),
        bar("now", best.now[n]),
        ...(best.then ? [bar("then", best.then[n])] : []),
      )
    ),
  );
}
// What the colours mean: weights have one scale, every point's numbers have their own.
function legend(root, made) {
  const [weights, numbers] = ["sequential", "diverging"].map((scale) => colours(root, scale));
  const [, bar] = legendOf(numbers, "diverging", 1);
  bar.title = "each point to its own largest number";
  made.key.replaceChildren(
    "weights",
    ...legendOf(weights, "sequential", 1),
    el("i", { class: "one hatch" }),
    "masked",
    el("span", { text: "numbers −" }),
    bar,
    "+",
  );
}

// --- zoom -------------------------------------------------------------------------------------------

function zoomAt(state, factor, px, py) {
  const { view } = state, k = Math.min(MACHINE.FURTHEST, Math.max(1, view.k * factor));
  look(state, { k, x: view.x + px / view.k - px / k, y: view.y + py / view.k - py / k });
}
function look(state, view) {
  const { W, H } = state.plan;
  state.view = MACHINE.clamp(view, W, H);
  state.paint();
  clearTimeout(state.later);
  state.later = setTimeout(() => {
    const { k, x, y } = state.view;
    state.asked = [k, x / W, y / H].map((n) => Number(n.toFixed(4)));
    state.send("zoom", state.asked);
  }, 400);
}
// Zoom so that a rectangle of the world fills the canvas.
function fill(state, { x, y, w, h }) {
  const { W, H, left } = state.plan, room = W - left;
  const k = Math.max(1.5, Math.min(room / (w * 1.08), (H - MACHINE.TOP) / (h * 1.04)));
  look(state, { k, x: x + w / 2 - (left + room / 2) / k, y: y + h / 2 - (H + MACHINE.TOP) / 2 / k });
}
// From the model to the block, the head and the cell, and back: what plus, minus and the keys do.
function level(state, by) {
  const { plan, h, token } = state, all = [{ x: 0, y: 0, w: plan.W, h: plan.H }];
  const block = plan.blocks.find(({ column }) => column.layer === h.layer), half = plan.H / 5;
  if (block) all.push({ ...block, y: plan.y(token) - half, h: 2 * half });
  const head = plan.parts.find((part) => part.column.layer === h.layer && part.head === state.head);
  if (head) all.push(head, cellOf(state, head));
  const at = state.view.k === 1 ? 0 : (state.level ?? 0);
  state.level = by ? Math.max(0, Math.min(all.length - 1, at + by)) : 0;
  if (state.level) fill(state, all[state.level]);
  else look(state, { k: 1, x: 0, y: 0 });
}
// The picked cell of a head, or the lit lane's largest, with those around it
function cellOf({ token, h }, part) {
  const { shape: [, T, S], data } = PAGE.tensors.get(part.column.src), from = (part.head * T + token) * S;
  const row = [...data.slice(from, from + S)], w = part.w / S, high = part.h / T;
  const picked = Math.floor((h.key + part.column.seen.before) / part.column.seen.size);
  const key = h.key >= 0 && picked < S ? picked : row.indexOf(Math.max(...row));
  return { x: part.x + (key - 1) * w, y: part.y + (token - 1) * high, w: 3 * w, h: 3 * high };
}

// --- pointer and keys -----------------------------------------------------------------------------------

function act(root, state, made) {
  const { canvas } = made, fingers = (state.fingers ??= new Map());
  const at = (e) => MACHINE.hit(state, e.offsetX, e.offsetY);
  canvas.style.cursor = "grab";
  canvas.onpointermove = (e) => {
    if (fingers.has(e.pointerId)) return moved(state, e);
    hover(root, state, made, e, at(e));
  };
  canvas.onpointerleave = canvas.onblur = () => hover(root, state, made, null, null);
  canvas.onpointerdown = (e) => {
    canvas.setPointerCapture(e.pointerId);
    fingers.set(e.pointerId, { x: e.offsetX, y: e.offsetY });
    state.far = 0;
  };
  canvas.onpointerup = canvas.onpointercancel = (e) => fingers.delete(e.pointerId);
  canvas.onclick = (e) => {
    const found = state.far > 4 ? null : at(e);
    clearTimeout(state.click);
    if (found) state.click = setTimeout(() => clicked(state, found), 260); // or it becomes a double click
  };
  canvas.ondblclick = (e) => {
    clearTimeout(state.click);
    const found = at(e);
    if (found?.part) open(state, found);
  };
  canvas.onwheel = (e) => {
    const asked = e.ctrlKey || e.metaKey || document.activeElement === canvas || state.view.k > 1;
    if (!asked) return; // the page scrolls past
    e.preventDefault();
    zoomAt(state, Math.exp(-e.deltaY / 400), e.offsetX, e.offsetY);
  };
  canvas.onkeydown = (e) => {
    const does = KEYS[e.key];
    if (!does || e.ctrlKey || e.metaKey || e.altKey) return;
    does(state);
    e.preventDefault();
    e.stopPropagation();
  };
}
const KEYS = {
  ArrowUp: (state) => pickLane(state, state.token - 1),
  ArrowDown: (state) => pickLane(state, state.token + 1),
  ArrowLeft: (state) => MACHINE.step(state, -1),
  ArrowRight: (state) => MACHINE.step(state, 1),
  "+": (state) => level(state, 1),
  "=": (state) => level(state, 1),
  "-": (state) => level(state, -1),
  "0": (state) => level(state, 0),
  " ": MACHINE.toggle,
  Delete: (state) => state.send("take", [stageOf(state), state.head]),
  Enter: (state) =>
    state.send("open", [stageOf(state), state.head, MACHINE.tokenOf(state.h, state.token), state.h.key, -1]),
};
// The column of the picked head
const stageOf = ({ h }) =>
  Math.max(0, h.columns.findIndex(({ kind, layer }) => kind === "heads" && layer === h.layer));

function hover(root, state, made, e, found) {
  const told = found ? MACHINE.read(state, found) : "", only = found?.part?.head >= 0 ? found.part : null;
  tipAt(made, e?.offsetX ?? 0, e?.offsetY ?? 0, told);
  root.dataset.hover = told;
  made.canvas.style.cursor = found ? "pointer" : "grab";
  if (only?.stage === state.only?.stage && only?.head === state.only?.head) return;
  state.only = only;
  state.paint();
}
// One finger (or the mouse) drags, two pinch.
function moved(state, e) {
  const { fingers, view } = state, before = fingers.get(e.pointerId), now = { x: e.offsetX, y: e.offsetY };
  const dx = now.x - before.x, dy = now.y - before.y;
  const other = [...fingers].find(([id]) => id !== e.pointerId)?.[1];
  fingers.set(e.pointerId, now);
  state.far += Math.abs(dx) + Math.abs(dy);
  if (other) {
    const apart = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
    zoomAt(state, apart(now) / apart(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
  } else if (view.k > 1) look(state, { k: view.k, x: view.x - dx / view.k, y: view.y - dy / view.k });
}
function pickLane(state, to) {
  const { h } = state, lane = Math.max(0, Math.min(h.lanes.length - 1, to));
  state.token = lane;
  choose("token", MACHINE.tokenOf(h, lane));
  state.paint();
  clearTimeout(state.asking);
  state.asking = setTimeout(() => state.send("token", MACHINE.tokenOf(h, lane)), 120);
}
// A lane is followed; a head, or a part by its heading, is taken out or put back.
function clicked(state, { part, lane, row, heading }) {
  if (heading) return state.send("take", [heading.stage, -1]);
  if (part?.head >= 0) return state.send("take", [part.stage, part.head]);
  pickLane(state, part ? row : lane);
}
function open(state, { part, row, col }) {
  const { column, head } = part, token = MACHINE.tokenOf(state.h, row), of = head >= 0;
  const key = of ? MACHINE.keyOf(column, col) : -1, entry = of ? -1 : MACHINE.entryOf(column, row, col);
  state.send("open", [part.stage, head ?? -1, token, key, entry]);
}
