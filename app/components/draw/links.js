// A table whose cells are texts or links. A link opens beside the page, which stays as it is. A letter's index, as in
// d_k, is set as one.
DRAW.links = function ({ data, parentElement }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const INDEX = /(?<![\p{L}\p{N}_])(\p{L})_([A-Za-z0-9]{1,5})(?![A-Za-z0-9_])/u;
  const set = (text) => text.split(INDEX).map((part, i) => (i % 3 === 2 ? el("sub", { text: part }) : part));
  const link = ({ href, text }) => el("a", { href, target: "_blank", rel: "noopener" }, ...set(text));
  const cell = (what) => el("td", {}, ...(typeof what === "string" ? set(what) : [link(what)]));
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
