// A text as a model reads it in training: what was done to a token is written below it, and tokens of one span
// have one colour.
DRAW.lesson = function ({ data, parentElement }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const shades = palette(root, "--st-chart-categorical-colors");
  const list = el("div", { class: "lesson", role: "list", "aria-label": data.aria });
  for (const [text, done, span] of data.parts) {
    const part = el("span", { class: "part", text });
    const coloured = typeof span === "number";
    if (coloured) part.style.setProperty("--span", shades[span % shades.length]);
    list.append(
      el(
        "div",
        { class: "read" + (done ? " done" : "") + (coloured ? " span" : ""), role: "listitem" },
        part,
        el("small", { text: done || "" }),
      ),
    );
  }
  root.replaceChildren(list);
  root.dataset.sig = data.parts.map((p) => p.join()).join("|").slice(0, 200);
};
