// A drawing in ink, for models that read grey images: drawn with the pointer or the keys, its ink counted
// pixel by pixel.
const FINE = 4; // the grid drawn on is this many times finer than the model's pixels
DRAW.drawing = (given) => easel(given, { build, show, clear, take });

function build(state) {
  const fine = state.h.side * FINE;
  state.ink = new Uint8Array(fine * fine);
  state.pen = [fine >> 1, fine >> 1];
  state.pad = el("canvas", {
    class: "pad",
    width: fine * 5,
    height: fine * 5,
    tabindex: 0,
    role: "img",
    "aria-label": "Draw here with the pointer; or move with the arrow keys and draw with the space bar",
  });
  state.now = el("canvas", { class: "now", role: "img", "aria-label": "What the model reads" });
  pointer(state);
  keyboard(state);
  const labelled = (text, canvas) => el("div", {}, el("div", { class: "label", text }), canvas);
  return { before: [labelled("Draw", state.pad), labelled("The model reads", state.now)], tools: [] };
}

function pointer(state) {
  const pad = state.pad, at = (e) => onPad(e, pad, state.h.side * FINE);
  let last = null;
  pad.onpointerdown = (e) => {
    begin(state);
    pad.setPointerCapture(e.pointerId);
    dab(state, last = at(e));
  };
  pad.onpointermove = (e) => {
    if (!last) return;
    const to = at(e), steps = Math.ceil(Math.hypot(to[0] - last[0], to[1] - last[1]) * 2) || 1;
    for (let i = 1; i <= steps; i++) {
      dab(state, [last[0] + ((to[0] - last[0]) * i) / steps, last[1] + ((to[1] - last[1]) * i) / steps]);
    }
    last = to;
  };
  pad.onpointerup = pad.onpointercancel = () => {
    if (last) {
      last = null;
      read(state);
    }
  };
}
function keyboard(state) {
  const move = (key) => {
    state.pen = stepped(state.pen, key, state.h.side * FINE);
    repaint(state, true);
  };
  const act = () => {
    begin(state);
    dab(state, state.pen);
    repaint(state, true);
  };
  byKeys(state.pad, move, act, () => read(state));
}
// The first stroke after an example or a file begins on an empty square.
function begin(state) {
  if (!state.own) {
    state.ink.fill(0);
    state.own = true;
  }
}
function clear(state) {
  state.ink.fill(0);
  state.own = true;
  repaint(state);
  state.send(blank(state.h));
}
function dab(state, [x, y]) {
  const fine = state.h.side * FINE, reach = 1.9;
  for (let r = Math.max(0, Math.floor(y - reach)); r <= Math.min(fine - 1, y + reach); r++) {
    for (let c = Math.max(0, Math.floor(x - reach)); c <= Math.min(fine - 1, x + reach); c++) {
      if (Math.hypot(c + 0.5 - x, r + 0.5 - y) < reach) state.ink[r * fine + c] = 1;
    }
  }
  repaint(state);
}
function repaint(state, cursor) {
  const fine = state.h.side * FINE, g = state.pad.getContext("2d"), dot = state.pad.width / fine;
  g.fillStyle = "#000";
  g.fillRect(0, 0, state.pad.width, state.pad.height);
  g.fillStyle = "#fff";
  state.ink.forEach((on, i) => on && g.fillRect((i % fine) * dot, Math.floor(i / fine) * dot, dot, dot));
  if (cursor) {
    g.strokeStyle = "#e8762c";
    g.lineWidth = 2;
    g.strokeRect((state.pen[0] - 1.5) * dot, (state.pen[1] - 1.5) * dot, 4 * dot, 4 * dot);
  }
}

// --- from ink to signs: the digits that the model learned from fill the square from top to bottom, and each
// of their pixels counts the ink in a square of 4 × 4 ------------------------------------------------

function read(state) {
  const side = state.h.side, fine = side * FINE, on = [];
  state.ink.forEach((ink, i) => ink && on.push([Math.floor(i / fine), i % fine]));
  if (!on.length) return state.send(blank(state.h));
  const [top, left] = [0, 1].map((k) => Math.min(...on.map((p) => p[k]))),
    [bottom, right] = [0, 1].map((k) => Math.max(...on.map((p) => p[k])) + 1);
  const size = Math.max(bottom - top, right - left, 8),
    y0 = (top + bottom - size) / 2,
    x0 = (left + right - size) / 2;
  const counts = new Array(side * side).fill(0);
  for (let r = 0; r < fine; r++) {
    for (let c = 0; c < fine; c++) {
      const y = Math.floor(y0 + ((r + 0.5) * size) / fine), x = Math.floor(x0 + ((c + 0.5) * size) / fine);
      if (y >= 0 && x >= 0 && y < fine && x < fine && state.ink[y * fine + x]) {
        counts[Math.floor(r / FINE) * side + Math.floor(c / FINE)]++;
      }
    }
  }
  state.send(
    counts.map((n) => state.h.signs[Math.round((n * (state.h.signs.length - 1)) / (FINE * FINE))]).join(""),
  );
}

// What came from elsewhere is shown as it is, pixel by pixel.
function show(state, text) {
  const g = state.pad.getContext("2d");
  state.own = false;
  g.imageSmoothingEnabled = false;
  thumb(state.now, text, state.h);
  g.drawImage(state.now, 0, 0, state.pad.width, state.pad.height);
}

// A file is made grey and its ink found: what differs from the paper, which is the median of the image's
// edge.
function take(state, picture) {
  const fine = state.h.side * FINE, rgba = onPaper(picture, fine);
  const grey = Array.from(
    { length: fine * fine },
    (_, i) => 0.3 * rgba[4 * i] + 0.59 * rgba[4 * i + 1] + 0.11 * rgba[4 * i + 2],
  );
  const edge = grey.filter((_, i) =>
    i < fine || i >= fine * (fine - 1) || i % fine === 0 || i % fine === fine - 1
  ).sort((a, b) => a - b);
  const paper = edge[edge.length >> 1], most = Math.max(...grey.map((v) => Math.abs(v - paper)));
  state.own = true;
  grey.forEach((v, i) => (state.ink[i] = most > 20 && Math.abs(v - paper) > most / 2 ? 1 : 0));
  repaint(state);
  read(state);
  if (most <= 20) state.note.textContent = "The image has only one colour: there is nothing to read in it.";
}
