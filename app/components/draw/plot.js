// Charts: Plotly figures from app/ui/figures, in the frame that heat maps have too. Here are the theme's
// colours, the table, and pointing at a point: by mouse or keyboard, with the same words for both.
// `figure.layout.meta` has names (of the axes) and percent; a trace's `meta` says how it is drawn (see
// `dress`), its `customdata` the names of its points.
const CONFIG = { displayModeBar: false, showTips: false, typesetMath: false, doubleClick: "reset" };

DRAW.plot = function ({ key, data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  const figure = { data: data.figure.data.map(unpacked), layout: unpacked(data.figure.layout) };
  Object.assign(state, { h: data, figure, key, send: setTriggerValue });
  const draw = () => chart(root, state);
  watchWidth(root, state, draw);
  draw();
};

// Numbers from Plotly's typed arrays, wherever they are in a part of a figure
const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const TYPES = { f8: Float64Array, f4: Float32Array };
function unpacked(part) {
  if (part?.bdata !== undefined) return Array.from(new TYPES[part.dtype](fromBase64(part.bdata).buffer));
  if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, unpacked(value)]));
}

function chart(root, state) {
  const { h, figure } = state, made = frame(root, h, () => rowsOf(figure), "div");
  made.canvas.style.height = `${high(state)}px`;
  remark(made, h, h.say ?? sentence(figure));
  legend(root, state, made);
  if (!state.gd) standIn(root, state, made);
  if (state.gd && state.width) state.kept ? paint(root, state, made) : comeNear(root, state, made);
}

// As high as on every screen, or on a stage
const high = ({ h, figure }) => (h.spot ? stageHeight(h.spot) : sized(figure.layout.height));

// A new chart is painted after the heat maps, sentences and arithmetic of its step, one at a time, so that
// nobody waits for it; one far below the window, when it comes near.
const NEAR = new IntersectionObserver((entries) => entries.forEach(arrived), { rootMargin: "150px" }),
  DUE = [];
function comeNear(root, state, made) {
  made.canvas.__due = () => state.gd && root.isConnected && paint(root, state, made);
  ask(() => made.canvas.getBoundingClientRect().top < innerHeight + 150, (near) => {
    if (near) return due(made.canvas);
    root.dataset.sig = state.h.sig; // as far as can be seen it is all there
    NEAR.observe(made.canvas);
  });
}
function arrived({ target, isIntersecting }) {
  if (!isIntersecting) return;
  NEAR.unobserve(target);
  due(target);
}
function due(canvas) {
  if (DUE.push(canvas) === 1) whenIdle(next);
}
async function next() {
  try {
    await DUE[0].__due();
  } finally {
    DUE.shift();
    if (DUE.length) whenIdle(next);
  }
}
const whenIdle = (
  then,
) => (window.requestIdleCallback ? requestIdleCallback(then, { timeout: 300 }) : setTimeout(then));

// Until the library is loaded, the numbers are shown as a table, as high as the chart will be.
function standIn(root, state, made) {
  if (window.Plotly) return stage(state, made);
  const twin = el("div", { class: "twin" });
  fillTable(made, twin);
  made.canvas.replaceChildren(twin);
  state.waits ??= bringPlotly().then(() => root.isConnected && chart(root, state));
}

function stage(state, made) {
  state.gd = el("div");
  state.leave = () => leave(state);
  made.canvas.replaceChildren(state.gd);
  made.save = () => savePlot(state, made);
  const reset = () => {
    state.resets = (state.resets ?? 0) + 1;
    state.redraw();
  };
  made.reset?.remove();
  made.reset = el("button", {
    type: "button",
    text: "Reset",
    title: "Show the whole chart again",
    hidden: true,
    onclick: reset,
  });
  made.tools.prepend(made.reset);
}
function leave(state) {
  const gd = state.gd;
  state.gd = null;
  if (gd) whenIdle(() => Plotly.purge(gd));
}

async function paint(root, state, made) {
  if (!state.gd) return; // the page was left before its turn came
  const { h, figure, gd } = state, kept = `${state.key} ${figure.layout.uirevision} ${state.resets ?? 0}`;
  if (state.kept !== kept) made.reset.hidden = true;
  state.kept = kept;
  const layout = {
    ...figure.layout,
    width: state.width,
    height: high(state),
    margin: Object.fromEntries(Object.entries(figure.layout.margin).map(([side, n]) => [side, sized(n)])),
    uirevision: kept,
    template: theme(root),
    showlegend: false,
  };
  layout.xaxis &&= thinned(layout.xaxis, state.width - layout.margin.l - layout.margin.r);
  await Plotly.react(gd, figure.data.map((t, k) => dress(root, t, state, k)), layout, CONFIG);
  if (state.gd !== gd) return; // the page was left meanwhile
  if (gd.__listens !== root) listenTo(root, state, made);
  gd.style.cursor = made.canvas.style.cursor = h.pickable ? "pointer" : "default";
  if (!made.tip.hidden) tell(state, made, state.told); // the numbers have changed under the pointer
  root.dataset.sig = h.sig;
}

// A trace in the colours of the page; the tip describes points, so Plotly's own labels are off.
function dress(root, trace, state, k) {
  const shades = palette(root, "--st-chart-categorical-colors"),
    scaled = (colour, i, all) => [i / (all.length - 1), toCss(colour)];
  const primary = css(root, "--st-primary-color"), grey = css(root, "--st-border-color");
  const looks = {
    original: { marker: { color: palette(root, "--st-chart-categorical-colors")[1] } },
    mark: { marker: { color: primary, size: 12 } },
    rest: { marker: { color: grey, size: 2, opacity: 0.6 } },
    part: { marker: { color: shades[k % shades.length] } },
    way: {
      line: { color: shades[k % shades.length], width: 3 },
      marker: { color: shades[k % shades.length], size: 4 },
    },
    ground: {
      colorscale: Array.from(colours(root, "sequential")).filter((_, i) => i % 16 === 0).map(scaled),
      showscale: false,
    },
  };
  const named = trace.z && trace.text
    ? { marker: { ...trace.marker, color: primary }, textfont: { size: 14 } }
    : {};
  const visible = state.hidden.has(trace.name) ? "legendonly" : true;
  return {
    ...trace,
    ...looks[trace.meta],
    ...named,
    hoverinfo: trace.meta === "ground" ? "skip" : "none",
    visible,
  };
}

// The legend, if there are several series: a button each, which hides or shows its series.
function legend(root, state, made) {
  const all = lines(state.figure), shades = palette(root, "--st-chart-categorical-colors");
  const hidden = (state.hidden ??= new Set());
  const colour = (
    t,
    k,
  ) => (t.orientation !== "h" || t.meta === "part"
    ? shades[k % shades.length]
    : t.meta
    ? shades[1]
    : barColour(root));
  const button = (t, k) => {
    const flip = () => {
      hidden.delete(t.name) || hidden.add(t.name);
      state.redraw();
      made.key.children[k].focus();
    };
    const pressed = String(!hidden.has(t.name)), title = "Hide or show it";
    const swatch = el("i", { style: `background: ${colour(t, k)}` });
    return el(
      "button",
      { type: "button", class: "series", "aria-pressed": pressed, title, onclick: flip },
      swatch,
      plainText(t.name),
    );
  };
  made.key.replaceChildren(
    ...(all.length > 1 && (!all[0].z || all[0].meta === "way") ? all.map(button) : []),
  );
}
// Names at 0, 1, 2 … on an axis: only those that do not overlap the one before; of numbers, as many as fit.
const NUMBER = 40; // pixels, with the room beside it
function thinned(axis, width) {
  if (axis.nticks) {
    return { ...axis, nticks: Math.max(1, Math.min(axis.nticks, Math.floor(width / sized(NUMBER)))) };
  }
  if (!axis.ticktext || axis.type === "log") return axis;
  const apart = (0.95 * width) / axis.ticktext.length;
  let free = -Infinity;
  const kept = axis.ticktext.map((text, i) => {
    const half = sized(3.7) * (plainText(text).length + 1), fits = i * apart - half > free;
    if (fits) free = i * apart + half;
    return fits;
  });
  const [tickvals, ticktext] = [axis.tickvals, axis.ticktext].map((all) => all.filter((_, i) => kept[i]));
  return { ...axis, tickvals, ticktext };
}

const barColour = (root) => toCss(colours(root, "sequential")[175]);
// The page's colours and fonts. Labels neither rotate nor hide: Plotly would measure each to decide.
function theme(root) {
  const [ink, paper, line] = ["text-color", "background-color", "border-color"].map((name) =>
    css(root, `--st-${name}`)
  );
  const code = css(root, "--st-code-font"), diverging = colours(root, "diverging"), clear = "rgba(0,0,0,0)";
  const still = { ticklabeloverflow: "allow", tickangle: 0 };
  const fonts = { tickfont: { family: code, size: sized(12) }, title: { font: { size: sized(12) } } };
  const axis = { gridcolor: line, zerolinecolor: ink, zerolinewidth: 1, ...fonts, ...still };
  const flat = { ...axis, spikecolor: ink, spikethickness: 1, spikedash: "dot", spikemode: "across" };
  const deep = { ...axis, backgroundcolor: clear, showspikes: false };
  return {
    layout: {
      font: { family: css(root, "--st-font"), size: sized(12), color: ink },
      colorway: palette(root, "--st-chart-categorical-colors"),
      paper_bgcolor: paper,
      plot_bgcolor: paper,
      xaxis: { ...flat, showspikes: true },
      yaxis: flat,
      scene: { xaxis: deep, yaxis: deep, zaxis: deep },
      margin: { autoexpand: false },
      legend: { x: 1, xanchor: "right", y: 1, bgcolor: clear },
      shapedefaults: { line: { color: ink } },
      coloraxis: {
        cmin: -1,
        cmax: 1,
        showscale: false,
        colorscale: [40, 215].map((i, k) => [k, toCss(diverging[i])]),
      },
      hoverdistance: -1,
    },
    data: {
      bar: [{
        marker: { color: barColour(root), line: { color: css(root, "--st-primary-color") } },
        textfont: { family: code },
      }],
    },
  };
}

// --- pointing ------------------------------------------------------------------------------------

function listenTo(root, state, made) {
  const { gd } = state;
  gd.__listens = root;
  gd.on("plotly_hover", (e) => tell(state, made, e.points.map((p) => [p.curveNumber, p.pointNumber])));
  gd.on("plotly_unhover", () => tipAt(made, 0, 0, ""));
  gd.on("plotly_click", (e) => pick(state, e.points.find((p) => ours(p.data))));
  gd.on("plotly_relayout", (e) => /range\[|camera/.test(Object.keys(e)) && (made.reset.hidden = false));
  gd.on("plotly_doubleclick", () => (made.reset.hidden = true));
  made.canvas.onkeydown = (e) => byKey(e, state, made);
  made.canvas.onfocus = () => (state.at = null);
  made.canvas.onblur = () => tipAt(made, 0, 0, "");
}
const ours = (trace) => !["mark", "rest", "ground"].includes(trace.meta);
function pick(state, point) {
  if (state.h.pickable && point) state.send("pick", point.pointNumber);
}
// The tip for points [curve, number], beside the first of them.
function tell(state, made, points) {
  const all = points.map(([k, i]) => [state.figure.data[k], i]).filter(([t, i]) =>
    i < t?.x.length && t.meta !== "mark"
  );
  state.told = points;
  const [x, y] = all.length ? spot(state, ...all[0]) : [0, 0];
  tipAt(made, x, y, all.map(([t, i]) => pointText(state.figure, t, i)).join("\n"));
}
// A point's position in pixels; in 3D, the chart's corner.
function spot(state, trace, i) {
  if (trace.z) return [0, 24];
  const full = state.gd._fullLayout, y = full["yaxis" + (trace.yaxis ?? "").slice(1)];
  const x = trace.x[i] + (trace.base?.[i] ?? 0);
  return [full.xaxis._offset + full.xaxis.d2p(x), y._offset + y.d2p(trace.y[i])];
}

// The arrow keys go from point to point, along the bars or the curve, and across to another one; Enter picks.
function byKey(e, state, made) {
  const { figure } = state,
    upright = figure.data[0].orientation === "h",
    within = (i, n) => Math.max(0, Math.min(n - 1, i));
  const [along, across] = upright ? [UP_DOWN, LEFT_RIGHT] : [LEFT_RIGHT, UP_DOWN];
  if (!(e.key in along) && !(e.key in across) && e.key !== "Enter") return;
  e.preventDefault();
  const curves = figure.data.map((_, k) => k).filter((k) => ours(figure.data[k]));
  if (!curves.includes(state.at?.curve)) state.at = start(figure, curves.at(-1));
  const now = state.at;
  now.curve = curves[within(curves.indexOf(now.curve) + (across[e.key] ?? 0), curves.length)];
  now.point = within(now.point + (along[e.key] ?? 0), figure.data[now.curve].x.length);
  tell(state, made, [[now.curve, now.point]]);
  if (e.key === "Enter" || (upright && e.key in along)) pick(state, { pointNumber: now.point });
}
const LEFT_RIGHT = { ArrowLeft: -1, ArrowRight: 1 }, UP_DOWN = { ArrowUp: -1, ArrowDown: 1 };
// Where the keyboard starts: at the picked bar, or before the first point.
function start(figure, curve) {
  return {
    curve,
    point: (figure.data[curve].marker?.line?.width ?? []).findIndex?.((width) => width > 0) ?? -1,
  };
}

// --- words and numbers ---------------------------------------------------------------------------

// The inverse of the escaping in app/ui/figures; any tags are its own.
const CODES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&#123;": "{" };
const plainText = (text) =>
  text.replace(/<[^>]*>/g, "").replace(/&(amp|lt|gt|#123);/g, (code) => CODES[code]);
const exact = (x) => String(Number(x.toPrecision(7))).replace("-", "−");
const lines = (figure) => figure.data.filter(ours);
const valueOf = (trace) => (trace.orientation === "h" ? trace.x : trace.y);

// The name of a point: its own, the label on its axis, or its value there.
function called(figure, trace, i) {
  const { tickvals, ticktext } = figure.layout.xaxis ?? {};
  if (trace.customdata) return plainText(trace.customdata[i]);
  const tick = ticktext?.[tickvals.indexOf(trace.x[i])];
  return tick === undefined ? `${figure.layout.meta.names[0]} ${exact(trace.x[i])}` : plainText(tick);
}
function pointText(figure, trace, i) {
  const name = trace.name && lines(figure).length > 1 ? `${plainText(trace.name)}, ` : "",
    value = valueOf(trace)[i];
  const numbers = trace.z ? [trace.x, trace.y, trace.z].map((a) => exact(a[i])).join(", ") : exact(value);
  return `${name}${called(figure, trace, i)}: ${numbers}${
    figure.layout.meta.percent ? ` = ${exact(100 * value)}%` : ""
  }`;
}
function sentence(figure) {
  const marks = figure.data.find((t) => t.meta === "mark"),
    first = lines(figure).at(-1),
    values = valueOf(first);
  const marked = (text, i) => `${plainText(text)} at ${show(marks.x[i])}, ${show(marks.y[i])}`;
  if (marks) return `Marked: ${marks.text.map(marked).join("; ")}.`;
  if (first.z) return `${first.x.length} named points among ${figure.data[0].x.length}.`;
  if (first.type === "bar") {
    const best = values.reduce((a, x, i) => (Math.abs(x) > Math.abs(values[a]) ? i : a), 0);
    if (first.orientation !== "h") return `Most: ${values[best]}, from ${called(figure, first, best)}.`;
    return `Largest: ${called(figure, first, best)}, ${plainText(first.text?.[best] ?? show(values[best]))}.`;
  }
  if (first.customdata && first.text) {
    return `${first.x.length} points; names that would cover others are in the table.`;
  }
  const reach = (t) =>
    `${plainText(t.name)}: between ${show(Math.min(...t.y))} and ${show(Math.max(...t.y))}`;
  return lines(figure).map(reach).join("; ") + ".";
}
// The numbers of a landscape, z [y, x].
const ground = (t) => t.y.flatMap((y, r) => t.x.map((x, c) => ["ground", x, y, t.z[r][c]]));
function rowsOf(figure) {
  const all = lines(figure),
    axes = figure.layout.meta.names,
    names = all.map((t) => plainText(t.name ?? axes[1]));
  const point =
    (t) => (_, i) => [called(figure, t, i), ...[t.x, t.y, t.z].slice(0, axes.length).map((a) => a[i])];
  if (all[0].z || all[0].mode?.includes("text")) {
    return [
      ["label", ...axes],
      ...figure.data.flatMap((t) => t.meta === "ground" ? ground(t) : t.x.map(point(t))),
    ];
  }
  const placeOf = (t) => (t.orientation === "h" ? t.y : t.x),
    alike = (t) => `${placeOf(t)}` === `${placeOf(all[0])}`;
  if (!all.every(alike)) {
    return [
      ["of", ...axes],
      ...all.flatMap((t, k) => t.x.map((_, i) => [names[k], t.x[i], t.y[i]])),
    ];
  }
  const named = figure.layout.xaxis.tickvals || all[0].customdata;
  const row = (_, i) => [named ? called(figure, all[0], i) : all[0].x[i], ...all.map((t) => valueOf(t)[i])];
  return [[axes[0], ...(all.length > 1 ? names : [axes[1]])], ...all[0].x.map(row)];
}

async function savePlot(state, made) {
  const layout = { ...state.gd.layout, showlegend: lines(state.figure).length > 1 };
  const size = { format: "png", scale: 2, width: state.width, height: high(state) };
  const url = await Plotly.toImage({ data: state.gd.data, layout, config: CONFIG }, size);
  save(made.name + ".png", new Blob([fromBase64(url.split(",")[1])], { type: "image/png" }));
}
