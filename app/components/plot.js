// Curves, dots, columns and bars, in the frame of every picture. Two kinds:
// "bars"  rows of {label, value, note, off, mark}: one horizontal bar each, click picks one
// "graph" series of {name, style: line | dots | columns, points: [[x, y], …], labels}, and marks [[x, y, text], …]
DRAW.plot = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  Object.assign(state, { h: data, send: setTriggerValue });
  const draw = () => (state.h.kind === "bars" ? bars : graph)(root, state);
  watchWidth(root, state, draw);
  draw();
};

function bars(root, state) {
  const h = state.h, rows = h.rows, made = frame(root, h, () => [[h.rowName, h.valueName], ...rows.map((r) => [r.label, r.value])]);
  const width = state.width;
  if (!width) return;
  const size = Math.max(13, Math.min(24, Math.floor(h.height / rows.length)));
  const g = surface(made.canvas, width, size * rows.length + 4), font = css(root, "--st-code-font"), ink = css(root, "--st-text-color");
  g.font = `12px ${font}`;
  const left = Math.min(width * 0.36, Math.max(...rows.map((r) => g.measureText(r.label).width)) + 12);
  const right = Math.max(...rows.map((r) => g.measureText(r.note ?? show(r.value)).width)) + 10;
  const top = Math.max(...rows.map((r) => Math.abs(r.value)), 1e-12), signed = rows.some((r) => r.value < 0);
  const span = Math.max(20, width - left - right), zero = left + (signed ? span / 2 : 0), unit = (signed ? span / 2 : span) / (h.max ?? top);
  const lut = colours(root, signed ? "diverging" : "sequential");
  g.textBaseline = "middle";
  rows.forEach((row, i) => {
    const y = i * size, long = row.value * unit;
    g.globalAlpha = row.off ? 0.35 : 1;
    g.fillStyle = toCss(lut[signed ? (row.value < 0 ? 40 : 215) : 175]);
    g.fillRect(Math.min(zero, zero + long), y + 3, Math.max(1, Math.abs(long)), size - 6);
    g.fillStyle = ink;
    g.textAlign = "right";
    g.font = `${row.mark ? "bold " : ""}12px ${font}`;
    g.fillText(clip(g, row.label, left - 10), left - 6, y + size / 2);
    g.textAlign = "left";
    g.fillText(row.note ?? show(row.value), (signed ? width - right : zero + Math.max(1, long)) + 5, y + size / 2);
    g.globalAlpha = 1;
    if (row.mark) { g.strokeStyle = css(root, "--st-primary-color"); g.lineWidth = 2; g.strokeRect(1, y + 1, width - 2, size - 2); }
  });
  if (signed) line(g, zero, 0, zero, size * rows.length, ink, 0.4);
  if (h.cut > 0 && h.cut < rows.length) { g.setLineDash([5, 4]); line(g, 0, h.cut * size, width, h.cut * size, ink, 0.8); g.setLineDash([]); }
  const at = (e) => { const i = Math.floor(e.offsetY / size); return i >= 0 && i < rows.length ? i : null; };
  made.canvas.style.cursor = h.pickable ? "pointer" : "default";
  made.canvas.onpointermove = (e) => { const i = at(e); tipAt(made, e.offsetX, e.offsetY, i === null ? "" : `${rows[i].label}: ${show(rows[i].value)}`); };
  made.canvas.onpointerleave = () => tipAt(made, 0, 0, "");
  made.canvas.onclick = (e) => { const i = at(e); if (h.pickable && i !== null) state.send("pick", i); };
  made.canvas.onkeydown = (e) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[e.key];
    if (!h.pickable || !by) return;
    e.preventDefault();
    const now = rows.findIndex((r) => r.mark), to = Math.max(0, Math.min(rows.length - 1, now + by));
    state.send("pick", to);
  };
  const best = rows.reduce((a, b) => (Math.abs(b.value) > Math.abs(a.value) ? b : a));
  remark(made, h, `Largest: ${best.label}, ${best.note ?? show(best.value)}.`);
  root.dataset.sig = `${h.sig}`;
}

function line(g, x0, y0, x1, y1, colour, alpha = 1) {
  g.strokeStyle = colour;
  g.globalAlpha = alpha;
  g.lineWidth = 1;
  g.beginPath();
  g.moveTo(x0, y0);
  g.lineTo(x1, y1);
  g.stroke();
  g.globalAlpha = 1;
}

// The same unit on both axes, 0 in the middle: angles are seen as they are.
function square(points, box) {
  const wide = box.right - box.left, high = box.bottom - box.top;
  const far = 1.1 * Math.max(1e-9, ...points.map(([x, y]) => Math.hypot(x, y))), unit = far / Math.min(wide, high);
  return [-unit * wide, unit * wide, -unit * high, unit * high];
}

function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw);
  const all = [];
  for (let x = Math.ceil(low / step) * step; x <= high + step * 1e-9; x += step) all.push(Math.abs(x) < step * 1e-9 ? 0 : x);
  return all;
}

function graph(root, state) {
  const h = state.h, made = frame(root, h, () => graphTable(h)), width = state.width;
  if (!width) return;
  const g = surface(made.canvas, width, h.height), ink = css(root, "--st-text-color"), font = css(root, "--st-font");
  const shades = palette(root, "--st-chart-categorical-colors");
  const points = [...h.series.flatMap((s) => s.points), ...(h.marks ?? []).map((m) => [m[0], m[1]])];
  const range = (k, include) => { const all = points.map((p) => p[k]).concat(include ?? []); const a = Math.min(...all), b = Math.max(...all), d = (b - a || 1) * 0.04; return [a - d, b + d]; };
  const named = h.series.length > 1, box = { left: 52, right: width - 14, top: named ? 24 : 10, bottom: h.height - 40 };
  let [x0, x1] = range(0), [y0, y1] = h.series.some((s) => s.style === "columns") ? [0, range(1)[1]] : range(1, h.zero ? [0] : []);
  if (h.square) [x0, x1, y0, y1] = square(points, box);
  const X = (x) => box.left + ((x - x0) / (x1 - x0)) * (box.right - box.left), Y = (y) => box.bottom - ((y - y0) / (y1 - y0)) * (box.bottom - box.top);
  g.font = `12px ${font}`;
  axes(g, h, box, X, Y, [x0, x1, y0, y1], ink);
  const dashes = [[], [6, 4], [2, 3]];
  h.series.forEach((s, k) => {
    g.fillStyle = g.strokeStyle = shades[k % shades.length];
    g.lineWidth = 2;
    if (s.style === "dots") dots(g, s, X, Y, ink, h.picked);
    else if (s.style === "columns") columns(g, s, X, Y, k, box);
    else { g.setLineDash(dashes[k % 3]); g.beginPath(); s.points.forEach(([x, y], i) => g[i ? "lineTo" : "moveTo"](X(x), Y(y))); g.stroke(); g.setLineDash([]);
      if (s.points.length < 30) s.points.forEach(([x, y]) => { g.beginPath(); g.arc(X(x), Y(y), 3, 0, 7); g.fill(); }); }
  });
  for (const [x, y, text] of h.marks ?? []) {
    g.fillStyle = css(root, "--st-primary-color");
    g.beginPath(); g.arc(X(x), Y(y), 6, 0, 7); g.fill();
    g.fillStyle = ink;
    label(g, text, X(x), Y(y), X(x) > width * 0.7, points.map(([a, b]) => [X(a), Y(b)]), box.bottom);
  }
  if (named) legend(g, h, shades, box, ink);
  near(made, h, X, Y, state);
  const ys = h.series[0].points.map((p) => p[h.series[0].style === "columns" ? 0 : 1]);
  remark(made, h, h.marks?.length ? `Marked: ${h.marks.map((m) => (h.xTicks ? m[2] : `${m[2]} at ${show(m[0])}, ${show(m[1])}`)).join("; ")}.` : `${h.series[0].name}: from ${show(Math.min(...ys))} to ${show(Math.max(...ys))}.`);
  root.dataset.sig = `${h.sig}`;
}

// Words beside a mark: above it, or below where fewer points of the curves are in the way.
function label(g, text, x, y, late, points, bottom) {
  const wide = g.measureText(text).width + 20, from = late ? x - wide : x + 5, to = late ? x - 5 : x + wide;
  const inWay = (at) => points.filter(([a, b]) => a > from && a < to && Math.abs(b - at) < 10).length;
  const below = y + 12 < bottom && inWay(y + 12) < inWay(y - 10);
  g.textAlign = late ? "right" : "left";
  g.fillText(text, x + (late ? -10 : 10), y + (below ? 12 : -10));
}

function axes(g, h, box, X, Y, [x0, x1, y0, y1], ink) {
  g.fillStyle = ink;
  g.textBaseline = "middle";
  for (const y of ticks(y0, y1, 5)) { line(g, box.left, Y(y), box.right, Y(y), ink, y === 0 ? 0.5 : 0.13); g.textAlign = "right"; g.fillText(show(y), box.left - 6, Y(y)); }
  g.textAlign = "center";
  const xs = h.xTicks ?? ticks(x0, x1, 7).map((x) => [x, show(x)]), room = (box.right - box.left) / Math.max(1, xs.length);
  const step = Math.ceil((Math.max(...xs.map(([, text]) => g.measureText(text).width)) + 8) / room);
  xs.forEach(([x, text], i) => i % step === 0 && g.fillText(text, X(x), box.bottom + 13));
  g.globalAlpha = 0.75;
  g.fillText(h.xName, (box.left + box.right) / 2, box.bottom + 30);
  g.save(); g.translate(10, (box.top + box.bottom) / 2); g.rotate(-Math.PI / 2); g.fillText(h.yName, 0, 0); g.restore();
  g.globalAlpha = 1;
}
function dots(g, s, X, Y, ink, picked) {
  const taken = [];
  s.points.forEach(([x, y], i) => {
    g.globalAlpha = 0.85;
    g.beginPath(); g.arc(X(x), Y(y), i === picked ? 7 : 4.5, 0, 7); g.fill();
    g.globalAlpha = 1;
    const text = s.labels?.[i];
    if (!text) return;
    const w = g.measureText(text).width, spot = [X(x) + 7, Y(y) - 7];
    if (taken.some(([a, b, v]) => Math.abs(b - spot[1]) < 12 && a < spot[0] + w && spot[0] < a + v)) return;
    taken.push([...spot, w]);
    const colour = g.fillStyle;
    g.fillStyle = ink; g.textAlign = "left"; g.fillText(text, ...spot); g.fillStyle = colour;
  });
}
function columns(g, s, X, Y, k, box) {
  const w = s.points.length > 1 ? X(s.points[1][0]) - X(s.points[0][0]) : 12;
  g.globalAlpha = 0.8;
  for (const [x, y] of s.points) g.fillRect(X(x) - w / 2, Y(y), Math.max(1, w - 1), box.bottom - Y(y));
  g.globalAlpha = 1;
}
function legend(g, h, shades, box, ink) {
  let x = box.left + 4;
  h.series.forEach((s, k) => { g.fillStyle = shades[k % shades.length]; g.fillRect(x, 4, 10, 10); g.fillStyle = ink; g.textAlign = "left"; g.fillText(s.name, x + 14, 9); x += g.measureText(s.name).width + 30; });
}
function near(made, h, X, Y, state) {
  const all = h.series.flatMap((s) => s.points.map((p, i) => [p, s.labels?.[i] ?? s.name, i]));
  const find = (e) => { let best = null, d = 18 ** 2; for (const one of all) { const q = (X(one[0][0]) - e.offsetX) ** 2 + (Y(one[0][1]) - e.offsetY) ** 2; if (q < d) [best, d] = [one, q]; } return best; };
  made.canvas.onpointermove = (e) => { const b = find(e); tipAt(made, e.offsetX, e.offsetY, b ? `${b[1]}: ${show(b[0][0])}, ${show(b[0][1])}` : ""); };
  made.canvas.onpointerleave = () => tipAt(made, 0, 0, "");
  made.canvas.onclick = (e) => { const b = find(e); if (h.pickable && b) state.send("pick", b[2]); };
}
function graphTable(h) {
  const head = [h.xName, ...h.series.map((s) => (s.labels ? "y" : s.name))], labelled = h.series.some((s) => s.labels);
  if (labelled) return [["label", h.xName, h.yName], ...h.series.flatMap((s) => s.points.map((p, i) => [s.labels?.[i] ?? s.name, ...p]))];
  const ticks = new Map(h.xTicks ?? []);
  return [head, ...h.series[0].points.map(([x], i) => [ticks.get(x) ?? x, ...h.series.map((s) => s.points[i]?.[1] ?? "")])];
}
