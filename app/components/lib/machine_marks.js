// What is drawn over the parts of the picture of a whole run: ribbons, and the names at the sides.

// What the lit lane takes from others in each block, as wide as the weight: on average over the heads, or of the
// head that is pointed at.
MACHINE.ribbons = (g, state, inks) => {
  const { plan, view, token } = state;
  plan.parts.forEach((part, i) => {
    if (part.head !== 0 || part.stage > state.at) return;
    const tensor = PAGE.tensors.get(part.column.flow);
    const next = plan.parts.slice(i).find((p) => p.head === undefined);
    if (!tensor || !next) return;
    const to = { x: (next.x - view.x) * view.k, y: (plan.y(token) - view.y) * view.k };
    if (part.column.seen.other) MACHINE.sources(g, state, part, inks);
    if (part.w * view.k > 240) return; // there the numbers are read
    MACHINE.shares(state, tensor, part).forEach((share, s) => {
      if (share >= 0.02) MACHINE.ribbon(g, MACHINE.from(state, part, i, s), to, share, state, inks);
    });
  });
};
MACHINE.ribbon = (g, from, to, share, { plan, view, only }, inks) => {
  const bend = (to.x - from.x) / 2;
  g.strokeStyle = inks.main;
  g.globalAlpha = only ? 0.6 : 0.35;
  g.lineWidth = Math.max(0.5, share * Math.min(plan.lane * view.k, 30));
  g.beginPath();
  g.moveTo(from.x, from.y);
  g.bezierCurveTo(from.x + bend, from.y, to.x - bend, to.y, to.x, to.y);
  g.stroke();
  g.globalAlpha = 1;
};
// Where the ribbon from position s begins: at its lane, or at its name among those of the other stack.
MACHINE.from = ({ plan, view }, part, i, s) => {
  if (part.column.seen.other) return MACHINE.nameAt(plan, view, part, s);
  const left = plan.parts.slice(0, i).findLast((p) => p.head === undefined);
  return { x: (left.x + left.w - view.x) * view.k, y: (plan.y(s) - view.y) * view.k };
};
const columnOf = (plan, part) => plan.headings.findLast((heading) => heading.stage <= part.stage);
MACHINE.nameAt = (plan, view, part, s) => {
  const { TOP } = MACHINE,
    high = plan.H - TOP - 8,
    y = TOP + ((s + 0.5) * high) / part.column.seen.names.length;
  return { x: (part.x - 3 - view.x) * view.k, y: (y - view.y) * view.k };
};
// The names of what cross-attention looks at, from top to bottom beside its heads
MACHINE.sources = (g, { plan, view }, part, inks) => {
  const { names } = part.column.seen, wide = (part.x - 5 - columnOf(plan, part).x) * view.k;
  const each = ((plan.H - MACHINE.TOP) * view.k) / names.length, step = Math.ceil(12 / each);
  if (wide < 20) return;
  names.forEach((name, s) => {
    const { x, y } = MACHINE.nameAt(plan, view, part, s);
    if (s % step === 0) MACHINE.label(g, name, x - 2, y + 4, wide, inks, { align: "right" });
  });
};
// The lit lane's row, of all heads together or of one: what is taken out hands nothing over. Weights times the size
// of the values, and weights without the first position, are shares of what there is.
MACHINE.shares = ({ h, token, only, sink }, tensor, { stage, column }) => {
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
  g.fillRect(0, 0, plan.W, MACHINE.TOP - 4);
  MACHINE.blocks(g, state, inks);
  MACHINE.headings(g, state, inks);
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
MACHINE.sides = (g, { plan, view, h, token }, part, inks) => {
  const r = MACHINE.onScreen(part, view), { names } = part.column.seen, right = plan.left - 10;
  const cw = r.w / names.length, ch = r.h / h.lanes.length;
  h.lanes.forEach((name, i) => {
    const y = r.y + (i + 0.5) * ch, lit = i === token, ink = lit ? inks.main : inks.ink;
    if (y < MACHINE.TOP || y > plan.H || (i % Math.ceil(14 / ch) && !lit)) return;
    MACHINE.label(g, name, right, y + 4, right - 4, inks, { align: "right", size: 13, bold: lit, ink });
  });
  names.forEach((name, i) => {
    const x = r.x + (i + 0.5) * cw;
    if (x < plan.left || x > plan.W || i % Math.ceil(40 / cw)) return;
    MACHINE.label(g, name, x, 44, Math.max(cw, 40) - 4, inks, { align: "center", size: 12 });
  });
  MACHINE.label(g, `head ${part.head}`, 4, 30, plan.left - 14, inks, { size: 12, bold: true });
};
// Where the lanes are narrow, every second or third has its name; the lit one always.
MACHINE.lanes = (g, { plan, view, h, token }, inks) => {
  const step = Math.ceil(14 / (plan.lane * view.k)), right = plan.left - 10;
  h.lanes.forEach((name, i) => {
    const y = (plan.y(i) - view.y) * view.k, lit = i === token;
    if (y < MACHINE.TOP - 2 || y > plan.H || (!lit && (i % step || Math.abs(i - token) < step))) return;
    if (lit) {
      g.fillStyle = inks.main;
      g.fillRect(right + 4, y - 7, 4, 14);
    }
    const ink = lit ? inks.main : inks.ink;
    MACHINE.label(g, name, right, y + 4, right - 4, inks, { align: "right", size: 13, bold: lit, ink });
  });
};
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
      const style = { size: 12, bold: true };
      MACHINE.label(g, fitting(g, block.name, w, inks, style), x, 11, w, inks, style);
    });
  }
};
// The short name where there is no room for the long one
const SHORT = {
  embedding: "in",
  "last norm": "norm",
  stream: "",
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
  for (const heading of state.plan.headings) {
    if (heading.column.layer === null) continue;
    MACHINE.over(g, state, heading, 12, (x, w) => {
      const { column, name } = heading, off = column.off.includes(-1);
      const now = state.h.columns[Math.min(state.at, state.h.columns.length - 1)];
      const here = state.at !== Infinity && now.layer === column.layer && now.part === column.part;
      const ink = off || here ? inks.main : inks.ink, mark = column.adds ? MARK[off] : "";
      g.font = `${here ? 700 : 400} 11px ${inks.font}`;
      const room = w + 2 * MACHINE.GAP, short = SHORT[name] ?? name;
      const marked = [name + mark, short + mark, short + mark.trim()];
      const text = marked.find((one) => g.measureText(one).width <= room) ?? fitting(g, name, w, inks);
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
    if (part.stage === done || !label) continue;
    done = part.stage;
    MACHINE.over(g, state, part, 20, (x, w) => {
      g.font = `400 10px ${inks.font}`;
      if (g.measureText(label).width <= w) MACHINE.label(g, label, x, 43, w, inks, { size: 10 });
    });
  }
};
