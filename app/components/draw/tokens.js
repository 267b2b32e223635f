// The text cut into tokens, whole characters kept together; and the steps that made the picked word's.
DRAW.tokens = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  const token = chosen("token", data.token);
  const picked = (i) => {
    choose("token", i);
    setTriggerValue("token", i);
  };
  const text = el("div", { class: "cut", role: "list", "aria-label": data.aria });
  data.groups.forEach(([shown, parts], k) => {
    const group = el(
      "div",
      { class: "whole c" + (k % 5), role: "listitem" },
      el("div", { class: "text", text: shown }),
    );
    const ids = el("div", { class: "ids" });
    for (const [i, id, made] of parts) {
      ids.append(
        el("button", {
          type: "button",
          text: id,
          title: `token ${i}: id ${id}, ${made}`,
          "aria-pressed": i === token,
          onclick: () => picked(i),
        }),
      );
    }
    group.append(ids);
    text.append(group);
  });
  const slide = merging(data, state, (n) => setTriggerValue("merge", n));
  root.replaceChildren(text, el("div", { class: "foot" }, ...source(data)), slide);
  root.dataset.sig = `${data.token}|${data.ids}`;
  bringPlotly();
};

function merging(data, state, send) {
  const steps = data.merges, last = steps.length - 1;
  const parts = el("div", { class: "parts" }), note = el("div", { class: "note", "aria-live": "polite" });
  const range = el("input", {
    type: "range",
    min: 0,
    max: last,
    value: data.merge < 0 || data.merge > last ? last : data.merge,
    "aria-label": data.slider,
    disabled: last === 0,
  });
  const draw = () => {
    const n = Number(range.value), fresh = n ? steps[n].findIndex((p, i) => p !== steps[n - 1][i]) : -1;
    parts.replaceChildren(
      ...steps[n].map((p, i) => el("span", { class: "part" + (i === fresh ? " fresh" : ""), text: p })),
    );
    note.textContent = data.notes[n];
  };
  range.oninput = () => {
    draw();
    clearTimeout(state.timer);
    state.timer = setTimeout(() => send(Number(range.value)), 250);
  };
  range.onkeydown = (e) => e.stopPropagation();
  draw();
  return el(
    "div",
    { class: "merging" },
    el("div", { class: "title", text: data.title }),
    el("div", { class: "slide" }, range, note),
    parts,
  );
}
