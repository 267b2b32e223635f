// The picture of a whole run: where each part is, in a world of its own of which the view shows a piece, and
// what is at a place of it. Nothing here draws.
//
//   plan   { W, H, left, right, lane, parts, headings, blocks, y(lane) }
//   part   { column, stage, x, y, w, h } of the world, and `head` where it is one of them
//   view   { k, x, y }: `k` times as large, the world's point (x, y) in the canvas's left upper corner

const MACHINE = { LEFT: 104, TOP: 50, GAP: 5, NAME: 12, FURTHEST: 60 };
const WIDE = { heads: 4, stream: 1.5, shares: 1, vector: 1 }; // how wide the columns are to one another

MACHINE.plan = (h, W, H) => {
  const { LEFT, TOP, GAP } = MACHINE, high = H - TOP - 8, lane = high / h.lanes.length;
  const wide = (column) => column.seen?.other ? 6 : WIDE[column.kind];
  const total = h.columns.reduce((sum, column) => sum + wide(column), 0);
  const unit = (W - LEFT - 8 - GAP * h.columns.length) / total;
  const parts = [], headings = [], blocks = [];
  let x = LEFT;
  h.columns.forEach((column, stage) => {
    const w = unit * wide(column), at = { column, stage, x, w };
    if (column.kind === "heads") parts.push(...MACHINE.heads(at, TOP, high));
    else parts.push({ ...at, y: TOP, h: high });
    joined(headings, `${column.layer} ${column.part}`, { ...at, name: column.part });
    joined(blocks, `${column.layer ?? column.part}`, { ...at, name: blockName(column) });
    x += w + GAP;
  });
  return { W, H, lane, parts, headings, blocks, left: LEFT, right: x, y: (i) => TOP + (i + 0.5) * lane };
};
const blockName = ({ layer, part }) => (layer === null ? part : `block ${layer}`);
function joined(all, id, { x, w, ...rest }) {
  const last = all.at(-1);
  if (last?.id === id) last.w = x + w - last.x;
  else all.push({ id, x, w, ...rest });
}

// The heads of a block as squares, in as many columns as make them largest, with room for a name above each.
// Beside those of cross-attention stand the names of what they look at.
MACHINE.heads = (at, top, high) => {
  const count = PAGE.tensors.get(at.column.src)?.shape[0] ?? 1, beside = at.column.seen?.other ? at.w / 3 : 0;
  const wide = at.w - beside, fits = (across) => Math.min(wide / across, high / Math.ceil(count / across));
  let across = 1;
  for (let n = 2; n <= count; n++) if (fits(n) > fits(across)) across = n;
  const rows = Math.ceil(count / across), room = high / rows - 2;
  const size = Math.min(wide / across - 2, room > 60 ? room - MACHINE.NAME : room);
  const pitch = Math.min(high / rows, size + MACHINE.NAME + 2), over = high - pitch * rows;
  return Array.from({ length: count }, (_, head) => ({
    ...at,
    head,
    over: pitch - size, // the room for the name
    x: at.x + beside + (head % across) * (wide / across),
    y: top + over / 2 + Math.floor(head / across) * pitch + pitch - size,
    w: size,
    h: size,
  }));
};

MACHINE.clamp = (view, W, H) => {
  const k = Math.min(MACHINE.FURTHEST, Math.max(1, view.k));
  const inside = (v, size) => Math.min(Math.max(v, 0), size - size / k);
  return { k, x: inside(view.x, W), y: inside(view.y, H) };
};
MACHINE.onScreen = (part, { k, x, y }) => ({
  x: (part.x - x) * k,
  y: (part.y - y) * k,
  w: part.w * k,
  h: part.h * k,
});

// Lanes and positions: several positions may share a lane.
MACHINE.laneOf = (h, token) => Math.floor((token + h.before) / h.size);
MACHINE.tokenOf = (h, lane) => Math.max(0, lane * h.size - h.before);
MACHINE.keyOf = (column, col) => Math.max(0, col * column.seen.size - column.seen.before);
MACHINE.answerOf = (h, lane) => h.answers[h.answers.length === 1 ? 0 : lane];

// What is at a place of the canvas: a heading, a cell of a part, or a lane; null where there is nothing.
MACHINE.hit = ({ plan, view, h }, px, py) => {
  if (py < MACHINE.TOP - 4) return headingAt(plan, view, px, py);
  const named = plan.parts.find((part) => part.head >= 0 && nameOf(part, view, px, py));
  if (named) return { named };
  for (const part of plan.parts) {
    const r = MACHINE.onScreen(part, view);
    if (px < r.x || py < r.y || px >= r.x + r.w || py >= r.y + r.h) continue;
    const tensor = PAGE.tensors.get(part.column.src);
    if (!tensor || px < plan.left - 4) break;
    const [, T, C] = tensor.shape;
    return { part, row: Math.floor(((py - r.y) / r.h) * T), col: Math.floor(((px - r.x) / r.w) * C) };
  }
  const lane = Math.floor((py / view.k + view.y - MACHINE.TOP) / plan.lane);
  return lane >= 0 && lane < h.lanes.length ? { lane } : null;
};
// Is this the name above a head?
function nameOf(part, view, px, py) {
  const r = MACHINE.onScreen(part, view);
  return px >= r.x && px < r.x + r.w && py < r.y && py >= r.y - part.over * view.k;
}
function headingAt(plan, view, px, py) {
  const block = plan.blocks.find(({ x, w, column }) => {
    const from = (x - view.x) * view.k;
    return MACHINE.blockOf(column) && px >= from && px < from + w * view.k;
  });
  if (py <= 16 && px >= plan.left && block) return { block };
  const heading = plan.headings.find(({ x, w, column }) => {
    const from = (x - view.x) * view.k;
    return column.adds && px >= from && px < from + w * view.k;
  });
  return py > 16 && px >= plan.left && heading ? { heading } : null;
}

// The same in words, with the tensor's own number.
MACHINE.read = ({ h }, { part, row, col, lane, heading, named, block }) => {
  if (block) return `${block.name}: open its inside`;
  if (named) return `${blockName(named.column)}, head ${named.head}`;
  if (heading) return `${blockName(heading.column)}: ${heading.name}, all of it`;
  if (!part) return h.lanes[lane];
  const { column } = part, tensor = PAGE.tensors.get(column.src), [, T, C] = tensor.shape;
  if (part.head === undefined) return readVector(h, column, tensor, row, col);
  const value = tensor.data[(part.head * T + row) * C + col];
  const looks = value === -Infinity
    ? `may not look at ${column.seen.names[col]}: masked`
    : `looks ${percent(value)} (${show(value)}) at ${column.seen.names[col]}`;
  const among = Math.max(h.size, column.seen.size) > 1 ? ", the largest of these" : "";
  return `${blockName(column)}, head ${part.head}: ${h.lanes[row]} ${looks}${among}`;
};
function readVector(h, column, tensor, row, col) {
  const value = tensor.data[row * tensor.shape[2] + col], what = [column.part, column.label].join(" ").trim();
  const entry = MACHINE.entryOf(column, row, col);
  const block = column.layer === null ? "" : `${blockName(column)}, `;
  const kind = { experts: "expert", units: "unit" }[column.label] ?? "number";
  const among = column.each * h.size > 1 ? `, the largest of ${column.each * h.size}` : "";
  return `${block}${what}: ${h.lanes[row]}, ${kind} ${entry}: ${show(value)}${among}`;
}
// Which entry of the vector a cell shows: the last matrix of `at` has their places.
MACHINE.entryOf = (column, row, col) => {
  const { data, shape: [N, T, C] } = PAGE.tensors.get(column.at);
  return data[((N - 1) * T + row) * C + col];
};
