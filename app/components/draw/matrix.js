// One matrix of a stored tensor [N, R, C] as a heat map: hover reads a cell, click or arrow keys pick it.
DRAW.matrix = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  Object.assign(state, {
    h: data,
    send: setTriggerValue,
    pick: data.pick,
    index: data.follow ? chosen(data.follow, data.index) : data.index,
  });
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
  const limit = (Array.isArray(h.max) ? h.max[index] || 1 : h.max) ??
    largest(tensor.data, index * R * C, R * C);
  const lut = colours(root, h.scale), ink = css(root, "--st-text-color");
  const masked = cells(g, fit, R, C, value, lut, h.scale, limit, root);
  if (fit.cw >= (h.texts ? 22 : 34) && fit.ch >= 17) numbers(g, fit, h, R, C, value, lut, limit, root);
  labels(g, fit, h, R, C, ink, root);
  bands(g, fit, h, root);
  if (state.ghost) box(g, fit, state.ghost, ink, 1);
  if (state.pick) box(g, fit, state.pick, css(root, "--st-primary-color"), 2.5);
  made.key.replaceChildren(...legend(h, lut, limit, masked));
  remark(made, h, h.say ?? sentence(h, state, R, C, value));
  act(root, state, made, fit, R, C, value);
  root.dataset.sig = `${h.src}|${index}|${state.pick}`;
}

// An index of an axis: its label, and for a token of a text also its position.
const called = (list, i, counted) => (list[0] === null ? String(i) : counted ? placed(list[i], i) : list[i]);
const number = (h, x) => (x === -Infinity ? h.hidden : show(x));
const READ = {
  weight: (
    a,
    b,
    x,
    said,
  ) => (x === -Infinity ? `${a} may not look at ${b}: ${said}` : `${a} looks ${percent(x)} at ${b}: ${said}`),
  score: (
    a,
    b,
    x,
    said,
  ) => (x === -Infinity ? `${a} may not look at ${b}: ${said}` : `${a} asks ${b}: ${said}`),
  mask: (a, b, x) => `${a} ${x === -Infinity ? "may not" : "may"} look at ${b}`,
};
function reading(h, [r, c], value) {
  const a = called(h.rows, r, h.counted[0]),
    b = called(h.cols, c, h.counted[1]),
    x = value(r, c),
    said = number(h, x);
  if (READ[h.told]) return READ[h.told](a, b, x, said);
  return `${h.rowName} ${a}, ${h.colName} ${b}: ${h.texts ? `“${h.texts[r][c]}”, ` : ""}${said}`;
}

// The sentence under a heat map: the picked cell, and the largest number in size.
function sentence(h, state, R, C, value) {
  const size = (r, c) => (value(r, c) === -Infinity ? -1 : Math.abs(value(r, c)));
  let best = [0, 0];
  for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) if (size(r, c) > size(...best)) best = [r, c];
  const top = `Largest${h.scale === "diverging" ? " in size" : ""}: ${reading(h, best, value)}.`;
  return state.pick ? `Picked: ${reading(h, state.pick, value)}. ${top}` : top;
}

const labelled = (h, list) => !h.bare && list[0] !== null;
// Where things go: label margins, and cells as large as the room allows.
function layout(canvas, root, h, R, C, width) {
  const g = canvas.getContext("2d"), font = css(root, "--st-code-font") || "monospace";
  g.font = `12px ${font}`;
  const longest = (list, cap) => Math.min(cap, Math.max(0, ...list.map((t) => g.measureText(t).width)) + 10);
  const named = labelled(h, h.cols), titled = named && h.titles[1] ? TITLE : 0;
  const left = !labelled(h, h.rows)
    ? 4
    : Math.max(longest(h.rows, Math.min(120, width * 0.22)), titled && longest(h.titles.slice(0, 1), 90));
  const cw = Math.min(h.wide ? 64 : 46, (width - left - 6) / C);
  const slanted = named && longest(h.cols, 90) > cw;
  const top = titled + (!named ? 4 : cw < 9 ? 16 : slanted ? longest(h.cols, 90) : 20);
  const ch = Math.max(
    !named && !labelled(h, h.rows) ? 0.2 : 1,
    Math.min(h.wide ? 26 : Math.max(cw, 14), (h.height - top - 4) / R),
  );
  const side = h.axes === "TS" ? Math.min(cw, Math.max(ch, 9)) : cw; // who looks at whom: squares
  const w = Math.min(width, Math.max(left + side * C + 6, titled && left + 90));
  return {
    left,
    top,
    titled,
    cw: side,
    ch,
    slanted,
    font,
    across: side * C,
    w: Math.floor(w),
    h: Math.floor(top + ch * R + 4),
  };
}
const TITLE = 15; // what a line with the name of an axis takes

function cells(g, fit, R, C, value, lut, scale, limit, root) {
  const image = new ImageData(C, R), words = new Uint32Array(image.data.buffer), masked = [];
  for (let r = 0; r < R; r++) {
    for (let c = 0; c < C; c++) {
      const x = value(r, c);
      if (x === -Infinity) masked.push([r, c]);
      else words[r * C + c] = lut[shade(x, scale, limit)];
    }
  }
  const small = new OffscreenCanvas(C, R);
  small.getContext("2d").putImageData(image, 0, 0);
  g.imageSmoothingEnabled = false;
  g.drawImage(small, fit.left, fit.top, fit.cw * C, fit.ch * R);
  if (masked.length) hatch(g, fit, masked, root);
  g.strokeStyle = css(root, "--st-border-color");
  g.lineWidth = 1;
  g.strokeRect(fit.left - 0.5, fit.top - 0.5, fit.cw * C + 1, fit.ch * R + 1);
  if (Math.min(fit.cw, fit.ch) >= 5 && scale === "sequential") grid(g, fit, R, C, root);
  return masked.length > 0;
}
// Lines between cells, so that cells of one colour can be counted.
function grid(g, fit, R, C, root) {
  g.strokeStyle = css(root, "--st-background-color");
  g.beginPath();
  for (let c = 1; c < C; c++) {
    g.moveTo(fit.left + c * fit.cw, fit.top);
    g.lineTo(fit.left + c * fit.cw, fit.top + fit.ch * R);
  }
  for (let r = 1; r < R; r++) {
    g.moveTo(fit.left, fit.top + r * fit.ch);
    g.lineTo(fit.left + fit.cw * C, fit.top + r * fit.ch);
  }
  g.stroke();
}

function hatch(g, fit, masked, root) {
  g.fillStyle = hatching(g, root);
  g.beginPath();
  for (const [r, c] of masked) g.rect(fit.left + c * fit.cw, fit.top + r * fit.ch, fit.cw, fit.ch);
  g.fill();
}

// What the colours and the hatching mean; that other heat maps share the scale.
function legend(h, lut, limit, masked) {
  const open = toCss(lut[shade(1, h.scale, limit)]);
  const colours = h.told === "mask"
    ? [el("i", { class: "one", style: `background: ${open}` }), el("span", { text: "may look" })]
    : legendOf(lut, h.scale, limit);
  const shared = h.shared > 1 ? [el("span", { text: `one scale for ${h.shared} heat maps` })] : [];
  return [
    ...colours,
    ...shared,
    ...(masked ? [el("i", { class: "one hatch" }), el("span", { text: "masked" })] : []),
  ];
}

function numbers(g, fit, h, R, C, value, lut, limit, root) {
  g.font = h.texts ? `12px ${fit.font}` : `11px ${css(root, "--st-font")}`;
  g.textAlign = "center";
  g.textBaseline = "middle";
  for (let r = 0; r < R; r++) {
    for (let c = 0; c < C; c++) {
      const x = value(r, c);
      if (x === -Infinity) continue;
      g.fillStyle = isDark(lut[shade(x, h.scale, limit)]) ? "#fff" : "#1b1b1b";
      const text = h.texts ? clip(g, h.texts[r][c], fit.cw - 3) : rounded(x);
      g.fillText(text, fit.left + (c + 0.5) * fit.cw, fit.top + (r + 0.5) * fit.ch);
    }
  }
}

function labels(g, fit, h, R, C, ink, root) {
  g.fillStyle = ink;
  g.font = `12px ${fit.font}`;
  g.textBaseline = "middle";
  titles(g, fit, h);
  const each = (count, size, need) => Math.ceil(need / size);
  if (labelled(h, h.rows)) {
    g.textAlign = "right";
    for (let r = 0, step = each(R, fit.ch, 13); r < R; r += step) {
      g.fillText(clip(g, h.rows[r], fit.left - 8), fit.left - 5, fit.top + (r + 0.5) * fit.ch);
    }
  }
  if (!labelled(h, h.cols)) return;
  for (
    let c = 0, step = each(C, fit.cw, fit.slanted && fit.cw >= 9 ? 13 : fit.cw < 9 ? 40 : 8);
    c < C;
    c += step
  ) {
    g.save();
    g.translate(fit.left + (c + 0.5) * fit.cw, fit.top - 5);
    if (fit.slanted && fit.cw >= 9) {
      g.rotate(-Math.PI / 2);
      g.textAlign = "left";
      g.fillText(clip(g, h.cols[c], fit.top - fit.titled - 8), 0, 0);
    } else { // centred, but inside the heat map
      const text = fit.cw < 9 ? clip(g, h.cols[c], 38) : h.cols[c],
        over = fit.left + (c + 0.5) * fit.cw + g.measureText(text).width / 2 - fit.w;
      g.textAlign = "center";
      g.fillText(text, -Math.max(0, over), -5);
    }
    g.restore();
  }
}

// The names of the axes, in the line above the labels.
function titles(g, fit, { titles: [rows, cols] }) {
  if (!fit.titled) return;
  g.save();
  g.font = `600 12px ${fit.font}`;
  g.textAlign = "left";
  g.fillText(cols, fit.left, 8);
  g.textAlign = "right";
  if (fit.left > 4) g.fillText(rows, fit.left - 5, 8);
  g.restore();
}

// Bands mark a range of rows or columns: the head's slice, the picked token.
function bands(g, fit, h, root) {
  g.strokeStyle = css(root, "--st-primary-color");
  g.lineWidth = 1.5;
  for (const [axis, from, to] of h.bands ?? []) {
    const x = axis === "col" ? fit.left + from * fit.cw : fit.left,
      y = axis === "row" ? fit.top + from * fit.ch : fit.top;
    const w = axis === "col" ? (to - from) * fit.cw : fit.across,
      t = axis === "row" ? (to - from) * fit.ch : fit.h - fit.top - 4;
    g.strokeRect(x, y, w, t);
  }
}
function box(g, fit, [r, c], colour, line) {
  g.strokeStyle = colour;
  g.lineWidth = line;
  g.strokeRect(
    fit.left + c * fit.cw + 0.5,
    fit.top + r * fit.ch + 0.5,
    Math.max(2, fit.cw - 1),
    Math.max(2, fit.ch - 1),
  );
}

function act(root, state, made, fit, R, C, value) {
  const h = state.h, canvas = made.canvas;
  const at = (e) => {
    const c = Math.floor((e.offsetX - fit.left) / fit.cw), r = Math.floor((e.offsetY - fit.top) / fit.ch);
    return r >= 0 && c >= 0 && r < R && c < C ? [r, c] : null;
  };
  const say = (cell) => reading(h, cell, value);
  const hover = (cell) =>
    PAGE.bus.dispatchEvent(new CustomEvent("hover", { detail: cell && { from: root, axes: h.axes, cell } }));
  canvas.style.cursor = h.pickable ? "pointer" : "default";
  canvas.onpointermove = (e) => {
    const cell = at(e);
    tipAt(made, e.offsetX, e.offsetY, cell ? say(cell) : "");
    root.dataset.hover = cell ?? "";
    if (String(cell) !== String(state.over)) hover(state.over = cell);
  };
  canvas.onpointerleave = () => {
    tipAt(made, 0, 0, "");
    if (state.over) hover(state.over = null);
  };
  canvas.onblur = canvas.onpointerleave;
  if (!h.pickable) return;
  const choosePick = (cell, wait) => {
    state.pick = cell;
    paint(root, state);
    clearTimeout(state.timer);
    state.timer = setTimeout(() => state.send("pick", cell), wait);
  };
  canvas.onclick = (e) => {
    const cell = state.over ?? at(e);
    if (cell) choosePick(cell, 0);
  };
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
  return [
    head,
    ...Array.from({ length: R }, (_, r) => [
      h.rows[r] ?? String(r),
      ...Array.from({ length: C }, (_, c) => said(h, r, c, value)),
    ]),
  ];
}
// A cell of the table: its number, or that it is masked, and its word.
function said(h, r, c, value) {
  const x = value(r, c);
  if (h.told === "mask") return x === -Infinity ? "may not" : "may";
  return h.texts ? `${h.texts[r][c]} ${number(h, x)}` : x === -Infinity ? h.hidden : x;
}
