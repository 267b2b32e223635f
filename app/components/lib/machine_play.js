// The controls over the picture of a whole run, or of a block's inside: play it in the order of computation, step,
// scrub, zoom, pick a block and a head.

const STAGE = 500; // milliseconds that play stays at one part
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// What is played: the columns of the whole, or the stages inside the block
MACHINE.played = ({ h, scene }) => (scene === INSIDE ? h.inside.stages : h.columns);
MACHINE.stop = (state) => {
  cancelAnimationFrame(state.playing);
  Object.assign(state, { playing: null, progress: 1 });
  state.paint();
  state.shown();
};
MACHINE.stage = (state, to, progress = 1) => {
  state.at = Math.max(0, Math.min(MACHINE.played(state).length - 1, to));
  state.progress = progress;
  state.paint();
  state.shown();
};
// One part back or on
MACHINE.step = (state, by) => {
  MACHINE.stop(state);
  const last = MACHINE.played(state).length - 1;
  const from = state.at === Infinity ? (by > 0 ? -1 : last) : state.at;
  MACHINE.stage(state, from + by);
};
// Play or stop; where motion is not wanted, one part on.
MACHINE.toggle = (state) => {
  if (state.playing) return MACHINE.stop(state);
  if (calm()) return MACHINE.step(state, 1);
  MACHINE.run(state);
};
MACHINE.run = (state) => {
  const last = () => MACHINE.played(state).length - 1;
  let since = performance.now();
  MACHINE.stage(state, state.at >= last() ? 0 : state.at + 1, 0);
  const on = (now) => {
    state.progress = Math.min(1, Math.max(0, (now - since) / (STAGE / state.speed)));
    if (state.progress === 1) {
      if (state.at >= last()) return MACHINE.stop(state);
      since = now;
      MACHINE.stage(state, state.at + 1, 0);
    } else if (state.scene === INSIDE) state.paint();
    state.playing = requestAnimationFrame(on);
  };
  state.playing = requestAnimationFrame(on);
};

// The row of controls over the picture. `does` has level(by): zoom in or out by one level, to the whole model for
// 0; block(id), head(n) and take(): open a block, pick a head, take the picked head out or put it back.
MACHINE.controls = (state, does) => {
  const button = (text, help, onclick) =>
    el("button", { type: "button", text, title: help, "aria-label": help, onclick });
  const list = (help, onchange) => el("select", { "aria-label": help, title: help, onchange });
  const toggle = button("▶", "Play the computation in its order", () => MACHINE.toggle(state));
  const range = el("input", { type: "range", min: 0, "aria-label": "How far the computation has come" });
  range.oninput = () => {
    const to = Number(range.value); // before what stops the play sets it back
    MACHINE.stop(state);
    MACHINE.stage(state, to);
  };
  range.onkeydown = (e) => e.stopPropagation();
  const speed = list("Speed", () => (state.speed = Number(speed.value)));
  offer(speed, [0.5, 1, 2].map((n) => [n, `${n}×`]), 1);
  const where = el("span", { class: "where", role: "status" });
  const hide = button("", "", () => state.send("sink", !state.h.sink));
  const weigh = button("", "", () => state.send("weighted", !state.h.weighted));
  const block = list("Open a block", () => does.block(block.value));
  const head = list("Pick a head", () => does.head(Number(head.value)));
  const take = button("", "", does.take);
  const whole = button("Whole model", "Show the whole model", () => does.level(0));
  state.shown = () => {
    const { h } = state, all = MACHINE.played(state), at = Math.min(state.at, all.length - 1);
    toggle.replaceChildren(state.playing ? el("i", { class: "pause" }) : "▶");
    [range.max, range.value] = [all.length - 1, at];
    where.textContent = state.at === Infinity ? "" : MACHINE.told(h, all[at]);
    range.setAttribute("aria-valuetext", where.textContent || "all of it");
    for (const [one, name] of [[hide, "sink"], [weigh, "weighted"]]) {
      one.textContent = one.title = one.ariaLabel = { sink: h.hide, weighted: h.weigh }[name];
      one.setAttribute("aria-pressed", h[name]);
      one.hidden = !one.textContent;
    }
    const blocks = MACHINE.blocksOf(h), heads = MACHINE.headsOf(state);
    offer(block, [["", "Whole model"], ...blocks.map((id) => [id, MACHINE.blockName(id)])], state.open ?? "");
    offer(head, Array.from({ length: heads.count }, (_, n) => [n, `head ${n}`]), state.head);
    take.textContent = heads.off.includes(state.head) ? h.put : h.take;
    take.title = take.ariaLabel = `${take.textContent}: ${
      MACHINE.blockName(state.block ?? "")
    }, head ${state.head}`;
    block.hidden = !blocks.length; // a recurrent model has none
    whole.hidden = blocks.length;
    head.hidden = take.hidden = !heads.count;
  };
  state.leave = () => cancelAnimationFrame(state.playing);
  return el(
    "div",
    { class: "player" },
    button("‹", "One part back", () => MACHINE.step(state, -1)),
    toggle,
    button("›", "One part on", () => MACHINE.step(state, 1)),
    range,
    speed,
    where,
    el(
      "span",
      { class: "zoom" },
      hide,
      weigh,
      block,
      button("−", "Zoom out", () => does.level(-1)),
      button("+", "Zoom in", () => does.level(1)),
      whole,
      head,
      take,
    ),
  );
};
// The choices of a list, made anew only where they have changed
function offer(list, choices, value) {
  const made = JSON.stringify(choices);
  if (list.__made !== made) {
    list.replaceChildren(...choices.map(([value, text]) => el("option", { value, text })));
  }
  list.__made = made;
  list.value = value;
}

// The block of a column by its name, such as decoder.blocks.1; all of them; what they are called
MACHINE.blockOf = ({ point }) => /^(?:.*\.)?blocks\.\d+/.exec(point)?.[0] ?? null;
MACHINE.blocksOf = (h) => [...new Set(h.columns.map(MACHINE.blockOf))].filter(Boolean);
MACHINE.blockName = (id) =>
  id.replace(/^(.*?)\.?blocks\.(\d+)$/, (_, stack, n) => `${stack} block ${n}`.trim());
// The block of this number in the picked stack, or its last; null where it has none
MACHINE.blockIn = (h, layer) =>
  MACHINE.blockOf(
    h.columns.findLast((one) => one.stack === h.picked && one.layer !== null && one.layer <= layer) ?? {},
  );
MACHINE.firstOf = (h, id) => h.columns.findIndex((column) => MACHINE.blockOf(column) === id);
// The column of the picked head: of attention, or of cross-attention where one of its heads was picked
MACHINE.headStage = ({ h, block, stage }) => {
  const fits = (column) => block && column?.kind === "heads" && MACHINE.blockOf(column) === block;
  return fits(h.columns[stage]) ? stage : h.columns.findIndex(fits);
};
MACHINE.headsOf = (state) => {
  const column = state.h.columns[MACHINE.headStage(state)];
  return { count: PAGE.tensors.get(column?.src)?.shape[0] ?? 0, off: column?.off ?? [] };
};
// What a column of the whole, or a stage inside a block, is called
MACHINE.told = (h, one) =>
  one.name ?? [MACHINE.where(h, one).replace(/.$/, "$&:"), one.part, one.label].join(" ").trim();
