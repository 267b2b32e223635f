// From a step to its neighbour a matrix is carried over: where a heat map is made from one that has just left
// (scores, masked scores, weights), or that one from it, it comes from that one's place, and each cell goes from
// the old colour to the new. Meanwhile no numbers stand in the cells: none of them would be right.
const CARRIED = new Map(); // the picture's tensor -> {cells, made, rect}
const CARRY = { lasts: 500, waits: 1000, most: 20_000 }; // milliseconds, milliseconds, cells
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

// The cells of a heat map as they are drawn: a colour each, and which are masked
const cellsOf = (index, R, C, words, masked) => ({ index, R, C, words, masked });

function leaveBehind(src, made, cells, canvas) {
  if (!cells || STILL.matches) return;
  CARRIED.set(src, { cells, made, rect: canvas.getBoundingClientRect() });
  setTimeout(() => CARRIED.clear(), CARRY.waits);
}
// What a heat map that is drawn for the first time comes from: what it is made of, or what is made of it; else
// itself in another place
function carriedTo(src, made, { R, C }) {
  const fits = ([, { cells }]) => cells.R === R && cells.C === C && R * C <= CARRY.most;
  const all = [...CARRIED].filter(fits);
  const found = all.find(([id, old]) => made.includes(id) || old.made.includes(src)) ??
    all.find(([id]) => id === src);
  return found?.[1];
}
// The canvas goes from where the other was, while `paint` draws it at each frame, with the share of the way gone.
function carry(canvas, from, paint) {
  const to = canvas.getBoundingClientRect(), since = performance.now();
  const size = Math.min(1, from.width / to.width); // no larger than it becomes: it would cover what is read
  const begin = `translate(${from.left - to.left}px, ${from.top - to.top}px) scale(${size})`;
  canvas.animate([{ transformOrigin: "0 0", transform: begin }, {
    transformOrigin: "0 0",
    transform: "none",
  }], {
    duration: CARRY.lasts,
    easing: "ease-in-out",
  });
  const frame = () => {
    const gone = (performance.now() - since) / CARRY.lasts;
    if (canvas.isConnected) paint(Math.min(1, gone));
    if (canvas.isConnected && gone < 1) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
// A colour on the way from one to another
function between(a, b, share) {
  let word = 0;
  for (const at of [0, 8, 16, 24]) {
    const from = (a >>> at) & 255, to = (b >>> at) & 255;
    word |= Math.round(from + (to - from) * share) << at;
  }
  return word >>> 0;
}
