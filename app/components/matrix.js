// One matrix of a stored tensor [N, R, C] as a heat map: hover reads a cell, click or arrow keys pick it.
DRAW.matrix = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  Object.assign(state, { h: data, send: setTriggerValue, pick: data.pick, index: data.follow ? chosen(data.follow, data.index) : data.index });
  const draw = () => paint(root, state);
  listen(root, PAGE.bus, "tensor", (e) => e.detail === state.h.src && draw());
  if (data.follow) listen(root, PAGE.bus, data.follow, (e) => ((state.index = e.detail), draw()));
  listen(root, PAGE.bus, "hover", (e) => {
    if (e.detail?.from === root) return;
    state.ghost = e.detail && e.detail.axes === state.h.axes ? e.detail.cell : null;
    draw();
  });
  watchWidth(root, state, draw);
  draw();
};

function paint(root, state) {
  const h = state.h, tensor = PAGE.tensors.get(h.src);
  const [N, R, C] = tensor?.shape ?? [0, h.rows.length, h.cols.length];
  const index = Math.min(state.index ?? 0, Math.max(0, N - 1));
  const value = (r, c) => tensor.data[(index * R + r) * C + c];
  const made = frame(root, h, () => table(h, R, C, value));
  if (!tensor) return;
  const width = state.width;
  if (!width) return;
  const fit = layout(made.canvas, root, h, R, C, width);
  const g = surface(made.canvas, fit.w, fit.h);
  const limit = h.max ?? largest(tensor.data, index * R * C, R * C);
  const lut = colours(root, h.scale), ink = css(root, "--st-text-color");
  cells(g, fit, R, C, value, lut, h.scale, limit, root);
  if (fit.cw >= (h.texts ? 22 : 34) && fit.ch >= 17) numbers(g, fit, h, R, C, value, lut, limit, root);
  labels(g, fit, h, R, C, ink, root);
  bands(g, fit, h, root);
  if (state.ghost) box(g, fit, state.ghost, ink, 1);
  if (state.pick) box(g, fit, state.pick, css(root, "--st-primary-color"), 2.5);
  made.key.replaceChildren(...legendOf(lut, h.scale, limit));
  remark(made, h, h.say ?? sentence(h, state, R, C, value));
  act(root, state, made, fit, R, C, value);
  root.dataset.sig = `${h.src}|${index}|${state.pick}`;
}

const called = (list, i) => (list[0] === null ? String(i) : list[i]);
const reading = (h, [r, c], value) => `${h.rowName} ${called(h.rows, r)}, ${h.colName} ${called(h.cols, c)}: ${h.texts ? `“${h.texts[r][c]}”, ` : ""}${show(value(r, c))}`;

// What a look at the picture tells: the picked cell, and where the largest number is.
function sentence(h, state, R, C, value) {
  let best = [0, 0];
  for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) if (Math.abs(value(r, c)) > Math.abs(value(...best)) && value(r, c) !== -Infinity) best = [r, c];
  const top = `Largest: ${reading(h, best, value)}.`;
  return state.pick ? `Picked: ${reading(h, state.pick, value)}. ${top}` : top;
}

function largest(data, from, count) {
  let top = 0;
  for (let i = from; i < from + count; i++) { const a = Math.abs(data[i]); if (a > top && a !== Infinity) top = a; }
  return top || 1;
}

// Where things go: label margins, and cells as large as the room allows.
function layout(canvas, root, h, R, C, width) {
  const g = canvas.getContext("2d"), font = css(root, "--st-code-font") || "monospace";
  g.font = `12px ${font}`;
  const longest = (list, cap) => Math.min(cap, Math.max(0, ...list.map((t) => g.measureText(t).width)) + 10);
  const left = h.rows[0] === null ? 4 : longest(h.rows, Math.min(120, width * 0.22));
  const named = h.cols[0] !== null;
  const cw = Math.min(h.wide ? 64 : 46, (width - left - 6) / C);
  const slanted = named && longest(h.cols, 90) > cw;
  const top = !named ? 4 : cw < 9 ? 16 : slanted ? longest(h.cols, 90) : 20;
  const ch = Math.max(h.cols[0] === null && h.rows[0] === null ? 0.2 : 1, Math.min(h.wide ? 26 : Math.max(cw, 14), (h.height - top - 4) / R));
  return { left, top, cw, ch, slanted, font, w: Math.floor(left + cw * C + 6), h: Math.floor(top + ch * R + 4) };
}

function cells(g, fit, R, C, value, lut, scale, limit, root) {
  const image = new ImageData(C, R), words = new Uint32Array(image.data.buffer), masked = [];
  for (let r = 0; r < R; r++)
    for (let c = 0; c < C; c++) {
      const x = value(r, c);
      if (x === -Infinity) masked.push([r, c]);
      else words[r * C + c] = lut[shade(x, scale, limit)];
    }
  const small = new OffscreenCanvas(C, R);
  small.getContext("2d").putImageData(image, 0, 0);
  g.imageSmoothingEnabled = false;
  g.drawImage(small, fit.left, fit.top, fit.cw * C, fit.ch * R);
  if (masked.length) hatch(g, fit, masked, root);
  g.strokeStyle = css(root, "--st-border-color");
  g.lineWidth = 1;
  g.strokeRect(fit.left - 0.5, fit.top - 0.5, fit.cw * C + 1, fit.ch * R + 1);
}

function hatch(g, fit, masked, root) {
  const tile = new OffscreenCanvas(6, 6), t = tile.getContext("2d");
  t.strokeStyle = css(root, "--st-text-color");
  t.globalAlpha = 0.35;
  t.beginPath();
  for (const d of [-6, 0, 6]) { t.moveTo(d, 6); t.lineTo(d + 6, 0); }
  t.stroke();
  g.fillStyle = g.createPattern(tile, "repeat");
  g.beginPath();
  for (const [r, c] of masked) g.rect(fit.left + c * fit.cw, fit.top + r * fit.ch, fit.cw, fit.ch);
  g.fill();
}

function numbers(g, fit, h, R, C, value, lut, limit, root) {
  g.font = h.texts ? `12px ${fit.font}` : `11px ${css(root, "--st-font")}`;
  g.textAlign = "center";
  g.textBaseline = "middle";
  for (let r = 0; r < R; r++)
    for (let c = 0; c < C; c++) {
      const x = value(r, c);
      if (x === -Infinity) continue;
      g.fillStyle = isDark(lut[shade(x, h.scale, limit)]) ? "#fff" : "#1b1b1b";
      const text = h.texts ? clip(g, h.texts[r][c], fit.cw - 3) : Math.abs(x) >= 100 ? x.toFixed(0) : Math.abs(x) >= 10 ? x.toFixed(1) : x.toFixed(2);
      g.fillText(text.replace("-", "−"), fit.left + (c + 0.5) * fit.cw, fit.top + (r + 0.5) * fit.ch);
    }
}

function labels(g, fit, h, R, C, ink, root) {
  g.fillStyle = ink;
  g.font = `12px ${fit.font}`;
  g.textBaseline = "middle";
  const each = (count, size, need) => Math.ceil(need / size);
  if (h.rows[0] !== null) {
    g.textAlign = "right";
    for (let r = 0, step = each(R, fit.ch, 13); r < R; r += step)
      g.fillText(clip(g, h.rows[r], fit.left - 8), fit.left - 5, fit.top + (r + 0.5) * fit.ch);
  }
  if (h.cols[0] === null) return;
  for (let c = 0, step = each(C, fit.cw, fit.slanted && fit.cw >= 9 ? 13 : fit.cw < 9 ? 40 : 8); c < C; c += step) {
    g.save();
    g.translate(fit.left + (c + 0.5) * fit.cw, fit.top - 5);
    if (fit.slanted && fit.cw >= 9) { g.rotate(-Math.PI / 2); g.textAlign = "left"; g.fillText(clip(g, h.cols[c], fit.top - 8), 0, 0); }
    else { g.textAlign = "center"; g.fillText(fit.cw < 9 ? clip(g, h.cols[c], 38) : h.cols[c], 0, -5); }
    g.restore();
  }
}

// Bands mark a range of rows or columns: the head's slice, the picked token.
function bands(g, fit, h, root) {
  g.strokeStyle = css(root, "--st-primary-color");
  g.lineWidth = 1.5;
  for (const [axis, from, to] of h.bands ?? []) {
    const x = axis === "col" ? fit.left + from * fit.cw : fit.left, y = axis === "row" ? fit.top + from * fit.ch : fit.top;
    const w = axis === "col" ? (to - from) * fit.cw : fit.w - fit.left - 6, t = axis === "row" ? (to - from) * fit.ch : fit.h - fit.top - 4;
    g.strokeRect(x, y, w, t);
  }
}
function box(g, fit, [r, c], colour, line) {
  g.strokeStyle = colour;
  g.lineWidth = line;
  g.strokeRect(fit.left + c * fit.cw + 0.5, fit.top + r * fit.ch + 0.5, Math.max(2, fit.cw - 1), Math.max(2, fit.ch - 1));
}

function act(root, state, made, fit, R, C, value) {
  const h = state.h, canvas = made.canvas;
  const at = (e) => {
    const c = Math.floor((e.offsetX - fit.left) / fit.cw), r = Math.floor((e.offsetY - fit.top) / fit.ch);
    return r >= 0 && c >= 0 && r < R && c < C ? [r, c] : null;
  };
  const say = (cell) => reading(h, cell, value);
  const hover = (cell) => PAGE.bus.dispatchEvent(new CustomEvent("hover", { detail: cell && { from: root, axes: h.axes, cell } }));
  canvas.style.cursor = h.pickable ? "pointer" : "default";
  canvas.onpointermove = (e) => {
    const cell = at(e);
    tipAt(made, e.offsetX, e.offsetY, cell ? say(cell) : "");
    root.dataset.hover = cell ?? "";
    if (String(cell) !== String(state.over)) hover((state.over = cell));
  };
  canvas.onpointerleave = () => { tipAt(made, 0, 0, ""); if (state.over) hover((state.over = null)); };
  if (!h.pickable) return;
  const choosePick = (cell, wait) => {
    state.pick = cell;
    paint(root, state);
    clearTimeout(state.timer);
    state.timer = setTimeout(() => state.send("pick", cell), wait);
  };
  canvas.onclick = (e) => { const cell = state.over ?? at(e); if (cell) choosePick(cell, 0); };
  canvas.onkeydown = (e) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
    if (!move) return;
    e.preventDefault();
    e.stopPropagation();
    const [r, c] = state.pick ?? [0, 0];
    const cell = [Math.max(0, Math.min(R - 1, r + move[0])), Math.max(0, Math.min(C - 1, c + move[1]))];
    choosePick(cell, 150);
    tipAt(made, fit.left + cell[1] * fit.cw, fit.top + cell[0] * fit.ch, say(cell));
  };
}

function table(h, R, C, value) {
  const head = [`${h.rowName || ""} \\ ${h.colName || ""}`, ...h.cols.map((t, c) => t ?? String(c))];
  return [head, ...Array.from({ length: R }, (_, r) => [h.rows[r] ?? String(r), ...Array.from({ length: C }, (_, c) => (h.texts ? `${h.texts[r][c]} ${show(value(r, c))}` : value(r, c)))])];
}
