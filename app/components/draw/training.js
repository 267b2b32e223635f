// A training, merge by merge: forward, back and a scrubber; the pairs of this moment with their counts, what the
// vocabulary has got, and a text cut by the tokenizer of this moment. All of it is here already.
DRAW.training = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= { n: null });
  const given = data.merge;
  if (state.given !== given || state.src !== data.src) state.n = chosen("training", given);
  Object.assign(state, { h: data, given, src: data.src, send: setTriggerValue });
  const draw = () => trained(root, state);
  listen(root, PAGE.bus, "tensors", (e) => e.detail.has(data.src) && draw());
  state.leave = () => clearTimeout(state.timer);
  draw();
};

const SHOWN_ENTRIES = 16, SENT_AFTER = 250; // milliseconds
function trained(root, state) {
  const { h } = state, tensor = PAGE.tensors.get(h.src);
  const made = frame(root, h, () => (state.all ? trainingTable(state) : [["merge"]]), "div");
  made.tools.children[made.tools.childElementCount - 2].hidden = true; // no PNG of what is no picture
  if (!tensor) return;
  if (state.read !== h.src) {
    state.all = JSON.parse(new TextDecoder().decode(Uint8Array.from(tensor.data)));
    state.read = h.src;
  }
  made.canvas.setAttribute("role", "group");
  made.canvas.removeAttribute("tabindex");
  // What a hand is at stays where the server's answer changes nothing of it.
  const built = JSON.stringify([h.words, h.heads, h.merges]);
  if (state.built !== built) build_training(state, made);
  state.built = built;
  moment(state);
  root.dataset.sig = `${h.src}|${state.n}`;
}

function build_training(state, made) {
  const { h } = state, w = h.words;
  const go = (n) => {
    state.n = Math.max(0, Math.min(h.merges, n));
    moment(state);
    choose("training", state.n);
    clearTimeout(state.timer);
    state.timer = setTimeout(() => state.send("merge", state.n), SENT_AFTER);
  };
  const button = (text, by, label) =>
    el("button", {
      type: "button",
      text,
      title: label,
      "aria-label": label,
      onclick: () => go(state.n + by),
    });
  const range = el("input", { type: "range", min: 0, max: h.merges, step: 1, "aria-label": w.slider });
  range.oninput = () => go(Number(range.value));
  range.onkeydown = (e) => e.key.startsWith("Page") ? e.preventDefault() : e.stopPropagation();
  const parts = {
    range,
    back: button("◀", -1, w.back),
    on: button("▶", 1, w.on),
    note: el("div", { class: "note", "aria-live": "polite" }),
    title: el("div", { class: "title" }),
    rivals: el("tbody"),
    entries: el("div", { class: "parts" }),
    told: el("div", { class: "note" }),
    text: el("div", { class: "cut", role: "list", tabindex: 0, "aria-label": w.text }),
  };
  const head = el("tr", {}, ...h.heads.map((text) => el("th", { text })));
  made.canvas.replaceChildren(
    el("div", { class: "slide" }, parts.back, range, parts.on, parts.note),
    el(
      "div",
      { class: "training" },
      el(
        "div",
        {},
        parts.title,
        el("table", { class: "rivals" }, el("thead", {}, head), parts.rivals),
      ),
      el("div", {}, el("div", { class: "title", text: w.entries }), parts.entries),
    ),
    el("div", { class: "title", text: w.cut }),
    parts.text,
    parts.told,
  );
  state.parts = parts;
}

// Everything as it is after n merges. The table has the pairs that the next merge is chosen from.
function moment(state) {
  const { h, all, parts, n } = state, label = (id) => all.entries[id];
  parts.range.value = n;
  able(parts.back, n > 0);
  able(parts.on, n < h.merges);
  const [a, b, to] = n ? all.steps[n - 1] : [];
  const words = n
    ? `${label(a)} + ${label(b)} → ${label(to)}, ${all.steps[n - 1][3].toLocaleString("en")}×`
    : h.words.none;
  const size = n ? all.steps[n - 1][4] : h.start;
  parts.note.textContent = `${h.words.merge} ${n.toLocaleString("en")} / ${h.merges.toLocaleString("en")}: ` +
    `${words}; ${h.words.size} ${size.toLocaleString("en")}`;
  const last = n && n === h.merges, next = all.steps[last ? n - 1 : n]?.[5] ?? [];
  parts.title.textContent = last ? h.words.last : h.words.pairs;
  const best = Math.max(0, ...next.map((row) => row[3] ?? 0));
  parts.rivals.replaceChildren(...next.map(([x, y, count, score], i) => {
    const share = next[0][2] ? (100 * count) / next[0][2] : 0;
    return el(
      "tr",
      { "aria-current": i ? null : "true" },
      el("th", { text: `${label(x)} + ${label(y)}` }),
      el("td", { text: count.toLocaleString("en") }, el("i", { style: `width: ${share}%` })),
      ...(h.scored ? [el("td", { class: score === best ? "best" : "", text: show(score) })] : []),
    );
  }));
  if (!next.length) {
    parts.rivals.append(el("tr", {}, el("td", { text: h.words.done, colspan: h.heads.length })));
  }
  const fresh = all.steps.slice(Math.max(0, n - SHOWN_ENTRIES), n).reverse();
  parts.entries.replaceChildren(
    ...fresh.map((step, i) =>
      el("span", { class: "part" + (i ? "" : " fresh"), title: `id ${step[2]}`, text: label(step[2]) })
    ),
  );
  const groups = h.text ? (h.text.words ? cutWords : cutAt)(h.text, n, all) : [],
    count = groups.reduce((sum, [, own]) => sum + own.length, 0);
  parts.text.replaceChildren(...tokenGroups(groups.slice(0, 400), tokenBelow));
  parts.told.textContent = h.text
    ? `${count.toLocaleString("en")} ${h.words.tokens}; ${
      show(h.text.size / Math.max(1, count))
    } ${h.words.each}`
    : h.words.refused;
}

// The text after n merges, in whole characters: units (bytes or characters) become tokens, and tokens that share
// a character stand together. `unknown` are the units that no entry stands for.
function cutAt(text, n, all) {
  const ends = tokenEnds(text, n, all), unknown = new Set(text.unknown), groups = [];
  let g = 0, until = 0, shown = "", own = [], start = 0, place = 0;
  for (const [end, id] of ends) {
    const raw = text.units.slice(start, end).join(" ");
    own.push([place++, id, raw, unknown.has(start), "", unknown.has(start) ? text.name : ""]);
    while (until < end && g < text.graphemes.length) {
      shown += text.graphemes[g][0];
      until += text.graphemes[g++][1];
    }
    if (until === end) {
      if (own.length > 1) own.forEach((part) => part[ITS_BYTES] = part[2]);
      groups.push([shown, own]);
      [shown, own] = ["", []];
    }
    start = end;
  }
  return groups;
}
// Where tokens end, and their ids: those merges of each piece that the tokenizer of this moment has, in their order.
function tokenEnds(text, n, all) {
  const ends = [];
  let at = 0;
  for (const [size, joins] of text.pieces) {
    const after = Array.from({ length: size }, (_, i) => i + 1), gone = new Set();
    const ids = text.ids.slice(at, at + size);
    for (const [rank, i] of joins) {
      if (rank >= n) break;
      const j = after[i];
      gone.add(j);
      after[i] = after[j];
      ids[i] = all.steps[rank][2];
    }
    for (let i = 0; i < size; i++) if (!gone.has(i)) ends.push([at + after[i], ids[i]]);
    at += size;
  }
  return ends;
}
// WordPiece: from the front of each word the longest entry that there is by now; with a rest of which none is
// known the whole word is unknown.
function cutWords(text, n, all) {
  const known = (entry) => (all.born[entry]?.[0] ?? Infinity) <= n;
  let place = 0;
  return text.words.flatMap((word) => {
    const letters = [...word], pieces = [];
    for (let start = 0, end; start < letters.length; start = end) {
      const entry = () => (start ? "##" : "") + letters.slice(start, end).join("");
      for (end = letters.length; end > start && !known(entry()); end--);
      if (end === start) return [[text.name, [[place++, 0, "", true, "", word]]]];
      pieces.push(entry());
    }
    return pieces.map((piece) => [piece, [[place++, all.born[piece][1], piece, false, "", ""]]]);
  });
}
const trainingTable = ({ all }) => [
  ["merge", "left", "right", "new entry", "count", "entries"],
  ...all.steps.map(([a, b, to, count, size], i) => [
    i + 1,
    all.entries[a],
    all.entries[b],
    all.entries[to],
    count,
    size,
  ]),
];

// A button that saves what is stored.
DRAW.download = function ({ data, parentElement }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const bytes = () => Uint8Array.from(PAGE.tensors.get(data.src)?.data ?? []);
  const onclick = () => save(data.name, new Blob([bytes()], { type: "application/json" }));
  root.replaceChildren(el("button", { type: "button", class: "quiet", text: data.label, onclick }));
};
