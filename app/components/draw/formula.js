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
  root.replaceChildren(...data.boxes.map((h) => box(h, (value) => setTriggerValue("set", [h.cell, value]))));
  root.dataset.sig = data.boxes.map((h) => h.cell).join("|");
};

const math = (text) =>
  document.importNode(new DOMParser().parseFromString(text, "application/xml").documentElement, true);

function box(h, set) {
  const node = el("section", { class: "hand", "aria-label": `Check it by hand: ${h.cell}` });
  node.append(
    el("p", {}, el("b", { text: "Check it by hand" }), " · ", el("code", { text: h.cell })),
    ...h.formulas.map(math),
  );
  if (h.terms.length) node.append(terms(h));
  const results = [
    "by hand ",
    el("b", { text: h.value }),
    ` · ${h.who} `,
    el("b", { text: h.shown }),
    ` · differs by ${h.difference}`,
  ];
  node.append(el("p", {}, ...results));
  if (h.set) node.append(setter(h, set));
  if (h.sources.length) {
    node.append(
      el(
        "p",
        { class: "made" },
        "made from ",
        ...h.sources.flatMap((s, i) => [i ? " and " : "", el("code", { text: s })]),
      ),
    );
  }
  return node;
}

// What if the number were another? Enter sets it.
function setter(h, set) {
  const field = el("input", {
    type: "number",
    step: "any",
    value: Number(h.exact.toPrecision(6)),
    "aria-label": `What if ${h.cell} were another number?`,
  });
  const send = () => field.value !== "" && field.value !== field.defaultValue && set(Number(field.value));
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
  );
}

function terms(h) {
  const cells = (
    tag,
    [name, factors, value],
  ) => [
    el("th", { scope: tag === "th" ? "col" : "row", text: name }),
    ...[factors, value].map((text) => el(tag, { text })),
  ];
  const body = el(
    "tbody",
    {},
    ...[...h.terms, ["sum", "", h.total]].map((row) => el("tr", {}, ...cells("td", row))),
  );
  return el("table", {}, el("thead", {}, el("tr", {}, ...cells("th", ["term", "", "value"]))), body);
}
