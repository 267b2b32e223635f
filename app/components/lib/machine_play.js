// The controls over the picture of a whole run: play it in the order of computation, step, scrub, zoom.

const STAGE = 500; // milliseconds that play stays at one part
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

MACHINE.stop = (state) => {
  clearInterval(state.playing);
  state.playing = null;
  state.shown();
};
MACHINE.stage = (state, to) => {
  state.at = Math.max(0, Math.min(state.h.columns.length - 1, to));
  state.paint();
  state.shown();
};
// One part back or on
MACHINE.step = (state, by) => {
  MACHINE.stop(state);
  const last = state.h.columns.length - 1;
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
  clearInterval(state.playing);
  const last = state.h.columns.length - 1;
  if (state.at >= last) state.at = -1;
  const next = () => {
    MACHINE.stage(state, state.at + 1);
    if (state.at >= last) MACHINE.stop(state);
  };
  state.playing = setInterval(next, STAGE / state.speed);
  next();
};

// The row of controls over the picture; `level(by)` zooms in or out by one level, to the whole model for 0.
MACHINE.controls = (state, level) => {
  const button = (text, help, onclick) =>
    el("button", { type: "button", text, title: help, "aria-label": help, onclick });
  const toggle = button("▶", "Play the computation in its order", () => MACHINE.toggle(state));
  const range = el("input", { type: "range", min: 0, "aria-label": "How far the computation has come" });
  range.oninput = () => {
    const to = Number(range.value); // before what stops the play sets it back
    MACHINE.stop(state);
    MACHINE.stage(state, to);
  };
  range.onkeydown = (e) => e.stopPropagation();
  const speed = el(
    "select",
    {
      "aria-label": "Speed",
      onchange: () => ((state.speed = Number(speed.value)), state.playing && MACHINE.run(state)),
    },
    ...[0.5, 1, 2].map((n) => el("option", { value: n, text: `${n}×`, selected: n === 1 })),
  );
  const where = el("span", { class: "where", role: "status" });
  const hide = button("", "", () => state.send("sink", !state.h.sink));
  state.shown = () => {
    const { h } = state, last = h.columns.length - 1, at = Math.min(state.at, last), column = h.columns[at];
    toggle.textContent = state.playing ? "⏸" : "▶";
    [range.max, range.value] = [last, at];
    where.textContent = state.at === Infinity
      ? ""
      : [MACHINE.where(h, column).replace(/.$/, "$&:"), column.part, column.label].join(" ").trim();
    range.setAttribute("aria-valuetext", where.textContent || "all of it");
    hide.textContent = hide.title = hide.ariaLabel = h.hide;
    hide.setAttribute("aria-pressed", h.sink);
    hide.hidden = !h.hide;
  };
  state.leave = () => clearInterval(state.playing);
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
      button("−", "Zoom out", () => level(-1)),
      button("+", "Zoom in", () => level(1)),
      button("Whole model", "Show the whole model", () => level(0)),
    ),
  );
};
