// Charts: Plotly's figures, made by app/figures.py, in the frame of every picture. Here are the theme's colours, the
// table twin, and pointing at a point: by the mouse or the keyboard, with the same words for both.
// `figure.layout.meta` has names (of the axes) and percent; a trace's `meta` says how it is drawn (see `dress`), its
// `customdata` what its points are called.
const CONFIG = { displayModeBar: false, showTips: false, typesetMath: false, doubleClick: "reset" };
const IDLE = []; // charts that left the page: to redraw one is faster than to make one

DRAW.plot = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {}), figure = { ...data.figure, data: data.figure.data.map(unpacked), layout: unpacked(data.figure.layout) };
  Object.assign(state, { h: data, figure, send: setTriggerValue });
  const draw = () => chart(root, state);
  watchWidth(root, state, draw);
  draw();
};

// Numbers from Plotly's typed arrays, wherever they are in a part of a figure
const TYPES = { f8: Float64Array, f4: Float32Array };
function unpacked(part) {
  if (part?.bdata) return Array.from(new TYPES[part.dtype](Uint8Array.from(atob(part.bdata), (c) => c.charCodeAt(0)).buffer));
  if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, unpacked(value)]));
}

function chart(root, state) {
  const { h, figure } = state, made = frame(root, h, () => rowsOf(figure), "div");
  made.canvas.style.height = `${figure.layout.height}px`;
  remark(made, h, h.say ?? sentence(figure));
  legend(root, state, made);
  if (!state.gd) standIn(root, state, made);
  if (state.gd && state.width) paint(root, state, made);
}

// Until the library has come the numbers stand there as a table, as high as the chart will be.
function standIn(root, state, made) {
  if (window.Plotly) return stage(state, made);
  const twin = el("div", { class: "twin" });
  fillTable(made, twin);
  made.canvas.replaceChildren(twin);
  state.waits ??= bringPlotly().then(() => root.isConnected && chart(root, state));
}

function stage(state, made) {
  const deep = state.figure.layout.scene;
  state.gd = (!deep && IDLE.pop()) || el("div");
  state.leave = () => { state.gd.removeAllListeners?.(); deep ? Plotly.purge(state.gd) : IDLE.push(state.gd); };
  made.canvas.replaceChildren(state.gd);
  made.save = () => savePlot(state, made);
  made.reset = el("button", { type: "button", text: "Reset", title: "Show the whole chart again", hidden: true, onclick: () => { state.resets = (state.resets ?? 0) + 1; state.redraw(); } });
  made.tools.prepend(made.reset);
}

async function paint(root, state, made) {
  const { h, figure, gd } = state, kept = `${made.name} ${figure.layout.uirevision} ${state.resets ?? 0}`;
  if (state.kept !== kept) made.reset.hidden = true;
  state.kept = kept;
  const layout = { ...figure.layout, width: state.width, uirevision: kept, template: theme(root), showlegend: false };
  layout.xaxis &&= thinned(layout.xaxis, state.width - layout.margin.l - layout.margin.r);
  await Plotly.react(gd, figure.data.map((t) => dress(root, t, state)), layout, CONFIG);
  if (!gd.__listens || gd.__listens !== root) listenTo(root, state, made);
  gd.style.cursor = made.canvas.style.cursor = h.pickable ? "pointer" : "default";
  if (!made.tip.hidden) tell(state, made, state.told); // the numbers have changed under the pointer
  root.dataset.sig = h.sig;
}

// A trace in the colours of the page; what is said of a point is said by the tip, so Plotly's own labels are off.
function dress(root, trace, state) {
  const primary = css(root, "--st-primary-color"), grey = css(root, "--st-border-color");
  const looks = {
    original: { marker: { color: palette(root, "--st-chart-categorical-colors")[1] } },
    mark: { marker: { color: primary, size: 12 } },
    rest: { marker: { color: grey, size: 2, opacity: 0.6 } },
  };
  const named = trace.z && trace.text ? { marker: { ...trace.marker, color: primary }, textfont: { size: 14 } } : {};
  return { ...trace, ...looks[trace.meta], ...named, hoverinfo: "none", visible: state.hidden?.has(trace.name) ? "legendonly" : true };
}

// What the colours mean, where there are several series: a button each, which takes its series off and puts it back.
function legend(root, state, made) {
  const all = lines(state.figure), shades = palette(root, "--st-chart-categorical-colors"), hidden = (state.hidden ??= new Set());
  const button = (t, k) => {
    const colour = t.orientation === "h" && !t.meta ? toCss(colours(root, "sequential")[175]) : shades[t.meta ? 1 : k % shades.length];
    const flip = () => { hidden.delete(t.name) || hidden.add(t.name); state.redraw(); made.key.children[k].focus(); };
    const look = { type: "button", class: "series", "aria-pressed": String(!hidden.has(t.name)), title: "Take it off or put it back" };
    return el("button", { ...look, onclick: flip }, el("i", { style: `background: ${colour}` }), plainText(t.name));
  };
  made.key.replaceChildren(...(all.length > 1 && !all[0].z ? all.map(button) : []));
}
// Names at 0, 1, 2 … on an axis: only those that run into none before them.
function thinned(axis, width) {
  if (!axis.ticktext || axis.type === "log") return axis;
  const apart = (0.95 * width) / axis.ticktext.length;
  let free = -Infinity;
  const kept = axis.ticktext.map((text, i) => {
    const half = 3.7 * (plainText(text).length + 1), fits = i * apart - half > free;
    if (fits) free = i * apart + half;
    return fits;
  });
  const [tickvals, ticktext] = [axis.tickvals, axis.ticktext].map((all) => all.filter((_, i) => kept[i]));
  return { ...axis, tickvals, ticktext };
}

function theme(root) {
  const ink = css(root, "--st-text-color"), paper = css(root, "--st-background-color"), line = css(root, "--st-border-color");
  const code = css(root, "--st-code-font"), diverging = colours(root, "diverging"), clear = "rgba(0,0,0,0)";
  const axis = { gridcolor: line, zerolinecolor: ink, zerolinewidth: 1, tickfont: { family: code, size: 12 }, title: { font: { size: 12 } }, ticklabeloverflow: "allow", tickangle: 0 };
  const flat = { ...axis, spikecolor: ink, spikethickness: 1, spikedash: "dot", spikemode: "across" };
  const deep = { ...axis, backgroundcolor: clear, showspikes: false };
  return {
    layout: {
      font: { family: css(root, "--st-font"), size: 12, color: ink },
      colorway: palette(root, "--st-chart-categorical-colors"),
      paper_bgcolor: paper, plot_bgcolor: paper,
      xaxis: { ...flat, showspikes: true }, yaxis: flat,
      scene: { xaxis: deep, yaxis: deep, zaxis: deep },
      margin: { autoexpand: false },
      legend: { x: 1, xanchor: "right", y: 1, bgcolor: clear },
      shapedefaults: { line: { color: ink } },
      coloraxis: { cmin: -1, cmax: 1, showscale: false, colorscale: [[0, toCss(diverging[40])], [1, toCss(diverging[215])]] },
      hoverdistance: -1,
    },
    data: { bar: [{ marker: { color: toCss(colours(root, "sequential")[175]), line: { color: css(root, "--st-primary-color") } }, textfont: { family: code } }] },
  };
}

// --- pointing ------------------------------------------------------------------------------------

function listenTo(root, state, made) {
  const { gd } = state;
  gd.__listens = root;
  gd.on("plotly_hover", (e) => tell(state, made, e.points.map((p) => [p.curveNumber, p.pointNumber])));
  gd.on("plotly_unhover", () => tipAt(made, 0, 0, ""));
  gd.on("plotly_click", (e) => pick(state, e.points.find((p) => ours(p.data))));
  gd.on("plotly_relayout", (e) => Object.keys(e).some((name) => /range\[|camera/.test(name)) && (made.reset.hidden = false));
  gd.on("plotly_doubleclick", () => (made.reset.hidden = true));
  made.canvas.onkeydown = (e) => byKey(e, state, made);
  made.canvas.onblur = () => tipAt(made, 0, 0, "");
}
const ours = (trace) => !["mark", "rest"].includes(trace.meta);
function pick(state, point) {
  if (state.h.pickable && point) state.send("pick", point.pointNumber);
}
// What points [curve, number] are, beside the first of them.
function tell(state, made, points) {
  const all = points.map(([k, i]) => [state.figure.data[k], i]).filter(([t, i]) => t?.meta !== "mark" && i < t?.x.length);
  state.told = points;
  const [x, y] = all.length ? spot(state, ...all[0]) : [0, 0];
  tipAt(made, x, y, all.map(([t, i]) => pointText(state.figure, t, i)).join("\n"));
}
// Where a point is, in pixels; in space beside the chart's corner.
function spot(state, trace, i) {
  if (trace.z) return [0, 24];
  const full = state.gd._fullLayout, y = full["yaxis" + (trace.yaxis ?? "").slice(1)];
  return [full.xaxis._offset + full.xaxis.d2p(trace.x[i]), y._offset + y.d2p(trace.y[i])];
}

// The arrow keys go from point to point, along the bars or the curve, and across to another one; Enter picks.
function byKey(e, state, made) {
  const { figure, h } = state, upright = figure.data[0].orientation === "h";
  const [along, across] = upright ? [["ArrowUp", "ArrowDown"], ["ArrowLeft", "ArrowRight"]] : [["ArrowLeft", "ArrowRight"], ["ArrowUp", "ArrowDown"]];
  const curves = figure.data.map((_, k) => k).filter((k) => ours(figure.data[k])), now = (state.at ??= start(figure, curves));
  const by = (keys) => keys.indexOf(e.key) * 2 - 1, on = along.includes(e.key), over = across.includes(e.key);
  if (!on && !over && e.key !== "Enter") return;
  e.preventDefault();
  if (over) now.curve = curves[Math.max(0, Math.min(curves.length - 1, curves.indexOf(now.curve) + by(across)))];
  const last = figure.data[now.curve].x.length - 1;
  now.point = Math.max(0, Math.min(last, now.point + (on ? (now.told || (upright && h.pickable) ? by(along) : 0) : 0)));
  now.told = true;
  tell(state, made, [[now.curve, now.point]]);
  if (e.key === "Enter" || (on && upright)) pick(state, { pointNumber: now.point });
}
// Where the keyboard begins: at what is picked, or at the first point.
function start(figure, curves) {
  const curve = curves.at(-1), widths = figure.data[curve].marker?.line?.width ?? [];
  return { curve, point: Math.max(0, Array.isArray(widths) ? widths.findIndex((w) => w > 0) : 0), told: false };
}

// --- words and numbers ---------------------------------------------------------------------------

const CODES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&#123;": "{" }; // of app/figures.py's plain(); tags are its own, too
const plainText = (text) => text.replace(/<[^>]*>/g, "").replace(/&(amp|lt|gt|#123);/g, (code) => CODES[code]);
const exact = (x) => String(Number(x.toPrecision(7))).replace("-", "−");
const lines = (figure) => figure.data.filter(ours);
const valueOf = (trace) => (trace.orientation === "h" ? trace.x : trace.y);

// What a point is called: by its own name, by what stands on its axis, or by its number there.
function called(figure, trace, i) {
  const { tickvals, ticktext } = figure.layout.xaxis ?? {};
  if (trace.customdata) return plainText(trace.customdata[i]);
  const tick = ticktext?.[tickvals.indexOf(trace.x[i])];
  return tick === undefined ? `${figure.layout.meta.names[0]} ${exact(trace.x[i])}` : plainText(tick);
}
function pointText(figure, trace, i) {
  const name = trace.name && lines(figure).length > 1 ? `${plainText(trace.name)}, ` : "", value = valueOf(trace)[i];
  const numbers = trace.z ? [trace.x, trace.y, trace.z].map((a) => exact(a[i])).join(", ") : exact(value);
  return `${name}${called(figure, trace, i)}: ${numbers}${figure.layout.meta.percent ? ` = ${exact(100 * value)} %` : ""}`;
}
function sentence(figure) {
  const marks = figure.data.find((t) => t.meta === "mark"), first = lines(figure).at(-1), values = valueOf(first);
  if (marks) return `Marked: ${marks.text.map((text, i) => `${plainText(text)} at ${show(marks.x[i])}, ${show(marks.y[i])}`).join("; ")}.`;
  if (first.z) return `${first.x.length} named points among ${figure.data[0].x.length}.`;
  if (first.type === "bar") {
    const best = values.reduce((a, x, i) => (Math.abs(x) > Math.abs(values[a]) ? i : a), 0);
    if (first.orientation !== "h") return `Most: ${values[best]}, from ${called(figure, first, best)}.`;
    return `Largest: ${called(figure, first, best)}, ${plainText(first.text?.[best] ?? show(values[best]))}.`;
  }
  if (first.customdata && first.text) return `${first.x.length} points, each with its name.`;
  return lines(figure).map((t) => `${plainText(t.name)}: from ${show(Math.min(...t.y))} to ${show(Math.max(...t.y))}`).join("; ") + ".";
}
function rowsOf(figure) {
  const all = lines(figure), [first, second] = figure.layout.meta.names, names = all.map((t) => plainText(t.name ?? second));
  if (all[0].z) return [["label", ...figure.layout.meta.names], ...figure.data.flatMap((t) => t.x.map((_, i) => [called(figure, t, i), t.x[i], t.y[i], t.z[i]]))];
  const alike = all.every((t) => t.x.length === all[0].x.length && (t.orientation === "h" || t.x.every((x, i) => x === all[0].x[i])));
  const x = (t, i) => (figure.layout.xaxis.tickvals || t.customdata || t.orientation === "h" ? called(figure, t, i) : t.x[i]);
  if (alike) return [[first, ...(all.length > 1 ? names : [second])], ...all[0].x.map((_, i) => [x(all[0], i), ...all.map((t) => valueOf(t)[i])])];
  return [["of", first, second], ...all.flatMap((t, k) => t.x.map((_, i) => [names[k], t.x[i], t.y[i]]))];
}

async function savePlot(state, made) {
  const layout = { ...state.gd.layout, showlegend: lines(state.figure).length > 1 };
  const url = await Plotly.toImage({ data: state.gd.data, layout, config: CONFIG }, { format: "png", scale: 2, width: state.width, height: state.figure.layout.height });
  save(made.name + ".png", new Blob([Uint8Array.from(atob(url.split(",")[1]), (c) => c.charCodeAt(0))], { type: "image/png" }));
}
