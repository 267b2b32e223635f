// The image that a stack reads: it stands left of the lanes, in its patches, and each lane has its own beside it.
const IMAGE = 100, ONE = 14, STRIP = 64; // pixels: of the image, of a patch beside its lane, of a row of them

// How much wider the left margin is for them
MACHINE.margin = ({ size }) => IMAGE + 8 - 50 + (size > 1 ? STRIP : ONE);
MACHINE.beside = ({ image, size }) => (image ? (size > 1 ? STRIP : ONE) + 6 : 0);
const placeOf = ({ H }) => ({
  x: 4,
  y: Math.max(MACHINE.TOP, (H + MACHINE.TOP - IMAGE) / 2 - 20),
  size: IMAGE,
});

MACHINE.image = (g, state, inks) => {
  const { plan, h } = state,
    { image, size, before, lanes } = h.stacks[0],
    tensor = PAGE.tensors.get(image?.src);
  if (!tensor) return;
  const at = placeOf(plan), each = at.size / image.across, lit = MACHINE.litOf(state, 0);
  g.drawImage(imageOf(tensor), at.x, at.y, at.size, at.size);
  g.globalAlpha = 0.5;
  for (let i = 0; i <= image.across; i++) {
    MACHINE.line(g, at.x + i * each, at.y, at.x + i * each, at.y + at.size, inks.rail, 1);
    MACHINE.line(g, at.x, at.y + i * each, at.x + at.size, at.y + i * each, inks.rail, 1);
  }
  g.globalAlpha = 1;
  if (lit < 0 || lit >= lanes.length) return;
  const [from, to] = patchesOf(lit, size, before, image), row = (i) => Math.floor(i / image.across);
  if (from < 0) return MACHINE.outline(g, at.x, at.y, at.size, at.size, inks.main, 2); // the vector before them
  const x = at.x + (from % image.across) * each, wide = Math.min(to - from + 1, image.across) * each;
  MACHINE.outline(g, x, at.y + row(from) * each, wide, (row(to) - row(from) + 1) * each, inks.main, 2.5);
};
// The first and the last patch of a lane; less than 0: it is the vector before them
const patchesOf = (lane, size, before, { leading }) =>
  [lane * size, (lane + 1) * size - 1].map((position) => position - before - leading);

// What a lane reads, small beside its name; `right` is where it ends
MACHINE.patch = (g, { stack }, lane, right, y, inks) => {
  const { image, size, before } = stack,
    tensor = PAGE.tensors.get(image?.src),
    [from] = image ? patchesOf(lane, size, before, image) : [-1];
  if (!tensor || from < 0) return;
  const picture = imageOf(tensor), each = picture.width / image.across;
  const x = (from % image.across) * each, top = Math.floor(from / image.across) * each;
  const across = Math.min(size, image.across), down = Math.ceil(size / image.across);
  const w = size > 1 ? STRIP : ONE, high = size > 1 ? (w * down) / across : ONE;
  g.drawImage(picture, x, top, across * each, down * each, right - w, y - high / 2, w, high);
  MACHINE.outline(g, right - w, y - high / 2, w, high, inks.rail, 1);
};

// The patch at a place of the canvas
MACHINE.patchAt = ({ plan, h }, px, py) => {
  const stack = h.stacks[0], { x, y, size } = placeOf(plan), across = stack.image?.across;
  const col = Math.floor(((px - x) / size) * across), row = Math.floor(((py - y) / size) * across);
  if (!across || !(col >= 0 && row >= 0 && col < across && row < across)) return null;
  const { leading, what } = stack.image, token = leading + row * across + col;
  return { lane: MACHINE.laneOf(stack, token), stack: 0, token, text: `${what} ${row}·${col}` };
};
