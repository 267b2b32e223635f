// The map on top: the current step, and a jump to any other. Arrow keys and a clicker's page keys step; P shows
// the step on a stage, where they step inside it first.
DRAW.pipeline = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  const arrives = state.h?.names[state.h.at] !== data.names[data.at];
  Object.assign(state, { h: data, send: setTriggerValue, level: chosen("stage", data.stage) });
  document.documentElement.classList.toggle("staged", data.stage > 0);
  state.leave = () => document.documentElement.classList.remove("staged");
  state.at = data.names.indexOf(chosen("step", data.names[data.at]));
  if (state.at < 0) state.at = data.at; // chosen, but there is none here
  if (root.__built !== data.steps.join()) build_map(root, state);
  state.go = (to) => go(root, state, to);
  state.by = (by) => crosses(state, by) || state.go(state.at + by);
  listen(root, window, "keydown", (e) => onKey(e, state));
  listen(root, window, "keydown", (e) => e.key.startsWith("Page") && onKey(e, state), true);
  mark(root, state);
  if (arrives) fromItsTop(root);
};

function go(root, state, to) {
  if (to < 0 || to >= state.h.steps.length || to === state.at) return;
  state.at = to;
  choose("step", state.h.names[to]);
  mark(root, state);
  state.send("step", state.h.names[to]);
}

// After the encoder's last step comes the decoder's first one, and the other way round.
function crosses(state, by) {
  const { steps, unnumbered, stacks } = state.h, before = state.at === unnumbered && by < 0;
  const to = before ? stacks[0] : state.at + by >= steps.length ? stacks[1] : null;
  if (to) state.send("cross", to);
  return Boolean(to);
}

// On a stage one goes on inside a step first: to the next of its levels, or where the whole model is played to the
// part that is computed next.
function turn(state, by) {
  if (!state.level) return state.by(by);
  const { levels, steps } = state.h, level = levels[levels.indexOf(state.level) + by];
  if (played(by)) return;
  if (level) return stand(state, state.at, level);
  if (crosses(state, by)) return;
  const to = state.at + by;
  if (to >= 0 && to < steps.length) stand(state, to, by > 0 ? 1 : LAST);
}
const LAST = 4;
function stand(state, at, level) {
  Object.assign(state, { at, level });
  choose("step", state.h.names[at]);
  choose("stage", level);
  state.send("stage", [at, level]);
}
function played(by) {
  const machine = document.querySelector("[data-kind=machine] > .gb")?.__state, before = machine?.at;
  if (machine?.plan) MACHINE.step(machine, by);
  return machine?.at !== before;
}
function onStage(state, on) {
  if (on !== state.level > 0) stand(state, state.at, on ? 1 : 0);
}

// A new step starts at its top, below the map, which stays where it is.
function fromItsTop(root) {
  const main = root.closest("[data-testid=stMain]"), pinned = root.closest("[data-part=pinned]");
  if (!main?.scrollTop) return;
  const top = () =>
    pinned.nextElementSibling?.getBoundingClientRect().top - pinned.getBoundingClientRect().bottom;
  ask(top, (above) => above < 0 && (main.scrollTop += above - 8));
}

function build_map(root, state) {
  const h = state.h;
  const button = (text, kind, help, onclick) =>
    el("button", { type: "button", class: kind, text, title: help, "aria-label": help, onclick });
  const nav = el("nav", { class: "map", "aria-label": "The steps of the model" });
  nav.append(button("‹", "arrow", "Step back (left arrow key)", () => state.by(-1)));
  const groups = el("ol", { class: "groups" });
  let n = 0;
  for (const [i, [, steps]] of h.groups.entries()) {
    const list = el("ol", { class: "steps" });
    for (const title of steps) {
      const at = n++, counted = at < h.unnumbered ? "" : el("small", { text: at + 1 - h.unnumbered });
      const step = el(
        "button",
        { type: "button", class: "step", onclick: () => state.go(at) },
        counted,
        title,
      );
      list.append(el("li", {}, step));
    }
    groups.append(el("li", { class: "group g" + i }, el("span", { class: "name" }), list));
  }
  nav.append(groups, button("›", "arrow", "Next step (right arrow key)", () => state.by(1)));
  const help = "One picture, large, for a projector (P); the clicker then goes on inside the step";
  nav.append(button("Stage", "beside", help, () => onStage(state, true)), copyButton());
  root.replaceChildren(nav);
  root.__built = h.steps.join();
}

function copyButton() {
  const button = el("button", {
    type: "button",
    class: "beside copy",
    text: "Copy link",
    title: "Copy a link that opens exactly this view",
  });
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      copyOldWay(location.href);
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy link"), 1500);
  };
  return button;
}
function copyOldWay(text) {
  const box = el("textarea");
  box.value = text;
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}

function mark(root, state) {
  const strip = root.querySelector(".groups"), nav = strip.parentElement;
  root.querySelectorAll(".step").forEach((button, i) =>
    button.setAttribute("aria-current", i === state.at ? "step" : "false")
  );
  state.h.groups.forEach(([name], i) => (root.querySelector(`.g${i} .name`).textContent = name));
  const [back, next] = root.querySelectorAll(".arrow");
  able(back, state.at > 0);
  able(next, state.at < state.h.steps.length - 1 || state.h.stacks[1]);
  root.dataset.at = state.at;
  root.dataset.number = state.at - state.h.unnumbered;
  watchWidth(root, state, () => fitted(root, state, nav, strip));
  fitted(root, state, nav, strip);
}
// Where it has no room it does without the numbers; where that is not enough it scrolls to the step.
function fitted(root, state, nav, strip) {
  const built = `${root.__built}|${state.width}|${state.h.groups.map(([name]) => name.length)}`;
  if (state.fitted !== built) nav.classList.remove("tight");
  state.fitted = built;
  const over = () => strip.scrollWidth > strip.clientWidth + 1;
  ask(over, (wide) => {
    if (wide) nav.classList.add("tight");
    reveal(root.querySelector("[aria-current=step]"), strip);
  });
}

function reveal(button, strip) {
  const place = () => [button.offsetLeft, button.offsetWidth, strip.scrollLeft, strip.clientWidth];
  ask(
    place,
    ([left, width, from, room]) =>
      (left < from || left + width > from + room) && (strip.scrollLeft = left - (room - width) / 2),
  );
}

// Where arrow keys have another meaning: they move a cell, a slider, a choice or what is written. A clicker's
// page keys step wherever one is.
const ARROWED =
  "textarea, select, .table, canvas, input:not([type=checkbox]), [role=slider], [role=radiogroup]";
const WRITTEN = "textarea, select, input:not([type=checkbox], [type=range])";
const held = (e, on, where) => e.defaultPrevented || on.isContentEditable || on.closest?.(where);
function onKey(e, state) {
  const by = { ArrowLeft: -1, PageUp: -1, ArrowRight: 1, PageDown: 1 }[e.key], on = e.composedPath()[0];
  if (e.key === "Escape") on.blur?.(); // and the arrow keys step again
  if (e.ctrlKey || e.metaKey || e.altKey || e.shiftKey) return;
  if (e.key === "Escape") onStage(state, false);
  if (e.key.toLowerCase() === "p" && !held(e, on, WRITTEN)) onStage(state, !state.level);
  if (!by) return;
  if (!e.key.startsWith("Page") && held(e, on, ARROWED)) return;
  e.preventDefault();
  e.stopPropagation();
  turn(state, by);
}
