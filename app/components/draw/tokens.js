// The text cut into tokens, whole characters kept together; and the merges that made the picked word's.
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
  const below = ([i, id, made]) =>
    el("button", {
      type: "button",
      text: id,
      title: `token ${i}: id ${id}, ${made}`,
      "aria-pressed": i === token,
      onclick: () => picked(i),
    });
  text.append(...tokenGroups(data.groups, below));
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

// One text cut in several ways, or several texts in one way: a row each, with how many tokens there are.
DRAW.cuts = function ({ data, parentElement }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const made = frame(root, data, () => cutTable(data), "div");
  made.tools.children[made.tools.childElementCount - 2].hidden = true; // no PNG of what is no picture
  remark(made, data, "");
  made.canvas.setAttribute("role", "list");
  made.canvas.removeAttribute("tabindex");
  made.canvas.replaceChildren(...data.rows.map((row) => cutRow(row, data)));
  root.dataset.sig = data.rows.map((row) => row.count).join();
};
function cutRow(row, data) {
  const head = el(
    "div",
    { class: "cut-name" },
    el("b", { text: row.title }),
    ...(row.count === null ? [] : [el("span", { class: "count", text: row.count })]),
    ...(row.note ? [el("small", { text: row.note })] : []),
    ...(row.code ? [el("code", { text: row.code })] : []),
  );
  const text = el("div", { class: "cut", role: "list", tabindex: 0, "aria-label": row.aria });
  if (row.right) text.dir = "rtl";
  text.append(...tokenGroups(row.groups, tokenBelow));
  if (row.more) text.append(el("div", { class: "note", text: row.more }));
  const back = row.back ? [el("div", { class: "note back", text: row.back })] : [];
  return el("div", { class: "cut-row", role: "listitem" }, head, el("div", {}, text, ...back));
}
const cutTable = (data) => [
  data.heads,
  ...data.rows.flatMap((row) =>
    row.groups.flatMap(([shown, parts], k) =>
      (parts.length ? parts : [[k, "", ""]]).map((part) => {
        const known = part[UNKNOWN_TOKEN] ? "unknown" : "";
        return [row.title, part[0], part[ITS_BYTES] || shown, String(part[1]), part[2], known];
      })
    )
  ),
];
