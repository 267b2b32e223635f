// A mixture's routes: from each lane to the experts that it goes to, as wide as their share.
const CELLS = 1; // of the column's width, in units; the experts stand at its right end

// Beside the lanes' cells the room for the routes
MACHINE.routed = ({ column, x, w }, unit) => {
  if (column.kind !== "shares") return {};
  const cells = CELLS * unit;
  return { w: cells, routes: { x: x + cells, w: w - cells } };
};
MACHINE.routes = (g, state, inks) => {
  for (const part of state.plan.parts) {
    if (part.routes && part.stage <= state.at && part.w * state.view.k < 240) routesOf(g, state, part, inks);
  }
};
function routesOf(g, state, part, inks) {
  const { plan, view } = state, tensor = PAGE.tensors.get(part.column.src);
  if (!tensor) return;
  const [, T, X] = tensor.shape, { x, w } = part.routes, track = plan.tracks[part.column.stack];
  const from = (x - view.x) * view.k, box = Math.min(12, (w * view.k) / 3), to = from + w * view.k - box;
  const y = (e) => (track.top + ((e + 0.5) * track.high) / X - view.y) * view.k;
  const lit = MACHINE.litOf(state, part.column.stack);
  const order = [...Array(T).keys()].sort((a, b) => (a === lit) - (b === lit)); // the lit lane over the others
  for (const t of order) {
    for (let e = 0; e < X; e++) {
      const share = tensor.data[t * X + e];
      if (share <= 0) continue;
      const start = { x: from, y: (track.y(t) - view.y) * view.k };
      const style = t === lit ? { colour: inks.main, alpha: 0.6 } : { colour: inks.ink, alpha: 0.12 };
      MACHINE.band(g, start, { x: to, y: y(e) }, share * Math.min(track.lane * view.k, 24), style);
    }
  }
  for (let e = 0; e < X; e++) expert(g, { e, x: to, y: y(e), box, lit: tensor.data[lit * X + e] > 0 }, inks);
}
function expert(g, { e, x, y, box, lit }, inks) {
  g.fillStyle = lit ? inks.main : inks.paper;
  g.fillRect(x, y - box / 2, box, box);
  MACHINE.outline(g, x, y - box / 2, box, box, lit ? inks.main : inks.ink, 1);
  const ink = lit ? inks.paper : inks.ink;
  if (box >= 9) {
    MACHINE.label(g, String(e), x + box / 2, y + 3.5, box + 4, inks, { align: "center", size: 9, ink });
  }
}
// A bent band from one place to another
MACHINE.band = (g, from, to, width, { colour, alpha, down = false }) => {
  const bend = down ? [0, (to.y - from.y) / 2] : [(to.x - from.x) / 2, 0];
  g.strokeStyle = colour;
  g.globalAlpha = alpha;
  g.lineWidth = Math.max(0.5, width);
  g.beginPath();
  g.moveTo(from.x, from.y);
  g.bezierCurveTo(from.x + bend[0], from.y + bend[1], to.x - bend[0], to.y - bend[1], to.x, to.y);
  g.stroke();
  g.globalAlpha = 1;
};
