// What is drawn over the parts of the picture of a whole run: ribbons, and the names at the sides.

// What the lit lane takes from others in each block, as wide as the weight: on average over the heads, or of the
// head that is pointed at.
MACHINE.ribbons = (g, state, inks) => {
  const { plan, view } = state;
  plan.parts.forEach((part, i) => {
    if (part.head !== 0 || part.stage > state.at || part.column.layer === null) return;
    const tensor = PAGE.tensors.get(part.column.flow), token = MACHINE.litOf(state, part.column.stack);
    const next = plan.parts.slice(i).find((p) => p.head === undefined);
    if (!tensor || !next || token < 0) return;
    const to = { x: (next.x - view.x) * view.k, y: (trackOfPart(plan, part).y(token) - view.y) * view.k };
    if (part.w * view.k > 240) return; // there the numbers are read
    MACHINE.shares(state, tensor, part).forEach((share, s) => {
      if (share >= 0.02) MACHINE.ribbon(g, MACHINE.from(state, part, i, s), to, share, state, inks);
    });
  });
};
const trackOfPart = (plan, part) => plan.tracks[part.column.stack];
MACHINE.ribbon = (g, from, to, share, { plan, view, only }, inks) => {
  const style = { colour: inks.main, alpha: only ? 0.6 : 0.35 };
  MACHINE.band(g, from, to, share * Math.min(plan.lane * view.k, 30), style);
};
// Where the ribbon from position s begins: at its lane, or where that of the other stack ends.
MACHINE.from = ({ plan, view }, part, i, s) => {
  const track = part.column.seen.other ? plan.tracks[0] : trackOfPart(plan, part);
  const left = plan.parts.slice(0, i).findLast((p) => p.head === undefined);
  const x = part.column.seen.other ? track.right : left.x + left.w;
  return { x: (x - view.x) * view.k, y: (track.y(s) - view.y) * view.k };
};
// The lit lane's row, of all heads together or of one: what is taken out hands nothing over. Weights times the size
// of the values, and weights without the first position, are shares of what there is.
MACHINE.shares = (state, tensor, { stage, column }) => {
  const { h, only, sink } = state, token = MACHINE.litOf(state, column.stack);
  const [N, T, S] = tensor.shape, { off } = column;
  const heads = only?.stage === stage ? [only.head] : [...Array(N).keys()];
  const left = off.includes(-1) ? [] : heads.filter((n) => !off.includes(n));
  const of = (s) => left.reduce((sum, n) => sum + Math.max(0, tensor.data[(n * T + token) * S + s]), 0);
  const hidden = sink && !column.seen.other,
    taken = Array.from({ length: S }, (_, s) => (hidden && !s ? 0 : of(s)));
  const all = hidden || h.weighted ? taken.reduce((sum, one) => sum + one, 0) : left.length;
  return taken.map((one) => (all > 0 ? one / all : 0));
};

// What stays at the sides however far one zooms: the names of lanes and columns.
MACHINE.margins = (g, state, inks) => {
  const { plan } = state;
  g.fillStyle = inks.paper;
  g.fillRect(0, 0, plan.left - 4, plan.H);
  g.fillRect(0, 0, plan.W, plan.top - 4);
  MACHINE.blocks(g, state, inks);
  MACHINE.headings(g, state, inks);
  MACHINE.steps(g, state, inks);
  const near = MACHINE.near(state);
  if (near) return MACHINE.sides(g, state, near, inks);
  MACHINE.lanes(g, state, inks);
  MACHINE.columns(g, state, inks);
};
// The head that one is so near to that little else is in sight
MACHINE.near = ({ plan, view }) => {
  const { W, H, left } = plan, middle = { x: (left + W) / 2, y: (MACHINE.TOP + H) / 2 };
  return plan.parts.find((part) => {
    const r = MACHINE.onScreen(part, view), inside = (v, from, size) => v >= from && v < from + size;
    const there = inside(middle.x, r.x, r.w) && inside(middle.y, r.y, r.h);
    return part.head >= 0 && there && (r.h > 0.7 * (H - MACHINE.TOP) || r.w > 0.7 * (W - left));
  });
};
// Its rows and columns by name, in the place of the lanes
MACHINE.sides = (g, state, part, inks) => {
  const { plan, view, h } = state, { lanes } = h.stacks[part.column.stack];
  const r = MACHINE.onScreen(part, view), { names } = part.column.seen, right = plan.left - 10;
  const cw = r.w / names.length, ch = r.h / lanes.length;
  lanes.forEach((name, i) => {
    const y = r.y + (i + 0.5) * ch,
      lit = i === MACHINE.litOf(state, part.column.stack),
      ink = lit ? inks.main : inks.ink;
    if (y < MACHINE.TOP || y > plan.H || (i % Math.ceil(14 / ch) && !lit)) return;
    MACHINE.label(g, name, right, y + 4, right - 4, inks, { align: "right", size: 13, bold: lit, ink });
  });
  names.forEach((name, i) => {
    const x = r.x + (i + 0.5) * cw;
    if (x < plan.left || x > plan.W || i % Math.ceil(40 / cw)) return;
    MACHINE.label(g, name, x, 44, Math.max(cw, 40) - 4, inks, { align: "center", size: 12 });
  });
  const name = part.column.layer === null ? part.column.part : `head ${part.head}`;
  MACHINE.label(g, name, 4, 30, plan.left - 14, inks, { size: 12, bold: true });
};
// The names of lanes, or of a step's rows: at the left edge those of the stack that is there, before another stack
// its own.
MACHINE.lanes = (g, state, inks) => {
  const { plan, view, h } = state, above = MACHINE.above(h), stuck = MACHINE.stuck(plan, view);
  for (const track of plan.tracks) {
    const here = above || track === stuck, x = (track.x - view.x) * view.k;
    if (!here && (track.i < stuck.i || x > plan.W || x < plan.left + 24)) continue;
    namesOf(
      g,
      state,
      track,
      (here ? plan.left : x) - 10,
      here ? plan.left - 14 : Math.min((MACHINE.SECOND - 14) * view.k, x - plan.left - 14),
      inks,
    );
  }
  MACHINE.image(g, state, inks);
};
// Where lanes are narrow, every second or third has its name; the lit one always.
function namesOf(g, state, track, right, wide, inks) {
  const { plan, view } = state, { stack } = track, lit = stack.unrolled ? -1 : MACHINE.litOf(state, track.i);
  const step = Math.ceil((stack.unrolled ? 11 : 14) / (track.lane * view.k)), beside = MACHINE.beside(stack);
  const high = (track.top - view.y) * view.k,
    title = MACHINE.above(state.h) ? Math.max(high - 6, plan.top - 6) : 11;
  const gone = high + track.high * view.k < 60 || high > plan.H;
  if (!gone) {
    MACHINE.label(g, stack.title, right, title, wide, inks, { align: "right", size: 12, bold: true });
  }
  (stack.unrolled?.map(({ name }) => name) ?? stack.lanes).forEach((name, i) => {
    const y = (track.y(i) - view.y) * view.k;
    if (y < Math.max(plan.top - 2, title) || y > plan.H) return;
    if (i !== lit && (i % step || (lit >= 0 && Math.abs(i - lit) < step))) return;
    if (i === lit) {
      g.fillStyle = inks.main;
      g.fillRect(right + 4, y - 7, 4, 14);
    }
    if (track.i !== 0 && !MACHINE.above(state.h)) ground(g, name, right, y, wide, inks);
    MACHINE.patch(g, track, i, right, y, inks);
    const style = { align: "right", size: 13, bold: i === lit, ink: i === lit ? inks.main : inks.ink };
    MACHINE.label(g, name, right - beside, y + 4, wide - beside, inks, style);
  });
}
// Paper under a name, where ribbons run
function ground(g, name, right, y, wide, inks) {
  g.font = `400 13px ${inks.font}`;
  const long = Math.min(wide, g.measureText(name).width);
  g.globalAlpha = 0.85;
  g.fillStyle = inks.paper;
  g.fillRect(right - long - 3, y - 8, long + 6, 16);
  g.globalAlpha = 1;
}
// A name where a stretch of the picture is in view, cut to the room that it has
MACHINE.over = (g, { plan, view }, { x, w }, least, draw) => {
  const from = Math.max((x - view.x) * view.k, plan.left), to = Math.min((x + w - view.x) * view.k, plan.W);
  if (to - from >= least) draw(from, to - from);
};
MACHINE.blocks = (g, state, inks) => {
  for (const block of state.plan.blocks) {
    MACHINE.over(g, state, block, 8, (x, w) => {
      g.fillStyle = inks.rail;
      g.fillRect(x, 15, w, 2);
      const style = { size: 12, bold: true }, name = fitting(g, block.name, w, inks, style);
      if (name || block.column.layer !== null) return MACHINE.label(g, name, x, 11, w, inks, style);
      const short = SHORT[block.name], wide = g.measureText(short).width; // a lone column, beside which is room
      MACHINE.label(g, short, Math.min(x, state.plan.W - wide - 2), 11, wide + 1, inks, style);
    });
  }
};
// The short name where there is no room for the long one
const SHORT = {
  embedding: "in",
  "last norm": "norm",
  attention: "att",
  "cross-attention": "cross",
};
function fitting(g, name, wide, inks, { size = 11, bold = false } = {}) {
  g.font = `${bold ? 700 : 400} ${size}px ${inks.font}`;
  const fits = (text) => g.measureText(text).width <= wide;
  const short = SHORT[name] ?? name.replace("block ", "");
  return fits(name) ? name : fits(short) ? short : "";
}
MACHINE.headings = (g, state, inks) => {
  const { headings, right } = state.plan, { view } = state;
  g.font = `400 11px ${inks.font}`;
  const told = ({ column, name, w }) => column.adds || g.measureText(name).width < w * view.k;
  const shown = headings.filter(told), ends = shown.map((_, i) => shown[i + 1]?.x ?? right);
  for (const [i, heading] of shown.entries()) {
    if (heading.column.layer === null) continue;
    MACHINE.over(g, state, heading, 12, (x, w) => {
      const { column, name } = heading, off = column.off.includes(-1);
      const now = state.h.columns[state.at];
      const here = now && ["stack", "layer", "part"].every((name) => now[name] === column[name]);
      const ink = off || here ? inks.main : inks.ink, mark = column.adds && !state.h.spot ? MARK[off] : "";
      g.font = `${here ? 700 : 400} 11px ${inks.font}`;
      const room = (ends[i] - view.x) * view.k - x - 4,
        marked = [name, SHORT[name] ?? name].map((text) => text + mark);
      const text = marked.find((one) => g.measureText(one).width <= room) ?? fitting(g, name, room, inks);
      MACHINE.label(g, text, x, 30, room, inks, { ink, bold: here });
      if (off) MACHINE.line(g, x, 26, x + Math.min(w, g.measureText(text).width), 26, inks.main, 2);
    });
  }
};
// What each column is, where there is room to say it
MACHINE.columns = (g, state, inks) => {
  let done = -1;
  for (const part of state.plan.parts) {
    const { label } = part.column;
    if (part.stage === done || !label || part.column.n !== undefined) continue;
    done = part.stage;
    MACHINE.over(g, state, part, 20, (x, w) => {
      g.font = `400 10px ${inks.font}`;
      if (g.measureText(label).width <= w) MACHINE.label(g, label, x, 43, w, inks, { size: 10 });
    });
  }
};
