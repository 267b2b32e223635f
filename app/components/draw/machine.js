// The whole forward pass in one picture: zoom from the model to a single number, follow one token, play the
// computation in its order, take parts out. A double click (or Enter) opens the walk at that place.
const LETTERS = 15; // pixels of the page's letters for which all sizes here are meant
const HIGH = { lane: 34, inside: 720, least: 280, below: 68 }; // below: what stands under it in a window
// Pixels: of a picture that is scrolled, of the answers beside one that is not, and of a window for that
const SCROLLED = 760, BESIDE = 214, NARROW = 820, TWO = { scrolled: 860, narrow: 1300 };
const ALL = { k: 1, x: 0, y: 0 }, UNTOUCHED = { at: Infinity, progress: 1, only: null, over: null, level: 0 };

DRAW.machine = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state =
    (root.__state ??= { view: { ...ALL }, ...UNTOUCHED, speed: 1, scene: MACHINE, scrolled: -1e9 });
  Object.assign(state, { h: data, send: setTriggerValue, sink: data.sink, head: chosen("head", data.head) });
  const lanes = JSON.stringify(data.stacks.map((stack) => stack.lanes));
  if (state.lanes !== lanes) state.lit = data.stacks.map((stack) => MACHINE.laneOf(stack, stack.token));
  state.lanes = lanes;
  MACHINE.choose(data, chosen("stack", data.picked));
  state.token = state.lit[data.picked] = MACHINE.laneOf(data, chosen("token", data.token));
  state.block = MACHINE.blockIn(data, chosen("layer", data.layer));
  state.key = data.key;
  const again = () => {
    if (state.width) draw(root, state);
  };
  for (const column of data.columns) { // each head's other side
    if (typeof column.seen !== "number") continue;
    const { lanes, size, before } = data.stacks[column.seen];
    column.seen = { names: lanes, size, before, other: column.seen !== column.stack };
  }
  const sources = new Set(sourcesOf(data));
  listen(root, PAGE.bus, "tensors", (e) => [...e.detail].some((id) => sources.has(id)) && again());
  listen(root, PAGE.bus, "head", (e) => ((state.head = e.detail), again()));
  const zoom = [data.inside ? MACHINE.firstOf(data, data.inside.block) : -1, ...data.zoom];
  const late = chosen("zoom", String(zoom)) !== String(zoom); // what was asked for since is still on its way
  if (!late && String(state.asked) !== String(zoom)) Object.assign(state, { asked: zoom, zoom });
  watchWidth(root, state, again);
  again();
};

const sourcesOf = ({ columns, stacks, inside }) => {
  const drawn = [...columns, ...inside?.stages ?? []].flatMap(({ src, flow, at }) => [src, flow, at]);
  return [...drawn, ...stacks.map(({ image }) => image?.src)].filter(Boolean);
};

function draw(root, state) {
  const h = state.h, made = frame(root, h, () => rows(state));
  if (!sourcesOf(h).every((id) => PAGE.tensors.has(id))) return;
  if (!made.controls) build(root, state, made);
  const { zoom } = state; // of the whole picture's size, so that a link holds on any screen
  if (zoom) {
    Object.assign(state, {
      open: zoom[0] < 0 ? null : MACHINE.blockOf(h.columns[zoom[0]]),
      zoom: null,
      coming: null,
    });
  }
  made.canvas.style.zoom = state.larger = larger();
  const two = h.stacks.length > 1,
    wide = state.width / state.larger,
    narrow = wide < (two ? TWO.narrow : NARROW);
  made.stage.classList.toggle("narrow", narrow);
  const W = narrow ? Math.max(wide, two ? TWO.scrolled : SCROLLED) : wide - BESIDE;
  state.shown(); // first, for the controls are as high as what they offer
  answers(made.answers, state); // and these, which stand above a narrow one
  const H = h.spot ? stageHeight(h.spot) / (made.body.currentCSSZoom ?? 1) : height(made.body, state);
  state.paint = painter(root, state, made);
  state.whole = MACHINE.plan(h, W, H);
  if (zoom) state.view = { k: zoom[1], x: zoom[2] * W, y: zoom[3] * H };
  enter(state, made, W, H);
  state.view = MACHINE.clamp(state.view, state.plan.W, H);
  state.shown();
  remark(made, h, h.say);
  legend(root, made);
  act(root, state, made);
  state.paint.now();
  state.drawn = true;
}
// The picture grows with the window as the letters do; the stage has a size of its own.
const larger = () => {
  const page = document.documentElement;
  return page.classList.contains("staged") ? 1 : parseFloat(getComputedStyle(page).fontSize) / LETTERS;
};
// Where the pointer is, in the picture's own pixels
const spot = (e) => {
  const zoom = e.target.currentCSSZoom ?? 1;
  return { x: e.offsetX / zoom, y: e.offsetY / zoom };
};
// The whole, or the inside of the block that is open once it is there
function enter(state, made, W, H) {
  const { h } = state,
    scene = isInside(state) ? INSIDE : MACHINE,
    seen = isInside(state) ? h.inside.block : "";
  state.plan = isInside(state) ? INSIDE.plan(h, W, H) : state.whole;
  if (state.seen === seen) return;
  if (state.drawn && !calm() && state.scene !== scene) leaves(state, made.canvas, scene);
  Object.assign(state, UNTOUCHED, { scene, seen, view: state.coming ?? state.view, coming: null });
  tipAt(made, 0, 0, ""); // it told of what is gone
}
// What is left grows and fades from where the block is, or shrinks to there.
const FADE = 220; // milliseconds
function leaves(state, canvas, scene) {
  const was = new OffscreenCanvas(canvas.width, canvas.height);
  was.getContext("2d").drawImage(canvas, 0, 0);
  const block = state.whole.blocks.find(({ column }) => MACHINE.blockOf(column) === state.block);
  const { x, k } = scene === INSIDE ? state.view : ALL, middle = block ? (block.x + block.w / 2 - x) * k : 0;
  state.was = { canvas: was, since: performance.now(), middle, grows: scene === INSIDE ? 2 : -0.6 };
}
function fade(g, state) {
  if (!state.was) return;
  const { canvas, since, middle, grows } = state.was, share = (performance.now() - since) / FADE;
  if (share >= 1) return void (state.was = null);
  const ratio = g.getTransform().a, size = 1 + grows * share, [w, h] = [canvas.width, canvas.height];
  g.globalAlpha = 1 - share;
  const y = (h / ratio / 2) * (1 - size);
  g.drawImage(canvas, middle * (1 - size), y, (w / ratio) * size, (h / ratio) * size);
  g.globalAlpha = 1;
  state.paint();
}
// Is the inside of a block there to be shown? That of another block of its stack is, until its own has come.
const isInside = ({ h, open }) =>
  Boolean(h.inside && open) && stackOf(h, h.inside.block) === stackOf(h, open);
const stackOf = (h, id) => h.columns[MACHINE.firstOf(h, id)]?.stack;
// As high as its lanes need, or as the window has room for when it is not scrolled; the inside of a block as high
// as it has room for
function height(body, state) {
  const scrolled = body.closest("[data-testid=stMain]")?.scrollTop ?? 0;
  const room = (innerHeight - HIGH.below * state.larger - body.getBoundingClientRect().top - scrolled) /
    (body.currentCSSZoom ?? 1) / state.larger;
  const need = isInside(state) ? HIGH.inside : MACHINE.wanted(state.h, HIGH.lane);
  return Math.max(HIGH.least, Math.min(room, need));
}
function build(root, state, made) {
  made.controls = MACHINE.controls(state, {
    level: (by) => level(state, by),
    block: (id) => (id ? open(state, id) : close(state)),
    head: (n) => pick(state, MACHINE.headStage(state), n),
    take: () => take(state),
  });
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
    if (!root.isConnected) return; // it has left the page, and its tensors with it
    const { plan, scene } = state, g = surface(made.canvas, plan.W, plan.H);
    const numbers = scene.paint(g, root, state);
    fade(g, state);
    answers(made.answers, state);
    made.canvas.style.touchAction = state.view.k > 1 ? "none" : "pan-x pan-y";
    const first = (scene === INSIDE ? state.h.inside.stages : state.h.columns)[0].src;
    root.dataset.sig = [first, state.token, state.view.k.toFixed(2), state.at].join("|");
    root.dataset.numbers = numbers; // written in cells
    state.pointed(); // something else may lie under a pointer that rests
  };
  const paint = () => {
    if (!state.pending) requestAnimationFrame(now);
    state.pending = true;
  };
  return Object.assign(paint, { now });
}

const rows = (state) => (state.scene === INSIDE ? INSIDE.rows(state) : answered(state.h));
const answered = (h) => [
  ["token", ...h.answers[0].labels.map((_, i) => `answer ${i + 1}`)],
  ...h.stacks.at(-1).lanes.map((lane, i) => [lane, ...told(MACHINE.answerOf(h, i))]),
];
const told = ({ labels, now, then }) => labels.map((label, n) => `${label} ${change(now, then, n)}`);
const change = (now, then, n) => (then ? `${percent(then[n])} → ` : "") + percent(now[n]);

// How many percentage points a what-if moved an answer: bars of shares on one axis from 0 to 100 % show little of it
function points({ now, then }, n) {
  const by = then ? (100 * (now[n] - then[n])).toFixed(1) : "0.0";
  if (Number(by) === 0) return [];
  const more = by > 0, text = more ? ` +${by}` : ` ${by.replace("-", "−")}`;
  return [el("em", { class: more ? "more" : "less", title: "percentage points", text })];
}

// The lit lane's answers, before and after a what-if
function answers(place, state) {
  const { h } = state,
    best = MACHINE.answerOf(h, MACHINE.asked(state)),
    drawn = JSON.stringify([h.asks, best]);
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
        el("span", { text: change(best.now, best.then, n) }, ...points(best, n)),
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

// Where one comes near to a block, it opens; where one goes far from its inside, it closes.
function zoomAt(state, factor, px, py) {
  const { view } = state, k = Math.min(MACHINE.FURTHEST, Math.max(1, view.k * factor));
  if (state.scene === INSIDE && factor < 1 && view.k === 1) return close(state, NEAR);
  const block = state.scene === MACHINE && k > NEAR && factor > 1 && blockAt(state, px);
  if (block) return open(state, MACHINE.blockOf(block.column));
  look(state, { k, x: view.x + px / view.k - px / k, y: view.y + py / view.k - py / k });
}
function look(state, view) {
  const { W, H } = state.plan;
  state.view = MACHINE.clamp(view, W, H);
  state.paint();
  clearTimeout(state.later);
  state.later = setTimeout(() => tell(state, state.view), 400);
}
function tell(state, { k, x, y }) {
  const { W, H } = state.plan;
  const stage = state.open === null ? -1 : MACHINE.firstOf(state.h, state.open);
  state.asked = [stage, ...[k, x / W, y / H].map((n) => Number(n.toFixed(4)))];
  choose("zoom", String(state.asked));
  state.send("zoom", state.asked);
}
const NEAR = 2.5; // times as large: from here on a block shows its inside
const blockAt = ({ plan, view }, px) =>
  plan.blocks.find(({ x, w, column }) => {
    const from = (x - view.x) * view.k;
    return MACHINE.blockOf(column) && px >= from && px < from + w * view.k;
  });
// The inside of a block comes from the server; until then what is shown stays in sight.
function open(state, id) {
  if (state.open === id) return;
  clearTimeout(state.later);
  const { stack, layer } = state.h.columns[MACHINE.firstOf(state.h, id)];
  pickStack(state, stack);
  Object.assign(state, { open: id, block: id, coming: { ...ALL } });
  choose("layer", layer);
  tell(state, ALL);
  isInside(state) === (state.scene === INSIDE) ? state.shown() : state.redraw();
}
function close(state, k = 1) {
  const { W, H } = state.plan,
    block = state.whole.blocks.find(({ column }) => MACHINE.blockOf(column) === state.open);
  clearTimeout(state.later);
  state.open = null;
  const view = block && k > 1 ? { k, x: block.x + block.w / 2 - W / 2 / k, y: (H - H / k) / 2 } : { ...ALL };
  state.coming = state.view = MACHINE.clamp(view, W, H);
  tell(state, state.view);
  state.redraw();
}
// Zoom so that a rectangle of the world fills the canvas.
function fill(state, { x, y, w, h }) {
  const { W, H, left } = state.plan, room = W - left;
  const k = Math.max(1.2, Math.min(room / (w * 1.08), (H - MACHINE.TOP) / (h * 1.04)));
  look(state, { k, x: x + w / 2 - (left + room / 2) / k, y: y + h / 2 - (H + MACHINE.TOP) / 2 / k });
}
// From the model to the block, the head and the cell, and back: what plus, minus and the keys do.
function level(state, by) {
  if (!by) return close(state);
  if (by > 0 && state.scene === MACHINE && state.block) return open(state, state.block);
  const all = state.scene.levels(state), at = state.view.k === 1 ? 0 : (state.level ?? 0);
  if (at + by < 0) return close(state);
  state.level = Math.min(all.length - 1, at + by);
  if (state.level) fill(state, all[state.level]);
  else look(state, { ...ALL });
}

// --- pointer and keys -----------------------------------------------------------------------------------

function act(root, state, made) {
  const { canvas } = made, fingers = (state.fingers ??= new Map());
  const at = (e) => {
    const { x, y } = spot(e);
    return state.scene.hit(state, x, y);
  };
  canvas.style.cursor = "grab";
  const points = (pointer) => {
    Object.assign(state, { pointer, under: shownAs(state) });
    hover(root, state, made, pointer, pointer && state.scene.hit(state, pointer.x, pointer.y));
  };
  state.pointed = () => state.pointer && state.under !== shownAs(state) && points(state.pointer);
  canvas.onpointermove = (e) => fingers.has(e.pointerId) ? moved(state, e) : points(spot(e));
  canvas.onpointerleave = canvas.onblur = () => points(null);
  canvas.onpointerdown = (e) => {
    canvas.setPointerCapture(e.pointerId);
    fingers.set(e.pointerId, spot(e));
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
    if (found?.part || found?.inside) walk(state, found);
  };
  canvas.onwheel = (e) => {
    if (!zooms(state, canvas, e)) return; // the page scrolls past
    e.preventDefault();
    const { x, y } = spot(e);
    zoomAt(state, Math.exp(-e.deltaY / 400), x, y);
  };
  canvas.onkeydown = (e) => {
    const does = KEYS[e.key];
    if (!does || e.ctrlKey || e.metaKey || e.altKey) return;
    does(state);
    e.preventDefault();
    e.stopPropagation();
  };
}
// The wheel zooms in where the page has no more to scroll up, and out again; one that is still scrolling the page goes
// on with that.
const SCROLLS = 400; // milliseconds after which a turn of the wheel is another one
function zooms(state, canvas, e) {
  const asked = e.ctrlKey || e.metaKey || document.activeElement === canvas || state.view.k > 1 ||
    state.scene === INSIDE;
  const top = !canvas.closest("[data-testid=stMain]")?.scrollTop,
    rested = e.timeStamp - state.scrolled > SCROLLS;
  if (asked || (top && e.deltaY < 0 && rested)) return true;
  state.scrolled = e.timeStamp;
  return false;
}
const shownAs = ({ scene, view: { k, x, y } }) => [scene === INSIDE, k, x, y].join();
const KEYS = {
  ArrowUp: (state) => moveLane(state, -1),
  ArrowDown: (state) => moveLane(state, 1),
  ArrowLeft: (state) => MACHINE.step(state, -1),
  ArrowRight: (state) => MACHINE.step(state, 1),
  "+": (state) => level(state, 1),
  "=": (state) => level(state, 1),
  "-": (state) => level(state, -1),
  "0": (state) => level(state, 0),
  " ": MACHINE.toggle,
  Delete: (state) => take(state),
  h: (state) => pickNext(state, 1),
  H: (state) => pickNext(state, -1),
  Enter: (state) => (state.scene === INSIDE ? walk(state, INSIDE.focus(state)) : walkToHead(state)),
};
// The lit step of a recurrent stack, or the picked head
const walkToHead = (state) => {
  const token = MACHINE.tokenOf(state.h, state.token), stage = Math.max(0, MACHINE.headStage(state));
  state.send("open", MACHINE.stepOf(state) ?? [stage, state.head, token, state.h.key, -1]);
};
function hover(root, state, made, pointer, found) {
  const told = found ? state.scene.read(state, found) : "", only = found?.part?.head >= 0 ? found.part : null;
  const { x, y } = pointer ?? { x: 0, y: 0 };
  tipAt(made, x * state.larger, y * state.larger, told);
  root.dataset.hover = told;
  made.canvas.style.cursor = found ? "pointer" : "grab";
  if (state.scene === INSIDE) {
    state.over = found;
    return state.paint();
  }
  if (only?.stage === state.only?.stage && only?.head === state.only?.head) return;
  state.only = only;
  state.paint();
}
// One finger (or the mouse) drags, two pinch.
function moved(state, e) {
  const { fingers, view } = state, before = fingers.get(e.pointerId), now = spot(e);
  const dx = now.x - before.x, dy = now.y - before.y;
  const other = [...fingers].find(([id]) => id !== e.pointerId)?.[1];
  fingers.set(e.pointerId, now);
  state.far += Math.abs(dx) + Math.abs(dy);
  if (other) {
    const apart = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
    zoomAt(state, apart(now) / apart(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
  } else if (view.k > 1) look(state, { k: view.k, x: view.x - dx / view.k, y: view.y - dy / view.k });
}
function pickLane(state, to, stack = state.h.picked, token = undefined) {
  state.lit[state.h.picked] = state.token;
  MACHINE.choose(state.h, stack);
  const { h } = state, lane = Math.max(0, Math.min(h.lanes.length - 1, to)), two = h.stacks.length > 1;
  const position = token ?? MACHINE.tokenOf(h, lane);
  state.token = state.lit[stack] = lane;
  state.block = MACHINE.blockIn(h, chosen("layer", h.layer));
  choose("token", position);
  if (two) choose("stack", stack);
  MACHINE.goesOn(state, stack, lane);
  state.paint.now();
  state.shown();
  clearTimeout(state.asking);
  const other = two ? MACHINE.positionOf(state, 1 - stack) : -1;
  const send = () => (two ? state.send("lane", [stack, position, other]) : state.send("token", position));
  state.asking = setTimeout(send, 120);
}
const pickStack = (state, stack) =>
  stack === state.h.picked || pickLane(state, MACHINE.litOf(state, stack), stack);
// To the lane above or below; past the end of a stack to the other, but inside a block
function moveLane(state, by) {
  const { stacks, picked, lanes } = state.h, to = state.token + by, next = stacks[picked + by];
  if (to >= 0 && to < lanes.length) return pickLane(state, to);
  if (next && state.scene === MACHINE) pickLane(state, by > 0 ? 0 : next.lanes.length - 1, picked + by);
}
// A lane is followed, a head picked; a part, by its heading, is taken out or put back, and so is the head that is
// already picked. Inside a block a cell is picked.
function clicked(state, found) {
  const { heading, block, token } = found, part = found.named ?? found.part;
  if (found.inside) return pickCell(state, INSIDE.cell(state, found));
  if (block) return open(state, MACHINE.blockOf(block.column));
  if (heading) return state.send("take", [heading.stage, -1]);
  if (part?.head >= 0 && part.column.adds) {
    return MACHINE.isPicked(state, part) ? take(state) : pick(state, part.stage, part.head);
  }
  const { lane, stack } = MACHINE.laneAt(found);
  if (part?.column.kind !== "start") pickLane(state, lane, stack, token);
}
const take = (state) => state.send("take", [Math.max(0, MACHINE.headStage(state)), state.head]);
function pick(state, stage, head) {
  const column = state.h.columns[stage], block = MACHINE.blockOf(column);
  pickStack(state, column.stack);
  Object.assign(state, { stage, block, head });
  choose("layer", column.layer);
  choose("head", head);
  state.send("pick", [stage, head]);
  state.paint();
  state.shown();
}
function pickNext(state, by) {
  const { count } = MACHINE.headsOf(state);
  if (count) pick(state, MACHINE.headStage(state), (state.head + by + count) % count);
}
function pickCell(state, { token, key }) {
  Object.assign(state, { key, token: MACHINE.laneOf(state.h, token) });
  choose("token", token);
  state.send("cell", [token, key]);
  state.paint();
}
// The walk at the place that was double-clicked
function walk(state, found) {
  clearTimeout(state.asking);
  if (found.inside) {
    const { stage, token, key, entry } = INSIDE.cell(state, found);
    return state.send("enter", [stage, token, key, entry]);
  }
  const { part, row, col } = found, { column, head } = part, of = head >= 0;
  if (column.n !== undefined) {
    return state.send("open", [part.stage, -1, column.n, row, MACHINE.entryOf(column, row, col)]);
  }
  const token = MACHINE.tokenOf(state.h.stacks[column.stack], row);
  const key = of ? MACHINE.keyOf(column, col) : -1, entry = of ? -1 : MACHINE.entryOf(column, row, col);
  state.send("open", [part.stage, head ?? -1, token, key, entry]);
}
