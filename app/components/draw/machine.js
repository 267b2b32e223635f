// The whole forward pass in one picture: zoom from the model to a single number, follow one token, play the
// computation in its order, take parts out. A double click (or Enter) opens the walk at that place.
const STAGE = 500; // milliseconds that play stays at one part
const HIGH = { lane: 30, least: 380, most: 560 };

DRAW.machine = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= { view: { k: 1, x: 0, y: 0 }, at: Infinity, only: null });
  Object.assign(state, { h: data, send: setTriggerValue, sink: data.sink });
  state.token = Math.floor(chosen("token", data.token) / data.per);
  state.head = chosen("head", data.head);
  const again = () => {
    if (state.width) draw(root, state);
  };
  const sources = new Set(data.columns.map((column) => column.src));
  listen(root, PAGE.bus, "tensor", (e) => sources.has(e.detail) && again());
  if (state.asked !== data.zoom) Object.assign(state, { asked: data.zoom, zoom: data.zoom });
  watchWidth(root, state, again);
  again();
};

function draw(root, state) {
  const h = state.h, made = frame(root, h, () => rows(h));
  if (!h.columns.every((column) => PAGE.tensors.has(column.src))) return;
  const H = Math.max(HIGH.least, Math.min(HIGH.most, MACHINE.TOP + HIGH.lane * h.lanes.length));
  state.plan = MACHINE.plan(h, state.width, H);
  if (state.zoom) {
    const [k, x, y] = state.zoom; // of the whole picture's size, so that a link holds on any screen
    Object.assign(state, { view: { k, x: x * state.width, y: y * H }, zoom: null });
  }
  state.view = MACHINE.clamp(state.view, state.width, H);
  tools(root, state, made);
  const paint = () => {
    state.pending = false;
    MACHINE.paint(surface(made.canvas, state.width, H), root, state);
    root.dataset.sig = [h.columns[0].src, state.token, state.view.k.toFixed(2), state.at].join("|");
  };
  state.paint = () => {
    if (!state.pending) requestAnimationFrame(paint);
    state.pending = true;
  };
  paint();
  remark(made, h, h.say);
  act(root, state, made);
}

const rows = (h) => [
  ["token", ...Array.from({ length: h.answers[0]?.labels.length ?? 0 }, (_, i) => `answer ${i + 1}`)],
  ...h.lanes.map((lane, i) => [
    lane,
    ...(h.answers[i]?.labels ?? []).map((label, n) => `${label} ${percent(h.answers[i].now[n])}`),
  ]),
];

// --- zoom -------------------------------------------------------------------------------------------

function zoomAt(state, factor, px, py) {
  const { view, plan } = state, k = Math.min(60, Math.max(1, view.k * factor));
  const [x, y] = [view.x + px / view.k - px / k, view.y + py / view.k - py / k];
  look(state, { k, x, y });
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
  const { W, H, left } = state.plan, room = W - left - (state.h.answers.length ? MACHINE.RIGHT : 0);
  const k = Math.max(1.5, Math.min(room / (w * 1.08), (H - MACHINE.TOP) / (h * 1.04)));
  look(state, { k, x: x + w / 2 - (left + room / 2) / k, y: y + h / 2 - (H + MACHINE.TOP) / 2 / k });
}
// From the model to the block to the part, and back: what plus, minus and the keys do.
function level(state, by) {
  const { plan, h } = state, levels = [{ x: 0, y: 0, w: plan.W, h: plan.H }];
  const block = plan.parts.filter((part) => part.column.layer === h.layer);
  const bounds = (parts) => {
    const x = Math.min(...parts.map((p) => p.x)), y = Math.min(...parts.map((p) => p.y));
    return {
      x,
      y,
      w: Math.max(...parts.map((p) => p.x + p.w)) - x,
      h: Math.max(...parts.map((p) => p.y + p.h)) - y,
    };
  };
  const lit = plan.y(state.token), half = plan.H / 5;
  if (block.length) levels.push({ ...bounds(block), y: lit - half, h: 2 * half });
  const head = block.find((part) => part.head === state.head);
  if (head) levels.push(head, cellOf(state, head));
  state.level = Math.max(0, Math.min(levels.length - 1, (state.level ?? 0) + by));
  if (state.level) fill(state, levels[state.level]);
  else look(state, { k: 1, x: 0, y: 0 });
}
function cellOf({ token, h }, part) {
  const [, T, S] = PAGE.tensors.get(part.column.src).shape, key = Math.max(0, Math.min(S - 1, h.key));
  const w = part.w / S, high = part.h / T;
  return {
    x: part.x + Math.max(0, key - 1) * w,
    y: part.y + Math.max(0, token - 1) * high,
    w: 3 * w,
    h: 3 * high,
  };
}

// --- play -------------------------------------------------------------------------------------------

function play(state) {
  clearInterval(state.playing);
  state.playing = null;
  const last = state.h.columns.length - 1;
  if (state.at >= last) state.at = -1;
  const step = () => {
    stage(state, state.at + 1);
    if (state.at >= last) stop(state);
  };
  state.playing = setInterval(step, STAGE / state.speed);
  step();
}
function stop(state) {
  clearInterval(state.playing);
  state.playing = null;
  state.shown();
}
function stage(state, to) {
  const last = state.h.columns.length - 1;
  state.at = Math.max(0, Math.min(last, to));
  state.paint();
  state.shown();
}

function tools(root, state, made) {
  state.speed ??= 1;
  if (made.bar) return state.shown();
  const button = (text, help, onclick) =>
    el("button", { type: "button", text, title: help, "aria-label": help, onclick });
  const toggle = button(
    "▶",
    "Play the computation in its order",
    () =>
      state.playing
        ? stop(state)
        : calm()
        ? stage(state, state.at === Infinity ? 0 : state.at + 1)
        : play(state),
  );
  const range = el("input", { type: "range", min: 0, "aria-label": "How far the computation has come" });
  const where = el("span", { class: "where", role: "status" });
  const last = () => state.h.columns.length - 1, now = () => Math.min(state.at, last());
  range.oninput = () => (stop(state), stage(state, Number(range.value)));
  range.onkeydown = (e) => e.stopPropagation();
  const speed = el(
    "select",
    {
      "aria-label": "Speed",
      onchange: () => ((state.speed = Number(speed.value)), state.playing && play(state)),
    },
    ...[0.5, 1, 2].map((n) => el("option", { value: n, text: `${n}×`, selected: n === 1 })),
  );
  made.bar = el(
    "div",
    { class: "player" },
    button("‹", "One part back", () => (stop(state), stage(state, now() - 1))),
    toggle,
    button("›", "One part on", () => (stop(state), stage(state, state.at === Infinity ? 0 : now() + 1))),
    range,
    speed,
    where,
    el(
      "span",
      { class: "zoom" },
      button("−", "Zoom out", () => level(state, -1)),
      button("+", "Zoom in", () => level(state, 1)),
      button("Whole model", "Show the whole model", () => ((state.level = 0), level(state, 0))),
    ),
  );
  made.body.before(made.bar);
  state.shown = () => {
    const { h } = state, column = h.columns[now()];
    toggle.textContent = state.playing ? "⏸" : "▶";
    [range.max, range.value] = [last(), now()];
    const block = column.layer === null ? "" : `block ${column.layer}: `;
    where.textContent = state.at === Infinity ? "" : `${block}${column.label}`;
  };
  state.leave = () => clearInterval(state.playing);
  state.shown();
}
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// --- pointer and keys -----------------------------------------------------------------------------------

function act(root, state, made) {
  const canvas = made.canvas, h = state.h;
  const at = (e) => {
    if (e.offsetX > state.plan.right && h.answers.length && state.view.k > 1) return null;
    return MACHINE.hit(state, e.offsetX, e.offsetY);
  };
  canvas.style.cursor = "grab";
  canvas.style.touchAction = "none";
  canvas.onpointermove = (e) => {
    if (state.drag) return drag(state, e);
    const found = at(e), only = found?.part?.head === undefined ? null : found.part;
    tipAt(made, e.offsetX, e.offsetY, found ? MACHINE.read(state, found) : "");
    root.dataset.hover = found ? MACHINE.read(state, found) : "";
    canvas.style.cursor = found ? "pointer" : "grab";
    if (only !== state.only) ((state.only = only), state.paint());
  };
  canvas.onpointerleave = canvas.onblur = () => tipAt(made, 0, 0, "");
  canvas.onpointerdown = (e) => {
    canvas.setPointerCapture(e.pointerId);
    state.drag = { x: e.offsetX, y: e.offsetY, view: state.view, far: 0 };
  };
  canvas.onpointerup = canvas.onpointercancel = () => setTimeout(() => (state.drag = null));
  canvas.onclick = (e) => {
    const found = state.drag?.far > 4 ? null : at(e);
    clearTimeout(state.click);
    if (found) state.click = setTimeout(() => clicked(state, found), 260); // or it becomes a double click
  };
  canvas.ondblclick = (e) => {
    clearTimeout(state.click);
    const found = at(e);
    if (found?.part) open(state, found);
  };
  canvas.onwheel = (e) => {
    if (!e.ctrlKey && !e.metaKey && document.activeElement !== canvas && state.view.k === 1 && e.deltaY > 0) {
      return;
    }
    e.preventDefault();
    zoomAt(state, Math.exp(-e.deltaY / 400), e.offsetX, e.offsetY);
  };
  canvas.onkeydown = (e) => {
    const lane = { ArrowUp: -1, ArrowDown: 1 }[e.key], zoomed = { "+": 1, "=": 1, "-": -1 }[e.key];
    if (lane) pickLane(state, Math.max(0, Math.min(h.lanes.length - 1, state.token + lane)));
    else if (zoomed) level(state, zoomed);
    else if (e.key === " ") state.playing ? stop(state) : play(state);
    else if (e.key === "Enter") {
      const stage = h.columns.findIndex(({ kind, layer }) => kind === "heads" && layer === h.layer);
      state.send("open", [Math.max(0, stage), state.head, state.token * h.per, -1, -1]);
    } else return;
    e.preventDefault();
    e.stopPropagation();
  };
}
function drag(state, e) {
  const { x, y, view, far } = state.drag, dx = e.offsetX - x, dy = e.offsetY - y;
  state.drag.far = Math.max(far, Math.abs(dx) + Math.abs(dy));
  if (state.view.k > 1) look(state, { k: view.k, x: view.x - dx / view.k, y: view.y - dy / view.k });
}
function pickLane(state, lane) {
  state.token = lane;
  choose("token", lane * state.h.per);
  state.paint();
  clearTimeout(state.asking);
  state.asking = setTimeout(() => state.send("token", lane * state.h.per), 120);
}
// A lane is followed; a head, or the heading of a part, is taken out or put back.
function clicked(state, { part, lane, row }) {
  if (part?.head !== undefined) return state.send("take", [part.stage, part.head]);
  pickLane(state, part ? row : lane);
}
function open(state, { part, row, col }) {
  const { column, head } = part, tensor = PAGE.tensors.get(column.src), [, T, C] = tensor.shape;
  const entry = head === undefined ? tensor.data[(T + row) * C + col] : -1;
  const key = head === undefined ? -1 : col * state.h.per;
  state.send("open", [part.stage, head ?? -1, row * state.h.per, key, entry]);
}
