// Every head of every block in one picture: a row a block, a column a head. Hover reads a weight, a click or Enter
// picks the head everywhere, a double click (or Enter once more) opens it in the walk, Delete takes it out.
const EDGE = { left: 22, top: 17, gap: 4, below: 64, least: 11, name: 12, letters: 11 }; // pixels (see `sized`)
const grown = (pixels, spot) => (spot ? 1.4 * pixels : pixels); // on a stage
const FADED = { dormant: 0.4, other: 0.13 };
// Codes of weights, as app/weights.py makes them: masked, under 0.0001, and from FIRST on three digits
const MASKED = 0, FIRST = 2, EACH = 900, LEAST_POWER = -4, UNTOLD = 0.00009995;

DRAW.all_heads = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  Object.assign(state, { h: data, send: setTriggerValue });
  state.picked = [chosen("layer", data.layer), chosen("head", data.head)];
  state.at ??= state.picked;
  const again = () => draw(root, state);
  listen(root, PAGE.bus, "tensors", (e) => e.detail.has(state.h.src) && again());
  watchWidth(root, state, again);
  again();
};

function draw(root, state) {
  const h = state.h, made = frame(root, h, () => table(h)), tensor = PAGE.tensors.get(h.src);
  made.canvas.setAttribute("role", "application"); // with keys of its own
  if (!tensor || !state.width) return;
  state.weights = state.src === h.src ? state.weights : unpackWeights(tensor.data, h);
  state.src = h.src;
  state.plan = plan(state.width, h.spot ? stageHeight(h.spot) : room(made.body), h);
  state.small = small(root, state);
  paint(root, state, made);
  legend(root, made, h);
  remark(made, h, h.say);
  act(root, state, made);
}
// What a window has below the picture's top, when the page is not scrolled
function room(body) {
  const scrolled = body.closest("[data-testid=stMain]")?.scrollTop ?? 0;
  return innerHeight - sized(EDGE.below) - body.getBoundingClientRect().top - scrolled;
}
// Weights as they are, or as codes, of which two stand in three bytes; of masked heads only the cells up to the
// diagonal. What is masked is −∞ here.
function unpackWeights(data, { layers, heads, rows, cols, half }) {
  const R = rows.length, C = cols.length;
  const weights = new Float32Array(layers * heads * R * C).fill(-Infinity);
  const read = data instanceof Uint8Array ? (n) => weightOf(codeOf(data, n)) : (n) => data[n];
  let n = 0;
  for (let row = 0; row < layers * heads * R; row++) {
    const count = half ? (row % R) + 1 : C;
    for (let c = 0; c < count; c++) weights[row * C + c] = read(n++);
  }
  return weights;
}
function codeOf(bytes, n) {
  const at = (n >> 1) * 3;
  return n & 1 ? ((bytes[at + 1] & 15) << 8) | bytes[at + 2] : (bytes[at] << 4) | (bytes[at + 1] >> 4);
}
function weightOf(code) {
  if (code < FIRST) return code === MASKED ? -Infinity : 0;
  return (100 + ((code - FIRST) % EACH)) * 10 ** (Math.floor((code - FIRST) / EACH) + LEAST_POWER - 2);
}
const digits = (weight) =>
  Math.abs(weight) < UNTOLD ? "under 0.0001" : String(Number(weight.toPrecision(3))).replace("-", "−");

// Where the heads are: as large as width and height allow, not much wider than high.
function plan(width, height, { layers, heads, spot }) {
  const { gap, least } = EDGE,
    [left, top, name] = [EDGE.left, EDGE.top, EDGE.name].map((pixels) => sized(grown(pixels, spot)));
  const wide = (width - left) / heads - gap, each = (Math.max(height, 240) - top) / layers - gap;
  const named = wide >= sized(58) && each >= 34 + name ? name : 0;
  const high = Math.max(least, Math.min(wide, each - named));
  const w = Math.floor(Math.min(wide, high * (spot ? 3.2 : 2.2))), h = Math.floor(high);
  const x = (head) => left + head * (w + gap), y = (layer) => top + layer * (h + gap + named);
  return { left, top, w, h, named, x, y, W: Math.ceil(x(heads)), H: Math.ceil(y(layers)) };
}

// All heads in device pixels; a pixel has the largest weight of the cells it stands for.
function small(root, state) {
  const { plan: { w, h }, h: { layers, heads, rows, cols, src } } = state, ratio = devicePixelRatio || 1;
  const [pw, ph] = [Math.round(w * ratio), Math.round(h * ratio)];
  const key = [src, pw, ph, css(root, "--st-background-color")].join();
  if (state.small?.key === key) return state.small;
  const canvas = new OffscreenCanvas(pw * heads, ph * layers), g = canvas.getContext("2d");
  const image = g.createImageData(pw * heads, ph * layers), words = new Uint32Array(image.data.buffer);
  const lut = colours(root, "sequential");
  const ink = hatchInk(root),
    across = spans(pw, cols.length),
    down = spans(ph, rows.length),
    size = rows.length * cols.length;
  for (let n = 0; n < layers * heads; n++) {
    const top = Math.floor(n / heads) * ph, left = (n % heads) * pw;
    for (let y = 0; y < ph; y++) {
      for (let x = 0; x < pw; x++) {
        const weight = most(state.weights, n * size, cols.length, down[y], across[x]);
        const hatched = (x + y) % Math.round(5 * ratio) < ratio ? ink : 0;
        words[(top + y) * pw * heads + left + x] = weight === -Infinity
          ? hatched
          : lut[shade(weight, "sequential", 1)];
      }
    }
  }
  g.putImageData(image, 0, 0);
  return { key, canvas, pw, ph };
}
// For each of so many pixels the first and the last of the cells it stands for
const spans = (pixels, cells) =>
  Array.from({ length: pixels }, (_, i) => {
    const first = Math.floor((i * cells) / pixels);
    return [
      first,
      Math.max(first, Math.ceil(((i + 1) * cells) / pixels - 1e-9) - 1) * (pixels < cells) || first,
    ];
  });
function most(weights, from, C, [r0, r1], [c0, c1]) {
  let top = -Infinity;
  for (let r = r0; r <= r1; r++) {
    for (let c = c0; c <= c1; c++) top = Math.max(top, weights[from + r * C + c]);
  }
  return top;
}
function hatchInk(root) {
  const [r, g, b] = (css(root, "--st-text-color").match(/[0-9a-f]{2}/gi) ?? ["0", "0", "0"]).map((x) =>
    parseInt(x, 16)
  );
  return ((90 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function paint(root, state, made) {
  const { plan: p, small: s, h, picked, at, over } = state, g = surface(made.canvas, p.W, p.H);
  const ink = css(root, "--st-text-color"), main = css(root, "--st-primary-color");
  const font = css(root, "--st-font");
  g.font = `${sized(grown(EDGE.letters, h.spot))}px ${font}`;
  g.textBaseline = "middle";
  for (let layer = 0; layer < h.layers; layer++) {
    for (let head = 0; head < h.heads; head++) {
      const [x, y] = [p.x(head), p.y(layer)], role = h.named[layer][head];
      g.globalAlpha = h.role && role !== h.role ? FADED.other : h.dormant[layer][head] ? FADED.dormant : 1;
      g.drawImage(s.canvas, head * s.pw, layer * s.ph, s.pw, s.ph, x, y, p.w, p.h);
      if (p.named && role) named(g, h.roles[role], x, y + p.h + p.named / 2, p.w, ink);
      g.globalAlpha = 1;
      g.strokeStyle = css(root, "--st-border-color");
      g.lineWidth = 1;
      g.strokeRect(x - 0.5, y - 0.5, p.w + 1, p.h + 1);
    }
  }
  g.fillStyle = ink;
  for (let layer = 0; layer < h.layers; layer++) right(g, String(layer), p.left - 5, p.y(layer) + p.h / 2);
  g.textAlign = "center";
  const each = Math.ceil(sized(16) / (p.w + EDGE.gap));
  for (let head = 0; head < h.heads; head += each) g.fillText(String(head), p.x(head) + p.w / 2, p.top / 2);
  h.off.forEach((gone) => crossed(g, p, gone, ink));
  if (document.activeElement === made.canvas) outline(g, p, at, ink, 1.5);
  if (over) outline(g, p, over.head, ink, 1);
  outline(g, p, picked, main, 3);
  root.dataset.sig = [h.src, picked, h.role, h.off.length].join("|");
}
function named(g, text, x, y, w, ink) {
  g.fillStyle = ink;
  g.textAlign = "left";
  g.fillText(clip(g, text, w), x, y + 1);
}
function right(g, text, x, y) {
  g.textAlign = "right";
  g.fillText(text, x, y);
}
function outline(g, p, [layer, head], colour, line) {
  g.strokeStyle = colour;
  g.lineWidth = line;
  g.strokeRect(p.x(head) - line / 2, p.y(layer) - line / 2, p.w + line, p.h + line);
}
function crossed(g, p, [layer, head], ink) {
  const [x, y] = [p.x(head), p.y(layer)];
  g.strokeStyle = ink;
  g.lineWidth = 2;
  g.beginPath();
  g.moveTo(x, y);
  g.lineTo(x + p.w, y + p.h);
  g.moveTo(x + p.w, y);
  g.lineTo(x, y + p.h);
  g.stroke();
}

function legend(root, made, h) {
  const seen = (text) => el("span", { text });
  const grey = h.dormant.flat().some(Boolean), hatched = h.half;
  made.key.replaceChildren(
    ...legendOf(colours(root, "sequential"), "sequential", 1),
    ...(hatched ? [el("i", { class: "one hatch" }), seen("masked")] : []),
    ...(grey ? [seen("pale: 0.9 or more on the first")] : []),
    ...(h.off.length ? [seen("× taken out")] : []),
  );
}

// --- reading, pointer and keys ----------------------------------------------------------------------

const callHead = (h, [layer, head]) => {
  const role = h.named[layer][head];
  return `${layer}.${head}${role ? ` (${h.roles[role]}, ${h.scores[role][layer][head].toFixed(2)})` : ""}`;
};
const callPlace = (list, i, counted, first) => (counted ? placed(list[i], first[i]) : list[i]);
function read(state, { head, row, col }) {
  const { h } = state, a = callPlace(h.rows, row, h.counted[0], h.first[0]);
  const b = callPlace(h.cols, col, h.counted[1], h.first[1]);
  const n = head[0] * h.heads + head[1],
    weight = state.weights[(n * h.rows.length + row) * h.cols.length + col];
  const said = weight === -Infinity
    ? `${a} may not look at ${b}: masked`
    : `${a} looks at ${b}: ${digits(weight)}`;
  return `head ${callHead(h, head)}: ${said}`;
}
function place(state, x, y) {
  const { plan: p, h } = state, head = Math.floor((x - p.left) / (p.w + EDGE.gap));
  const layer = Math.floor((y - p.top) / (p.h + EDGE.gap + p.named));
  if (head < 0 || layer < 0 || head >= h.heads || layer >= h.layers) return null;
  const within = (value, from, size, count) =>
    Math.max(0, Math.min(count - 1, Math.floor(((value - from) / size) * count)));
  const row = within(y, p.y(layer), p.h, h.rows.length), col = within(x, p.x(head), p.w, h.cols.length);
  return { head: [layer, head], row, col };
}

function act(root, state, made) {
  const { canvas } = made;
  const over = (e) => {
    const found = e && place(state, e.offsetX, e.offsetY), told = found ? read(state, found) : "";
    tipAt(made, e?.offsetX ?? 0, e?.offsetY ?? 0, told);
    root.dataset.hover = told;
    const moved = String(found?.head) !== String(state.over?.head);
    state.over = found;
    if (moved) paint(root, state, made);
  };
  canvas.style.cursor = "pointer";
  canvas.onpointermove = over;
  canvas.onpointerleave = () => over(null);
  canvas.onfocus = () => paint(root, state, made);
  canvas.onblur = () => (over(null), paint(root, state, made));
  canvas.onclick = (e) => {
    const found = place(state, e.offsetX, e.offsetY);
    if (found) pick(root, state, made, found.head);
  };
  canvas.ondblclick = (e) => {
    const found = place(state, e.offsetX, e.offsetY);
    if (found) open(state, found.head, found.row, found.col);
  };
  canvas.onkeydown = (e) => pressed(root, state, made, e);
}
function pick(root, state, made, head) {
  state.at = head;
  if (String(head) === String(state.picked)) return paint(root, state, made);
  state.picked = head;
  choose("layer", head[0]);
  choose("head", head[1]);
  paint(root, state, made);
  state.send("pick", head);
}
function open(state, head, row, col) {
  const [asking, seen] = state.h.first;
  state.send("open", [...head, asking[row], seen[col]]);
}
// The largest weight of a head, as its row and column
function strongest({ h, weights }, [layer, head]) {
  const size = h.rows.length * h.cols.length, from = (layer * h.heads + head) * size;
  let best = 0;
  for (let i = 1; i < size; i++) if (weights[from + i] > weights[from + best]) best = i;
  return { head: [layer, head], row: Math.floor(best / h.cols.length), col: best % h.cols.length };
}
function pressed(root, state, made, e) {
  const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
  const does = by || e.key === "Enter" || e.key === "Delete";
  if (!does || e.ctrlKey || e.metaKey || e.altKey) return;
  e.preventDefault();
  e.stopPropagation();
  const { h, at, plan: p } = state;
  if (e.key === "Delete") return state.send("take", state.picked);
  if (e.key === "Enter") {
    const { row, col } = strongest(state, at);
    return String(at) === String(state.picked) ? open(state, at, row, col) : pick(root, state, made, at);
  }
  const to = (i, count) => Math.max(0, Math.min(count - 1, i));
  state.at = [to(at[0] + by[0], h.layers), to(at[1] + by[1], h.heads)];
  paint(root, state, made);
  const told = `${read(state, strongest(state, state.at))}, its largest`;
  root.dataset.hover = told;
  tipAt(made, p.x(state.at[1]) + p.w / 2, p.y(state.at[0]), told);
}

// The heads as a table: what each is called, and its score in every role; those of a picked role first.
function table(h) {
  const roles = Object.keys(h.roles);
  const all = h.named.flatMap((row, layer) => row.map((role, head) => ({ role, layer, head })));
  const by = h.role || null, score = ({ layer, head }, role) => h.scores[role][layer][head];
  if (by) all.sort((a, b) => score(b, by) - score(a, by));
  return [
    ["head", "called", ...roles.map((role) => h.roles[role])],
    ...all.map((one) => [
      `${one.layer}.${one.head}`,
      one.role ? h.roles[one.role] : "–",
      ...roles.map((role) => score(one, role)),
    ]),
  ];
}
