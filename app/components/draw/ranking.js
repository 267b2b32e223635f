// Texts to be put in order, the best on top: dragged by their handles, or moved by buttons and arrow keys.
DRAW.ranking = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  const key = JSON.stringify(data.texts);
  if (state.key !== key || JSON.stringify(data.order) !== JSON.stringify(state.order)) {
    Object.assign(state, { key, order: [...data.order] });
  }
  const draw = () => show(root, state, data, move);
  function move(from, to) {
    if (to < 0 || to >= state.order.length || from === to) return;
    state.order.splice(to, 0, ...state.order.splice(from, 1));
    draw();
    setTriggerValue("order", [...state.order]);
  }
  draw();
  root.dataset.sig = `ranking|${state.order}`;
};

function show(root, state, data, move) {
  const items = state.order.map((number, i) => item(root, state, data, number, i, move));
  const list = el("ol", { class: "ranking", "aria-label": data.aria }, ...items);
  root.replaceChildren(
    el("small", { class: "end", text: data.words.best }),
    list,
    el("small", { class: "end", text: data.words.worst }),
  );
}

function item(root, state, data, number, i, move) {
  const text = data.texts[number], last = state.order.length - 1;
  const shift = (sign, label, to, off) => {
    const button = el("button", {
      type: "button",
      text: sign,
      title: label,
      "aria-label": `${label}: ${text}`,
    });
    able(button, !off);
    button.onclick = () => {
      if (off) return;
      move(i, to);
      root.querySelectorAll("li")[to].querySelectorAll("button:not(.handle)")[to < i ? 0 : 1].focus();
    };
    return button;
  };
  const node = el(
    "li",
    {},
    handle(root, data, text, i, move),
    el("span", { class: "of" }, el("span", { class: "before", text: data.before }), text),
    shift("↑", data.words.up, i - 1, i === 0),
    shift("↓", data.words.down, i + 1, i === last),
  );
  return node;
}

function handle(root, data, text, i, move) {
  const grip = el("button", { type: "button", class: "handle", text: "⠿", title: data.words.drag });
  grip.setAttribute("aria-label", `${data.words.drag}: ${text}`);
  const all = () => [...root.querySelectorAll("li")];
  let over = i;
  grip.onkeydown = (e) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[e.key];
    if (!by) return;
    e.preventDefault();
    e.stopPropagation();
    move(i, i + by);
    all()[Math.max(0, Math.min(all().length - 1, i + by))].querySelector(".handle").focus();
  };
  grip.onpointerdown = (e) => {
    e.preventDefault();
    grip.focus();
    grip.setPointerCapture(e.pointerId);
    all()[i].classList.add("dragged");
  };
  grip.onpointermove = (e) => {
    if (!grip.hasPointerCapture(e.pointerId)) return;
    const below = all().findIndex((node) => e.clientY < node.getBoundingClientRect().bottom);
    over = below < 0 ? all().length - 1 : below;
    all().forEach((node, k) => node.classList.toggle("over", k === over));
  };
  grip.onpointerup = grip.onpointercancel = (e) => {
    all().forEach((node) => node.classList.remove("over", "dragged"));
    if (e.type === "pointerup") move(i, over);
  };
  return grip;
}
