// Texts below each other, to be compared: each with its numbers, and buttons that open and forget it.
DRAW.texts = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const button = (text, act, i, label) =>
    el("button", {
      type: "button",
      text,
      "aria-label": `${text}: ${label}`,
      onclick: () => setTriggerValue(act, i),
    });
  const row = ({ before, text, seed, numbers }, i) =>
    el(
      "tr",
      { "aria-current": i === data.at ? "true" : null },
      el("td", { class: "whole-text" }, el("span", { class: "before", text: before }), el("b", { text })),
      el("td", { text: seed ?? "–" }),
      ...numbers.map((x) => el("td", { text: show(x) })),
      el(
        "td",
        { class: "acts" },
        ...(i === data.at ? [] : [button(data.words.open, "open", i, text)]),
        ...(data.drops && i !== data.at ? [button(data.words.drop, "drop", i, text)] : []),
      ),
    );
  const head = el("tr", {}, ...data.heads.map((text) => el("th", { text })), el("th"));
  root.replaceChildren(
    ...(data.title ? [el("div", { class: "title", text: data.title })] : []),
    el(
      "div",
      { class: "texts" },
      el("table", {}, el("thead", {}, head), el("tbody", {}, ...data.rows.map(row))),
    ),
  );
  root.dataset.sig = `${data.at}|${data.rows.length}`;
};
