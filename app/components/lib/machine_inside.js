// The inside of one block of a whole run, in a world of its own: a band for attention (and one for
// cross-attention) and one for the MLP. In a band every stage stands after those that it is made from, row below
// row, and above it what it is multiplied with: a row of queries meets a column of keys.
//
//   plan   { W, H, left, bands, parts }
//   band   { part, x, y, w, h }, without the room above it
//   part   { spec, stage, x, y, w, h }: `spec` is the stage as the server describes it

// LEAST, SHARE and MOST: how wide a stage is that is no square, in pixels and of its band; TALL: how high a cell of a square may be to its width
const INSIDE = { GAP: 11, LABEL: 27, LEAST: 34, SHARE: 0.065, MOST: 190, TALL: 1.5 };

INSIDE.plan = (h, W, H) => {
  const { LEFT, TOP } = MACHINE, { stages } = h.inside, bands = [], parts = [];
  const names = [...new Set(stages.map(({ part }) => part))];
  const share = (part) => (part === "mlp" ? 1 : 1.9), all = names.reduce((sum, name) => sum + share(name), 0);
  let y = TOP;
  for (const part of names) {
    const high = ((H - TOP - 4) * share(part)) / all;
    const band = { part, x: LEFT, y, w: W - LEFT - 8, h: high };
    parts.push(...INSIDE.band(band, stages.map((spec, stage) => ({ spec, stage }))));
    bands.push(band);
    y += high;
  }
  parts.sort((a, b) => a.stage - b.stage);
  return { W, H, left: LEFT, bands, parts };
};
// The parts of a band; it is then as high as its rows.
INSIDE.band = (band, stages) => {
  const { GAP, LABEL, LEAST, SHARE, MOST, TALL } = INSIDE,
    of = stages.filter(({ spec }) => spec.part === band.part);
  const row = of.filter(({ spec }) => spec.kind !== "above"),
    over = of.filter(({ spec }) => !row.some((p) => p.spec === spec));
  const squares = row.filter(({ spec }) => spec.kind === "square").length, others = row.length - squares;
  const wide = band.w - GAP * (row.length - 1), high = band.h - LABEL * (over.length ? 2 : 1);
  const least = Math.max(LEAST, SHARE * wide), most = over.length ? high * 0.7 : high;
  const square = Math.min(most, (wide - others * least) / Math.max(1, squares));
  const side = squares ? Math.min(most, square * TALL) : high, above = high - side;
  const each = Math.min(MOST, (wide - square * squares) / Math.max(1, others));
  Object.assign(band, { y: band.y + band.h - side, h: side });
  let x = band.x;
  const parts = row.map((part) => {
    const w = part.spec.kind === "square" ? square : each, placed = { ...part, x, y: band.y, w, h: side };
    x += w + GAP;
    return placed;
  });
  band.w = x - GAP - band.x;
  return [...parts, ...INSIDE.above(over, parts, Math.min(above, side))];
};
// Keys stand above the scores that they are part of, those not yet normalised or rotated above their queries;
// values above their mixture.
INSIDE.above = (over, parts, h) => {
  const named = (end) => parts.find(({ spec }) => spec.point.endsWith(end));
  const keys = over.filter(({ spec }) => !spec.point.endsWith(".v")),
    queries = parts.filter(({ spec }) => /\.q(_norm\.out|_rot)?$/.test(spec.point));
  return over.map((part) => {
    const n = keys.indexOf(part);
    const under = n < 0 ? named(".z") : n === keys.length - 1 ? named(".dots") : queries[n];
    return { ...part, x: under.x, w: under.w, h, y: under.y - INSIDE.LABEL - h };
  });
};

// What an axis of a stage counts: tokens by name, or nothing but numbers
INSIDE.names = (h, { sides }, axis) => INSIDE.stack(h, sides[axis])?.lanes;
// The stack whose tokens are counted: that of the block, or the one that cross-attention looks at
INSIDE.stack = (h, side) => ({ own: h.stacks[h.picked], there: h.stacks[0] })[side];
INSIDE.size = (spec) => PAGE.tensors.get(spec.src)?.shape.slice(1) ?? [1, 1];
INSIDE.limit = (spec, tensor) =>
  spec.scale === "sequential" ? 1 : (tensor.limit ??= largest(tensor.data, 0, tensor.data.length));
INSIDE.value = (spec, row, col) => {
  const tensor = PAGE.tensors.get(spec.src);
  return tensor.data[row * tensor.shape[2] + col];
};
// The cell of a stage that belongs to the lit token and the position that it looks at: [row, column], −1 for all
INSIDE.picked = (state, spec) => {
  const of = (axis, name) =>
    name === "S" || (spec.kind === "above")
      ? (spec.sides[axis] ? INSIDE.key(state) : -1)
      : spec.sides[axis]
      ? state.token
      : -1;
  return [...spec.axes].map((name, axis) => of(axis, name));
};
// The lane of the picked key, or of that with the largest weight in the lit row
INSIDE.key = (state) => {
  const { h } = state, spec = INSIDE.square(state, "pattern"), seen = INSIDE.stack(h, spec.sides[1]);
  if (state.key >= 0) {
    return Math.min(Math.floor((state.key + seen.before) / seen.size), seen.lanes.length - 1);
  }
  const [, C] = INSIDE.size(spec), { data } = PAGE.tensors.get(spec.src);
  const row = [...data.slice(state.token * C, (state.token + 1) * C)];
  return row.indexOf(Math.max(...row));
};
// The stage of this name in the part that one is at
INSIDE.square = (state, name) => {
  const { stages } = state.h.inside, part = stages[Math.min(state.at, stages.length - 1)].part;
  const all = stages.filter(({ point }) => point.endsWith(`.${name}`));
  return all.find((spec) => spec.part === part) ?? all[0];
};

// --- what is where, in words ------------------------------------------------------------------------

INSIDE.hit = ({ plan, view }, px, py) => {
  if (py < MACHINE.TOP - 4 || px < plan.left - 4) return null;
  for (const part of plan.parts) {
    const r = MACHINE.onScreen(part, view), [R, C] = INSIDE.size(part.spec);
    const row = Math.floor(((py - r.y) / r.h) * R), col = Math.floor(((px - r.x) / r.w) * C);
    if (row >= 0 && col >= 0 && row < R && col < C) return { inside: part, row, col };
  }
  return null;
};
INSIDE.read = ({ h }, { inside: { spec }, row, col }) => {
  const value = INSIDE.value(spec, row, col),
    at = [row, col].map((i, axis) => INSIDE.where(h, spec, axis, row, col));
  const said = value === -Infinity ? "−∞ (masked)" : show(value);
  const among = spec.each[0] * spec.each[1] > 1 ? ", the largest of these in size" : "";
  return `${spec.name} ${spec.shape}: ${at.join(spec.kind === "square" ? " → " : ", ")}: ${said}${among}`;
};
INSIDE.where = (h, spec, axis, ...cell) => {
  const names = INSIDE.names(h, spec, axis);
  return names
    ? names[cell[axis]]
    : `${NUMBERED[spec.axes[axis]] ?? "number"} ${INSIDE.entry(spec, axis, ...cell)}`;
};
const NUMBERED = { F: "unit", X: "expert" };
// Which row or column of the tensor a cell shows
INSIDE.entry = ({ at }, axis, row, col) => {
  const places = PAGE.tensors.get(at), n = places?.shape[0];
  if (!places || (axis === 0 && n === 1)) return [row, col][axis];
  const { data, shape: [, R, C] } = places;
  return data[((axis + n - 2) * R + row) * C + col];
};
// The token, the key and the entry of a cell; −1 where it has none
INSIDE.cell = ({ h, token }, { inside: { spec, stage }, row, col }) => {
  const found = { stage, token: MACHINE.tokenOf(h, token), key: -1, entry: -1 };
  [row, col].forEach((i, axis) => {
    const seen = INSIDE.stack(h, spec.sides[axis]), first = seen && Math.max(0, i * seen.size - seen.before);
    if (i < 0) return;
    if (!seen) found.entry = INSIDE.entry(spec, axis, row, col);
    else if (spec.axes[axis] === "S" || spec.kind === "above") found.key = first;
    else found.token = first;
  });
  return found;
};
// The part that one is at, or the weights, and its picked cell
INSIDE.focus = (state) => {
  const { plan, at } = state,
    part = plan.parts[at] ?? plan.parts.find(({ spec }) => spec === INSIDE.square(state, "pattern"));
  const [row, col] = INSIDE.picked(state, part.spec);
  return { inside: part, row, col };
};
// What plus and minus go through: the block, the head or the MLP, the matrix, a cell with those around it
INSIDE.levels = (state) => {
  const { plan } = state, { inside: part, row, col } = INSIDE.focus(state), [R, C] = INSIDE.size(part.spec);
  const within = plan.parts.filter(({ spec }) => spec.part === part.spec.part && !spec.axes.includes("D"));
  const w = part.w / C, h = part.h / R, at = (i, of) => Math.max(0, Math.min(of - 3, i - 1));
  const cell = {
    x: part.x + at(col, C) * w,
    y: part.y + at(row, R) * h,
    w: w * Math.min(3, C),
    h: h * Math.min(3, R),
  };
  return [{}, around(within.length ? within : [part]), part, cell];
};
function around(parts) {
  const x = Math.min(...parts.map((part) => part.x)), y = Math.min(...parts.map((part) => part.y));
  const right = Math.max(...parts.map((part) => part.x + part.w)),
    end = Math.max(...parts.map((part) => part.y + part.h));
  return { x, y, w: right - x, h: end - y };
}
INSIDE.rows = (state) => {
  const { spec } = INSIDE.focus(state).inside, [R, C] = INSIDE.size(spec), { h } = state;
  const head = Array.from({ length: C }, (_, col) => INSIDE.where(h, spec, 1, 0, col));
  const value = (row, col) => INSIDE.value(spec, row, col);
  return [
    [`${spec.name} ${spec.shape}`, ...head],
    ...Array.from({ length: R }, (_, row) => [
      INSIDE.where(h, spec, 0, row, 0),
      ...head.map((_, col) => (value(row, col) === -Infinity ? "−∞ (masked)" : value(row, col))),
    ]),
  ];
};

// --- drawing ------------------------------------------------------------------------------------------

INSIDE.paint = (g, root, state) => {
  const { plan, view } = state, inks = MACHINE.inks(g, root);
  inks.numbers = 0;
  g.imageSmoothingEnabled = false;
  INSIDE.rails(g, state, inks);
  for (const part of plan.parts) {
    const r = MACHINE.onScreen(part, view);
    if (r.x > plan.W || r.y > plan.H || r.x + r.w < 0 || r.y + r.h + INSIDE.LABEL < 0) continue;
    g.globalAlpha = part.stage > state.at ? 0.12 : 1;
    INSIDE.part(g, state, part, r, inks);
    g.globalAlpha = 1;
  }
  INSIDE.meet(g, state, inks);
  INSIDE.margins(g, state, inks);
  return inks.numbers;
};
INSIDE.rails = (g, { plan, view, h, token }, inks) => {
  for (const band of plan.bands) {
    const r = MACHINE.onScreen(band, view), y = r.y + ((token + 0.5) * r.h) / h.lanes.length;
    MACHINE.line(g, r.x - 6, y, r.x + r.w + 6, y, inks.main, 2);
  }
};
INSIDE.part = (g, state, part, r, inks) => {
  const { spec } = part,
    now = part.stage === state.at && state.progress < 1,
    before = INSIDE.before(state, spec);
  g.fillStyle = inks.paper;
  g.fillRect(r.x, r.y, r.w, r.h);
  if (now && before) INSIDE.matrix(g, state, before, r, inks); // carried over on the same square
  g.save();
  if (now) INSIDE.uncovered(g, state, spec, r);
  INSIDE.matrix(g, state, spec, r, inks);
  g.restore();
  const here = part.stage === state.at;
  MACHINE.outline(g, r.x, r.y, r.w, r.h, here ? inks.main : inks.rail, here ? 2 : 1);
  if (state.view.k === 1 || r.y - INSIDE.LABEL > MACHINE.TOP - 4) INSIDE.label(g, spec, r, inks, here);
};
// What a square was a stage earlier
INSIDE.before = ({ h }, spec) =>
  spec.kind === "square" &&
  h.inside.stages.findLast((one) => one.kind === "square" && spec.from.includes(one.point));
const MEETS = /\.(dots|z)$/; // made of rows that meet columns
// The piece of a stage that is done: a row meets column after column, shares are made row by row, and so on.
INSIDE.uncovered = (g, { token, progress }, spec, r) => {
  const [R, C] = INSIDE.size(spec),
    first = Math.min(1, progress / 0.7),
    rest = Math.max(0, (progress - 0.7) / 0.3);
  g.beginPath();
  if (MEETS.test(spec.point)) {
    g.rect(r.x, r.y + (token * r.h) / R, (r.w * Math.ceil(first * C)) / C, r.h / R);
    if (rest) g.rect(r.x, r.y, r.w, r.h * rest);
  } else if (spec.scale === "sequential") g.rect(r.x, r.y, r.w, (r.h * Math.ceil(progress * R)) / R);
  else g.rect(r.x, r.y, (r.w * Math.ceil(progress * C)) / C, r.h);
  g.clip();
};
INSIDE.matrix = (g, { plan }, spec, r, inks) => {
  const tensor = PAGE.tensors.get(spec.src), limit = INSIDE.limit(spec, tensor);
  const [R, C] = INSIDE.size(spec), cw = r.w / C, ch = r.h / R;
  g.fillStyle = inks.paper;
  g.fillRect(r.x, r.y, r.w, r.h);
  if (cw < 30 || ch < 12) {
    if (tensor.masked ??= tensor.data.includes(-Infinity)) {
      g.fillStyle = inks.hatch;
      g.fillRect(r.x, r.y, r.w, r.h);
    }
    return g.drawImage(MACHINE.small(tensor, 0, spec.scale, limit, inks), r.x, r.y, r.w, r.h);
  }
  const among = (
    from,
    size,
    end,
    n,
  ) => [Math.max(0, Math.floor(-from / size)), Math.min(n, Math.ceil((end - from) / size))];
  const [top, bottom] = among(r.y, ch, plan.H, R), [left, right] = among(r.x, cw, plan.W, C);
  for (let row = top; row < bottom; row++) {
    for (let col = left; col < right; col++) {
      const value = tensor.data[row * C + col];
      MACHINE.cell(g, r.x + col * cw, r.y + row * ch, cw, ch, value, spec.scale, limit, inks);
    }
  }
};
// The name, and the shape where there is room for it
INSIDE.label = (g, spec, r, inks, bold) => {
  if (r.w < 24) return;
  const wide = r.w + INSIDE.GAP - 4, fits = (text) => g.measureText(text).width <= wide - 8;
  g.font = `400 10px ${inks.font}`;
  const short = spec.shape.replace(/[A-Z]=/g, "");
  const shape = [spec.shape, short].find(fits);
  MACHINE.label(g, spec.name, r.x, r.y - (shape ? 16 : 5), wide, inks, {
    bold: true,
    ink: bold ? inks.main : inks.ink,
  });
  if (shape) MACHINE.label(g, shape, r.x, r.y - 5, wide, inks, { size: 10 });
};

// What meets in the lit row: the row of the stage one is at, and the rows and columns that it is made from.
INSIDE.meet = (g, state, inks) => {
  const { plan, at } = state, shown = INSIDE.shown(state);
  for (const part of plan.parts) {
    if (part.spec.kind !== "above" && part.stage <= at) {
      INSIDE.mark(g, state, part, [state.token, -1], inks, 1);
    }
  }
  if (!shown) return;
  const part = shown.inside, cell = INSIDE.meeting(state, shown), { from } = part.spec;
  for (const source of plan.parts.filter(({ spec }) => from.includes(spec.point))) {
    INSIDE.mark(g, state, source, INSIDE.piece(source, part, cell), inks, 2.5);
    if (MEETS.test(part.spec.point) && cell[1] >= 0) {
      INSIDE.joined(g, state, source, part, cell, inks);
    }
  }
  INSIDE.mark(g, state, part, cell, inks, 2.5);
};
// The cell that is being made, or pointed at
INSIDE.meeting = (state, { inside: { spec }, row, col }) => {
  if (row !== undefined) return [row, col];
  const [, C] = INSIDE.size(spec), at = INSIDE.picked(state, spec);
  const sweeps = MEETS.test(spec.point) && state.progress < 1;
  return sweeps ? [at[0], Math.min(C - 1, Math.floor((state.progress / 0.7) * C))] : at;
};
// Which piece of a source a cell is made from: the same cell, or the row of its token, or of what stands above
// the column that meets it
INSIDE.piece = (source, part, [row, col]) => {
  if (source.spec.kind === "above") return [-1, col];
  if (part.spec.kind === "above") return [part.spec.sides[0] ? row : col, -1];
  return [row, part.spec.alike ? col : -1];
};
// A frame around a row (column −1), a column (row −1) or a cell
INSIDE.mark = (g, { plan, view }, part, [row, col], inks, width) => {
  const [R, C] = INSIDE.size(part.spec), r = MACHINE.onScreen(part, view);
  const [x, w] = col < 0 ? [r.x, r.w] : [r.x + (col * r.w) / C, r.w / C];
  const [y, h] = row < 0 ? [r.y, r.h] : [r.y + (row * r.h) / R, r.h / R];
  if (x < plan.W && y < plan.H && x + w > 0 && y + h > 0) MACHINE.outline(g, x, y, w, h, inks.main, width);
};
// A line from a source's row, or from the end of its column, to the cell
INSIDE.joined = (g, { view }, source, part, [row, col], inks) => {
  const to = MACHINE.onScreen(part, view),
    of = MACHINE.onScreen(source, view),
    [R, C] = INSIDE.size(part.spec);
  const y = to.y + ((row + 0.5) * to.h) / R, x = to.x + ((Math.max(0, col) + 0.5) * to.w) / C;
  g.globalAlpha = 0.6;
  if (source.spec.kind === "above") MACHINE.line(g, x, of.y + of.h, x, y, inks.main, 1.5);
  else MACHINE.line(g, of.x + of.w, y, x, y, inks.main, 1.5);
  g.globalAlpha = 1;
};

// --- the margins --------------------------------------------------------------------------------------

INSIDE.margins = (g, state, inks) => {
  const { plan, h } = state, { TOP } = MACHINE, near = INSIDE.near(state);
  g.fillStyle = inks.paper;
  g.fillRect(0, 0, plan.left - 4, plan.H);
  if (near || state.view.k > 1) g.fillRect(0, 0, plan.W, TOP - 4);
  else g.fillRect(0, 0, plan.W, 36);
  const name = MACHINE.blockName(h.inside.block), of = h.inside.group ? ` (${h.inside.group})` : "";
  g.fillStyle = inks.rail;
  g.fillRect(plan.left, 15, plan.W - plan.left, 2);
  const out = MACHINE.headsOf(state).off.includes(h.inside.head) ? ": taken out" : "";
  MACHINE.label(g, `${name}, head ${h.inside.head}${of}${out}`, plan.left, 11, 300, inks, {
    size: 12,
    bold: true,
  });
  const told = INSIDE.shown(state) ?? (near && { inside: near });
  const says = told ? `${told.inside.spec.name}  ${told.inside.spec.shape}  ${told.inside.spec.does}` : "";
  const value = told ? INSIDE.made(state, told) : "";
  g.font = `700 12px ${inks.font}`;
  const wide = plan.W - plan.left, most = wide - (value ? g.measureText(value).width + 16 : 0);
  MACHINE.label(g, says, plan.left, 30, most, inks, { size: 12 });
  MACHINE.label(g, value, plan.W - 2, 30, wide, inks, { size: 12, bold: true, align: "right" });
  if (near) INSIDE.sides(g, state, near, inks);
  else plan.bands.forEach((band) => INSIDE.bandNames(g, state, band, inks));
};
// What is pointed at, or what play has come to
INSIDE.shown = ({ over, plan, at }) => over ?? (plan.parts[at] && { inside: plan.parts[at] });
// The cell that is being made, and what it is made from where that is one number: "too → it: 5.1 → 0.9"
INSIDE.made = (state, shown) => {
  const { spec } = shown.inside,
    [row, col] = INSIDE.meeting(state, shown),
    before = INSIDE.before(state, spec);
  if (row < 0 || col < 0) return "";
  const names = [0, 1].map((axis) => INSIDE.where(state.h, spec, axis, row, col));
  const values = [...before ? [before] : [], spec].map((one) => show(INSIDE.value(one, row, col)));
  return `${names.join(spec.kind === "square" ? " → " : ", ")}:  ${values.join("  ⟶  ")}`;
};
// The part that one is so near to that little else is in sight
INSIDE.near = ({ plan, view }) => {
  const middle = { x: (plan.left + plan.W) / 2, y: (MACHINE.TOP + plan.H) / 2 };
  return view.k > 1 && plan.parts.find((part) => {
    const r = MACHINE.onScreen(part, view), within = (v, from, size) => v >= from && v < from + size;
    const large = r.h > 0.6 * (plan.H - MACHINE.TOP) || r.w > 0.6 * (plan.W - plan.left);
    return large && within(middle.x, r.x, r.w) && within(middle.y, r.y, r.h);
  });
};
INSIDE.sides = (g, { plan, view, h, ...state }, part, inks) => {
  const r = MACHINE.onScreen(part, view), [R, C] = INSIDE.size(part.spec), right = plan.left - 10;
  const [lit, key] = INSIDE.picked({ h, ...state }, part.spec);
  INSIDE.along(r.y, r.h / R, R, 14, (i, y) => {
    if (y < MACHINE.TOP || y > plan.H) return;
    const name = INSIDE.names(h, part.spec, 0)?.[i] ?? String(INSIDE.entry(part.spec, 0, i, 0)),
      bold = i === lit;
    MACHINE.label(g, name, right, y + 4, right - 4, inks, {
      align: "right",
      size: 13,
      bold,
      ink: bold ? inks.main : inks.ink,
    });
  });
  INSIDE.along(r.x, r.w / C, C, 40, (i, x) => {
    if (x < plan.left || x > plan.W) return;
    const name = INSIDE.names(h, part.spec, 1)?.[i] ?? String(part.spec.each[1] * i), bold = i === key;
    MACHINE.label(g, name, x, 44, Math.max(r.w / C, 40) - 4, inks, {
      align: "center",
      size: 12,
      bold,
      ink: bold ? inks.main : inks.ink,
    });
  });
};
// The middle of every row or column that has room for a name
INSIDE.along = (from, each, count, room, draw) => {
  for (let i = 0; i < count; i += Math.max(1, Math.ceil(room / each))) draw(i, from + (i + 0.5) * each);
};
const BANDS = { attn: "attention", cross: "cross-attention", mlp: "MLP" };
INSIDE.bandNames = (g, { plan, view, h, token }, band, inks) => {
  const r = MACHINE.onScreen(band, view), each = r.h / h.lanes.length, right = plan.left - 10;
  const step = Math.max(1, Math.ceil(12 / each)), inSight = (y) => y > MACHINE.TOP && y < plan.H;
  if (inSight(r.y - 12)) {
    MACHINE.label(g, BANDS[band.part], right, r.y - 12, right, inks, {
      align: "right",
      size: 12,
      bold: true,
    });
  }
  h.lanes.forEach((name, i) => {
    const y = r.y + (i + 0.5) * each, lit = i === token, ink = lit ? inks.main : inks.ink;
    if (!inSight(y) || (!lit && (i % step || Math.abs(i - token) < step))) return;
    MACHINE.label(g, name, right, y + 4, right - 4, inks, {
      align: "right",
      size: Math.min(13, Math.max(10, each)),
      bold: lit,
      ink,
    });
  });
};
