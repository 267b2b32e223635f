// Code line by line, with what its variables hold after each line; a line can be picked where that is asked.
DRAW.listing = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  state.send = setTriggerValue;
  const had = root.contains(document.activeElement) ? document.activeElement.dataset.line : undefined;
  const kept = state.box?.scrollTop ?? 0;
  let number = 0;
  const lines = data.groups.flatMap(([name, group]) => [
    ...(name ? [el("div", { class: "of", text: name })] : []),
    ...group.map((one) => codeLine(state, data, one, number++)),
  ]);
  state.box = el("div", { class: "lines", tabindex: 0, role: "group", "aria-label": data.aria }, ...lines);
  const title = data.title ? [el("div", { class: "title", text: data.title })] : [];
  root.replaceChildren(el("div", { class: "listing" }, ...title, state.box));
  if (had !== undefined) root.querySelector(`button[data-line="${had}"]`)?.focus();
  state.box.scrollTop = kept;
  ask(() => placeOf(state.box), ([top, bottom, room]) => {
    if (top === null) return;
    if (top < state.box.scrollTop || bottom > state.box.scrollTop + room) {
      state.box.scrollTop = top - room / 3;
    }
  });
  root.dataset.sig = `listing|${data.name}`;
};

// Where the present line stands in its box
function placeOf(box) {
  const now = box.querySelector('[aria-current="step"]');
  return now ? [now.offsetTop, now.offsetTop + now.offsetHeight, box.clientHeight] : [null, 0, 0];
}

function codeLine(state, h, { text, note, state: how, mark, pick }, i) {
  const bare = text.trimStart(), indent = el("code", { text: text.slice(0, text.length - bare.length) });
  const code = el("code", { text: bare || " " });
  const act = () => state.send("pick", pick);
  const label = `${h.words.pick} ${text.trim()}`;
  const shown = pick === null
    ? code
    : el("button", { type: "button", "data-line": i, "aria-label": label, onclick: act }, code);
  const sign = mark === null ? [] : [
    el("span", {
      class: `mark ${mark ? "ok" : "off"}`,
      text: mark ? "✓" : "✗",
      role: "img",
      "aria-label": mark ? h.words.ok : h.words.off,
    }),
  ];
  const notes = note ? [el("span", { class: "value", text: note })] : [];
  const current = how === "at-it" ? { "aria-current": "step" } : {};
  return el("div", { class: `line ${how}`, ...current }, el("span", {}, indent, shown), ...sign, ...notes);
}
