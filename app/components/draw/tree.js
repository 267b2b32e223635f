// Texts as a tree: the prompt is its root, every edge weighs −ln p of its token, at a leaf stands the sum. What
// a way follows is drawn in its colour, what it only looked at in grey.
DRAW.tree = function ({ data, parentElement }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= { at: -1 });
  state.h = data;
  const draw = () => grown(root, state);
  watchWidth(root, state, draw);
  draw();
};

const LEAF = 21, NARROWEST = 128, TOP = 12; // pixels of a leaf's row, of a step's column, above the first
const pathOf = ({ nodes }, i) => (i < 0 ? "" : pathOf({ nodes }, nodes[i].parent) + nodes[i].label);
const fateOf = (h, { by, ends }) =>
  ends.length ? ends.join(", ") : by.length ? by.map((k) => h.kinds[k][1]).join(", ") : h.pruned;
const wordsOfNode = (h, i) => {
  const { label, cost, total } = h.nodes[i];
  return `${pathOf(h, i)}\n“${label}”: −ln p = ${show(cost)}, ${percent(Math.exp(-cost))}; ` +
    `sum ${show(total)}\n${fateOf(h, h.nodes[i])}`;
};

function grown(root, state) {
  const { h } = state;
  const made = frame(root, h, () => [
    ["text", "last token", "−ln p", "sum", "way"],
    ...h.nodes.map((node, i) => [pathOf(h, i), node.label, node.cost, node.total, fateOf(h, node)]),
  ]);
  remark(
    made,
    h,
    leavesOf(h).map((i) => `${pathOf(h, i)}: ${show(h.nodes[i].total)}, ${fateOf(h, h.nodes[i])}`)
      .join("; "),
  );
  const shades = palette(root, "--st-chart-categorical-colors");
  const key = h.kinds.map(([, name], k) => [shades[k % shades.length], name]);
  key.push([css(root, "--st-border-color"), h.pruned]);
  made.key.replaceChildren(...key.flatMap(([colour, name]) => [
    el("i", { class: "one", style: `background: ${colour}` }),
    el("span", { text: name }),
  ]));
  if (!state.width) return;
  Object.assign(state, { made, shades });
  Object.assign(state, laidOut(root, state));
  const g = surface(made.canvas, state.wide, state.high);
  made.body.style.overflowX = "auto";
  paintTree(root, state, g);
  const tell = (i, x, y) => tipAt(made, x, y, i < 0 ? "" : wordsOfNode(h, i));
  made.canvas.onmousemove = (e) => {
    const box = made.canvas.getBoundingClientRect(), x = e.clientX - box.left, y = e.clientY - box.top;
    tell(nearest(state, x, y), x, y);
  };
  made.canvas.onmouseleave = made.canvas.onblur = () => tell(-1);
  made.canvas.onkeydown = (e) => {
    const to = stepTo(state, e.key);
    if (to === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    state.at = to;
    paintTree(root, state, surface(made.canvas, state.wide, state.high));
    tell(to, ...state.spots[to]);
  };
  root.dataset.sig = `${h.nodes.length}|${h.kinds.map(([kind]) => kind)}`;
}
const leavesOf = ({ nodes }) => nodes.map((_, i) => i).filter((i) => nodes[i].ends.length);
const childrenOf = ({ nodes }, parent) =>
  nodes.map((_, i) => i).filter((i) => nodes[i].parent === parent)
    .sort((a, b) => nodes[a].cost - nodes[b].cost);

// Where each node stands: its step across, and down the middle of its first and last child
function laidOut(root, { h, made, width }) {
  const font = `${sized(12)}px ${css(root, "--st-code-font")}`, spots = [], row = sized(LEAF);
  const g = made.canvas.getContext("2d");
  g.font = `bold ${font}`;
  const depth = Math.max(1, ...h.nodes.map((node) => node.step)), left = sized(78);
  const ending = (i) => `${h.nodes[i].label} = ${h.nodes[i].total.toFixed(2)} ${h.nodes[i].ends.join(", ")}`;
  const widest = Math.max(0, ...leavesOf(h).map((i) => g.measureText(ending(i)).width));
  const right = Math.max(0, widest - sized(40)); // a leaf begins that far within the last column
  const column = Math.max(sized(NARROWEST), (width - left - right) / depth);
  let leaves = 0;
  const place = (i) => {
    const rows = childrenOf(h, i).map(place), y = rows.length ? (rows[0] + rows.at(-1)) / 2 : row * leaves++;
    if (i >= 0) spots[i] = [left + h.nodes[i].step * column - sized(62), TOP + y];
    else spots.root = [left - 6, TOP + y];
    return y;
  };
  place(-1);
  return {
    font,
    spots,
    column,
    left,
    wide: left + column * depth + right,
    high: TOP * 2 + row * Math.max(1, leaves),
  };
}

function paintTree(root, { h, font, spots, left, column, shades, at }, g) {
  const ink = css(root, "--st-text-color"), grey = css(root, "--st-border-color");
  g.font = font;
  g.textBaseline = "middle";
  g.textAlign = "right";
  g.fillStyle = ink;
  g.fillText(clip(g, h.root, left - 12), ...spots.root);
  const startOf = ({ parent }) =>
    parent < 0 ? [spots.root[0] + 3, spots.root[1]] : [
      spots[parent][0] + 8 + g.measureText(shortened(g, h.nodes[parent].label, column)).width,
      spots[parent][1],
    ];
  const edge = (node, i, colour, thick, by) => {
    const [x0, y0] = startOf(node), [x, y] = spots[i], bend = Math.min(x - 4, x0 + sized(14));
    g.strokeStyle = colour;
    g.lineWidth = thick;
    g.beginPath();
    g.moveTo(x0, y0 + by);
    g.lineTo(bend, y + by);
    g.lineTo(x - 3, y + by);
    g.stroke();
  };
  h.nodes.forEach((node, i) => !node.by.length && edge(node, i, grey, 1, 0));
  h.nodes.forEach((node, i) =>
    node.by.forEach((k, n) =>
      edge(node, i, shades[k % shades.length], 2.2, (n - (node.by.length - 1) / 2) * 2.6)
    )
  );
  h.nodes.forEach((node, i) => {
    const [x, y] = spots[i], label = node.ends.length ? node.label : shortened(g, node.label, column);
    g.textAlign = "left";
    g.globalAlpha = node.by.length ? 1 : 0.6;
    if (i === at) {
      g.strokeStyle = css(root, "--st-primary-color");
      g.lineWidth = 2;
      g.strokeRect(x - 1, y - sized(9), g.measureText(label).width + 6, sized(18));
    }
    g.fillStyle = ink;
    g.fillText(label, x + 2, y);
    const cost = node.cost.toFixed(2), size = g.measureText(cost).width;
    g.fillStyle = css(root, "--st-background-color");
    g.fillRect(x - size - 8, y - sized(7), size + 8, sized(14));
    g.fillStyle = ink;
    g.fillText(cost, x - size - 6, y);
    if (node.ends.length) {
      const end = x + 8 + g.measureText(label).width;
      g.font = `bold ${font}`;
      g.fillText(`= ${node.total.toFixed(2)}`, end, y);
      const after = end + g.measureText(`= ${node.total.toFixed(2)} `).width;
      g.font = font;
      g.fillText(node.ends.join(", "), after, y);
    }
    g.globalAlpha = 1;
  });
}
const shortened = (g, label, column) => clip(g, label, column - sized(70)); // beside it stands −ln p of the next

function nearest({ spots }, x, y) {
  const far = (i) => Math.hypot((spots[i][0] + sized(20) - x) / 3, spots[i][1] - y);
  const best = spots.map((_, i) => i).reduce((a, i) => (a < 0 || far(i) < far(a) ? i : a), -1);
  return best >= 0 && far(best) < sized(18) ? best : -1;
}
// To the parent, the lightest child, the node above or below in the same step
function stepTo({ h, at, spots }, key) {
  const move = { ArrowLeft: "out", ArrowRight: "in", ArrowUp: -1, ArrowDown: 1 }[key];
  if (!move || !h.nodes.length) return undefined;
  if (at < 0 || at >= h.nodes.length) return childrenOf(h, -1)[0];
  if (move === "out") return h.nodes[at].parent < 0 ? at : h.nodes[at].parent;
  if (move === "in") return childrenOf(h, at)[0] ?? at;
  const level = h.nodes.map((_, i) => i).filter((i) => h.nodes[i].step === h.nodes[at].step)
    .sort((a, b) => spots[a][1] - spots[b][1]);
  return level[level.indexOf(at) + move] ?? at;
}
