// An image as the model reads it, its patches marked, with the attention weights of the picked token laid
// over it. In an image model that token is itself a patch, and a click picks it; in a captioner, a click
// picks the patch attended to (`by`: "token" or "key"; "cell": of a map of the image, with the frame around what it
// sees).
DRAW.image = drawn(paint, { token: "token", key: "key", head: "index", cell: "cell" }, true);
DRAW.looks = drawn(strip, { token: "token", head: "index" }, false);

// What draws with `draw`: again when its tensors come, and when one of `choices` (event: field of the data)
// is made.
function drawn(draw, choices, sized) {
  return ({ data, parentElement, setTriggerValue }) => {
    const root = parentElement.querySelector(".gb");
    if (!data) return;
    const state = (root.__state ??= {}), again = () => draw(root, state);
    Object.assign(state, { h: data, send: setTriggerValue });
    listen(
      root,
      PAGE.bus,
      "tensors",
      (e) => [state.h.src, state.h.over].some((id) => e.detail.has(id)) && again(),
    );
    for (const [name, field] of Object.entries(choices)) {
      state[field] = chosen(name, data[field]);
      listen(root, PAGE.bus, name, (e) => ((state[field] = e.detail), again()));
    }
    if (sized) watchWidth(root, state, again);
    again();
  };
}

function paint(root, state) {
  const h = state.h, image = PAGE.tensors.get(h.src), over = h.over && PAGE.tensors.get(h.over);
  const made = frame(root, h, () => table(h, state, image, over));
  if (!image || (h.over && !over) || !state.width) return;
  const high = h.spot ? stageHeight(h.spot) : sized(h.height);
  const size = Math.min(high, state.width), across = h.across, step = size / across;
  const g = surface(made.canvas, size, size);
  pixels(g, image, size);
  const weights = over && row(over, state);
  if (weights) lay(g, root, weights, h.leading, across, step);
  g.strokeStyle = "rgba(128,128,128,0.55)";
  g.lineWidth = 1;
  for (let i = 1; i < across; i++) {
    for (const [a, b, c, d] of [[i, 0, i, across], [0, i, across, i]]) {
      line(g, a * step, b * step, c * step, d * step);
    }
  }
  const picked = state[h.by];
  if (picked >= h.leading) {
    const [r, c] = place(picked - h.leading, across);
    g.strokeStyle = css(root, "--st-primary-color");
    g.lineWidth = 3;
    g.strokeRect(c * step + 1.5, r * step + 1.5, step - 3, step - 3);
  }
  if (h.frame) framed(g, root, h.frame, size / image.shape[1], size);
  remark(made, h, h.frame ? h.say : sentence(h, state, weights));
  act(root, state, made, across, step, weights);
  root.dataset.sig = `${h.src}|${h.over}|${state.index}|${state.token}|${state.key}|${state.cell}`;
}

const place = (patch, across) => [Math.floor(patch / across), patch % across];
function row(over, state) {
  const [N, T, S] = over.shape, index = Math.min(state.index, N - 1);
  return over.data.subarray((index * T + state.token) * S, (index * T + state.token + 1) * S);
}
function line(g, a, b, c, d) {
  g.beginPath();
  g.moveTo(a, b);
  g.lineTo(c, d);
  g.stroke();
}

// A frame around the pixels that a cell sees: from row to row and from column to column, those that there are
function framed(g, root, frame, pixel, size) {
  const [top, bottom, left, right] = frame.map((at, i) =>
    Math.max(1.5, Math.min(size - 1.5, (at + (i % 2)) * pixel))
  );
  for (const [ink, width] of [[css(root, "--st-background-color"), 4.5], ["#e8762c", 2.5]]) {
    g.strokeStyle = ink;
    g.lineWidth = width;
    g.strokeRect(left, top, right - left, bottom - top);
  }
}

const FIGURES = 5; // weights written as numbers: the largest

// A colour over each patch, stronger for larger weights, hatching where it is masked, and the largest weights
// as numbers if there is room.
function lay(g, root, weights, leading, across, step) {
  const order = [...weights.keys()].slice(leading).sort((a, b) => weights[b] - weights[a]),
    size = Math.min(sized(13), step / 3.4);
  const most = Math.max(weights[order[0]], 1e-9), told = order.slice(0, FIGURES);
  g.font = `600 ${size}px ${css(root, "--st-font")}`;
  g.textAlign = "center";
  g.textBaseline = "middle";
  for (let i = leading; i < weights.length; i++) {
    const [r, c] = place(i - leading, across);
    const masked = weights[i] === -Infinity;
    g.globalAlpha = masked ? 1 : 0.8 * Math.sqrt(weights[i] / most);
    g.fillStyle = masked ? hatching(g, root) : "#e8762c";
    g.fillRect(c * step, r * step, step, step);
    g.globalAlpha = 1;
    const below = weights[i] * weights.length < 1; // less than an equal share: no number
    if (step < 26 || !told.includes(i) || below) continue;
    const text = percent(weights[i]), wide = g.measureText(text).width + 4;
    g.fillStyle = "rgba(0,0,0,0.6)";
    g.fillRect((c + 0.5) * step - wide / 2, (r + 0.5) * step - size * 0.7, wide, size * 1.4);
    g.fillStyle = "#fff";
    g.fillText(text, (c + 0.5) * step, (r + 0.5) * step);
  }
}

function sentence(h, state, weights) {
  const from = h.by === "token" ? `Picked: ${h.names[state.token]}.` : "";
  if (!weights) return from;
  const best = weights.indexOf(Math.max(...weights));
  const first = h.leading ? `; ${h.names[0]} gets ${percent(weights[0])}` : "";
  return `${from || `${placed(h.words[state.token], state.token)}:`} It looks most at ${h.names[best]} (${
    percent(weights[best])
  })${first}.`;
}

function act(root, state, made, across, step, weights) {
  const canvas = made.canvas, h = state.h;
  const at = (e) => {
    const c = Math.floor(e.offsetX / step), r = Math.floor(e.offsetY / step);
    return r >= 0 && c >= 0 && r < across && c < across ? h.leading + r * across + c : null;
  };
  const asks = h.by === "token" ? h.names[state.token] : placed(h.words[state.token], state.token);
  const say = (
    i,
  ) => (!weights
    ? h.names[i]
    : weights[i] === -Infinity
    ? `${asks} may not look at ${h.names[i]}: masked`
    : `${asks} looks ${percent(weights[i])} at ${h.names[i]}`);
  const pick = (i) => {
    state[h.by] = i;
    choose(h.by, i);
    paint(root, state);
    state.send("place", i);
  };
  canvas.style.cursor = "pointer";
  canvas.onpointermove = (e) => {
    const i = at(e);
    tipAt(made, e.offsetX, e.offsetY, i === null ? "" : say(i));
  };
  canvas.onpointerleave = canvas.onblur = () => tipAt(made, 0, 0, "");
  canvas.onclick = (e) => {
    const i = at(e);
    if (i !== null) pick(i);
  };
  canvas.onkeydown = (e) => {
    if (!(e.key in ARROWS)) return;
    const [right, down] = ARROWS[e.key];
    e.preventDefault();
    e.stopPropagation();
    pick(Math.max(0, Math.min(h.names.length - 1, state[h.by] + right + down * across)));
  };
}

function table(h, state, image, over) {
  if (over) {
    return [
      [h.what, "weight"],
      ...Array.from(row(over, state), (w, i) => [h.names[i], w === -Infinity ? "masked" : w]),
    ];
  }
  const [N, R, C] = image.shape, planes = N === 3 ? ["red ", "green ", "blue "] : [""];
  const rows = planes.flatMap((name, n) =>
    Array.from(
      { length: R },
      (_, r) => [name + r, ...image.data.subarray((n * R + r) * C, (n * R + r + 1) * C)],
    )
  );
  return [["row \\ column", ...Array.from({ length: C }, (_, c) => String(c))], ...rows];
}

// --- the image once per written word, side by side: a click picks the word ---------------------------------

// Redrawn only if the images change: a click on a word only moves the mark, and the focus stays.
function strip(root, state) {
  const h = state.h, image = PAGE.tensors.get(h.src), over = PAGE.tensors.get(h.over);
  if (!image || !over) return;
  const key = JSON.stringify([h.src, h.over, state.index, h.words, h.says]);
  if (state.strip !== key) {
    state.strip = key;
    const words = h.words.map((_, token) => look(root, state, image, over, token));
    root.replaceChildren(
      el(
        "figure",
        {},
        el("div", { class: "caption" }, el("span", { class: "title", text: h.title })),
        el("div", { class: "looks", role: "group", "aria-label": h.title }, ...words),
      ),
    );
  }
  root.querySelectorAll(".look").forEach((button, token) =>
    button.setAttribute("aria-pressed", token === state.token)
  );
  root.dataset.sig = `${h.src}|${h.over}|${state.index}|${state.token}`;
}
function look(root, state, image, over, token) {
  const h = state.h,
    size = sized(64),
    canvas = el("canvas"),
    g = surface(canvas, size, size),
    weights = row(over, { token, index: state.index });
  pixels(g, image, size);
  lay(g, root, weights, h.leading, h.across, size / h.across);
  const best = weights.indexOf(Math.max(...weights));
  const label = `${placed(h.words[token], token)} looks ${percent(weights[best])} at ${h.names[best]}`;
  const pick = () => {
    choose("token", token);
    state.send("token", token);
  };
  return el(
    "button",
    { type: "button", class: "look", title: label, "aria-label": label, onclick: pick },
    canvas,
    el("span", { text: h.says[token] ?? "" }),
  );
}
