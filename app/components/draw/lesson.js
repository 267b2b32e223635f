// A text as an encoder reads it in training: what was done to a token is written below it.
DRAW.lesson = function ({ data, parentElement }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const list = el("div", { class: "lesson", role: "list", "aria-label": data.aria });
  for (const [text, done] of data.parts) {
    list.append(
      el(
        "div",
        { class: "read" + (done ? " done" : ""), role: "listitem" },
        el("span", { class: "part", text }),
        el("small", { text: done || "" }),
      ),
    );
  }
  root.replaceChildren(list);
  root.dataset.sig = data.parts.map((p) => p.join()).join("|").slice(0, 200);
};
