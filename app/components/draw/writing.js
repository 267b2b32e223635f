// A text token by token, coloured by surprise; what could stand in the place of the picked one; and writing on:
// while it plays, the page asks for one token more whenever it has got one. Who leaves asks no more.
const TICK = 5; // milliseconds between a token's coming and the asking for the next
DRAW.writing = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= { playing: false, at: -1 });
  const begins = JSON.stringify([data.model, data.tokens.slice(0, data.read).map(({ id }) => id)]);
  if (state.begins !== begins) state.playing = false; // another text
  Object.assign(state, { h: data, begins, send: setTriggerValue, root, leave: () => stop(state) });
  if (state.at >= data.tokens.length) state.at = -1;
  if (!data.more) state.playing = false;
  compose(root, state);
  if (state.playing) soon(state);
};

function soon(state) {
  clearTimeout(state.timer);
  state.timer = setTimeout(() => state.playing && ask(state, 1), TICK);
}
const ask = ({ h, send }, by) => send("length", [Math.max(1, Math.min(h.longest, h.length + by))]);
function stop(state) {
  clearTimeout(state.timer);
  state.playing = false;
}

function compose(root, state) {
  const { h } = state;
  const made = frame(root, h, () => [
    ["token", "text", "id", "bits", "probability", "most probable"],
    ...h.tokens.map(({ label, id, bits, best }, i) => [
      i,
      label,
      id,
      bits ?? "",
      bits === null ? "" : 2 ** -bits,
      best.length ? best[0][1] : "",
    ]),
  ], "div");
  state.made = made;
  made.tools.children[1].hidden = true; // a text is no picture
  made.canvas.removeAttribute("tabindex");
  made.canvas.setAttribute("role", "group");
  const shades = colours(root, "sequential"), most = h.much;
  made.key.replaceChildren(...legendOf(shades, "linear", most), el("span", { text: h.words.bits }));
  made.canvas.replaceChildren(told(root, state, shades), buttons(state), places(state));
  root.dataset.sig = `${h.length}|${h.tokens.length}|${state.at}|${state.playing}`;
}

const atNow = ({ h, at }) => (at < 0 ? h.tokens.length - 1 : at);
function told(root, state, shades) {
  const { h } = state, now = atNow(state);
  const line = el("div", {
    class: "told",
    role: "radiogroup",
    "aria-label": h.title,
    onkeydown: amongChoices,
  });
  h.tokens.forEach(({ label, bits }, i) => {
    const word = shades[Math.round(255 * Math.min(1, (bits ?? 0) / h.much))];
    const ink = isDark(word) ? "#ffffff" : "#000000", blank = bits === null;
    const token = el("button", {
      type: "button",
      role: "radio",
      class: `choice tok ${i < h.read ? "given" : "written"}`,
      text: label,
      "aria-checked": String(i === now),
      tabindex: i === now ? 0 : -1,
      style: blank ? "" : `background: ${toCss(word)}; color: ${ink}`,
      onclick: () => {
        state.at = i;
        compose(root, state);
        root.querySelector(".tok[aria-checked=true]").focus({ preventScroll: true });
      },
    });
    token.setAttribute("aria-label", wordsOfToken(h, i));
    token.onmouseenter = token.onfocus = () => tell(state, token, i);
    token.onmouseleave = token.onblur = () => tipAt(state.made, 0, 0, "");
    line.append(token);
  });
  return line;
}
// The best entries in a token's place, beside it
function tell({ h, made }, token, i) {
  const box = made.canvas.getBoundingClientRect(), at = token.getBoundingClientRect();
  const best = h.tokens[i].best.map(([id, label, p]) =>
    `${id === h.tokens[i].id ? "▸" : " "} ${label}  ${exactShare(p)}`
  );
  tipAt(made, at.left - box.left, 0, [wordsOfToken(h, i), ...best].join("\n"));
  made.tip.style.top = `${at.bottom - box.top + 4}px`;
}
function wordsOfToken({ tokens, read, words }, i) {
  const { label, bits } = tokens[i], which = i < read ? words.given : words.written;
  return bits === null
    ? `“${label}”, ${which}`
    : `“${label}”, ${which}, ${show(bits)} ${words.bits}, ${percent(2 ** -bits)}`;
}

function buttons(state) {
  const { h, root } = state;
  const button = (text, on, onclick, kind = "quiet") => {
    const made = el("button", {
      type: "button",
      class: kind,
      text,
      onclick: () => isAble(made) && onclick(),
    });
    able(made, on);
    return made;
  };
  const flip = () => {
    state.playing ? stop(state) : ((state.playing = true), (state.at = -1), ask(state, 1));
    compose(root, state);
  };
  return el(
    "div",
    { class: "writes" },
    button(state.playing ? h.words.stop : h.words.play, h.more || state.playing, flip, "run"),
    button(h.words.step, h.more && !state.playing, () => ask(state, 1)),
    button(h.words.undo, h.length > 1 && !state.playing, () => ask(state, -1)),
  );
}

// What could stand in the place of the picked token, the most probable first
function places(state) {
  const { h, send, root } = state, at = atNow(state), token = h.tokens[at];
  if (!token.best.length) return el("div", { class: "note", text: h.words.first });
  const most = token.best[0][2];
  const one = ([id, label, p], rank) =>
    el(
      "button",
      {
        type: "button",
        class: "other",
        "aria-pressed": String(id === token.id),
        disabled: id === token.id,
        title: `${label}: ${exactShare(p)}`,
        onclick: () => {
          stop(state);
          state.at = -1;
          send("instead", [at, rank]);
        },
      },
      el("i", { style: `width: ${(100 * p) / most}%` }),
      el("code", { text: label }),
      el("span", { text: exactShare(p) }),
    );
  return el(
    "div",
    { class: "others", role: "group", "aria-live": state.playing ? "off" : "polite" },
    el("div", { class: "note", text: `${wordsOfToken(h, at)}; ${h.words.instead}:` }),
    ...token.best.map(one),
  );
}
const exactShare = (p) => `${Number((100 * p).toPrecision(2))}%`;
