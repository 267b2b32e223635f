// An image in colours, for models that learned from shapes: a shape is placed where the pointer or the cursor
// is, or painted with a brush. `h.stamps` are the shapes as the model learned them, a 1 where a pixel
// is filled.
const DOT = 6, BRUSH = ["00100", "01110", "11111", "01110", "00100"].join("");
DRAW.painting = (given) => easel(given, { build, show, clear, take });

function build(state) {
  const h = state.h, side = h.side * DOT;
  Object.assign(state, {
    cells: [...blank(h)],
    colour: h.signs[1],
    shape: h.stamps.length ? 0 : -1,
    size: 1,
    cursor: [h.side >> 1, h.side >> 1],
  });
  state.pad = el("canvas", {
    class: "pad wide",
    width: side,
    height: side,
    tabindex: 0,
    role: "img",
    "aria-label":
      "Place shapes here with the pointer; or move with the arrow keys and place one with the space bar",
  });
  pointer(state);
  keyboard(state);
  const tools = ["colour", "shape", "size"].map((kind) =>
    el("div", { class: "draw-tools", role: "group", "aria-label": kind }, ...CHOICES[kind](state))
  );
  return {
    before: [
      el(
        "div",
        {},
        el("div", { class: "label", text: "What the model reads: click to place a shape" }),
        state.pad,
      ),
    ],
    tools,
  };
}

// --- what is put down: a colour, a shape or the brush, a size -------------------------------------------

const CHOICES = {
  colour: (state) =>
    [...state.h.signs].map((sign, i) => {
      const swatch = el("i", { style: `background: rgb(${state.h.palette[i]})` });
      return choice(state, "colour", sign, state.h.colours[i], swatch);
    }),
  shape: (
    state,
  ) => [
    ...state.h.stamps.map(({ name, sizes }, i) => choice(state, "shape", i, name, icon(sizes[1][1]))),
    choice(state, "shape", -1, "brush", icon(BRUSH)),
  ],
  size: (state) => (state.h.stamps[0]?.sizes ?? []).map(([name], i) => choice(state, "size", i, name, name)),
};
function choice(state, kind, value, name, face) {
  const button = el("button", {
    type: "button",
    class: "quiet pick",
    title: name,
    "aria-label": name,
    "aria-pressed": String(state[kind] === value),
  }, face);
  button.onclick = () => {
    state[kind] = value;
    for (const other of button.parentElement.children) other.setAttribute("aria-pressed", other === button);
  };
  return button;
}
function icon(mask) {
  const canvas = el("canvas"), side = Math.sqrt(mask.length);
  put(canvas, side, side, (i) => (mask[i] === "1" ? rgb(128, 128, 128) : 0));
  return canvas;
}

// The cells that the chosen shape would fill, its middle at [x, y]; a shape stays inside the square.
function covered(state, [x, y]) {
  const side = state.h.side,
    mask = state.shape < 0 ? BRUSH : state.h.stamps[state.shape].sizes[state.size][1],
    n = Math.sqrt(mask.length);
  const [left, top] = [x, y].map((at) => Math.max(0, Math.min(side - n, Math.round(at - n / 2))));
  return [...mask].flatMap((
    on,
    i,
  ) => (on === "1" ? [(top + Math.floor(i / n)) * side + left + (i % n)] : []));
}
function fill(state, place) {
  for (const i of covered(state, place)) state.cells[i] = state.colour;
  repaint(state);
}

function pointer(state) {
  const pad = state.pad, at = (e) => onPad(e, pad, state.h.side);
  let down = false;
  pad.onpointerdown = (e) => {
    down = true;
    pad.setPointerCapture(e.pointerId);
    fill(state, at(e));
  };
  pad.onpointermove = (e) => (down && state.shape < 0 ? fill(state, at(e)) : repaint(state, at(e)));
  pad.onpointerup = pad.onpointercancel = () => {
    if (down) {
      down = false;
      state.send(state.cells.join(""));
    }
  };
  pad.onpointerleave = () => repaint(state);
}
function keyboard(state) {
  const move = (key) => {
    state.cursor = stepped(state.cursor, key, state.h.side);
    repaint(state, state.cursor);
  };
  const act = () => {
    fill(state, state.cursor);
    repaint(state, state.cursor);
  };
  byKeys(state.pad, move, act, () => state.send(state.cells.join("")));
}
function repaint(state, ghost) {
  const g = state.pad.getContext("2d"), small = el("canvas"), { side, signs, palette } = state.h;
  thumb(small, state.cells.join(""), state.h);
  g.imageSmoothingEnabled = false;
  g.drawImage(small, 0, 0, side * DOT, side * DOT);
  if (!ghost) return;
  g.fillStyle = `rgba(${palette[signs.indexOf(state.colour)]},0.5)`;
  g.strokeStyle = "rgba(128,128,128,0.8)";
  const cells = covered(state, ghost);
  for (const i of cells) g.fillRect((i % side) * DOT, Math.floor(i / side) * DOT, DOT, DOT);
  const [x, y] = [cells.map((i) => i % side), cells.map((i) => Math.floor(i / side))],
    [left, top] = [Math.min(...x), Math.min(...y)];
  g.strokeRect(left * DOT, top * DOT, (Math.max(...x) - left + 1) * DOT, (Math.max(...y) - top + 1) * DOT);
}

const clear = (state) => state.set(blank(state.h));
function show(state, text) {
  state.cells = [...text];
  repaint(state);
}
// Every pixel of a file takes the nearest colour of the palette.
function take(state, picture) {
  const { side, signs, palette } = state.h, rgba = onPaper(picture, side), text = [];
  for (let i = 0; i < side * side; i++) {
    const far = palette.map((colour) => colour.reduce((sum, c, k) => sum + (c - rgba[4 * i + k]) ** 2, 0));
    text.push(signs[far.indexOf(Math.min(...far))]);
  }
  state.set(text.join(""));
}
