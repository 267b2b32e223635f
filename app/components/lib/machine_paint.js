// How the parts of the picture of a whole run are drawn, at the size that they have in the view.

// `state` has view, plan, h, token (the lit lane), head, at (the stage that play has come to) and only (the head
// that is pointed at). Returns how many numbers are written in cells.
MACHINE.paint = (g, root, state) => {
  const { plan, view } = state, inks = MACHINE.inks(g, root);
  inks.numbers = 0;
  g.imageSmoothingEnabled = false; // a cell is a cell
  MACHINE.rails(g, state, inks);
  MACHINE.unrolled(g, state, inks);
  for (const part of plan.parts) {
    const r = MACHINE.onScreen(part, view);
    if (r.x > plan.W || r.y > plan.H || r.x + r.w < 0 || r.y + r.h < 0) continue;
    g.globalAlpha = part.stage > state.at ? 0.12 : 1;
    painterOf(part)(g, state, part, r, inks);
    g.globalAlpha = 1;
  }
  MACHINE.routes(g, state, inks);
  MACHINE.ribbons(g, state, inks);
  MACHINE.looksBack(g, state, inks);
  MACHINE.margins(g, state, inks);
  return inks.numbers;
};
const painterOf = ({ head, column }) =>
  head !== undefined ? MACHINE.head : column.n === undefined ? MACHINE.vectors : MACHINE.cellsOfStep;
MACHINE.inks = (g, root) => ({
  ink: css(root, "--st-text-color"),
  paper: css(root, "--st-background-color"),
  main: css(root, "--st-primary-color"),
  rail: css(root, "--st-border-color"),
  font: css(root, "--st-font"),
  code: css(root, "--st-code-font"),
  sequential: colours(root, "sequential"),
  diverging: colours(root, "diverging"),
  hatch: hatching(g, root),
});

// A rail for each lane, the lit one thick: the residual stream that every part reads and writes into.
MACHINE.rails = (g, state, inks) => {
  const { plan: { tracks }, view } = state;
  for (const { i, stack, x, right, y } of tracks) {
    if (stack.unrolled) continue;
    const lit = MACHINE.litOf(state, i), [from, to] = [x, right].map((at) => (at - view.x) * view.k);
    stack.lanes.forEach((_, lane) => {
      const at = (y(lane) - view.y) * view.k,
        [colour, width] = lane === lit ? [inks.main, 3] : [inks.rail, 1];
      MACHINE.line(g, from, at, to, at, colour, width);
    });
  }
};

const SMALL = 12; // pixels of a cell that is drawn with others, as a picture of them
// The vectors of one point: a row of cells for each lane.
MACHINE.vectors = (g, state, part, r, inks) => {
  const tensor = PAGE.tensors.get(part.column.src);
  if (!tensor) return;
  const scale = part.column.kind === "shares" ? "sequential" : "diverging";
  const [, T, C] = tensor.shape, cw = r.w / C, lane = r.h / T, high = Math.min(lane * 0.72, cw * 3 + 6);
  const limit = scale === "sequential" ? 1 : (tensor.limit ??= largest(tensor.data, 0, T * C));
  const lit = MACHINE.litOf(state, part.column.stack), each = Math.ceil(1 / cw);
  for (let t = 0; t < T; t++) {
    const y = r.y + (t + 0.5) * lane - high / 2;
    if (y + high < 0 || y > state.plan.H) continue;
    if (cw < SMALL) {
      const small = MACHINE.small(tensor, 0, scale, limit, inks, each);
      g.drawImage(small, 0, t, small.width, 1, r.x, y, r.w, high);
    } else {
      for (let c = 0; c < C; c++) {
        MACHINE.cell(g, r.x + c * cw, y, cw, high, tensor.data[t * C + c], scale, limit, inks);
      }
    }
    if (t === lit) MACHINE.outline(g, r.x, y, r.w, high, inks.main, 1.5);
    if (part.column.label === "adds" && part.column.off.includes(-1)) {
      MACHINE.cross(g, { x: r.x, y, w: r.w, h: high }, inks);
    }
  }
};

// One head: who looks at whom.
MACHINE.head = (g, state, part, r, inks) => {
  const tensor = PAGE.tensors.get(part.column.src);
  if (!tensor) return;
  const [, T, S] = tensor.shape, cw = r.w / S, ch = r.h / T;
  if (Math.min(cw, ch) < SMALL) {
    g.fillStyle = inks.hatch;
    g.fillRect(r.x, r.y, r.w, r.h);
    g.drawImage(MACHINE.small(tensor, part.head, "sequential", 1, inks), r.x, r.y, r.w, r.h);
  } else MACHINE.cells(g, state.plan, tensor, part.head, r, inks);
  const { layer, stack, off } = part.column, lit = MACHINE.litOf(state, stack), row = lit * ch;
  const picked = MACHINE.isPicked(state, part), out = off.includes(part.head);
  if ((picked || layer === null) && ch > 3 && lit >= 0) {
    MACHINE.outline(g, r.x, r.y + row, r.w, ch, inks.main, 1);
  }
  MACHINE.outline(g, r.x, r.y, r.w, r.h, picked ? inks.main : inks.rail, picked ? 3 : 1);
  const named = r.w > 40 && (r.w < 300 || r.y > MACHINE.TOP + 14); // near, its columns have their names there
  if (named && part.over * state.view.k >= MACHINE.NAME - 1) {
    const mark = picked && !state.h.spot ? MARK[out] : ""; // another click takes it out, or puts it back
    const name = layer === null ? part.column.part : `head ${part.head}${mark}`;
    MACHINE.label(g, name, r.x, r.y - 3, r.w, inks, { size: 10, bold: picked });
  }
  if (out) MACHINE.cross(g, r, inks);
};
MACHINE.isPicked = (state, { column, stage, head }) =>
  head === state.head && stage === MACHINE.headStage(state) && MACHINE.blockOf(column) === state.block;
const MARK = { false: " ✕", true: " ↺" };
MACHINE.cells = (g, { W, H }, tensor, head, r, inks) => {
  const [, T, S] = tensor.shape, cw = r.w / S, ch = r.h / T;
  const seen = (from, size, end, n) => [
    Math.max(0, Math.floor(-from / size)),
    Math.min(n, Math.ceil((end - from) / size)),
  ];
  const [top, bottom] = seen(r.y, ch, H, T), [left, right] = seen(r.x, cw, W, S);
  for (let t = top; t < bottom; t++) {
    for (let s = left; s < right; s++) {
      const value = tensor.data[(head * T + t) * S + s];
      MACHINE.cell(g, r.x + s * cw, r.y + t * ch, cw, ch, value, "sequential", 1, inks);
    }
  }
};

// A matrix of a tensor as a picture of one pixel a cell, made once; where there are more cells than pixels, `each`
// of a row share one, which shows the largest in size.
MACHINE.small = (tensor, n, scale, limit, inks, each = 1) => {
  const lut = inks[scale], key = `${n} ${each} ${lut[0]} ${lut[255]}`, [, R, C] = tensor.shape;
  const made = (tensor.small ??= new Map()), wide = Math.ceil(C / each);
  if (!made.has(key)) {
    const canvas = el("canvas"), from = n * R * C;
    put(canvas, wide, R, (i) => {
      const at = from + Math.floor(i / wide) * C, first = (i % wide) * each;
      const value = top(tensor.data, at + first, Math.min(each, C - first));
      return value === -Infinity ? 0 : lut[shade(value, scale, limit)];
    });
    made.set(key, canvas);
  }
  return made.get(key);
};
function top(data, from, count) {
  let found = data[from];
  for (let i = from + 1; i < from + count; i++) if (Math.abs(data[i]) > Math.abs(found)) found = data[i];
  return found;
}

// A cell and, where there is room for it, its number.
MACHINE.cell = (g, x, y, w, h, value, scale, limit, inks, middle = 0) => {
  const colour = value === -Infinity ? null : inks[scale][shade(value - middle, scale, limit)];
  g.fillStyle = colour === null ? inks.hatch : toCss(colour);
  g.fillRect(x, y, w - 1, h - (h > 6 ? 1 : 0));
  if (w < 30 || h < 13 || colour === null) return;
  const whole = w >= 46 && h >= 15, text = whole ? show(value) : rounded(value);
  const size = Math.min(whole ? 12 : 11, (w - 4) / (0.61 * text.length)); // pixels: it fits its cell
  if (size < 8.5) return;
  inks.numbers++;
  g.fillStyle = isDark(colour) ? "#fff" : "#000";
  g.font = `${size}px ${whole ? inks.code : inks.font}`;
  g.textAlign = "center";
  g.textBaseline = "middle";
  g.fillText(text, x + w / 2, y + h / 2);
};
MACHINE.line = (g, x, y, toX, toY, colour, width) => {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.beginPath();
  g.moveTo(x, y);
  g.lineTo(toX, toY);
  g.stroke();
};
MACHINE.outline = (g, x, y, w, h, colour, width) => {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.strokeRect(x, y, w, h);
};
// What is taken out: struck out, still to be seen under it.
MACHINE.cross = (g, r, inks) => {
  const before = g.globalAlpha;
  g.fillStyle = inks.paper;
  g.globalAlpha = 0.7 * before;
  g.fillRect(r.x, r.y, r.w, r.h);
  g.globalAlpha = before;
  MACHINE.line(g, r.x, r.y, r.x + r.w, r.y + r.h, inks.main, 2);
  MACHINE.line(g, r.x + r.w, r.y, r.x, r.y + r.h, inks.main, 2);
};
MACHINE.label = (g, text, x, y, width, inks, { align = "left", size = 11, bold = false, ink } = {}) => {
  g.font = `${bold ? 700 : 400} ${size}px ${inks.font}`;
  g.fillStyle = ink ?? inks.ink;
  g.textAlign = align;
  g.textBaseline = "alphabetic";
  g.fillText(clip(g, text, width), x, y);
};
