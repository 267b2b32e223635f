// The image that a model reads: drawn with the pointer or the keys, taken from an example or from a file.
// A file is opened by the browser alone; what is sent is a sign a pixel, 0 dark to g bright.
const SIGNS = "0123456789abcdefg", FINE = 4, LARGEST = 10e6; // drawn on a grid FINE times finer; bytes of a file
DRAW.drawing = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  state.h = data;
  state.send = (text) => { state.sent = text; thumb(state.now, text, state.h.side); setTriggerValue("image", text); };
  if (!state.pad) build(root, state);
  const all = JSON.stringify(data.examples);
  if (state.examples !== all) { state.examples = all; examples(state); }
  if (state.sent !== data.text || !state.shown) show(state, data.text);
  if (state.open !== data.open) root.querySelector(".sheet").hidden = !(state.open = data.open);
  root.querySelector(".unfold").hidden = state.open;
  thumb(state.small, data.text, data.side);
  root.dataset.sig = data.text.slice(0, 80);
};

function build(root, state) {
  const fine = state.h.side * FINE;
  state.ink = new Uint8Array(fine * fine);
  state.pen = [fine >> 1, fine >> 1];
  const button = (text, help, onclick) => el("button", { type: "button", class: "quiet", text, title: help, onclick });
  state.pad = el("canvas", { class: "pad", width: fine * 5, height: fine * 5, tabindex: 0, role: "img", "aria-label": "Draw here with the pointer; or move with the arrow keys and draw with the space bar" });
  state.now = el("canvas", { class: "now", role: "img", "aria-label": "What the model reads" });
  state.note = el("span", { class: "note", role: "status" });
  state.menu = el("div", { class: "examples" });
  const file = el("input", { type: "file", accept: "image/*", hidden: true, onchange: () => { open(state, file.files[0]); file.value = ""; } });
  const tools = el("div", { class: "draw-tools" }, button("Clear", "Begin with an empty square", () => clear(state)), button("From a file …", "A picture of a single digit; the file stays on this computer", () => file.click()), file);
  const sheet = el("div", { class: "sheet" }, el("div", {}, el("div", { class: "label", text: "Draw" }), state.pad), el("div", {}, el("div", { class: "label", text: "The model reads" }), state.now),
    el("div", { class: "more" }, tools, el("div", { class: "label", text: "or take one that it never saw in training" }), state.menu, state.note));
  state.small = el("canvas", { role: "img", "aria-label": "What the model reads" });
  const unfold = el("button", { type: "button", class: "quiet unfold picture", title: "Draw or take another image", onclick: () => { sheet.hidden = false; unfold.hidden = true; } }, state.small, el("span", { text: "Another image" }));
  root.replaceChildren(el("div", { class: "drawing" }, unfold, sheet));
  sheet.ondragover = (e) => e.preventDefault();
  sheet.ondrop = (e) => { e.preventDefault(); open(state, e.dataTransfer.files[0]); };
  pointer(state);
  keyboard(state);
}

// --- drawing -------------------------------------------------------------------------------------

function pointer(state) {
  const pad = state.pad, fine = state.h.side * FINE;
  const at = (e) => { const box = pad.getBoundingClientRect(); return [((e.clientX - box.left) / box.width) * fine, ((e.clientY - box.top) / box.height) * fine]; };
  let last = null;
  pad.onpointerdown = (e) => { begin(state); pad.setPointerCapture(e.pointerId); dab(state, (last = at(e))); };
  pad.onpointermove = (e) => {
    if (!last) return;
    const to = at(e), steps = Math.ceil(Math.hypot(to[0] - last[0], to[1] - last[1]) * 2) || 1;
    for (let i = 1; i <= steps; i++) dab(state, [last[0] + ((to[0] - last[0]) * i) / steps, last[1] + ((to[1] - last[1]) * i) / steps]);
    last = to;
  };
  pad.onpointerup = pad.onpointercancel = () => { if (last) { last = null; read(state); } };
}
function keyboard(state) {
  state.pad.onkeydown = (e) => {
    const move = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[e.key], fine = state.h.side * FINE;
    if (!move && e.key !== " ") return;
    e.preventDefault();
    e.stopPropagation();
    if (move) state.pen = state.pen.map((p, k) => Math.max(0, Math.min(fine - 1, p + move[k])));
    else { begin(state); dab(state, state.pen); clearTimeout(state.timer); state.timer = setTimeout(() => read(state), 400); }
    repaint(state, true);
  };
}
// The first stroke after an example or a file begins on an empty square.
function begin(state) { if (!state.own) { state.ink.fill(0); state.own = true; } }
function clear(state) {
  state.ink.fill(0);
  state.own = true;
  repaint(state);
  state.send(SIGNS[0].repeat(state.h.side ** 2));
}
function dab(state, [x, y]) {
  const fine = state.h.side * FINE, reach = 1.9;
  for (let r = Math.max(0, Math.floor(y - reach)); r <= Math.min(fine - 1, y + reach); r++)
    for (let c = Math.max(0, Math.floor(x - reach)); c <= Math.min(fine - 1, x + reach); c++)
      if (Math.hypot(c + 0.5 - x, r + 0.5 - y) < reach) state.ink[r * fine + c] = 1;
  repaint(state);
}
function repaint(state, cursor) {
  const fine = state.h.side * FINE, g = state.pad.getContext("2d"), dot = state.pad.width / fine;
  g.fillStyle = "#000";
  g.fillRect(0, 0, state.pad.width, state.pad.height);
  g.fillStyle = "#fff";
  state.ink.forEach((on, i) => on && g.fillRect((i % fine) * dot, Math.floor(i / fine) * dot, dot, dot));
  if (cursor) { g.strokeStyle = "#e8762c"; g.lineWidth = 2; g.strokeRect((state.pen[0] - 1.5) * dot, (state.pen[1] - 1.5) * dot, 4 * dot, 4 * dot); }
}

// --- from ink to signs: the digits that the model learned from fill the square from top to bottom, and each
// of their pixels counts the ink in a square of 4 × 4 ------------------------------------------------

function read(state) {
  const side = state.h.side, fine = side * FINE, on = [];
  state.ink.forEach((ink, i) => ink && on.push([Math.floor(i / fine), i % fine]));
  if (!on.length) return state.send(SIGNS[0].repeat(side * side));
  const [top, left] = [0, 1].map((k) => Math.min(...on.map((p) => p[k]))), [bottom, right] = [0, 1].map((k) => Math.max(...on.map((p) => p[k])) + 1);
  const size = Math.max(bottom - top, right - left, 8), y0 = (top + bottom - size) / 2, x0 = (left + right - size) / 2;
  const counts = new Array(side * side).fill(0);
  for (let r = 0; r < fine; r++)
    for (let c = 0; c < fine; c++) {
      const y = Math.floor(y0 + ((r + 0.5) * size) / fine), x = Math.floor(x0 + ((c + 0.5) * size) / fine);
      if (y >= 0 && x >= 0 && y < fine && x < fine && state.ink[y * fine + x]) counts[Math.floor(r / FINE) * side + Math.floor(c / FINE)]++;
    }
  state.note.textContent = "";
  state.send(counts.map((n) => SIGNS[Math.round((n * (SIGNS.length - 1)) / (FINE * FINE))]).join(""));
}

// What came from elsewhere is shown as it is, pixel by pixel.
function show(state, text) {
  const side = state.h.side, g = state.pad.getContext("2d");
  state.shown = true;
  state.own = false;
  state.sent = text;
  g.imageSmoothingEnabled = false;
  thumb(state.now, text, side);
  g.drawImage(state.now, 0, 0, state.pad.width, state.pad.height);
}
function thumb(canvas, text, side) {
  [canvas.width, canvas.height] = [side, side];
  const image = new ImageData(side, side), words = new Uint32Array(image.data.buffer);
  words.forEach((_, i) => { const v = Math.round((255 * Math.max(0, SIGNS.indexOf(text[i] ?? "0"))) / (SIGNS.length - 1)); words[i] = (255 << 24) | (v << 16) | (v << 8) | v; });
  canvas.getContext("2d").putImageData(image, 0, 0);
}
function examples(state) {
  state.menu.replaceChildren(...state.h.examples.map(([text, why]) => {
    const canvas = el("canvas");
    thumb(canvas, text, state.h.side);
    return el("button", { type: "button", class: "example picture", title: why, "aria-label": why, onclick: () => { state.note.textContent = ""; show(state, text); state.send(text); } }, canvas);
  }));
}

// --- a file: opened by the browser, made grey, its ink found, put on the fine grid ----------------------

async function open(state, file) {
  if (!file) return;
  const complain = (text) => (state.note.textContent = text + " Your drawing is still there.");
  if (!file.type.startsWith("image/")) return complain(`“${file.name}” is no picture (${file.type || "unknown kind"}): choose a PNG, JPEG, GIF or WebP file.`);
  if (file.size > LARGEST) return complain(`“${file.name}” has ${(file.size / 1e6).toFixed(0)} MB; the most is ${LARGEST / 1e6} MB.`);
  let picture;
  try { picture = await createImageBitmap(file); }
  catch { return complain(`“${file.name}” cannot be opened as a picture: it is damaged, too large, or of a kind this browser does not know.`); }
  const fine = state.h.side * FINE, sheet = new OffscreenCanvas(fine, fine), g = sheet.getContext("2d", { willReadFrequently: true });
  const scale = fine / Math.max(picture.width, picture.height), [w, h] = [picture.width * scale, picture.height * scale];
  g.fillStyle = "#fff";
  g.fillRect(0, 0, fine, fine);
  g.imageSmoothingQuality = "high";
  g.drawImage(picture, (fine - w) / 2, (fine - h) / 2, w, h);
  picture.close();
  ink(state, g.getImageData(0, 0, fine, fine).data);
  repaint(state);
  read(state);
}
// Ink is what is far from the paper, and paper is what the picture's edge mostly is.
function ink(state, rgba) {
  const fine = state.h.side * FINE, grey = Array.from({ length: fine * fine }, (_, i) => 0.3 * rgba[4 * i] + 0.59 * rgba[4 * i + 1] + 0.11 * rgba[4 * i + 2]);
  const edge = grey.filter((_, i) => i < fine || i >= fine * (fine - 1) || i % fine === 0 || i % fine === fine - 1).sort((a, b) => a - b);
  const paper = edge[edge.length >> 1], most = Math.max(...grey.map((v) => Math.abs(v - paper)));
  state.own = true;
  grey.forEach((v, i) => (state.ink[i] = most > 20 && Math.abs(v - paper) > most / 2 ? 1 : 0));
  state.note.textContent = most > 20 ? "" : "The picture is of one colour: there is nothing to read in it.";
}
