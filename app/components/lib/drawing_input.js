// A sheet to draw on, whatever is drawn: its parts on the page, examples, a file from this computer. An image
// is a text, one sign per pixel, from `h.signs`; `h.palette` has their colours [r, g, b], the first that of
// an empty square.
// Bytes of a file, pixels of its image: few bytes can unpack to many pixels.
const LARGEST = 10e6, MOST = 40e6;

function thumb(canvas, text, h) {
  put(canvas, h.side, h.side, (i) => rgb(...h.palette[Math.max(0, h.signs.indexOf(text[i] ?? h.signs[0]))]));
}
const blank = (h) => h.signs[0].repeat(h.side * h.side);

// One sheet: `made` is the kind of drawing: what it adds to the sheet (build), how it shows a text, clears
// and takes a file's image. `state.set` shows a text and sends it.
function easel({ data, parentElement, setTriggerValue }, made) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  state.h = data;
  state.send = (text) => {
    state.note.textContent = "";
    state.sent = text;
    for (const canvas of [state.now, state.small]) canvas && thumb(canvas, text, state.h);
    setTriggerValue("image", text);
  };
  state.show = (text) => {
    state.shown = true;
    state.sent = text;
    made.show(state, text);
  };
  state.set = (text) => {
    state.show(text);
    state.send(text);
  };
  if (!state.pad) unfolded(root, state, made);
  const all = JSON.stringify(data.examples);
  if (state.examples !== all) {
    state.examples = all;
    examples(state);
  }
  if (state.sent !== data.text || !state.shown) state.show(data.text);
  const laid = `${data.open} ${data.few}`;
  if (state.laid !== laid) fold(state, data.open);
  state.laid = laid;
  thumb(state.small, data.text, data);
  root.dataset.sig = data.text.slice(0, 80);
}

const quiet = (text, help, onclick) =>
  el("button", { type: "button", class: "quiet", text, title: help, onclick });
function unfolded(root, state, made) {
  state.note = el("span", { class: "note", role: "status" });
  state.menu = el("div", { class: "examples" });
  const file = el("input", {
    type: "file",
    accept: "image/*",
    hidden: true,
    onchange: () => {
      open(state, file.files[0], made);
      file.value = "";
    },
  });
  const general = [
    quiet("Clear", "Start with an empty square", () => made.clear(state)),
    quiet(
      "From a file …",
      "An image of a single thing; the file stays on this computer",
      () => file.click(),
    ),
    file,
  ];
  const { before, tools } = made.build(state);
  const more = el(
    "div",
    { class: "more" },
    ...tools,
    el("div", { class: "draw-tools" }, ...general),
    el("div", { class: "label", text: "or pick one it never saw in training" }),
    state.menu,
    state.note,
  );
  const sheet = el("div", { class: "sheet" }, ...before, more);
  state.small = el("canvas", { role: "img", "aria-label": "What the model reads" });
  const unfold = el(
    "button",
    {
      type: "button",
      class: "quiet unfold picture",
      title: "Draw or pick another image",
      onclick: () => fold(state, true),
    },
    state.small,
    el("span", { text: "Another image" }),
  );
  Object.assign(state, {
    sheet,
    folded: el("div", { class: "folded" }, unfold),
    beside: state.menu.previousSibling,
  });
  root.replaceChildren(el("div", { class: "drawing" }, state.folded, sheet));
  sheet.ondragover = (e) => e.preventDefault();
  sheet.ondrop = (e) => {
    e.preventDefault();
    open(state, e.dataTransfer.files[0], made);
  };
}
// Folded, the sheet is a button; beside it, if the page has room for them (`h.few`), the examples.
function fold(state, open) {
  [state.sheet.hidden, state.folded.hidden] = [!open, open];
  if (open || !state.h.few) state.beside.after(state.menu);
  else state.folded.append(state.menu);
}
function examples(state) {
  state.menu.replaceChildren(...state.h.examples.map(([text, why]) => {
    const canvas = el("canvas");
    thumb(canvas, text, state.h);
    return el("button", {
      type: "button",
      class: "example picture",
      title: why,
      "aria-label": why,
      onclick: () => state.set(text),
    }, canvas);
  }));
}

// Only the browser opens a file; one sign per pixel is sent.
async function open(state, file, made) {
  if (!file) return;
  const complain = (text) => (state.note.textContent = text + " Your drawing is still there.");
  if (!file.type.startsWith("image/")) {
    return complain(
      `“${file.name}” is not an image (${file.type || "unknown kind"}): ` +
        "choose a PNG, JPEG, GIF or WebP file.",
    );
  }
  if (file.size > LARGEST) {
    return complain(
      `“${file.name}” has ${(file.size / 1e6).toFixed(0)} MB; the most is ${LARGEST / 1e6} MB.`,
    );
  }
  let picture;
  try {
    const pixels = await pixelsOf(file);
    if (pixels > MOST) {
      return complain(
        `“${file.name}” has ${(pixels / 1e6).toFixed(0)} million pixels; ` +
          `the most is ${MOST / 1e6} million.`,
      );
    }
    picture = await createImageBitmap(file);
  } catch {
    return complain(
      `“${file.name}” cannot be opened as an image: it is damaged, too large, ` +
        "or in a format this browser does not know.",
    );
  }
  made.take(state, picture);
}
// How many pixels a file claims to have, without unpacking them.
async function pixelsOf(file) {
  const image = new Image(), url = URL.createObjectURL(file);
  try {
    await new Promise((done, fail) => Object.assign(image, { onload: done, onerror: fail, src: url }));
    return image.naturalWidth * image.naturalHeight;
  } finally {
    URL.revokeObjectURL(url);
  }
}
// An image on white paper, `side` pixels wide and high, as RGBA bytes.
function onPaper(picture, side) {
  const sheet = new OffscreenCanvas(side, side), g = sheet.getContext("2d", { willReadFrequently: true });
  const scale = side / Math.max(picture.width, picture.height),
    [w, h] = [picture.width * scale, picture.height * scale];
  g.fillStyle = "#fff";
  g.fillRect(0, 0, side, side);
  g.imageSmoothingQuality = "high";
  g.drawImage(picture, (side - w) / 2, (side - h) / 2, w, h);
  picture.close();
  return g.getImageData(0, 0, side, side).data;
}
// A pointer's or the arrow keys' way over a pad of `count` squares a side.
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
function onPad(e, pad, count) {
  const box = pad.getBoundingClientRect();
  return [((e.clientX - box.left) / box.width) * count, ((e.clientY - box.top) / box.height) * count];
}
// The arrow keys move, the space bar acts; `settle` comes once a little while after the last act.
function byKeys(pad, move, act, settle) {
  let timer;
  pad.onkeydown = (e) => {
    if (!(e.key in ARROWS) && e.key !== " ") return;
    e.preventDefault();
    e.stopPropagation();
    if (e.key !== " ") return move(e.key);
    act();
    clearTimeout(timer);
    timer = setTimeout(settle, 400);
  };
}
function stepped(place, key, count) {
  return place.map((p, k) => Math.max(0, Math.min(count - 1, p + ARROWS[key][k])));
}
