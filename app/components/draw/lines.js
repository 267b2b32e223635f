// One matrix of a stored tensor [1, R, C] as lines between two columns of tokens, as thick as the weight: those that
// look on the left, those that are looked at on the right. Shift and a click on the left adds up what several look at: for the moment, as pointing at one does; the link holds the picked one.
const LEAST = 0.02; // thinner lines are left out
const ROOM = { top: 20, pitch: 24, number: 42, thick: 14 };

DRAW.lines = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  if (String(state.h?.rows) !== String(data.rows)) state.summed = new Set();
  Object.assign(state, { h: data, send: setTriggerValue, pick: data.pick });
  const draw = () => paint(root, state);
  listen(root, PAGE.bus, "tensors", (e) => e.detail.has(state.h.src) && draw());
  watchWidth(root, state, draw);
  draw();
};

function paint(root, state) {
  const h = state.h, tensor = PAGE.tensors.get(h.src), made = frame(root, h, () => table(h, tensor));
  made.canvas.setAttribute("role", "application");
  if (!tensor || !state.width) return;
  const [, R, C] = tensor.shape;
  state.weight = (r, c) => {
    const x = tensor.data[r * C + c];
    return x === -Infinity ? 0 : x; // masked
  };
  const p = (state.plan = plan(root, made.canvas, h, R, C, state.width));
  const g = surface(made.canvas, p.W, p.H), main = css(root, "--st-primary-color");
  const lit = litRows(state, R);
  for (let r = 0; r < R; r++) {
    if (!lit.has(r)) strands(g, state, r, C, main, state.column >= 0 ? 1 : 0.22);
  }
  lit.forEach((r) => strands(g, state, r, C, main, 1));
  names(g, state, lit, css(root, "--st-text-color"), main, root);
  made.key.replaceChildren(el("span", { text: `weights under ${LEAST} are not drawn` }));
  const say = `${said(state, [...lit], C)} ${h.sums} ${h.say ?? ""}`.trim();
  remark(made, { ...h, say }, say);
  act(root, state, made, R, C);
  root.dataset.sig = [h.src, h.pick, [...state.summed]].join("|");
}
// The rows whose lines are strong: the one pointed at, or those summed, or the picked one
function litRows(state, R) {
  if (state.column >= 0) return new Set();
  if (state.row >= 0 && !state.summed.size) return new Set([state.row]);
  const rows = state.summed.size ? [...state.summed] : [state.pick[0]];
  return new Set(rows.filter((r) => r < R));
}
function plan(root, canvas, h, R, C, W) {
  const g = canvas.getContext("2d"), font = css(root, "--st-code-font") || "monospace";
  g.font = `12px ${font}`;
  const wide = (list) => Math.min(W * 0.3, Math.max(0, ...list.map((t) => g.measureText(t).width)) + 8);
  const pitch = Math.max(3, Math.min(ROOM.pitch, (h.height - ROOM.top) / Math.max(R, C)));
  const left = Math.max(46, wide(h.rows)), right = W - Math.max(64, wide(h.cols)) - ROOM.number;
  const H = Math.ceil(ROOM.top + pitch * Math.max(R, C) + 4);
  return { font, pitch, left, right, W, H, y: (i) => ROOM.top + (i + 0.5) * pitch };
}

function strands(g, { weight, plan: p, column }, r, C, colour, strength) {
  g.strokeStyle = colour;
  for (let c = 0; c < C; c++) {
    const x = weight(r, c);
    if (x < LEAST || (column >= 0 && c !== column)) continue;
    g.globalAlpha = strength * (0.25 + 0.65 * Math.min(1, x));
    g.lineWidth = Math.max(0.6, x * Math.min(ROOM.thick, p.pitch));
    g.beginPath();
    g.moveTo(p.left, p.y(r));
    g.lineTo(p.right, p.y(c));
    g.stroke();
  }
  g.globalAlpha = 1;
}

function names(g, state, lit, ink, main, root) {
  const { h, plan: p, pick, column } = state, every = Math.ceil(12 / p.pitch), sums = summed(state, lit);
  g.textBaseline = "middle";
  g.font = `600 12px ${p.font}`;
  g.fillStyle = ink;
  write(g, "right", "query", p.left - 5, 8);
  write(g, "left", "key", p.right + 5, 8);
  const one = (text, i, side, marked) => {
    if (i % every && !marked) return;
    g.font = `${marked ? 700 : 400} 12px ${p.font}`;
    g.fillStyle = marked ? main : ink;
    const left = side === "left", room = left ? p.left - 8 : p.W - p.right - ROOM.number - 8;
    write(g, left ? "right" : "left", clip(g, text, room), left ? p.left - 5 : p.right + 5, p.y(i));
  };
  h.rows.forEach((name, r) => one(name, r, "left", lit.has(r)));
  h.cols.forEach((name, c) => one(name, c, "right", c === (column >= 0 ? column : pick[1])));
  g.font = `11px ${css(root, "--st-font")}`;
  g.fillStyle = ink;
  sums.forEach((x, c) =>
    Math.abs(x) >= LEAST && p.pitch >= 9 && write(g, "right", x.toFixed(2), p.W - 2, p.y(c))
  );
}
function write(g, align, text, x, y) {
  g.textAlign = align;
  g.fillText(text, x, y);
}
// What the lit rows look at, added up, for each key; or what a key pointed at gets from all
function summed({ h, weight }, rows) {
  return h.cols.map((_, c) => [...rows].reduce((sum, r) => sum + weight(r, c), 0));
}

const calls = (list, i, counted) => (counted ? placed(list[i], i) : list[i]);
function said(state, rows, C) {
  const { h, weight, column } = state;
  if (column >= 0) {
    const best = h.rows.map((_, r) => [weight(r, column), r]).sort((a, b) => b[0] - a[0]).slice(0, 3);
    const who = best.filter(([x]) => x >= LEAST).map(([x, r]) =>
      `${calls(h.rows, r, h.counted[0])} ${show(x)}`
    );
    return `At ${calls(h.cols, column, h.counted[1])} look: ${who.join(", ") || "none"}.`;
  }
  const sums = summed(state, rows).map((x, c) => [x, c]).sort((a, b) => b[0] - a[0]).slice(0, 3);
  const at = sums.filter(([x]) => x >= LEAST).map(([x, c]) =>
    `${show(x)} at ${calls(h.cols, c, h.counted[1])}`
  );
  const who = rows.map((r) => calls(h.rows, r, h.counted[0])).join(" + ");
  return `${who} ${rows.length > 1 ? "together look" : "looks"} ${at.join(", ")}.`;
}

function act(root, state, made, R, C) {
  const { canvas } = made, p = state.plan;
  const at = (e) => {
    const i = Math.floor((e.offsetY - ROOM.top) / p.pitch);
    if (i < 0) return {};
    if (e.offsetX < (p.left + p.right) / 2) return i < R ? { row: i } : {};
    return i < C ? { column: i } : {};
  };
  const point = ({ row = -1, column = -1 }) => {
    if (row === (state.row ?? -1) && column === (state.column ?? -1)) return;
    Object.assign(state, { row, column });
    root.dataset.hover = [row, column];
    paint(root, state);
  };
  canvas.style.cursor = "pointer";
  canvas.onpointermove = (e) => point(at(e));
  canvas.onpointerleave = canvas.onblur = () => point({});
  const choosePick = (cell, wait) => {
    state.pick = cell;
    paint(root, state);
    clearTimeout(state.timer);
    state.timer = setTimeout(() => state.send("pick", cell), wait);
  };
  const strongest = (r) => strongestOf(state, r, C);
  const add = (r) => {
    if (!state.summed.size) state.summed.add(state.pick[0]);
    if (!state.summed.delete(r)) state.summed.add(r);
    paint(root, state);
  };
  canvas.onclick = (e) => {
    const { row, column } = at(e);
    if (row >= 0 && e.shiftKey) return add(row);
    if (row >= 0) {
      state.summed.clear();
      choosePick([row, strongest(row)], 0);
    } else if (column >= 0) choosePick([state.pick[0], column], 0);
  };
  canvas.onkeydown = (e) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[e.key], [r] = state.pick;
    if ((!by && e.key !== " ") || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    e.stopPropagation();
    if (!by) return keep(state, r, () => paint(root, state));
    const row = Math.max(0, Math.min(R - 1, r + by));
    choosePick([row, strongest(row)], 150);
    tipAt(made, p.left, p.y(row), said(state, [row], C));
  };
}
// The space bar keeps the picked row in the sum, or lets it go.
function keep(state, r, then) {
  if (!state.summed.delete(r)) state.summed.add(r);
  then();
}
const strongestOf = ({ weight }, r, C) => {
  let best = 0;
  for (let c = 1; c < C; c++) if (weight(r, c) > weight(r, best)) best = c;
  return best;
};

function table(h, tensor) {
  const C = h.cols.length, cell = (r, c) => (tensor ? tensor.data[r * C + c] : 0);
  const told = (x) => (x === -Infinity ? h.hidden : x);
  return [
    [`${h.rowName} \\ ${h.colName}`, ...h.cols],
    ...h.rows.map((name, r) => [name, ...h.cols.map((_, c) => told(cell(r, c)))]),
  ];
}
