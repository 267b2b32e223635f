// The picture of a whole run: where each part is, in a world of its own that the view shows a piece of, and
// how it is drawn at the size it has there. Nothing here knows of events.

const MACHINE = { LEFT: 104, RIGHT: 210, TOP: 40, GAP: 5 };

// Where everything is, on a canvas of W × H pixels that shows all of it: a list of parts {column, x, w, y,
// h}, heads one by one, and the middle of each lane.
MACHINE.plan = (h, W, H) => {
  const { LEFT, RIGHT, TOP, GAP } = MACHINE, lane = (H - TOP - 8) / h.lanes.length;
  const answers = h.answers.length ? RIGHT : 0, room = W - LEFT - answers - 8;
  const wide = (column) => (column.kind === "heads" ? 4 : column.kind === "stream" ? 1.5 : 1);
  const total = h.columns.reduce((sum, column) => sum + wide(column), 0);
  const unit = (room - GAP * h.columns.length) / total, parts = [];
  let x = LEFT;
  h.columns.forEach((column, stage) => {
    const w = unit * wide(column), at = { column, stage, x, w };
    if (column.kind === "heads") parts.push(...MACHINE.grid(at, TOP, H - TOP - 8));
    else parts.push({ ...at, y: TOP, h: lane * h.lanes.length, lanes: true });
    x += w + GAP;
  });
  return { parts, lane, left: LEFT, right: x, W, H, y: (i) => TOP + (i + 0.5) * lane };
};

// The heads of a block as squares, in as many columns as make them largest.
MACHINE.grid = (at, top, height) => {
  const count = PAGE.tensors.get(at.column.src)?.shape[0] ?? 1;
  const fits = (across) => Math.min(at.w / across, height / Math.ceil(count / across));
  let across = 1;
  for (let n = 2; n <= count; n++) if (fits(n) > fits(across)) across = n;
  const size = fits(across), rows = Math.ceil(count / across), over = (height - size * rows) / 2;
  return Array.from({ length: count }, (_, head) => ({
    ...at,
    head,
    x: at.x + (head % across) * size + (at.w - size * across) / 2,
    y: top + over + Math.floor(head / across) * size,
    w: size - 2,
    h: size - 2,
  }));
};

// The view: `k` times as large, the world's point (x, y) at the canvas's left upper corner.
MACHINE.clamp = (view, W, H) => {
  const k = Math.min(60, Math.max(1, view.k)),
    inside = (v, size) => Math.min(Math.max(v, 0), size - size / k);
  return { k, x: inside(view.x, W), y: inside(view.y, H) };
};
MACHINE.onScreen = (part, { k, x, y }) => ({
  x: (part.x - x) * k,
  y: (part.y - y) * k,
  w: part.w * k,
  h: part.h * k,
});

// The whole picture. `state` has view, plan, h, token, at (the stage that play has come to), over.
MACHINE.paint = (g, root, state) => {
  const { plan, view, h } = state, { W, H } = plan;
  const inks = {
    ink: css(root, "--st-text-color"),
    paper: css(root, "--st-background-color"),
    main: css(root, "--st-primary-color"),
    rail: css(root, "--st-border-color"),
    font: css(root, "--st-font"),
    code: css(root, "--st-code-font"),
    weights: colours(root, "sequential"),
    numbers: colours(root, "diverging"),
    hatch: hatching(g, root),
  };
  g.imageSmoothingEnabled = false; // a cell is a cell
  MACHINE.rails(g, state, inks);
  for (const part of plan.parts) {
    const r = MACHINE.onScreen(part, view);
    if (r.x > W || r.y > H || r.x + r.w < 0 || r.y + r.h < 0) continue;
    g.globalAlpha = part.stage > state.at ? 0.12 : 1;
    (part.head === undefined ? MACHINE.vectors : MACHINE.head)(g, state, part, r, inks);
    g.globalAlpha = 1;
  }
  MACHINE.ribbons(g, state, inks);
  MACHINE.margins(g, state, inks);
};

// A rail for each lane, the picked one lit: the residual stream that every part reads and writes into.
MACHINE.rails = (g, { plan, view, h, token }, inks) => {
  h.lanes.forEach((_, i) => {
    const y = (plan.y(i) - view.y) * view.k, lit = i === token;
    g.strokeStyle = lit ? inks.main : inks.rail;
    g.lineWidth = lit ? 3 : 1;
    g.beginPath();
    g.moveTo((plan.left - view.x) * view.k, y);
    g.lineTo((plan.right - view.x) * view.k, y);
    g.stroke();
  });
};

// The vectors of one point: a row of cells for each lane.
MACHINE.vectors = (g, state, part, r, inks) => {
  const tensor = PAGE.tensors.get(part.column.src);
  if (!tensor) return;
  const [, T, C] = tensor.shape, cw = r.w / C, lane = r.h / T, high = Math.min(lane * 0.72, cw * 3 + 6);
  const limit = MACHINE.limit(tensor, T * C);
  for (let t = 0; t < T; t++) {
    const y = r.y + (t + 0.5) * lane - high / 2;
    if (y + high < 0 || y > state.plan.H) continue;
    for (let c = 0; c < C; c++) {
      const value = tensor.data[t * C + c];
      MACHINE.cell(g, r.x + c * cw, y, cw, high, value, inks.numbers[shade(value, "diverging", limit)], inks);
    }
    if (t === state.token) MACHINE.outline(g, r.x, y, r.w, high, inks.main, 1.5);
  }
  if (part.column.off.length) MACHINE.cross(g, r, inks);
};
MACHINE.limit = (tensor, count) => (tensor.limit ??= largest(tensor.data, 0, count) || 1);

// One head: who looks at whom.
MACHINE.head = (g, state, part, r, inks) => {
  const tensor = PAGE.tensors.get(part.column.src);
  if (!tensor) return;
  const [, T, S] = tensor.shape, from = part.head * T * S, cw = r.w / S, ch = r.h / T;
  if (cw < 12) g.drawImage(MACHINE.thumb(tensor, part.head, inks), r.x, r.y, r.w, r.h);
  else {
    for (let t = 0; t < T; t++) {
      for (let s = 0; s < S; s++) {
        const value = tensor.data[from + t * S + s], x = r.x + s * cw, y = r.y + t * ch;
        if (x + cw < 0 || y + ch < 0 || x > state.plan.W || y > state.plan.H) continue;
        const colour = value === -Infinity ? null : inks.weights[shade(value, "sequential", 1)];
        MACHINE.cell(g, x, y, cw, ch, value, colour, inks);
      }
    }
  }
  const picked = part.column.layer === state.h.layer && part.head === state.head;
  MACHINE.outline(g, r.x, r.y, r.w, r.h, picked ? inks.main : inks.rail, picked ? 2.5 : 1);
  if (r.w > 54) MACHINE.label(g, `head ${part.head}`, r.x, r.y - 3, r.w, inks, "left", 11);
  if (part.column.off.includes(part.head)) MACHINE.cross(g, r, inks);
};
MACHINE.thumb = (tensor, head, inks) => {
  const key = `${head}|${inks.weights[255]}|${inks.weights[0]}`, [, T, S] = tensor.shape;
  const thumbs = (tensor.thumbs ??= new Map());
  if (!thumbs.has(key)) {
    const canvas = el("canvas"), from = head * T * S;
    put(canvas, S, T, (i) => {
      const value = tensor.data[from + i];
      return value === -Infinity ? 0x20808080 : inks.weights[shade(value, "sequential", 1)];
    });
    thumbs.set(key, canvas);
  }
  return thumbs.get(key);
};

// A cell and, where there is room for it, its number.
MACHINE.cell = (g, x, y, w, h, value, colour, inks) => {
  g.fillStyle = colour === null ? inks.hatch : toCss(colour);
  g.fillRect(x, y, Math.max(w - (w > 6 ? 1 : 0), 0.5), h - (h > 6 ? 1 : 0));
  if (w < 44 || h < 15 || colour === null) return;
  g.fillStyle = isDark(colour) ? "#fff" : "#000";
  g.font = `12px ${inks.code}`;
  g.textAlign = "center";
  g.textBaseline = "middle";
  g.fillText(show(value), x + w / 2, y + h / 2);
};
MACHINE.outline = (g, x, y, w, h, colour, width) => {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.strokeRect(x, y, w, h);
};
MACHINE.cross = (g, r, inks) => {
  g.fillStyle = inks.paper;
  g.globalAlpha *= 0.7;
  g.fillRect(r.x, r.y, r.w, r.h);
  g.globalAlpha = 1;
  g.strokeStyle = inks.main;
  g.lineWidth = 2;
  g.beginPath();
  g.moveTo(r.x, r.y);
  g.lineTo(r.x + r.w, r.y + r.h);
  g.moveTo(r.x + r.w, r.y);
  g.lineTo(r.x, r.y + r.h);
  g.stroke();
};
MACHINE.label = (g, text, x, y, width, inks, align, size, weight = 400) => {
  g.font = `${weight} ${size}px ${inks.font}`;
  g.fillStyle = inks.ink;
  g.textAlign = align;
  g.textBaseline = "alphabetic";
  g.fillText(clip(g, text, width), x, y);
};

// What the picked lane takes from the others in each block: as wide as the weight, on average over the heads
// or, in the picked block, that of the picked head where it is pointed at.
MACHINE.ribbons = (g, state, inks) => {
  const { plan, view, token, h } = state;
  plan.parts.forEach((part, i) => {
    if (part.head !== 0 || part.stage > state.at || part.w * view.k > 240) return; // there the numbers are read
    const tensor = PAGE.tensors.get(part.column.src), next = plan.parts.slice(i).find((p) => p.lanes);
    if (!tensor || !next || part.column.seen.length !== h.lanes.length) return;
    const left = plan.parts.slice(0, i).findLast((p) => p.lanes);
    const from = (left.x + left.w - view.x) * view.k, to = (next.x - view.x) * view.k;
    MACHINE.shares(tensor, token, state.only?.stage === part.stage ? state.only.head : null).forEach(
      (share, s) => {
        if (share < 0.02 || (state.sink && s === 0)) return;
        const a = (plan.y(s) - view.y) * view.k,
          b = (plan.y(token) - view.y) * view.k,
          bend = (to - from) / 2;
        g.strokeStyle = inks.main;
        g.globalAlpha = 0.5;
        g.lineWidth = Math.max(0.5, share * Math.min(plan.lane * view.k, 40));
        g.beginPath();
        g.moveTo(from, a);
        g.bezierCurveTo(from + bend, a, to - bend, b, to, b);
        g.stroke();
        g.globalAlpha = 1;
      },
    );
  });
};
MACHINE.shares = (tensor, t, head) => {
  const [N, T, S] = tensor.shape, heads = head === null ? [...Array(N).keys()] : [head];
  return Array.from(
    { length: S },
    (_, s) => heads.reduce((sum, n) => sum + Math.max(0, tensor.data[(n * T + t) * S + s]), 0) / heads.length,
  );
};

// What stays at the sides however far one zooms: the names of lanes and columns, the picked lane's answers.
MACHINE.margins = (g, state, inks) => {
  const { plan, view, h, token } = state, { W, H } = plan;
  g.fillStyle = inks.paper;
  g.fillRect(0, 0, plan.left - 4, H);
  g.fillRect(0, 0, W, 30);
  h.lanes.forEach((label, i) => {
    const y = (plan.y(i) - view.y) * view.k;
    if (y < 34 || y > H) return;
    MACHINE.label(
      g,
      label,
      plan.left - 10,
      y + 4,
      plan.left - 14,
      inks,
      "right",
      13,
      i === token ? 700 : 400,
    );
  });
  MACHINE.blocks(g, state, inks);
  if (h.answers.length) MACHINE.answers(g, state, inks);
};
MACHINE.blocks = (g, { plan, view }, inks) => {
  const groups = new Map();
  for (const part of plan.parts) {
    const name = part.column.layer === null ? part.column.label : `block ${part.column.layer}`;
    const r = MACHINE.onScreen(part, view), all = groups.get(name) ?? { from: r.x, to: r.x };
    groups.set(name, { from: Math.min(all.from, r.x), to: Math.max(all.to, r.x + r.w) });
    if (part.head > 0 || r.w < 46 || r.x < plan.left - 30) continue;
    MACHINE.label(g, part.column.label, r.x, 27, r.w * (part.head === 0 ? 4 : 1.2), inks, "left", 11);
  }
  groups.forEach(({ from, to }, name) => {
    const a = Math.max(from, plan.left), b = Math.min(to, plan.W);
    if (b - a < 26) return;
    g.fillStyle = inks.rail;
    g.fillRect(a, 14, b - a, 2);
    MACHINE.label(g, name, a, 11, b - a, inks, "left", 12, 600);
  });
};
MACHINE.answers = (g, { plan, h, token }, inks) => {
  const best = h.answers[token], x = plan.W - MACHINE.RIGHT + 10, wide = MACHINE.RIGHT - 20;
  g.fillStyle = inks.paper;
  g.fillRect(x - 10, 0, MACHINE.RIGHT + 10, plan.H);
  MACHINE.label(g, h.asks, x, 11, wide, inks, "left", 12, 600);
  best.labels.forEach((label, i) => {
    const y = 24 + i * 38, long = (share) => Math.max(1, share * wide);
    MACHINE.label(g, label, x, y + 12, wide - 90, inks, "left", 13, 600);
    const told = best.then ? `${percent(best.then[i])} → ${percent(best.now[i])}` : percent(best.now[i]);
    MACHINE.label(g, told, x + wide, y + 12, 110, inks, "right", 12);
    if (best.then) MACHINE.outline(g, x, y + 17, long(best.then[i]), 8, inks.ink, 1);
    g.fillStyle = inks.main;
    g.fillRect(x, y + 17, long(best.now[i]), 8);
  });
};

// What is at a place of the canvas: a part and in it lane and cell; null where there is nothing.
MACHINE.hit = ({ plan, view, h }, px, py) => {
  for (const part of plan.parts) {
    const r = MACHINE.onScreen(part, view);
    if (px < r.x || py < r.y || px >= r.x + r.w || py >= r.y + r.h) continue;
    const tensor = PAGE.tensors.get(part.column.src);
    if (!tensor) return null;
    const [, T, C] = tensor.shape;
    return { part, row: Math.floor(((py - r.y) / r.h) * T), col: Math.floor(((px - r.x) / r.w) * C) };
  }
  const lane = Math.floor((py / view.k + view.y - MACHINE.TOP) / plan.lane);
  return lane >= 0 && lane < h.lanes.length ? { lane } : null;
};
// The same in words, with the tensor's own number.
MACHINE.read = ({ h }, { part, row, col, lane }) => {
  if (!part) return h.lanes[lane];
  const { column } = part, tensor = PAGE.tensors.get(column.src), [, T, C] = tensor.shape;
  const block = column.layer === null ? "" : `block ${column.layer}, `;
  if (part.head === undefined) {
    const value = tensor.data[row * C + col], entry = tensor.data[(T + row) * C + col];
    const among = column.per > 1 ? `, the largest of ${column.per}` : "";
    return `${block}${column.label}: ${h.lanes[row]}, number ${entry}: ${show(value)}${among}`;
  }
  const value = tensor.data[(part.head * T + row) * C + col], a = h.lanes[row], b = column.seen[col];
  const looks = value === -Infinity ? `may not look at ${b}: masked` : `looks ${percent(value)} at ${b}`;
  return `${block}head ${part.head}: ${a} ${looks}${h.per > 1 ? " (the largest of these)" : ""}`;
};
