// The model in use, on a button that opens a list of all there are: type to search, arrow keys, Enter; Escape, Tab
// or a click elsewhere closes it. It also opens the card of the model whose name is clicked under a picture.
DRAW.picker = function ({ key, data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  if (!state.button) build_picker(root, state);
  state.h = data;
  state.take = (name) => {
    state.shut(true);
    if (name === data.name) return;
    choose(key, name);
    tell(state, name);
    setTriggerValue("choose", name);
  };
  listen(root, PAGE.bus, "card", ({ detail }) => setTriggerValue("card", detail));
  listen(root, window, "pointerdown", (e) => !root.contains(e.target) && state.shut());
  tell(state, chosen(key, data.name));
  if (!state.pop.hidden) fill(state);
  root.dataset.sig = "picker";
};

let lists = 0; // a page has one, a next page has another
function build_picker(root, state) {
  const id = `models-${lists++}`;
  const onmousedown = (e) => e.preventDefault(); // the focus stays in the field
  const list = (state.list = el("div", { role: "listbox", id, class: "models", onmousedown }));
  const field = (state.field = el("input", {
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-controls": id,
    "aria-expanded": "true",
    "aria-autocomplete": "list",
    oninput: () => {
      state.at = null;
      fill(state);
    },
    onkeydown: (e) => byKey(e, state),
  }));
  state.id = id;
  state.foot = el("p", { class: "hint", onmousedown });
  state.pop = el("div", { class: "pop", hidden: true }, field, list, state.foot);
  const open = () => state.pop.hidden ? state.open() : state.shut(true);
  const onkeydown = (e) => {
    if (e.key !== "ArrowDown" || !state.pop.hidden) return;
    stay(e);
    state.open();
  };
  state.button = el("button", {
    type: "button",
    class: "now-model",
    "aria-haspopup": "listbox",
    "aria-expanded": "false",
    "aria-controls": id,
    onclick: open,
    onkeydown,
  });
  state.open = () => {
    state.pop.hidden = false;
    state.button.setAttribute("aria-expanded", "true");
    field.value = "";
    state.at = null;
    fill(state);
    field.focus({ preventScroll: true });
  };
  state.shut = (back) => {
    if (state.pop.hidden) return;
    state.pop.hidden = true;
    state.button.setAttribute("aria-expanded", "false");
    if (back) state.button.focus({ preventScroll: true });
  };
  root.addEventListener(
    "focusout",
    (e) => e.relatedTarget && !root.contains(e.relatedTarget) && state.shut(),
  );
  root.replaceChildren(el("div", { class: "model-picker" }, state.button, state.pop));
}
const stay = (e) => {
  e.preventDefault();
  e.stopPropagation();
};

function tell(state, name) {
  const kind = name === state.h.name ? state.h.kind : "";
  state.button.replaceChildren(
    el("b", { text: name }),
    ...(kind ? [el("span", { text: ` · ${kind}` })] : []),
  );
  state.button.title = `${state.h.label}: ${name}${kind && ` · ${kind}`}`;
  state.button.setAttribute("aria-label", state.button.title);
}

// The models that have what was typed, each word of it, in their name or in what they are
function fill(state) {
  const { h, list, field } = state, words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = (title) => ([name, about]) => {
    const text = `${name} ${about} ${title}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const groups = h.groups.map(([title, models]) => [title, models.filter(wanted(title))])
    .filter(([, models]) => models.length);
  let n = 0;
  state.options = [];
  list.replaceChildren(...groups.map(([title, models]) =>
    el(
      "div",
      { role: "group", "aria-label": title },
      el("div", { class: "of", text: title, "aria-hidden": "true" }),
      ...models.map(([name, about, why]) => {
        const option = el(
          "div",
          {
            role: "option",
            id: `${state.id}-${n++}`,
            "aria-selected": String([h.name, h.name.replace(/@\d+$/, "")].includes(name)),
            "aria-disabled": String(!!why),
            onclick: () => !why && state.take(name),
          },
          el("b", { text: name }),
          " ",
          el("span", { text: why ? `${h.cannot} ${why}` : about }),
        );
        option.__name = name;
        state.options.push(option);
        return option;
      }),
    )
  ));
  if (!n) list.replaceChildren(el("p", { class: "hint", role: "status", text: h.nothing }));
  field.setAttribute("aria-label", h.search);
  field.placeholder = h.search;
  list.setAttribute("aria-label", h.label);
  state.foot.textContent = h.foot;
  state.foot.hidden = !h.foot;
  const selected = state.options.find((option) => option.getAttribute("aria-selected") === "true");
  const before = state.options.find((option) => option.__name === state.at);
  point(state, before ?? (words.length ? state.options.find(free) : selected) ?? state.options[0]);
}
const free = (option) => option.getAttribute("aria-disabled") !== "true";

function point(state, option) {
  for (const one of state.options) one.classList.toggle("at", one === option);
  state.at = option?.__name ?? null;
  if (!option) return state.field.removeAttribute("aria-activedescendant");
  state.field.setAttribute("aria-activedescendant", option.id);
  const top = option.offsetTop, { scrollTop, clientHeight } = state.list;
  if (top < scrollTop + 24) state.list.scrollTop = top - 24; // its group's name stands over it
  else if (top + option.offsetHeight > scrollTop + clientHeight) {
    state.list.scrollTop = top + option.offsetHeight - clientHeight;
  }
}

function byKey(e, state) {
  const at = state.options.findIndex((option) => option.__name === state.at), last = state.options.length - 1;
  const to = {
    ArrowDown: at < last ? at + 1 : 0,
    ArrowUp: at > 0 ? at - 1 : last,
    PageDown: Math.min(last, at + 8),
    PageUp: Math.max(0, at - 8),
  };
  if (e.key in to) {
    stay(e);
    return point(state, state.options[to[e.key]]);
  }
  if (e.key === "Escape") {
    stay(e);
    return state.shut(true);
  }
  if (e.key === "Tab") return state.shut(true);
  e.stopPropagation();
  if (!enters(e)) return;
  e.preventDefault();
  const option = state.options[at];
  if (option && free(option)) state.take(option.__name);
}
