// The picture of a whole run: where each part is, in a world of its own of which the view shows a piece, and
// what is at a place of it. Nothing here draws.
//
//   plan   { W, H, left, right, top, lane, tracks, parts, headings, blocks, y(lane) }
//   track  { i, stack, x, right, top, high, lane, y(lane) } of the world: a stack's place in the picture; one
//          of a recurrent model has its rows in the place of lanes, and a column for each step
//   part   { column, stage, x, y, w, h } of the world, and `head` where it is one of them
//   view   { k, x, y }: `k` times as large, the world's point (x, y) in the canvas's left upper corner

const MACHINE = { LEFT: 104, TOP: 50, GAP: 5, NAME: 12, FURTHEST: 60 };
// How wide the columns are to one another
const WIDE = { heads: 4, looks: 10, stream: 1.5, shares: 3.4, vector: 1, step: 3, start: 3 };
const BETWEEN = { step: 0.9, start: 0.9 }; // and the room after them
const SECOND = 90, NAMES = 26; // pixels for the names of a second stack's lanes, and for those of steps
const MAP = 150; // and for the weights of all looks back
const WRITTEN = 18, HANDED = 46; // under the steps, and between two stacks that are one above the other

MACHINE.plan = (h, W, H) => {
  const left = MACHINE.LEFT + (h.stacks[0].image ? MACHINE.margin(h.stacks[0]) : 0);
  const top = MACHINE.above(h) ? NAMES : MACHINE.TOP;
  const plan = { W, H, left, top, tracks: [], parts: [], headings: [], blocks: [] };
  (MACHINE.above(h) ? placedAbove : placedBeside)(plan, h);
  const { lane, y } = plan.tracks[h.picked];
  return Object.assign(plan, { lane, y, right: Math.max(...plan.tracks.map(({ right }) => right)) });
};
// Recurrent stacks stand one above the other, time goes from left to right in each; others side by side.
MACHINE.above = ({ stacks }) => stacks.every(({ unrolled }) => unrolled);
const betweenAll = ({ stacks }) => HANDED * (stacks.length - 1);
const rowsOf = (stack) => stack.unrolled ?? stack.lanes;
// How high the picture would be, `each` pixels a lane
MACHINE.wanted = (h, each) => {
  if (!MACHINE.above(h)) return MACHINE.TOP + each * Math.max(...h.stacks.map(({ lanes }) => lanes.length));
  const rows = h.stacks.reduce((sum, stack) => sum + rowsOf(stack).length, 0);
  return NAMES + betweenAll(h) + WRITTEN + each * rows;
};

const withStages = (h) => h.columns.map((column, stage) => ({ column, stage }));
const kindOf = ({ kind, layer }) => (kind === "heads" && layer === null ? "looks" : kind); // of no block
const units = (columns, table) => columns.reduce((sum, { column }) => sum + (table[kindOf(column)] ?? 0), 0);
function placedBeside(plan, h) {
  const columns = withStages(h), room = plan.W - plan.left - 8 - SECOND * (h.stacks.length - 1);
  const gaps = columns.length * 0.3 + units(columns, BETWEEN);
  const unit = room / (units(columns, WIDE) + gaps), gap = Math.min(MACHINE.GAP, 0.3 * unit);
  let x = plan.left;
  h.stacks.forEach((stack, i) => {
    const low = stack.unrolled ? WRITTEN : 0;
    const track = trackOf(plan, stack, i, x, MACHINE.TOP, plan.H - MACHINE.TOP - 8 - low);
    x = filled(plan, track, columns.filter(({ column }) => column.stack === i), unit, gap) + SECOND;
  });
}
function placedAbove(plan, h) {
  const columns = withStages(h), of = (i) => columns.filter(({ column }) => column.stack === i);
  const rows = h.stacks.map((stack) => rowsOf(stack).length), all = rows.reduce((a, b) => a + b);
  const lane = (plan.H - plan.top - betweenAll(h) - WRITTEN - 4) / all;
  const steps = { ...WIDE, looks: 0 }, wide = (i) => units(of(i), steps) + units(of(i), BETWEEN);
  const map = columns.some(({ column }) => column.kind === "heads") ? Math.min(MAP, plan.W / 6) : 0;
  const room = plan.W - plan.left - 8 - map;
  const unit = room / Math.max(...h.stacks.map((_, i) => wide(i)));
  let { top } = plan;
  h.stacks.forEach((stack, i) => {
    const track = trackOf(plan, stack, i, plan.left, top, lane * rows[i]);
    filled(plan, track, of(i), unit, 0, map);
    top += lane * rows[i] + HANDED;
  });
}
function trackOf(plan, stack, i, x, top, high) {
  const lane = high / rowsOf(stack).length;
  const track = { i, stack, x, top, high, lane, y: (row) => top + (row + 0.5) * lane };
  plan.tracks.push(track);
  return track;
}
// The columns of a track from left to right; where the last one ends
function filled(plan, track, columns, unit, gap, map = 0) {
  let { x } = track;
  for (const { column, stage } of columns) {
    const w = map && column.kind === "heads" ? map : unit * WIDE[kindOf(column)];
    const at = { column, stage, x, w };
    if (column.kind === "heads") plan.parts.push(...MACHINE.heads(at, track.top, track.high));
    else plan.parts.push({ ...at, ...MACHINE.rowsAt(track, column), ...MACHINE.routed(at, unit) });
    if (!track.stack.unrolled) {
      joined(plan.headings, `${track.i} ${column.layer} ${column.part}`, { ...at, name: column.part });
      joined(plan.blocks, `${track.i} ${column.layer ?? column.part}`, { ...at, name: blockName(column) });
    }
    x += w + gap + unit * (BETWEEN[column.kind] ?? 0);
  }
  return (track.right = x);
}
// Which rows of its track a column has: all, or those that are handed on.
MACHINE.rowsAt = ({ stack, top, high, lane }, column) => {
  if (column.kind !== "start") return { y: top, h: high };
  return { y: top + lane * stack.unrolled.findIndex((row) => row.carried), h: lane * column.points.length };
};
const blockName = ({ layer, part }) => (layer === null ? part : `block ${layer}`);
function joined(all, id, { x, w, ...rest }) {
  const last = all.at(-1);
  if (last?.id === id) last.w = x + w - last.x;
  else all.push({ id, x, w, ...rest });
}

// The heads of a block as squares, in as many columns as make them largest, with room for a name above each.
MACHINE.heads = (at, top, high) => {
  const count = PAGE.tensors.get(at.column.src)?.shape[0] ?? 1;
  const fits = (across) => Math.min(at.w / across, high / Math.ceil(count / across));
  let across = 1;
  for (let n = 2; n <= count; n++) if (fits(n) > fits(across)) across = n;
  const rows = Math.ceil(count / across), room = high / rows - 2;
  const size = Math.min(at.w / across - 2, room > 60 ? room - MACHINE.NAME : room);
  const pitch = Math.min(high / rows, size + MACHINE.NAME + 2), over = high - pitch * rows;
  return Array.from({ length: count }, (_, head) => ({
    ...at,
    head,
    over: pitch - size, // the room for the name
    x: at.x + (head % across) * (at.w / across),
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

// Where the picked head stands in the window; undefined where there is none.
MACHINE.pickedBox = (root) => {
  const state = root?.__state;
  const part = state?.scene === MACHINE && state.plan?.parts.find((one) => MACHINE.isPicked(state, one));
  if (!part) return undefined;
  const r = MACHINE.onScreen(part, state.view), canvas = root.querySelector("canvas");
  const { left, top } = canvas.getBoundingClientRect(), zoom = canvas.currentCSSZoom ?? 1;
  return new DOMRect(left + zoom * r.x, top + zoom * r.y, zoom * r.w, zoom * r.h);
};

// Lanes and positions: several positions may share a lane.
MACHINE.laneOf = (h, token) => (token < 0 ? -1 : Math.floor((token + h.before) / h.size));
MACHINE.SECOND = SECOND;
MACHINE.tokenOf = (h, lane) => Math.max(0, lane * h.size - h.before);
MACHINE.keyOf = (column, col) => Math.max(0, col * column.seen.size - column.seen.before);
MACHINE.answerOf = (h, lane) => h.answers[h.answers.length === 1 ? 0 : Math.max(0, lane)];
// The lit lane (or step) of a stack: each has one, or none (−1). What is played lights the step that it has come to.
MACHINE.litOf = ({ h, token, lit, at, scene }, i) => {
  const now = scene === MACHINE && h.columns[at];
  if (now?.kind === "step" && now.stack === i) return now.n;
  return i === h.picked ? token : (lit[i] ?? -1);
};
MACHINE.positionOf = (state, i) => {
  const lane = MACHINE.litOf(state, i);
  return lane < 0 ? -1 : MACHINE.tokenOf(state.h.stacks[i], lane);
};
// A stack is picked: its lanes are those of the picture.
MACHINE.choose = (h, picked) => {
  const { lanes, size, before, token } = h.stacks[picked];
  Object.assign(h, { picked, lanes, size, before, token });
};
// The one whose answers are told: the last stack's.
MACHINE.asked = (state) => MACHINE.litOf(state, state.h.stacks.length - 1);

// What is at a place of the canvas: a heading, a cell of a part, or a lane; null where there is nothing.
MACHINE.hit = (state, px, py) => {
  const { plan, view } = state, beside = MACHINE.patchAt(state, px, py) ?? MACHINE.stepAt(state, px, py);
  if (beside) return beside;
  if (py < plan.top - 4) return headingAt(plan, view, px, py);
  const named = plan.parts.find((part) => nameOf(part, view, px, py));
  if (named) return { named };
  for (const part of plan.parts) {
    const r = MACHINE.onScreen(part, view);
    if (px < r.x || py < r.y || px >= r.x + r.w || py >= r.y + r.h) continue;
    const tensor = PAGE.tensors.get(part.column.src);
    if (!tensor || px < plan.left - 4) break;
    const [, T, C] = tensor.shape;
    return { part, row: Math.floor(((py - r.y) / r.h) * T), col: Math.floor(((px - r.x) / r.w) * C) };
  }
  return laneAt(state, px, py);
};
function laneAt({ plan, view }, px, py) {
  const y = py / view.k + view.y, beside = MACHINE.stuck(plan, view), x = px / view.k + view.x;
  const track = px < plan.left
    ? beside
    : plan.tracks.find(({ x: from, right }) => x >= from - SECOND && x < right);
  if (!track || track.stack.unrolled) return null;
  const lane = Math.floor((y - track.top) / track.lane);
  return lane >= 0 && lane < track.stack.lanes.length ? { lane, stack: track.i } : null;
}
// Of tracks side by side the one that is at the left edge of the canvas
MACHINE.stuck = (plan, view) =>
  plan.tracks.findLast(({ x }) => (x - view.x) * view.k <= plan.left + 1) ?? plan.tracks[0];
// Is this the name above a head of a block?
function nameOf(part, view, px, py) {
  if (part.head === undefined || !part.column.adds) return false;
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
// The stack and the lane (or step) of what was found
MACHINE.laneAt = ({ part, row, lane, stack }) => {
  if (!part) return { lane, stack };
  return { lane: part.column.kind === "step" ? part.column.n : row, stack: part.column.stack };
};

// The same in words, with the tensor's own number.
MACHINE.read = (state, found) => {
  const { h } = state, { part, row, col, heading, named, block } = found;
  if (block) return `${MACHINE.where(h, block.column)}: open its inside`;
  if (named) return `${MACHINE.where(h, named.column)}, head ${named.head}`;
  if (heading) return `${MACHINE.where(h, heading.column)}: ${heading.name}, all of it`;
  const { stack, lane } = MACHINE.laneAt(found), names = h.stacks[stack]?.lanes;
  if (!part) return found.text ?? names[lane];
  const { column } = part, tensor = PAGE.tensors.get(column.src), [, T, C] = tensor.shape;
  if (part.head === undefined) return readVector(h, column, tensor, row, col);
  const value = tensor.data[(part.head * T + row) * C + col];
  const looks = value === -Infinity
    ? `may not look at ${column.seen.names[col]}: masked`
    : `looks ${percent(value)} (${show(value)}) at ${column.seen.names[col]}`;
  const among = Math.max(h.stacks[stack].size, column.seen.size) > 1 ? ", the largest of these" : "";
  const which = column.layer === null ? column.part : `head ${part.head}`;
  return `${[MACHINE.where(h, column), which].filter(Boolean).join(", ")}: ${names[row]} ${looks}${among}`;
};
// The stack, where there are two, and the block
MACHINE.where = (h, column) => {
  const stack = h.stacks[column.stack].title.toLowerCase(),
    block = column.layer === null ? "" : blockName(column);
  return [stack, block].filter(Boolean).join(", ");
};
function readVector(h, column, tensor, row, col) {
  const value = show(tensor.data[((column.n ?? 0) * tensor.shape[1] + row) * tensor.shape[2] + col]);
  const { lanes, unrolled, size } = h.stacks[column.stack], entry = MACHINE.entryOf(column, row, col);
  const kind = { experts: "expert", units: "unit" }[column.label] ?? "number", most = column.each * size;
  const place = MACHINE.where(h, column), middle = unrolled && MACHINE.rowOf(h, column, row).middle;
  const among = most > 1 ? `, the ${middle ? "furthest from ½" : "largest"} of ${most}` : "";
  if (unrolled) {
    return `${place}, ${
      MACHINE.rowOf(h, column, row).name
    }: ${column.part}, number ${entry}: ${value}${among}`;
  }
  const what = [column.part, column.label].join(" ").trim();
  return `${place}${place && ", "}${what}: ${lanes[row]}, ${kind} ${entry}: ${value}${among}`;
}
// A row of a step; the start has only those that are handed on.
MACHINE.rowOf = (h, column, row) => {
  const rows = h.stacks[column.stack].unrolled;
  return (column.kind === "start" ? rows.filter(({ carried }) => carried) : rows)[row];
};
// Which entry of the vector a cell shows: the last matrix of `at` has their places, or that of the step.
MACHINE.entryOf = (column, row, col) => {
  const { data, shape: [N, T, C] } = PAGE.tensors.get(column.at);
  return data[((column.n ?? N - 1) * T + row) * C + col];
};
