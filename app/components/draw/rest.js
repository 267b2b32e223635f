// What takes a while to compute: requested when the visitor has stayed at a step for a moment, or, if it
// takes longer (`button`), by a click.
const REST = 1500; // milliseconds
DRAW.rest = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {}), ask = () => root.isConnected && setTriggerValue("rested", data.name);
  clearTimeout(state.timer);
  if (data.ask && !data.button) state.timer = setTimeout(ask, REST);
  const light = data.ok === null
    ? []
    : [el("span", { class: "light " + (data.ok ? "ok" : "off"), text: data.ok ? "✓ " : "✗ " })];
  const button = data.ask && data.button
    ? [el("button", { type: "button", class: "quiet", text: data.button, onclick: ask })]
    : [];
  root.replaceChildren(el("p", { class: "rest", role: "status" }, ...light, data.say, ...button));
  root.dataset.sig = data.say;
};
