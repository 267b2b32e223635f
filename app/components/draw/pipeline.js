// The map on top: the current step, and a jump to any other. Arrow keys and a clicker's page keys step.
DRAW.pipeline = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  state.h = data;
  state.at = data.names.indexOf(chosen("step", data.names[data.at]));
  if (state.at < 0) state.at = data.at; // chosen, but there is none here
  const go = (to) => {
    if (to < 0 || to >= state.h.steps.length || to === state.at) return;
    state.at = to;
    choose("step", state.h.names[to]);
    mark(root, state);
    setTriggerValue("step", state.h.names[to]);
  };
  if (root.__built !== data.steps.join()) build_map(root, state, go);
  state.go = go;
  listen(root, window, "keydown", (e) => onKey(e, state));
  mark(root, state);
};

function build_map(root, state, go) {
  const h = state.h;
  const arrow = (text, by, help) =>
    el("button", {
      type: "button",
      class: "arrow",
      text,
      title: help,
      "aria-label": help,
      onclick: () => state.go(state.at + by),
    });
  const nav = el("nav", { class: "map", "aria-label": "The steps of the model" });
  nav.append(arrow("‹", -1, "Step back (left arrow key)"));
  const groups = el("ol", { class: "groups" });
  let n = 0;
  for (const [i, [, steps]] of h.groups.entries()) {
    const list = el("ol", { class: "steps" });
    for (const title of steps) {
      const at = n++;
      list.append(
        el(
          "li",
          {},
          el(
            "button",
            {
              type: "button",
              class: "step",
              onclick: () => state.go(at),
            },
            at < h.unnumbered ? "" : el("small", { text: at + 1 - h.unnumbered }),
            title,
          ),
        ),
      );
    }
    groups.append(el("li", { class: "group g" + i }, el("span", { class: "name" }), list));
  }
  nav.append(groups, arrow("›", 1, "Next step (right arrow key)"), copyButton());
  root.replaceChildren(nav);
  root.__built = h.steps.join();
}

function copyButton() {
  const button = el("button", {
    type: "button",
    class: "copy",
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
  root.querySelectorAll(".step").forEach((button, i) => {
    const here = i === state.at;
    button.setAttribute("aria-current", here ? "step" : "false");
    if (here) reveal(button, root.querySelector(".groups"));
  });
  state.h.groups.forEach(([name], i) => (root.querySelector(`.g${i} .name`).textContent = name));
  const [back, next] = root.querySelectorAll(".arrow");
  able(back, state.at > 0);
  able(next, state.at < state.h.steps.length - 1);
  root.dataset.at = state.at;
}

function reveal(button, strip) {
  const place =
    () => [button.offsetLeft - strip.offsetLeft, button.offsetWidth, strip.scrollLeft, strip.clientWidth];
  ask(
    place,
    ([left, width, from, room]) =>
      (left < from || left + width > from + room) && (strip.scrollLeft = left - 40),
  );
}

// Where keys have another meaning: arrows move a cell, a slider or a choice; a clicker's page keys scroll
// or write
const PAGED = "textarea, select, .table, input:not([type=range], [type=checkbox])";
const ARROWED = `${PAGED}, canvas, input[type=range], [role=slider], [role=radiogroup]`;
function onKey(e, state) {
  const by = { ArrowLeft: -1, PageUp: -1, ArrowRight: 1, PageDown: 1 }[e.key], on = e.composedPath()[0];
  if (e.key === "Escape") on.blur?.(); // and the arrow keys step again
  if (!by || e.ctrlKey || e.metaKey || e.altKey || e.shiftKey) return;
  const page = e.key.startsWith("Page"), held = page ? PAGED : ARROWED;
  if (on.isContentEditable || on.closest?.(held) || (e.defaultPrevented && !page)) return;
  e.preventDefault();
  state.go(state.at + by);
}
