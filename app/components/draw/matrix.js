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
  listen(root, PAGE.bus, "tensors", (e) => e.detail.has(state.h.src) && draw());
  if (data.follow) listen(root, PAGE.bus, data.follow, (e) => ((state.index = e.detail), draw()));
  listen(root, PAGE.bus, "hover", (e) => {
    if (e.detail?.from === root) return;
    const before = String(state.ghost);
    state.ghost = lit(e.detail?.at, state.h);
    if (before !== String(state.ghost)) draw();
  });
  state.leave = () => leaveBehind(state.h.src, state.h.made, state.cells, root.__frame.canvas);
  watchWidth(root, state, draw);
  draw();
};

// The cell that something elsewhere is about: at gives an index for each axis, or names a point.
function lit(at, { axes, src, pick }) {
  if (!at) return null;
  if (at.point) return src.split("|")[2] === at.point ? pick : null;
  const cell = [...axes].map((axis) => at[axis]);
  return cell.some((i) => i === undefined) ? null : cell;
}

function paint(root, state) {
  const tensor = PAGE.tensors.get(state.h.src), [N, rows, cols] = tensor?.shape ?? [0, 0, 0];
  const h = seen(state, rows, cols), [R, C] = h.size, [r0, c0] = h.from;
  const index = Math.min(state.index ?? 0, Math.max(0, N - 1));
  const value = (r, c) => tensor.data[(index * rows + r + r0) * cols + c + c0];
  const made = frame(root, h, () => table(h, R, C, value));
  if (!tensor) return;
  const width = state.width;
  if (!width) return;
  const fit = layout(made.canvas, root, h, R, C, width);
  const limit = (Array.isArray(h.max) ? h.max[index] || 1 : h.max) ??
    largest(tensor.data, index * rows * cols, rows * cols);
  const lut = colours(root, h.scale), ink = css(root, "--st-text-color");
  const now = shownCells(made.canvas, state, tensor, h, index, fit, lut, limit);
  const from = state.cells ? null : carriedTo(h.src, h.made, now);
  state.cells = now;
  const draw = (share) => {
    const g = surface(made.canvas, fit.w, fit.h), there = share === 1;
    cells(g, fit, now, h.scale, root, from?.cells, share);
    if (there && fit.cw >= (h.spot ? 32 : sized(h.texts ? 22 : 34)) && fit.ch >= (h.spot ? 16 : sized(17))) {
      numbers(g, fit, h, R, C, value, lut, limit, root);
    }
    labels(g, fit, h, R, C, ink, root);
    bands(g, fit, h, root);
    if (h.spot > 1 && h.pick && there) spotlight(g, fit, h, root);
    if (state.ghost) box(g, fit, state.ghost.map((i, k) => i - h.from[k]), ink, 1);
    if (h.pick) box(g, fit, h.pick, css(root, "--st-primary-color"), sized(2.5));
  };
  if (from) carry(made.canvas, from.rect, (share) => state.cells === now && draw(share));
  draw(from ? 0 : 1);
  made.key.replaceChildren(...legend(h, lut, limit, now.masked.length > 0));
  const cell = h.spot > 2 && h.pick ? `${reading(h, h.pick, value)}.${around(h, rows, cols)}` : null; // on a stage
  const [P, Q] = [now.R, now.C], several = P < R || Q < C;
  const each = several ? ` ${POOLED}` : "", said = cell ?? h.say ?? sentence(h, now.strongest, value);
  remark(made, { ...h, say: cell ?? h.say }, said + each);
  act(root, state, made, fit, R, C, value, h);
  root.dataset.sig = `${h.src}|${index}|${state.pick}`;
}

// On a stage a cell is shown with those around it where they would be too small for their numbers: `from` are
// the first row and column of what is shown.
const AROUND = 15; // rows or columns, at most
function seen({ h, pick, width }, ...size) {
  const all = { ...h, pick, from: [0, 0], size };
  if (h.spot < 3 || !pick) return all;
  const [high, wide] = [stageHeight(h.spot) - sized(100), 0.8 * width]; // less the labels
  const fits = [high / sized(20), wide / Math.max(36, sized(22))];
  const most = fits.map((count) => Math.max(3, Math.min(AROUND, Math.floor(count))));
  const [[r0, R], [c0, C]] = size.map((length, k) => {
    const count = Math.min(length, most[k]);
    return [Math.max(0, Math.min(length - count, pick[k] - (count >> 1))), count];
  });
  const cut = (list) => list.slice(c0, c0 + C);
  return {
    ...all,
    from: [r0, c0],
    size: [R, C],
    rows: h.rows.slice(r0, r0 + R),
    cols: cut(h.cols),
    texts: h.texts?.slice(r0, r0 + R).map(cut),
    pick: [pick[0] - r0, pick[1] - c0],
    bands: [],
    bare: false,
  };
}

// That there is more than what is shown, in words
function around({ from, size }, ...whole) {
  const part = (k) => size[k] < whole[k] && `${from[k]}–${from[k] + size[k] - 1} of ${whole[k]}`;
  const told = ["rows", "columns"].map((name, k) => part(k) && `${name} ${part(k)}`).filter(Boolean);
  return told.length ? ` Shown: ${told.join(", ")}.` : "";
}

// An index of an axis: its label, and for a token of a text also its position.
const called = (list, i, counted, from) =>
  list[0] === null ? String(i + from) : counted ? placed(list[i], i + from) : list[i];
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
  ) => (x === -Infinity ? `${a} may not look at ${b}: ${said}` : `query ${a}, key ${b}: ${said}`),
  mask: (a, b, x) => `${a} ${x === -Infinity ? "may not" : "may"} look at ${b}`,
};
function reading(h, [r, c], value) {
  const a = called(h.rows, r, h.counted[0], h.from[0]),
    b = called(h.cols, c, h.counted[1], h.from[1]),
    x = value(r, c),
    said = number(h, x);
  if (READ[h.told]) return READ[h.told](a, b, x, said);
  return `${h.rowName} ${a}, ${h.colName} ${b}: ${h.texts ? `“${h.texts[r][c]}”, ` : ""}${said}`;
}

// The sentence under a heat map: the picked cell, and the largest number in size.
function sentence(h, strongest, value) {
  const top = `Largest${h.scale === "diverging" ? " in size" : ""}: ${reading(h, strongest, value)}.`;
  return h.pick ? `Picked: ${reading(h, h.pick, value)}. ${top}` : top;
}
const POOLED = "Cells are smaller than a pixel here: each pixel shows the largest in size of its own.";

const labelled = (h, list) => !h.bare && list[0] !== null;
// Where things go: label margins, and cells as large as the room allows.
function layout(canvas, root, h, R, C, width) {
  const g = canvas.getContext("2d"), font = css(root, "--st-code-font") || "monospace", staged = h.spot > 0;
  const height = staged ? stageHeight(h.spot) : sized(h.height);
  const most = staged ? [Infinity, Infinity] : h.wide ? [sized(64), sized(26)] : [sized(46), sized(46)];
  g.font = `${letters(h)}px ${font}`;
  const longest = (list, cap) =>
    Math.min(cap, Math.max(0, ...[...new Set(list)].map((t) => g.measureText(t).width)) + sized(10));
  const named = labelled(h, h.cols), titled = named && h.titles[1] ? sized(TITLE) : 0;
  const left = !labelled(h, h.rows) ? 4 : Math.max(
    longest(h.rows, Math.min(sized(120), width * 0.22)),
    titled && longest(h.titles.slice(0, 1), sized(90)),
  );
  const cw = Math.min(most[0], (width - left - 6) / C);
  const broad = staged ? BROAD : 1; // on a stage the numbers are to be read from afar
  const square = h.axes === "TS" ? broad * (height - titled - sized(20)) / R : Infinity;
  const slanted = named && longest(h.cols, sized(90)) > Math.min(cw, square);
  const across = slanted ? longest(h.cols, sized(90)) : sized(20);
  const top = titled + (!named ? 4 : cw < sized(9) ? sized(16) : across);
  const ch = Math.max(
    !named && !labelled(h, h.rows) ? 0.2 : 1,
    Math.min(staged || !h.wide ? Math.max(cw, sized(14)) : most[1], (height - top - 4) / R),
  );
  const side = h.axes === "TS" ? Math.min(cw, Math.max(broad * ch, sized(9))) : cw; // who looks at whom: squares
  const w = Math.min(width, Math.max(left + side * C + 6, titled && left + sized(90)));
  return {
    left,
    top,
    titled,
    cw: side,
    ch,
    slanted,
    font,
    R,
    across: side * C,
    w: Math.floor(w),
    h: Math.floor(top + ch * R + 4),
  };
}
const BROAD = 1.9; // so much wider than high
const letters = (h) => sized(h.spot ? 15 : 12);
const TITLE = 15; // what a line with the name of an axis takes

// The cells as they are drawn, made once for the same numbers, size and colours
function shownCells(canvas, state, tensor, h, index, fit, lut, limit) {
  const ratio = (devicePixelRatio || 1) * (canvas.currentCSSZoom ?? 1), [R, C] = h.size;
  const [P, Q] = [[R, fit.ch * R], [C, fit.across]].map(([count, long]) =>
    Math.max(1, Math.min(count, Math.round(long * ratio)))
  );
  const key = [index, P, Q, h.from, h.size, h.scale, limit, lut[0], lut[128], lut[255]].join();
  if (state.cells?.key === key && state.cells.tensor === tensor) return state.cells;
  const [, rows, cols] = tensor.shape, from = (index * rows + h.from[0]) * cols + h.from[1];
  const few = pooled(tensor.data, { from, R, C, stride: cols, P, Q });
  const words = Uint32Array.from(few.values, (x) => (x === -Infinity ? 0 : lut[shade(x, h.scale, limit)]));
  const cells = cellsOf(index, P, Q, words, runs(few.values, P, Q));
  return Object.assign(cells, { key, tensor, strongest: [few.at / C | 0, few.at % C] });
}
// What is masked, as runs of cells side by side: row, first column, how many
function runs(values, R, C) {
  const found = [];
  for (let r = 0; r < R; r++) {
    for (let c = 0, first = 0; c <= C; c++) {
      if (c < C && values[r * C + c] === -Infinity) continue;
      if (c > first) found.push([r, first, c - first]);
      first = c + 1;
    }
  }
  return found;
}
// The cells, or on the way from others a share of them
function cells(g, fit, now, scale, root, from, share) {
  const { R, C } = now, full = share === 1, high = fit.ch * fit.R;
  const small = full && now.small || new OffscreenCanvas(C, R);
  if (small !== now.small) {
    const image = new ImageData(C, R), paper = wordOf(css(root, "--st-background-color"));
    const words = new Uint32Array(image.data.buffer);
    if (full) words.set(now.words);
    else {for (let i = 0; i < words.length; i++) {
        words[i] = between(from.words[i] || paper, now.words[i] || paper, share);
      }}
    small.getContext("2d").putImageData(image, 0, 0);
    if (full) now.small = small;
  }
  g.imageSmoothingEnabled = false;
  g.drawImage(small, fit.left, fit.top, fit.across, high);
  for (const [masked, alpha] of full ? [[now.masked, 1]] : [[from.masked, 1 - share], [now.masked, share]]) {
    g.globalAlpha = alpha;
    if (masked.length) hatch(g, fit, masked, [fit.across / C, high / R], root);
  }
  g.globalAlpha = 1;
  g.strokeStyle = css(root, "--st-border-color");
  g.lineWidth = 1;
  g.strokeRect(fit.left - 0.5, fit.top - 0.5, fit.across + 1, high + 1);
  if (Math.min(fit.cw, fit.ch) >= 5 && scale === "sequential") grid(g, fit, R, C, root);
}
const wordOf = (hex) => rgb(...[1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));

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

// What is neither in the picked row nor, once the cell is shown, in its column steps back.
function spotlight(g, fit, { pick: [r, c], spot }, root) {
  const { left, top, cw, ch, across } = fit, x = left + c * cw, y = top + r * ch, end = fit.h - 4;
  const sides = spot === 2 ? [[left, left + across]] : [[left, x], [x + cw, left + across]];
  g.fillStyle = css(root, "--st-background-color");
  g.globalAlpha = 0.7;
  for (const [from, to] of sides) {
    g.fillRect(from, top, to - from, y - top);
    g.fillRect(from, y + ch, to - from, end - y - ch);
  }
  g.globalAlpha = 1;
}

function hatch(g, fit, masked, [w, h], root) {
  g.fillStyle = hatching(g, root);
  g.beginPath();
  for (const [r, c, count] of masked) g.rect(fit.left + c * w, fit.top + r * h, count * w, h);
  g.fill();
}

// What the colours and the hatching mean; that other heat maps share the scale.
function legend(h, lut, limit, masked) {
  const kinds = h.told === "mask" ? [[1, "may look"]] : h.kinds;
  const colours = kinds?.flatMap(([x, word]) => [
    el("i", { class: "one", style: `background: ${toCss(lut[shade(x, h.scale, limit)])}` }),
    el("span", { text: word }),
  ]) ?? legendOf(lut, h.scale, limit);
  const shared = h.shared > 1 ? [el("span", { text: `one scale for ${h.shared} heat maps` })] : [];
  return [
    ...colours,
    ...shared,
    ...(masked
      ? [
        el("i", { class: "one hatch" }),
        el("span", { text: h.hidden.includes("masked") ? "masked" : h.hidden }),
      ]
      : []),
  ];
}

function numbers(g, fit, h, R, C, value, lut, limit, root) {
  const large = h.spot ? Math.min(fit.cw * 0.38, fit.ch * 0.62) : sized(11);
  g.font = h.texts ? `${sized(12)}px ${fit.font}` : `${large}px ${css(root, "--st-font")}`;
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

// Which of so many are named, where there is room for every `step`-th: the picked one always, and none too near it
const named = (count, step, picked = -1) =>
  Array.from({ length: count }, (_, i) => i).filter((i) =>
    i === picked || (i % step === 0 && (picked < 0 || Math.abs(i - picked) >= step))
  );
function labels(g, fit, h, R, C, ink, root) {
  g.fillStyle = ink;
  g.font = `${letters(h)}px ${fit.font}`;
  g.textBaseline = "middle";
  titles(g, fit, h);
  const each = (count, size, need) => Math.ceil(need / size);
  if (labelled(h, h.rows)) {
    g.textAlign = "right";
    for (const r of named(R, each(R, fit.ch, letters(h) + 1), h.pick?.[0])) {
      g.fillText(clip(g, h.rows[r], fit.left - 8), fit.left - 5, fit.top + (r + 0.5) * fit.ch);
    }
  }
  if (!labelled(h, h.cols)) return;
  for (
    let c = 0,
      step = each(
        C,
        fit.cw,
        fit.slanted && fit.cw >= sized(9) ? sized(13) : fit.cw < sized(9) ? sized(40) : 8,
      );
    c < C;
    c += step
  ) {
    g.save();
    g.translate(fit.left + (c + 0.5) * fit.cw, fit.top - 5);
    if (fit.slanted && fit.cw >= sized(9)) {
      g.rotate(-Math.PI / 2);
      g.textAlign = "left";
      g.fillText(clip(g, h.cols[c], fit.top - fit.titled - 8), 0, 0);
    } else { // centred, but inside the heat map
      const text = fit.cw < sized(9) ? clip(g, h.cols[c], sized(38)) : h.cols[c],
        over = fit.left + (c + 0.5) * fit.cw + g.measureText(text).width / 2 - fit.w;
      g.textAlign = "center";
      g.fillText(text, -Math.max(0, over), -5);
    }
    g.restore();
  }
}

// The names of the axes, in the line above the labels.
function titles(g, fit, h) {
  const [rows, cols] = h.titles;
  if (!fit.titled) return;
  g.save();
  g.font = `600 ${letters(h)}px ${fit.font}`;
  g.textAlign = "left";
  g.fillText(cols, fit.left, fit.titled / 2);
  g.textAlign = "right";
  if (fit.left > 4) g.fillText(rows, fit.left - 5, fit.titled / 2);
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

function act(root, state, made, fit, R, C, value, h) {
  const canvas = made.canvas, [r0, c0] = h.from;
  const at = (e) => {
    const c = Math.floor((e.offsetX - fit.left) / fit.cw), r = Math.floor((e.offsetY - fit.top) / fit.ch);
    return r >= 0 && c >= 0 && r < R && c < C ? [r, c] : null;
  };
  const say = (cell) => reading(h, cell, value);
  const places = (cell) => Object.fromEntries([...h.axes].map((axis, k) => [axis, cell[k] + h.from[k]]));
  const hover = (cell) =>
    PAGE.bus.dispatchEvent(new CustomEvent("hover", { detail: cell && { from: root, at: places(cell) } }));
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
  const choosePick = ([r, c], wait) => {
    const cell = state.pick = [r + r0, c + c0];
    paint(root, state);
    PAGE.bus.dispatchEvent(new CustomEvent("picked", { detail: h.src.split("|")[2] }));
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
    const [r, c] = h.pick ?? [0, 0];
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
