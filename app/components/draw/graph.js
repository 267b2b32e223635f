// A graph of boxes and arrows: numbers on the way out, gradients on the way back. A box holds one number, or
// a matrix as a small heat map; what is not there yet says so. Laid out by the server, in columns and rows.
DRAW.graph = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= { at: -1, shown: data.step[0] });
  Object.assign(state, { h: data, send: setTriggerValue });
  state.leave = () => clearTimeout(state.timer);
  const draw = () => graphed(root, state);
  watchWidth(root, state, draw);
  draw();
};

const PITCH = 104, ROW = 92, HIGH = 76, WIDE = 136, EDGE = 12; // pixels: a column at least, a row, a box, its width, around
const PULSE = 700, PLAY = 1300; // milliseconds: a number on its way, a step while it plays
const single = (m) => m && m.length === 1 && m[0].length === 1;
const flatOf = (m) => (m ? m.flat().map((x) => (typeof x === "string" ? x : show(x))).join(", ") : "");
const boxWords = (h, { name, made, shape, value, grad, partly }) =>
  [
    `${name}${made ? ` = ${made}` : ""}${shape ? `  ${shape}` : ""}`,
    `${h.words.value}: ${value ? flatOf(value) : h.words.notYet}`,
    `${h.words.gradient}: ${grad ? flatOf(grad) + (partly ? ` ${h.words.soFar}` : "") : h.words.notYet}`,
  ].join("\n");

function graphed(root, state) {
  const { h } = state;
  const made = frame(root, h, () => [
    h.words.heads,
    ...h.nodes.map((n) => [
      n.name,
      n.made || n.kind,
      n.shape,
      n.value ? flatOf(n.value) : h.words.notYet,
      n.grad ? flatOf(n.grad) + (n.partly ? ` ${h.words.soFar}` : "") : h.words.notYet,
    ]),
  ]);
  remark(made, h, h.say);
  keyOf(root, state, made);
  player(root, state, made);
  if (!state.width) return;
  Object.assign(state, { made }, placedIn(state));
  made.body.style.overflowX = state.wide > state.width ? "auto" : "hidden";
  const moved = h.step[0] !== state.shown;
  state.shown = h.step[0];
  moved && !calm() ? pulse(root, state) : drawGraph(root, state, 1);
  if (moved || !state.seen) inSight(state);
  state.seen = true;
  const tell = (i) => tipAt(made, ...(i < 0 ? [0, 0, ""] : [...state.spots[i], boxWords(h, h.nodes[i])]));
  made.canvas.onmousemove = (e) => tell(boxUnder(state, e));
  made.canvas.onmouseleave = made.canvas.onblur = () => tell(-1);
  made.canvas.onclick = (e) => {
    const i = boxUnder(state, e);
    if (i >= 0 && h.pickable) state.send("pick", i);
  };
  made.canvas.onkeydown = (e) => {
    const i = state.at;
    if (e.key === "Enter" && i >= 0 && h.pickable) state.send("pick", i);
    else if (e.key.startsWith("Arrow") && !e.altKey && !e.ctrlKey && !e.metaKey) {
      state.at = toward(state, e.key);
    } else return;
    e.preventDefault();
    e.stopPropagation();
    drawGraph(root, state, 1);
    tell(state.at);
  };
  root.dataset.sig = `graph|${h.name}|${h.step}`;
}

// Where boxes and bends stand; upright where it is too narrow to lie.
function placedIn({ h, width }) {
  const upright = width < h.columns * sized(PITCH) && h.rows * sized(PITCH) <= width;
  const [along, beside] = upright ? [h.rows, h.columns] : [h.columns, h.rows];
  const row = sized(upright ? ROW + 6 : ROW);
  const pitch = Math.max(sized(PITCH), (width - 2 * EDGE) / along);
  const box = [Math.min(sized(WIDE), pitch - sized(upright ? 8 : 26)), sized(HIGH)];
  const spot = ([column, line]) => {
    const [x, y] = upright ? [line, column] : [column, line];
    return [EDGE + (x + 0.5) * pitch, (y + 0.5) * row];
  };
  const spots = h.nodes.map((n) => spot(n.at));
  const ways = h.edges.map((edge) => [spots[edge.from], ...edge.via.map(spot), spots[edge.to]]);
  return { upright, box, spots, ways, wide: 2 * EDGE + along * pitch, high: beside * row };
}
function inSight({ made, h, spots, width, wide }) {
  if (wide <= width || h.now < 0) return;
  const left = spots[h.now][0] - width / 2;
  made.body.scrollTo({ left, behavior: calm() ? "auto" : "smooth" });
}

function pulse(root, state) {
  const began = performance.now(), token = (state.token = {});
  const tick = (t) => {
    if (state.token !== token || !root.isConnected) return;
    const share = Math.min(1, (t - began) / PULSE);
    drawGraph(root, state, share);
    if (share < 1) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

function drawGraph(root, state, share) {
  const { h, made, ways, spots, wide, high } = state, g = surface(made.canvas, wide, high);
  const shades = palette(root, "--st-chart-categorical-colors");
  const look = {
    ink: css(root, "--st-text-color"),
    grey: css(root, "--st-border-color"),
    paper: css(root, "--st-background-color"),
    fill: css(root, "--st-secondary-background-color"),
    primary: css(root, "--st-primary-color"),
    out: shades[0],
    back: shades[1],
    mono: css(root, "--st-code-font"),
    font: css(root, "--st-font"),
    lut: colours(root, "diverging"),
  };
  h.edges.forEach((edge, i) => drawEdge(g, state, look, edge, ways[i]));
  h.nodes.forEach((node, i) => drawBox(g, state, look, node, spots[i], i));
  if (share < 1) h.edges.forEach((edge, i) => edge.now && dot(g, state, look, edge, ways[i], share));
}

// From border to border, through the bends; the arrow points where the numbers go.
function pathOfEdge({ box: [w, hgt], upright }, way) {
  const from = [...way[0]], to = [...way.at(-1)];
  if (upright) [from[1], to[1]] = [from[1] + hgt / 2, to[1] - hgt / 2];
  else [from[0], to[0]] = [from[0] + w / 2, to[0] - w / 2];
  return [from, ...way.slice(1, -1), to];
}
function drawEdge(g, state, look, edge, way) {
  const path = pathOfEdge(state, way), back = edge.way === "back";
  g.strokeStyle = g.fillStyle = edge.way === "" ? look.grey : back ? look.back : look.out;
  g.lineWidth = edge.now ? 3 : edge.way ? 1.6 : 1.2;
  g.beginPath();
  g.moveTo(...path[0]);
  for (let i = 1; i < path.length; i++) bend(g, path[i - 1], path[i], state.upright);
  g.stroke();
  const [tip, before] = back ? [path[0], 1] : [path.at(-1), -1], a = sized(edge.now ? 8 : 6);
  g.beginPath();
  g.moveTo(...tip);
  if (state.upright) {
    g.lineTo(tip[0] - a / 2, tip[1] + before * a);
    g.lineTo(tip[0] + a / 2, tip[1] + before * a);
  } else {
    g.lineTo(tip[0] + before * a, tip[1] - a / 2);
    g.lineTo(tip[0] + before * a, tip[1] + a / 2);
  }
  g.fill();
}
function bend(g, [x0, y0], [x1, y1], upright) {
  if (upright) g.bezierCurveTo(x0, (y0 + y1) / 2, x1, (y0 + y1) / 2, x1, y1);
  else g.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, y1, x1, y1);
}
// A number on its way along the arrow
function dot(g, state, look, edge, way, share) {
  const path = pathOfEdge(state, way),
    back = edge.way === "back",
    t = (back ? 1 - share : share) * (path.length - 1);
  const i = Math.min(path.length - 2, Math.floor(t)), f = t - i, s = f * f * (3 - 2 * f);
  const [p, q] = [path[i], path[i + 1]], mix = (a, b, k) => a + (b - a) * k;
  const [x, y] = state.upright
    ? [mix(p[0], q[0], s), mix(p[1], q[1], f)]
    : [mix(p[0], q[0], f), mix(p[1], q[1], s)];
  g.fillStyle = back ? look.back : look.out;
  g.beginPath();
  g.arc(x, y, sized(6), 0, 7);
  g.fill();
}

const KINDS = { given: [], learned: [5, 3], box: [] };
function drawBox(g, state, look, node, [x, y], i) {
  const { h, box: [w, hgt] } = state, left = x - w / 2, top = y - hgt / 2, room = w - sized(10);
  g.fillStyle = node.kind === "box" ? look.fill : look.paper;
  g.strokeStyle = i === h.now ? look.primary : node.kind === "box" ? look.grey : look.ink;
  g.lineWidth = i === h.now ? 3 : i === state.at || i === h.picked ? 2.4 : 1;
  g.setLineDash(KINDS[node.kind]);
  g.beginPath();
  g.roundRect(left, top, w, hgt, sized(node.kind === "box" ? 7 : 16));
  g.fill();
  g.stroke();
  g.setLineDash([]);
  if (i === state.at) {
    g.strokeStyle = look.primary;
    g.lineWidth = 1.5;
    g.strokeRect(left - 4, top - 4, w + 8, hgt + 8);
  }
  g.textAlign = "center";
  g.textBaseline = "middle";
  g.fillStyle = look.ink;
  g.font = `600 ${sized(12.5)}px ${look.font}`;
  g.fillText(clip(g, node.made ? `${node.name} = ${node.made}` : node.name, room), x, top + sized(12));
  const lines = [[node.value, look.out, "", top + sized(34)], [node.grad, look.back, "∂", top + sized(59)]];
  for (const [m, colour, sign, at] of lines) {
    line(g, look, h, node, m, colour, sign, left + sized(5), at, room);
  }
}
// One line of a box: a number, or a heat map of a matrix's; ∂ is its gradient's
function line(g, look, h, node, m, colour, sign, left, y, room) {
  g.textAlign = "left";
  g.fillStyle = colour;
  g.fillRect(left, y - sized(8), sized(3), sized(16));
  g.fillStyle = look.ink;
  g.font = `${sized(11)}px ${look.mono}`;
  const x = left + sized(7), lead = sign ? g.measureText(sign).width + 3 : 0;
  g.fillText(sign, x, y);
  const rest = room - sized(7) - lead;
  if (!m) {
    g.font = `italic ${sized(11)}px ${look.font}`;
    g.globalAlpha = 0.75;
    g.fillText(clip(g, h.words.notYet, rest), x + lead, y);
    g.globalAlpha = 1;
  } else if (single(m)) {
    const soFar = sign && node.partly ? ` ${h.words.soFar}` : "";
    g.fillText(clip(g, flatOf(m) + soFar, rest), x + lead, y);
  } else {
    const text = m.length === 1 ? m[0].map((v) => (typeof v === "string" ? v : brief(v))).join(" ") : "";
    if (text && g.measureText(text).width <= rest) g.fillText(text, x + lead, y);
    else tiny(g, look, m, x + lead, y, rest);
  }
}
const brief = (
  v,
) => (Math.abs(v) < 0.005 && v !== 0
  ? v.toExponential(0).replace("-", "−")
  : String(Number(v.toPrecision(3))).replace("-", "−"));
function tiny(g, look, m, x, y, room) {
  const side = Math.min(sized(11), sized(23) / m.length, room / m[0].length);
  const known = m.flat().filter(Number.isFinite).map(Math.abs), limit = Math.max(1e-12, ...known);
  m.forEach((row, i) =>
    row.forEach((v, j) => {
      g.fillStyle = typeof v === "string" ? look.grey : toCss(look.lut[shade(v, "diverging", limit)]);
      g.fillRect(x + j * side, y + (i - m.length / 2) * side, side - 0.7, side - 0.7);
      g.strokeStyle = look.grey; // else a number near 0 could not be seen
      g.lineWidth = 0.7;
      g.strokeRect(x + j * side, y + (i - m.length / 2) * side, side - 0.7, side - 0.7);
    })
  );
}

function keyOf(root, { h }, made) {
  const [out, back] = palette(root, "--st-chart-categorical-colors");
  const parts = [[out, h.words.out], [back, h.words.back]].flatMap(([colour, text]) => [
    el("i", { class: "one", style: `background: ${colour}` }),
    el("span", { text }),
  ]);
  Object.assign(made.key.style, { flexWrap: "wrap", flexShrink: 1 });
  made.key.replaceChildren(...parts, el("span", { text: `· ${h.words.kinds}` }));
}
// A button that goes through the steps by itself
function player(root, state, made) {
  const { h } = state, [at, last] = h.step;
  if (!h.plays) return;
  if (!state.button) {
    const run = () => (state.playing ? stopPlaying(state) : (state.playing = true, stepOn(state)));
    state.button = el("button", { type: "button", onclick: run });
  }
  if (state.button.parentElement !== made.tools) made.tools.prepend(state.button);
  if (state.playing && at !== state.told) at < last ? later(state) : stopPlaying(state);
  state.told = at;
  state.button.textContent = state.playing ? h.words.pause : h.words.play;
}
function stepOn(state) {
  const [at, last] = state.h.step;
  state.send("to", at < last ? at + 1 : 0);
  state.button.textContent = state.h.words.pause;
}
function later(state) {
  clearTimeout(state.timer);
  state.timer = setTimeout(() => state.playing && stepOn(state), PLAY);
}
function stopPlaying(state) {
  state.playing = false;
  clearTimeout(state.timer);
  state.button.textContent = state.h.words.play;
}

function boxUnder({ spots, box: [w, hgt], made }, e) {
  const to = made.canvas.getBoundingClientRect(), x = e.clientX - to.left, y = e.clientY - to.top;
  return spots.findIndex(([a, b]) => Math.abs(a - x) <= w / 2 && Math.abs(b - y) <= hgt / 2);
}
// The nearest box in the direction of the arrow key
function toward({ spots, at, h }, key) {
  if (at < 0 || at >= spots.length) return Math.max(0, h.now);
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const far = (i) => {
    const x = spots[i][0] - spots[at][0], y = spots[i][1] - spots[at][1], ahead = x * dx + y * dy;
    return i === at || ahead < 1 ? Infinity : ahead + 2.5 * Math.abs(x * dy + y * dx);
  };
  const best = spots.map((_, i) => i).reduce((a, i) => (far(i) < far(a) ? i : a), at);
  return far(best) < Infinity ? best : at;
}
