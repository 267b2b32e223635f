// A formula, laid out by the browser itself from MathML; and the arithmetic of picked cells, a box for each.
DRAW.formula = function ({ data, parentElement }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  root.replaceChildren(math(data.formula));
  root.dataset.sig = "formula";
};

DRAW.worked_arithmetic = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {}), cells = data.boxes.map((h) => h.cell);
  const about = (point) =>
    cells.findIndex((cell) => cell.split(" = ").some((c) => c.startsWith(point + "[")));
  const set = (h) => (value) => setTriggerValue("set", [h.cell, value]);
  const open = state.point === undefined ? -1 : about(state.point), first = open < 0 ? data.open : open;
  root.replaceChildren(...data.boxes.map((h, i) => box(root, h, i === first, set(h))));
  listen(root, PAGE.bus, "picked", (e) => {
    if (about(e.detail) < 0) return;
    state.point = e.detail;
    root.children[about(e.detail)].open = true;
  });
  listen(root, PAGE.bus, "hover", (e) => e.detail?.from !== root && light(root, e.detail?.at));
  root.dataset.sig = cells.join("|");
};
// The terms of the cells that something elsewhere is about
function light(root, at) {
  for (const row of root.querySelectorAll("tr")) {
    const own = row.__at && Object.entries(row.__at);
    row.classList.toggle("lit", Boolean(at && own?.length) && own.every(([axis, i]) => at[axis] === i));
  }
}

const math = (text) =>
  document.importNode(new DOMParser().parseFromString(text, "application/xml").documentElement, true);

// Of all boxes one is open: that of the cell that was picked.
function box(root, h, open, set) {
  const called = { class: "hand", name: "hand", "aria-label": `Check it by hand: ${h.cell}`, open };
  const node = el("details", called);
  const line = [el("b", { text: "Check it by hand" }), " · ", el("code", { text: h.cell })];
  node.append(el("summary", {}, ...line), ...h.formulas.map(math));
  node.ontoggle = () => node.open && (root.__state.point = h.cell.split("[")[0]);
  if (h.terms.length) node.append(terms(root, h));
  const results = [
    "by hand ",
    el("b", { text: h.value }),
    ` · ${h.who} `,
    el("b", { text: h.shown }),
    ` · difference ${h.difference}`,
  ];
  node.append(el("p", {}, ...results));
  if (h.set) node.append(setter(h, set));
  if (h.sources.length) {
    node.append(
      el(
        "p",
        { class: "made" },
        "computed from ",
        ...h.sources.flatMap((s, i) => [i ? " and " : "", el("code", { text: s })]),
      ),
    );
  }
  return node;
}

// What if the number were another? Enter sets it, in size at most what a link may hold (see app/edits.py).
const LARGEST = 1e9, MOST_SET = LARGEST.toLocaleString("en");
function setter(h, set) {
  const field = el("input", {
    type: "number",
    step: "any",
    value: Number(h.exact.toPrecision(6)),
    "aria-label": `What if ${h.cell} were another number?`,
  });
  const wrong = el("span", { class: "wrong", role: "alert" });
  const send = () => {
    const fits = Number.isFinite(field.valueAsNumber) && Math.abs(field.valueAsNumber) <= LARGEST;
    wrong.textContent = fits
      ? ""
      : ` ${field.value || "That"} cannot be set: type a number from −${MOST_SET} to ${MOST_SET}.`;
    if (fits && field.value !== field.defaultValue) set(field.valueAsNumber);
  };
  field.onkeydown = (e) => {
    e.stopPropagation();
    if (enters(e)) send();
  };
  return el(
    "p",
    { class: "set" },
    "what if it were ",
    field,
    " ",
    el("button", { type: "button", text: "Set", onclick: send }),
    wrong,
  );
}

// Pointing at a term lights its cells in the heat maps.
function terms(root, h) {
  const cells = (tag, [name, factors, value]) => [
    el("th", { scope: tag === "th" ? "col" : "row", text: name }),
    ...[factors, value].map((text) => el(tag, { text })),
  ];
  const row = (parts) => {
    const at = parts[3] && Object.keys(parts[3]).length ? parts[3] : null;
    const node = el("tr", at ? { tabindex: 0 } : {}, ...cells("td", parts));
    node.__at = at;
    if (!at) return node;
    const tell = (detail) => () => PAGE.bus.dispatchEvent(new CustomEvent("hover", { detail }));
    node.onpointerenter = node.onfocus = tell({ from: root, at });
    node.onpointerleave = node.onblur = tell(null);
    return node;
  };
  const body = el("tbody", {}, ...[...h.terms, ["sum", "", h.total]].map(row));
  return el("table", {}, el("thead", {}, el("tr", {}, ...cells("th", ["term", "", "value"]))), body);
}
