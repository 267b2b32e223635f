// What this is, in a sentence, and a tour of the page: a card beside each of its stops, which frames it. It opens by
// itself on the first visit without a link, and never again once it was closed.
const SEEN = "glassbox-tour", GAP = 12; // pixels between a card and its stop
const STOPS = { // where each stop is
  prompt: () => box("[data-part=prompt], [data-part=drawing], [data-part=painting]"),
  machine: () => box("[data-kind=machine] canvas"),
  head: () => MACHINE.pickedBox(document.querySelector("[data-kind=machine] .gb")),
  arithmetic: () => box("[data-part=map]"),
  "what-if": () => box("[data-part=mechanisms]"),
};
const box = (selector) => document.querySelector(selector)?.getBoundingClientRect();

DRAW.welcome = function ({ data, parentElement }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= { at: -1, first: !location.search && !seen() });
  state.h = data;
  const start = el("button", { type: "button", class: "link", text: data.start });
  start.onclick = () => show(root, state, 0, true);
  root.replaceChildren(el("p", { class: "welcome" }, data.lead, " ", ...(data.stops.length ? [start] : [])));
  for (const type of ["resize", "scroll"]) {
    window.removeEventListener(type, state[type], true);
    window.addEventListener(type, state[type] = () => state.card && place(state), true);
  }
  state.leave = () =>
    ["resize", "scroll"].forEach((type) => window.removeEventListener(type, state[type], true));
  if (state.at >= 0) show(root, state, state.at);
  else if (state.first && data.stops.length) begin(root, state);
};
function seen() {
  try {
    return localStorage.getItem(SEEN);
  } catch {
    return true; // where nothing can be remembered, it would come at every visit
  }
}
// Once the picture is there
function begin(root, state, tries = 100) {
  if (!root.isConnected || state.at >= 0 || !tries) return;
  if (STOPS.head()) return show(root, state, 0);
  setTimeout(() => begin(root, state, tries - 1), 100);
}

function show(root, state, at, focus) {
  const { h } = state, last = h.stops.length - 1;
  if (at < 0 || at > last) return close(root, state);
  const button = (name, to) => el("button", { type: "button", text: h[name], onclick: to });
  const next = button(at === last ? "done" : "next", () => show(root, state, at + 1, true));
  next.className = "run";
  const back = at ? [button("back", () => show(root, state, at - 1, true))] : [];
  const skip = at < last ? [button("skip", () => close(root, state))] : [];
  const [name, tree] = h.stops[at],
    card = el(
      "section",
      { class: "tour", role: "dialog", "aria-label": h.title, "aria-live": "polite" },
      PAGE.grown(tree),
      el(
        "div",
        { class: "buttons" },
        el("span", { text: `${at + 1} / ${h.stops.length}` }),
        ...skip,
        ...back,
        next,
      ),
    );
  card.onkeydown = (e) => {
    e.stopPropagation();
    if (e.key === "Escape") close(root, state);
  };
  state.card?.remove();
  state.ring?.remove();
  Object.assign(state, { at, name, card, ring: el("div", { class: "tour-ring" }), first: false });
  root.append(state.ring, card);
  root.dataset.stop = name;
  state.scrolled = (STOPS[name]() && reveal(name)) || state.scrolled;
  place(state);
  if (focus) next.focus({ preventScroll: true });
}
function close(root, state) {
  state.card?.remove();
  state.ring?.remove();
  Object.assign(state, { at: -1, card: null, ring: null });
  delete root.dataset.stop;
  if (state.scrolled) document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
  state.scrolled = false;
  try {
    localStorage.setItem(SEEN, "1");
  } catch { /* then it is remembered for this visit alone */ }
}

function reveal(name) {
  const { top, bottom } = STOPS[name](), main = document.querySelector("[data-testid=stMain]");
  const hidden = top < 0 || Math.min(bottom, top + innerHeight / 2) > innerHeight;
  if (hidden) main?.scrollBy(0, top - innerHeight / 3);
  return hidden;
}
// Beside its stop: below where there is room, else above; of a large one over its lower right corner
function place({ name, card, ring }) {
  const at = STOPS[name]();
  card.hidden = ring.hidden = !at;
  if (!at) return;
  Object.assign(
    ring.style,
    px({ left: at.left - 4, top: at.top - 4, width: at.width + 8, height: at.height + 8 }),
  );
  const { width, height } = card.getBoundingClientRect(), room = innerHeight - GAP;
  const below = at.bottom + GAP, above = at.top - GAP - height;
  const large = at.height > 2 * height, fits = below + height < room;
  const top = fits ? below : above > 0 && !large ? above : Math.min(at.bottom - GAP, room) - height;
  const from = fits || !large ? at.left : at.right - width - GAP;
  const left = Math.max(GAP, Math.min(from, innerWidth - width - GAP));
  Object.assign(card.style, px({ left, top }));
}
const px = (sizes) => Object.fromEntries(Object.entries(sizes).map(([name, n]) => [name, `${n}px`]));
