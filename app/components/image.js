// An image as the model reads it, its patches marked; the weights of a row of attention laid back on it.
DRAW.image = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  Object.assign(state, { h: data, send: setTriggerValue, token: chosen("token", data.token), index: chosen("head", data.index) });
  const draw = () => paint(root, state);
  listen(root, PAGE.bus, "tensor", (e) => [state.h.src, state.h.over].includes(e.detail) && draw());
  listen(root, PAGE.bus, "token", (e) => ((state.token = e.detail), draw()));
  listen(root, PAGE.bus, "head", (e) => ((state.index = e.detail), draw()));
  watchWidth(root, state, draw);
  draw();
};

function paint(root, state) {
  const h = state.h, image = PAGE.tensors.get(h.src), over = h.over && PAGE.tensors.get(h.over);
  const made = frame(root, h, () => table(h, state, image, over));
  if (!image || (h.over && !over) || !state.width) return;
  const size = Math.min(h.height, state.width), across = h.across, step = size / across;
  const g = surface(made.canvas, size, size);
  pixels(g, image, size);
  const weights = over && row(over, state);
  if (weights) lay(g, root, weights, across, step);
  g.strokeStyle = "rgba(128,128,128,0.55)";
  g.lineWidth = 1;
  for (let i = 1; i < across; i++) for (const [a, b, c, d] of [[i, 0, i, across], [0, i, across, i]]) line(g, a * step, b * step, c * step, d * step);
  if (state.token > 0) {
    const [r, c] = place(state.token, across);
    g.strokeStyle = css(root, "--st-primary-color");
    g.lineWidth = 3;
    g.strokeRect(c * step + 1.5, r * step + 1.5, step - 3, step - 3);
  }
  remark(made, h, sentence(h, state, weights));
  act(root, state, made, across, step, weights);
  root.dataset.sig = `${h.src}|${h.over}|${state.index}|${state.token}`;
}

const place = (token, across) => [Math.floor((token - 1) / across), (token - 1) % across];
const percent = (x) => (100 * x).toFixed(x < 0.0995 ? 1 : 0) + " %";
function row(over, state) {
  const [N, T, S] = over.shape, index = Math.min(state.index, N - 1);
  return over.data.subarray((index * T + state.token) * S, (index * T + state.token + 1) * S);
}
function line(g, a, b, c, d) { g.beginPath(); g.moveTo(a, b); g.lineTo(c, d); g.stroke(); }

// Brightness as it is: 0 black, 1 white.
function pixels(g, { shape: [, R, C], data }, size) {
  const image = new ImageData(C, R), words = new Uint32Array(image.data.buffer);
  words.forEach((_, i) => { const v = Math.max(0, Math.min(255, Math.round(255 * data[i]))); words[i] = (255 << 24) | (v << 16) | (v << 8) | v; });
  const small = new OffscreenCanvas(C, R);
  small.getContext("2d").putImageData(image, 0, 0);
  g.imageSmoothingEnabled = false;
  g.drawImage(small, 0, 0, size, size);
}

// A colour over each patch, the stronger the larger its weight, and the weight in figures where there is room.
function lay(g, root, weights, across, step) {
  const most = Math.max(...weights.subarray(1), 1e-9), size = Math.min(13, step / 3.4);
  g.font = `600 ${size}px ${css(root, "--st-font")}`;
  g.textAlign = "center";
  g.textBaseline = "middle";
  for (let i = 1; i < weights.length; i++) {
    const [r, c] = place(i, across);
    g.globalAlpha = 0.8 * Math.sqrt(weights[i] / most);
    g.fillStyle = "#e8762c";
    g.fillRect(c * step, r * step, step, step);
    g.globalAlpha = 1;
    if (step < 26) continue;
    const text = percent(weights[i]), wide = g.measureText(text).width + 4;
    g.fillStyle = "rgba(0,0,0,0.6)";
    g.fillRect((c + 0.5) * step - wide / 2, (r + 0.5) * step - size * 0.7, wide, size * 1.4);
    g.fillStyle = "#fff";
    g.fillText(text, (c + 0.5) * step, (r + 0.5) * step);
  }
}

function sentence(h, state, weights) {
  const from = `Picked: ${h.names[state.token]}.`;
  if (!weights) return from;
  const best = weights.indexOf(Math.max(...weights));
  return `${from} It looks most at ${h.names[best]} (${percent(weights[best])}); ${h.names[0]} gets ${percent(weights[0])}.`;
}

function act(root, state, made, across, step, weights) {
  const canvas = made.canvas, h = state.h;
  const at = (e) => {
    const c = Math.floor(e.offsetX / step), r = Math.floor(e.offsetY / step);
    return r >= 0 && c >= 0 && r < across && c < across ? 1 + r * across + c : null;
  };
  const say = (i) => h.names[i] + (weights ? `: ${percent(weights[i])}` : "");
  const pick = (i) => { state.token = i; choose("token", i); paint(root, state); state.send("token", i); };
  canvas.style.cursor = "pointer";
  canvas.onpointermove = (e) => { const i = at(e); tipAt(made, e.offsetX, e.offsetY, i ? say(i) : ""); };
  canvas.onpointerleave = () => tipAt(made, 0, 0, "");
  canvas.onclick = (e) => { const i = at(e); if (i) pick(i); };
  canvas.onkeydown = (e) => {
    const by = { ArrowUp: -across, ArrowDown: across, ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!by) return;
    e.preventDefault();
    e.stopPropagation();
    pick(Math.max(0, Math.min(h.names.length - 1, state.token + by)));
  };
}

function table(h, state, image, over) {
  const [, R, C] = image.shape, numbers = Array.from({ length: R }, (_, r) => [String(r), ...image.data.subarray(r * C, (r + 1) * C)]);
  if (!over) return [["row \\ column", ...Array.from({ length: C }, (_, c) => String(c))], ...numbers];
  return [["patch", "weight"], ...Array.from(row(over, state), (w, i) => [h.names[i], w])];
}
