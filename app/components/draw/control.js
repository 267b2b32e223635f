// Controls: the browser's own, with a label. A choice shows at once and is then sent to the server.
DRAW.control = function ({ key, data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  state.send = (value) => {
    PAGE.held = root;
    if (data.type !== "button") choose(key, value);
    setTriggerValue("change", value);
  };
  if (state.type !== data.type) state.show = CONTROLS[data.type](root, state);
  state.type = data.type;
  state.show(data, chosen(key, data.value));
  root.dataset.sig = "control";
};

const typed = (e) => e.stopPropagation(); // keys in a field do not step through the walk
const slid = (e) => { // a clicker's page keys step, whatever it is at
  if (e.key === "PageUp" || e.key === "PageDown") e.preventDefault();
  else typed(e);
};
const labelled = (root, kind, ...parts) =>
  root.replaceChildren(el("label", { class: `control ${kind}` }, ...parts));
const named = () => el("span", { class: "label" });

const CONTROLS = {
  slider(root, state) {
    const label = named(), now = el("b"), range = el("input", { type: "range", onkeydown: slid });
    const called = (i) => state.names?.[i] ?? show(i);
    const tell = () => {
      now.textContent = called(Number(range.value));
      range.setAttribute("aria-valuetext", now.textContent);
    };
    range.oninput = tell;
    range.onchange = () => state.send(Number(range.value));
    labelled(root, "slider", el("span", { class: "line" }, label, now), range);
    return (h, value) => {
      label.textContent = h.label;
      state.names = h.names;
      Object.assign(range, { min: h.least, max: h.most, step: h.step, value });
      tell();
    };
  },
  number(root, state) {
    const label = named(), field = el("input", { type: "number", onkeydown: typed });
    field.onchange = () => {
      const x = field.value === "" ? NaN : Math.trunc(Number(field.value));
      if (isNaN(x)) return void (field.value = state.value);
      field.value = Math.max(field.min, Math.min(field.max, x));
      state.dirty = false;
      state.send(Number(field.value));
    };
    field.oninput = () => (state.dirty = true);
    field.onblur = () => (state.dirty = false);
    labelled(root, "number", label, field);
    return (h, value) => {
      label.textContent = h.label;
      Object.assign(field, { min: h.least, max: h.most, step: 1 });
      state.value = value;
      if (!state.dirty) field.value = value;
    };
  },
  text(root, state) {
    const label = named(),
      field = el("input", { type: "text", autocomplete: "off", spellcheck: "false", onkeydown: typed });
    field.onchange = () => {
      state.dirty = false;
      state.send(field.value);
    };
    field.oninput = () => (state.dirty = true);
    labelled(root, "text", label, field);
    return (h, value) => {
      label.textContent = h.label;
      field.maxLength = h.most;
      if (!state.dirty && field.value !== value) field.value = value; // not what is being typed
    };
  },
  switch(root, state) {
    const label = named(), box = el("input", { type: "checkbox", role: "switch" });
    box.onchange = () => state.send(box.checked);
    labelled(root, "switch", box, label);
    return (h, value) => {
      label.textContent = h.label;
      box.checked = value;
    };
  },
  choice(root, state) {
    const label = named(), all = el("div", { class: "choices", role: "radiogroup", onkeydown: amongChoices });
    root.replaceChildren(el("div", { class: "control" }, label, all));
    return (h, value) => {
      all.setAttribute("aria-label", h.label);
      label.textContent = h.label;
      label.hidden = !h.named;
      const names = JSON.stringify(h.options),
        take = (x) => {
          mark(x);
          state.send(x);
        };
      if (all.__names !== names) {
        all.replaceChildren(...h.options.map(([x, text]) =>
          el("button", {
            type: "button",
            class: "choice",
            role: "radio",
            text,
            "data-value": x,
            onclick: () => take(x),
          })
        ));
      }
      all.__names = names;
      const mark = (x) => {
        const buttons = [...all.children], at = buttons.findIndex((button) => button.dataset.value === x);
        buttons.forEach((button, i) => {
          button.setAttribute("aria-checked", i === at);
          button.tabIndex = i === Math.max(at, 0) ? 0 : -1; // where none is chosen Tab leads to the first
        });
      };
      mark(value);
    };
  },
  select(root, state) {
    const label = named(), list = el("select", { onkeydown: typed });
    list.onchange = () => state.send(list.value);
    labelled(root, "select", label, list);
    return (h, value) => {
      label.textContent = h.label;
      list.setAttribute("aria-label", h.label); // the label holds the options' texts, too
      const names = JSON.stringify(h.options);
      if (list.__names !== names) {
        list.replaceChildren(...h.options.map(([x, text]) => el("option", { value: x, text })));
      }
      list.__names = names;
      list.value = value;
    };
  },
  button(root, state) {
    const button = el("button", { type: "button" });
    root.replaceChildren(button);
    return (h) => {
      button.textContent = h.label;
      button.className = h.primary ? "run" : "quiet";
      able(button, !h.disabled);
      button.onclick = () => isAble(button) && state.send(true);
    };
  },
};
