// A recurrent stack in the picture of a whole run: steps in order of time, the state that each hands to the next,
// what the decoder is handed over, and its look back at the encoder's states.

const tracksOf = ({ plan }) => plan.tracks.filter(({ stack }) => stack.unrolled);
const stepsOf = ({ plan }, i) =>
  plan.parts.filter(({ column }) => column.stack === i && column.kind === "step");
const startOf = ({ plan }) => plan.parts.find(({ column }) => column.kind === "start");
const seen = (state, { x, y }) => ({
  x: (x - state.view.x) * state.view.k,
  y: (y - state.view.y) * state.view.k,
});
const carriedBy = ({ stack }) => [...stack.unrolled.keys()].filter((row) => stack.unrolled[row].carried);

// Under the cells: from each step to the next what it hands on, and within a step from the token to the state.
MACHINE.unrolled = (g, state, inks) => {
  for (const track of tracksOf(state)) {
    const start = startOf(state), steps = stepsOf(state, track.i);
    const line = start && track.i === start.column.stack ? [start, ...steps] : steps;
    line.forEach((part, n) => {
      const now = part.stage > state.at ? 0.15 : 1;
      const middle = part.x + part.w / 2, [top, end] = [0, track.stack.unrolled.length - 1].map(track.y);
      const [a, b] = [{ x: middle, y: top }, { x: middle, y: end }].map((at) => seen(state, at));
      g.globalAlpha = 0.5 * now;
      if (part.column.kind === "step") MACHINE.line(g, a.x, a.y, b.x, b.y, inks.rail, 2);
      g.globalAlpha = now;
      if (n) carriedBy(track).forEach((row) => handedOn(g, state, line[n - 1], part, track.y(row), inks));
      g.globalAlpha = 1;
    });
  }
  handedOver(g, state, inks);
};
function handedOn(g, state, before, after, y, inks) {
  const from = seen(state, { x: before.x + before.w, y }), to = seen(state, { x: after.x, y });
  arrow(g, [from, to], 3, inks);
}
// A line through some places, each straight on from the one before, with a head at its end
function arrow(g, places, width, inks) {
  const end = places.at(-1), before = places.at(-2), size = width + 2.5;
  const dx = Math.sign(end.x - before.x) * size, dy = dx ? 0 : Math.sign(end.y - before.y) * size;
  g.strokeStyle = g.fillStyle = inks.main;
  g.lineWidth = width;
  g.lineJoin = "round";
  g.beginPath();
  [...places.slice(0, -1), { x: end.x - dx, y: end.y - dy }].forEach(({ x, y }) => g.lineTo(x, y));
  g.stroke();
  g.beginPath();
  g.moveTo(end.x, end.y);
  g.lineTo(end.x - dx - dy, end.y - dy - dx);
  g.lineTo(end.x - dx + dy, end.y - dy + dx);
  g.fill();
}
// From the encoder's end to the decoder's start: all that it gets, or all besides what it looks up.
function handedOver(g, state, inks) {
  const start = startOf(state);
  if (!start) return;
  const width = Math.min(9, 3 + 2 * state.view.k * carriedBy(state.plan.tracks[1]).length);
  g.globalAlpha = start.stage > state.at ? 0.15 : 0.85;
  arrow(g, wayOf(state, start).map((at) => seen(state, at)), width, inks);
  g.globalAlpha = 1;
}
function wayOf(state, start) {
  const [encoder, decoder] = state.plan.tracks,
    last = stepsOf(state, 0).at(-1),
    middle = start.x + start.w / 2;
  const way = last ? fromStep(encoder, last) : fromLane(encoder, decoder);
  const end = decoder.y(carriedBy(decoder)[0]) - halfOf(state, decoder, start);
  return [...way, { x: middle, y: way.at(-1).y }, { x: middle, y: end }];
}
// In words, on its way or above it
MACHINE.handed = (g, state, inks) => {
  const start = startOf(state);
  if (!start) return;
  const { x, y } = wayOf(state, start).at(-2), steps = stepsOf(state, 0).length, { told } = start.column;
  const at = seen(state, steps ? { x: x + 22, y } : { x: start.x, y: y - 22 });
  if (at.x < state.plan.left || at.y < (steps ? state.plan.top : 0)) return;
  g.font = `700 11px ${inks.font}`;
  g.fillStyle = inks.paper;
  g.fillRect(at.x - 5, at.y - 8, g.measureText(told).width + 10, 16);
  MACHINE.label(g, told, at.x, at.y + 4, 400, inks, { bold: true, ink: inks.main });
};
// Out of the last step and back to the left, under the steps
function fromStep(encoder, last) {
  const y = encoder.y(carriedBy(encoder).at(-1)), x = last.x + last.w, low = encoder.top + encoder.high + 9;
  return [{ x, y }, { x: x + 12, y }, { x: x + 12, y: low }];
}
// Out of the first lane, over the names of the decoder's rows
// From the lane of the vector before the patches, or of cells from every lane
function fromLane(encoder, decoder) {
  const { image, lanes } = encoder.stack, x = encoder.right, out = x + 12;
  const from = image.leading ? [0] : [...lanes.keys()].reverse();
  const ways = from.map(encoder.y).flatMap((y) => [{ x: out, y }, { x: x - 2, y }, { x: out, y }]);
  return [...ways.slice(1), { x: out, y: decoder.top - 1 }];
}

// How the decoder's step looks back, each band as wide as the weight.
MACHINE.looksBack = (g, state, inks) => {
  const part = state.plan.parts.find(({ column }) => column.kind === "heads" && column.layer === null);
  const tensor = PAGE.tensors.get(part?.column.src), t = MACHINE.asked(state);
  if (!tensor || t < 0 || state.at < startOf(state).stage) return;
  const [, , S] = tensor.shape, { plan, view } = state, decoder = plan.tracks[part.column.stack];
  const step = stepsOf(state, decoder.i)[t],
    row = decoder.stack.unrolled.findLastIndex(({ carried }) => carried) + 1;
  if (step.w * view.k > 240) return; // there the numbers are read
  const to = seen(state, { x: step.x + step.w / 2, y: decoder.y(row) - halfOf(state, decoder, step) });
  for (let s = 0; s < S; s++) {
    const share = tensor.data[t * S + s], from = sourceOf(state, s);
    const style = { colour: inks.main, alpha: 0.4, down: from.down };
    if (share >= 0.02) MACHINE.band(g, seen(state, from), to, share * Math.min(30, 24 * view.k), style);
  }
};
// Where a band begins: under the state of a step, or at the end of a lane
function sourceOf(state, s) {
  const [encoder] = state.plan.tracks, part = stepsOf(state, 0)[s];
  if (!part) return { x: encoder.right, y: encoder.y(s) };
  const row = carriedBy(encoder).at(-1);
  return { x: part.x + part.w / 2, y: encoder.y(row) + halfOf(state, encoder, part), down: true };
}

// How high a row of cells is on the screen, of lanes and cells of this size there; half of it in the world
const highOf = (lane, cell) => Math.min(lane * 0.72, Math.max(24, cell * 3 + 6));
function halfOf({ view }, track, part) {
  const [, , C] = PAGE.tensors.get(part.column.src).shape;
  return highOf(track.lane * view.k, (part.w * view.k) / C) / view.k / 2;
}
// A step: its rows of cells, those of a kind by one scale over all steps; gates between 0 and 1.
MACHINE.cellsOfStep = (g, state, part, r, inks) => {
  const { n, stack, kind, src } = part.column, tensor = PAGE.tensors.get(src);
  if (!tensor) return;
  const [, R, C] = tensor.shape, lane = r.h / R, cw = r.w / C;
  const high = highOf(lane, cw),
    small = cw < 12 && picture(state, part, cw, inks);
  rowsOf(state, part.column).forEach(({ middle, limit }, row) => {
    const y = r.y + (row + 0.5) * lane - high / 2;
    if (y + high < 0 || y > state.plan.H) return;
    if (small) g.drawImage(small, 0, n * R + row, small.width, 1, r.x, y, r.w, high);
    for (let c = 0; c < C && !small; c++) {
      const value = tensor.data[(n * R + row) * C + c];
      MACHINE.cell(g, r.x + c * cw, y, cw, high, value, "diverging", limit, inks, middle);
    }
    const marked = kind === "start" || MACHINE.litOf(state, stack) === n;
    if (marked) MACHINE.outline(g, r.x, y, r.w, high, inks.main, 1.5);
  });
};
function rowsOf({ h }, column) {
  const tensor = PAGE.tensors.get(column.src), [N, R, C] = tensor.shape;
  const most = (row) =>
    Math.max(...Array.from({ length: N }, (_, n) => largest(tensor.data, (n * R + row) * C, C)));
  tensor.limits ??= Array.from({ length: R }, (_, row) => most(row));
  return tensor.limits.map((limit, row) => {
    const { middle } = MACHINE.rowOf(h, column, row);
    return { middle, limit: middle || limit };
  });
}
// All steps of a stack as a picture of one pixel a cell, made once; where there are more cells than pixels, several
// of a row share one, which shows the one furthest from the middle.
function picture(state, { column }, cw, inks) {
  const tensor = PAGE.tensors.get(column.src), { shape: [N, R, C], data } = tensor, lut = inks.diverging;
  const each = Math.ceil(1 / cw), wide = Math.ceil(C / each), key = `${each} ${lut[0]} ${lut[255]}`;
  const made = (tensor.small ??= new Map()), rows = rowsOf(state, column);
  if (!made.has(key)) {
    made.set(key, el("canvas"));
    put(made.get(key), wide, N * R, (i) => {
      const line = Math.floor(i / wide),
        first = line * C + (i % wide) * each,
        { middle, limit } = rows[line % R];
      const cells = data.subarray(first, Math.min(first + each, (line + 1) * C));
      const furthest = cells.reduce((a, b) => (Math.abs(b - middle) > Math.abs(a - middle) ? b : a));
      return lut[shade(furthest - middle, "diverging", limit)];
    });
  }
  return made.get(key);
}

// Zoom by levels: the whole, the lit step, and half of its state; of a stack of blocks the whole alone.
MACHINE.levels = (state) => {
  const i = state.h.picked, track = state.plan.tracks[i], part = stepsOf(state, i)[MACHINE.litOf(state, i)];
  if (!track.stack.unrolled || !part) return [{}];
  const { x, w } = part, y = track.y(carriedBy(track).at(-1)) - track.lane / 2;
  return [{}, part, { x, w: w / 2, y: y + track.lane / 4, h: track.lane / 2 }];
};
// While a play is under way, what is picked is where it goes on.
MACHINE.goesOn = (state, stack, lane) => {
  if (state.scene !== MACHINE) return;
  const part = stepsOf(state, stack)[lane];
  if (part && state.at !== Infinity) MACHINE.stage(state, part.stage);
};
// The state of the lit step, as a double click there would open it
MACHINE.stepOf = (state) => {
  const i = state.h.picked, track = state.plan.tracks[i], part = stepsOf(state, i)[MACHINE.litOf(state, i)];
  return track.stack.unrolled && part ? [part.stage, -1, part.column.n, carriedBy(track).at(-1), -1] : null;
};

// The tokens over the steps, however far one zooms, and under them what each writes.
const nameAt = (state, track) => Math.max((track.top - state.view.y) * state.view.k, state.plan.top) - 6;
const inSight = (state, track) =>
  (track.top + track.high - state.view.y) * state.view.k > 60 &&
  (track.top - state.view.y) * state.view.k < state.plan.H;
MACHINE.steps = (g, state, inks) => {
  MACHINE.handed(g, state, inks);
  for (const track of tracksOf(state)) {
    if (!inSight(state, track)) continue;
    const lit = MACHINE.litOf(state, track.i), y = nameAt(state, track);
    const low = (track.top + track.high - state.view.y) * state.view.k, last = state.h.stacks.length - 1;
    for (const part of stepsOf(state, track.i)) {
      const { n, part: name } = part.column, bold = n === lit, ink = bold ? inks.main : inks.ink;
      const style = { size: 12, bold, ink, align: "center" };
      MACHINE.over(g, state, part, 14, (x, w) => {
        MACHINE.label(g, name, x + w / 2, y, w + 6, inks, style);
        if (track.i < last || low > state.plan.H - 4) return;
        const [written] = MACHINE.answerOf(state.h, n).labels;
        MACHINE.label(g, written, x + w / 2, low + 13, w + 6, inks, { ...style, size: 11 });
      });
    }
  }
};
MACHINE.stepAt = (state, px, py) => {
  const track = tracksOf(state).find((one) =>
    inSight(state, one) && Math.abs(py - nameAt(state, one) + 4) < 9
  );
  if (!track || px < state.plan.left) return null;
  const part = stepsOf(state, track.i).find((one) => {
    const r = MACHINE.onScreen(one, state.view);
    return px >= r.x && px < r.x + r.w;
  });
  return part ? { lane: part.column.n, stack: track.i } : null;
};
