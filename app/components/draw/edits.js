// The what-ifs of the run: each with a cross that undoes it, and one button for all.
DRAW.edits = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const cross = (label, i) =>
    el(
      "button",
      {
        type: "button",
        class: "edit",
        title: `Undo: ${label}`,
        onclick: () => setTriggerValue("remove", i),
      },
      label,
      el("span", { "aria-hidden": "true", text: " ✕" }),
    );
  const all = data.items.length > 1
    ? [
      el("button", {
        type: "button",
        class: "edit all",
        text: data.all,
        onclick: () => setTriggerValue("clear", true),
      }),
    ]
    : [];
  root.replaceChildren(
    el(
      "div",
      { class: "edits", role: "group", "aria-label": data.say },
      el("b", { text: data.say }),
      ...data.items.map(cross),
      ...all,
    ),
  );
  root.dataset.sig = data.items.join("|");
};
