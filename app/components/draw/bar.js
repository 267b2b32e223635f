// The prompt's tokens as chips, and the block and head in use: each a choice that shows at once.
DRAW.bar = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  Object.assign(state, { h: data, send: setTriggerValue });
  for (const name of ["token", "layer", "head", "stack"]) state[name] = chosen(name, data[name]);
  if (root.__built !== JSON.stringify([data.tokens, data.layers, data.heads])) build_bar(root, state);
  listen(root, PAGE.bus, "head", (e) => ((state.head = e.detail), mark(root, state)));
  listen(root, PAGE.bus, "hover", (e) => ghost(root, e.detail));
  mark(root, state);
};

const STACKS = ["encoder", "decoder"], CALLED = { layer: "Block", head: "Head" };
function build_bar(root, state) {
  const h = state.h;
  const chips = el("div", { class: "chips", role: "radiogroup", "aria-label": h.what });
  h.tokens.forEach((text, i) =>
    chips.append(choice("token", i, text, `token ${i}, id ${h.ids[i]}`, root, state))
  );
  const pickers = el("div", { class: "pickers" });
  const stacks = el("div", { class: "picker stack", role: "radiogroup", "aria-label": "stack" });
  for (const name of STACKS) {
    stacks.append(choice("stack", name, name[0].toUpperCase() + name.slice(1), name, root, state));
  }
  pickers.append(stacks);
  for (const [name, count] of [["layer", h.layers], ["head", h.heads]]) {
    const group = el("div", { class: "picker " + name, role: "radiogroup", "aria-label": CALLED[name] });
    group.append(el("span", { class: "label", text: CALLED[name] }));
    if (count > 16) group.append(select(name, count, root, state));
    else {for (let i = 0; i < count; i++) {
        group.append(choice(name, i, String(i), `${CALLED[name]} ${i}`, root, state));
      }}
    pickers.append(group);
  }
  root.replaceChildren(el("div", { class: "bar" }, chips, pickers));
  root.__built = JSON.stringify([h.tokens, h.layers, h.heads]);
  root.onkeydown = amongChoices;
}

function pick(name, i, root, state) {
  state[name] = i;
  choose(name, i);
  mark(root, state);
  state.send(name, i);
}
function choice(name, i, text, help, root, state) {
  return el("button", {
    type: "button",
    class: `choice ${name}`,
    role: "radio",
    text,
    title: help,
    "data-i": i,
    onclick: () => pick(name, i, root, state),
  });
}
function select(name, count, root, state) {
  const list = el("select", { class: name, "aria-label": CALLED[name] });
  for (let i = 0; i < count; i++) list.append(el("option", { value: i, text: i }));
  list.onchange = () => pick(name, Number(list.value), root, state);
  return list;
}

function mark(root, state) {
  for (const name of ["token", "layer", "head", "stack"]) {
    root.querySelectorAll(`.choice.${name}`).forEach((button, i) => {
      const here = (name === "stack" ? STACKS[i] : i) === state[name];
      button.setAttribute("aria-checked", here);
      button.tabIndex = here ? 0 : -1;
    });
    const list = root.querySelector(`select.${name}`);
    if (list) list.value = state[name];
  }
  for (const name of ["stack", "layer", "head"]) {
    root.querySelector(`.picker.${name}`).hidden = !state.h.use.includes(name);
  }
  const here = root.querySelector(".choice.token[aria-checked=true]"), strip = root.querySelector(".chips");
  const hidden = () =>
    here &&
    (here.offsetTop < strip.scrollTop ||
      here.offsetTop + here.offsetHeight > strip.scrollTop + strip.clientHeight) &&
    here.offsetTop;
  ask(hidden, (top) => top && (strip.scrollTop = top - 4));
  root.dataset.sig = `${state.token}|${state.layer}|${state.head}|${state.stack}`;
}

// Hovering a cell of a heat map lights up its tokens.
function ghost(root, hover) {
  const lit = [hover?.at.T, hover?.at.S];
  root.querySelectorAll(".choice.token").forEach((chip, i) => chip.classList.toggle("lit", lit.includes(i)));
}
