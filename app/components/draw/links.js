// A table whose cells are texts or links. A link opens beside the page, which stays as it is.
DRAW.links = function ({ data, parentElement }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const link = ({ href, text }) => el("a", { href, text, target: "_blank", rel: "noopener" });
  const cell = (what) => el("td", {}, typeof what === "string" ? what : link(what));
  const row = (cells) =>
    el(
      "tr",
      cells[0] ? { class: "first" } : {},
      el("th", { scope: "row", text: cells[0] }),
      ...cells.slice(1).map(cell),
    );
  const head = el("tr", {}, ...data.heads.map((text) => el("th", { scope: "col", text })));
  const table = el(
    "table",
    { "aria-label": data.say },
    el("thead", {}, head),
    el("tbody", {}, ...data.rows.map(row)),
  );
  root.replaceChildren(
    el("div", { class: "links", tabindex: 0, role: "region", "aria-label": data.say }, table),
  );
  root.dataset.sig = `${data.say} ${data.rows.length}`;
};
