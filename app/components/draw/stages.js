// One choice in slow motion: a column for each stage, a row for each candidate, its share as a bar; the others
// of the vocabulary as one bar below; a dashed line where a stage cuts; and the strip of cumulative
// probabilities in which a random number falls.
DRAW.stages = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= { at: [0, 0] });
  Object.assign(state, { h: data, send: setTriggerValue });
  const draw = () => stagesDrawn(root, state);
  watchWidth(root, state, draw);
  draw();
};

const ROW = 22, HEAD = 40, STRIP = 64;
const wordsOf = (h, row, s) => {
  const stage = h.stages[s];
  if (row === h.rows.length) {
    return `${h.tail}, ${stage.name}: ${percent(stage.tail)}, ${stage.tail_left} kept`;
  }
  const score = stage.scores ? `score ${show(stage.scores[row])}, ` : "";
  const fate = stage.kept[row] ? "" : ", cut";
  return `${h.rows[row]}, ${stage.name}: ${score}${exactly(stage.shares[row])}${fate}`;
};
const exactly = (share) => `${Number((100 * share).toPrecision(4))}%`;

function stagesDrawn(root, state) {
  const { h } = state, count = h.rows.length + 1;
  const made = frame(root, h, () => [
    ["token", ...h.stages.flatMap((s) => (s.scores ? [`${s.name}: score`, `${s.name}: share`] : [s.name]))],
    ...h.rows.map((label, i) => [
      label,
      ...h.stages.flatMap((s) => (s.scores ? [s.scores[i], s.shares[i]] : [s.kept[i] ? s.shares[i] : "cut"])),
    ]),
    [h.tail, ...h.stages.flatMap((s) => (s.scores ? ["", s.tail] : [s.tail]))],
  ]);
  const last = h.stages.at(-1);
  remark(made, h, `${h.rows[h.drawn]} is chosen; its share is ${exactly(last.shares[h.drawn])}.`);
  if (!state.width) return;
  const g = surface(made.canvas, state.width, sized(HEAD + ROW * count + (h.fell ? STRIP : 6)));
  Object.assign(state, { made, ...measures(root, state, g) });
  for (let s = 0; s < h.stages.length; s++) column(root, state, g, s);
  names(root, state, g);
  if (h.fell) strip(root, state, g);
  made.canvas.style.cursor = "pointer";
  made.canvas.onmousemove = (e) => hovered(state, e);
  made.canvas.onmouseleave = made.canvas.onblur = () => tipAt(made, 0, 0, "");
  made.canvas.onclick = (e) => pickRow(state, under(state, e)?.[0]);
  made.canvas.onkeydown = (e) => keyed(state, e);
  root.dataset.sig = `${h.drawn}|${h.mark}|${h.stages.map((s) => s.left)}`;
}

function measures(root, { h, width }, g) {
  const font = `${sized(12)}px ${css(root, "--st-code-font")}`;
  g.font = font;
  const widest = Math.max(...[...h.rows, h.tail].map((text) => g.measureText(text).width));
  const left = Math.min(widest + 14, 0.28 * width), wide = (width - left) / h.stages.length;
  return { font, left, wide, row: sized(ROW), head: sized(HEAD) };
}
function names(root, { h, font, left, row, head }, g) {
  g.textBaseline = "middle";
  g.textAlign = "left";
  [...h.rows, h.tail].forEach((label, i) => {
    g.font = i === h.drawn || i === h.mark ? `bold ${font}` : font;
    g.fillStyle = css(root, i === h.drawn ? "--st-primary-color" : "--st-text-color");
    g.fillText(clip(g, (i === h.drawn ? "▸" : "") + label, left - 8), 0, head + (i + 0.5) * row);
  });
  g.strokeStyle = css(root, "--st-primary-color");
  g.lineWidth = 1.5;
  g.strokeRect(0.75, head + h.mark * row + 0.75, g.canvas.clientWidth - 1.5 || left, row - 1.5);
}
function column(root, state, g, s) {
  const { h, font, left, wide, row, head } = state, stage = h.stages[s], x = left + s * wide;
  const ink = css(root, "--st-text-color");
  const most = Math.max(...h.stages.flatMap((each) => [...each.shares, each.tail]), 1e-12); // one scale for all
  g.textBaseline = "middle";
  g.textAlign = "left";
  g.fillStyle = ink;
  g.font = `bold ${font}`;
  const fits = Math.min(1, (wide - 6) / g.measureText(stage.name).width);
  g.font = `bold ${Math.max(0.75, fits) * sized(12)}px ${css(root, "--st-code-font")}`;
  g.fillText(clip(g, stage.name, wide - 4), x + 2, head * 0.3);
  g.font = font;
  g.globalAlpha = 0.75;
  g.fillText(clip(g, `${stage.left.toLocaleString("en")} kept`, wide - 8), x + 2, head * 0.72);
  g.globalAlpha = 1;
  const bar = (i, share, kept, text) => {
    const y = head + i * row, long = (wide - 12) * Math.min(1, share / most);
    g.globalAlpha = kept ? 0.85 : 0.22;
    g.fillStyle = i === h.rows.length
      ? css(root, "--st-border-color")
      : toCss(colours(root, "sequential")[110]);
    g.fillRect(x + 2, y + 3, Math.max(long, share > 0 ? 1 : 0), row - 6);
    g.globalAlpha = kept ? 1 : 0.55;
    g.fillStyle = ink;
    g.font = font;
    g.fillText(clip(g, text, wide - 8), x + 5, y + row / 2);
    g.globalAlpha = 1;
  };
  stage.shares.forEach((share, i) => {
    const text = stage.scores
      ? rounded(stage.scores[i])
      : stage.kept[i]
      ? percent(share)
      : share > 0
      ? "cut"
      : "–";
    bar(i, share, stage.kept[i], text);
  });
  bar(h.rows.length, stage.tail, false, "");
  bar(h.rows.length, stage.tail_kept, true, percent(stage.tail));
  if (!s || h.stages[s - 1].left === stage.left) return; // nothing is cut here
  const inTail = stage.tail_left > 0, cut = inTail ? h.rows.length : stage.kept.lastIndexOf(true) + 1;
  const y = head + cut * row, far = x + 2 + (wide - 12) * Math.min(1, stage.tail_kept / most);
  g.setLineDash([4, 3]);
  g.strokeStyle = css(root, "--st-red-text-color");
  g.lineWidth = 1.5;
  g.beginPath();
  g.moveTo(inTail ? far : x, y);
  g.lineTo(inTail ? far : x + wide - 8, inTail ? y + row : y);
  g.stroke();
  g.setLineDash([]);
}
// From 0 to 1, an interval for each entry of the vocabulary in the order of their numbers
function strip(root, { h, font, width, row, head }, g) {
  const top = head + (h.rows.length + 1) * row + sized(24), high = sized(16), wide = width - 2;
  const ink = css(root, "--st-text-color"), shades = colours(root, "sequential");
  g.font = font;
  g.textAlign = "left";
  g.fillStyle = ink;
  g.fillText(clip(g, h.fell.title, width), 1, top - sized(12));
  g.fillStyle = css(root, "--st-secondary-background-color");
  g.fillRect(1, top, wide, high);
  h.fell.spans.forEach(([from, to], i) => {
    g.fillStyle = i === h.drawn ? css(root, "--st-primary-color") : toCss(shades[90]);
    g.fillRect(1 + from * wide, top, Math.max((to - from) * wide - 0.5, to > from ? 1 : 0), high);
  });
  g.strokeStyle = css(root, "--st-border-color");
  g.strokeRect(1, top, wide, high);
  const x = 1 + h.fell.u * wide;
  g.strokeStyle = g.fillStyle = ink;
  g.lineWidth = 2;
  g.beginPath();
  g.moveTo(x, top - 4);
  g.lineTo(x, top + high + 4);
  g.stroke();
  const text = `u = ${h.fell.u.toFixed(6)}`, half = g.measureText(text).width / 2;
  g.textAlign = "center";
  g.fillText(text, Math.max(half, Math.min(width - half, x)), top + high + sized(13));
}

function under({ h, made, left, wide, row, head }, e) {
  const box = made.canvas.getBoundingClientRect();
  const i = Math.floor((e.clientY - box.top - head) / row),
    s = Math.floor((e.clientX - box.left - left) / wide);
  return i >= 0 && i <= h.rows.length ? [i, Math.max(0, Math.min(h.stages.length - 1, s))] : null;
}
function hovered(state, e) {
  const at = under(state, e), box = state.made.canvas.getBoundingClientRect();
  tipAt(state.made, e.clientX - box.left, e.clientY - box.top, at ? wordsOf(state.h, ...at) : "");
}
function pickRow({ h, send }, row) {
  if (row !== undefined && row < h.rows.length) send("pick", row);
}
function keyed(state, e) {
  const { h, made, left, wide, row, head } = state;
  const [down, right] = {
    ArrowDown: [1, 0],
    ArrowUp: [-1, 0],
    ArrowRight: [0, 1],
    ArrowLeft: [0, -1],
    Enter: [0, 0],
  }[e.key] ?? [];
  if (down === undefined) return;
  e.preventDefault();
  e.stopPropagation();
  const [i, s] = state.at, within = (x, most) => Math.max(0, Math.min(most, x));
  state.at = [within(i + down, h.rows.length), within(s + right, h.stages.length - 1)];
  tipAt(made, left + state.at[1] * wide, head + state.at[0] * row, wordsOf(h, ...state.at));
  if (e.key === "Enter") pickRow(state, state.at[0]);
}
