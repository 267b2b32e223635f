// All heads of a block as thumbnails, each a button; the picked head shows everywhere at once. Or filters and the
// maps they make (`by`: what is picked), in colour where there are three planes for each.
DRAW.head_grid = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  state.h = data;
  state.head = chosen(data.by, data.head);
  const draw = () => paint(root, state, setTriggerValue);
  listen(root, PAGE.bus, "tensors", (e) => e.detail.has(state.h.src) && draw());
  listen(root, PAGE.bus, data.by, (e) => ((state.head = e.detail), draw()));
  draw();
};

function paint(root, state, send) {
  const h = state.h, tensor = PAGE.tensors.get(h.src);
  if (!tensor) return;
  const [, R, C] = tensor.shape, N = h.names.length, colour = h.scale === "colour";
  const lut = colour ? null : colours(root, h.scale);
  let grid = root.querySelector(".thumbs");
  if (!grid || grid.childElementCount !== N) {
    grid = el("div", { class: "thumbs", role: "radiogroup", "aria-label": h.aria });
    grid.style.setProperty("--heads", N);
    for (let n = 0; n < N; n++) {
      const pick = () => {
        choose(h.by, n);
        send(h.by, n);
      };
      grid.append(el("button", { type: "button", class: "thumb", onclick: pick }, el("canvas"), el("span")));
    }
    root.replaceChildren(grid);
  }
  const key = `${h.src}|${css(root, "--st-background-color")}`;
  [...grid.children].forEach((button, n) => {
    button.setAttribute("aria-pressed", n === state.head);
    button.setAttribute("aria-label", `${h.names[n]}: ${h.notes[n]}`);
    button.title = h.notes[n];
    button.lastChild.textContent = h.names[n];
    if (root.__drawn !== key && colour) inColour(button.firstChild, tensor.data, 3 * n * R * C, R, C);
    else if (root.__drawn !== key) {
      thumb(button.firstChild, tensor.data, n * R * C, R, C, lut, h.max ?? 1, h.scale);
    }
  });
  root.__drawn = key;
  root.dataset.sig = `${h.src}|${state.head}`;
}

const FINEST = 240; // pixels of a side of a thumbnail
function thumb(canvas, data, from, R, C, lut, max, scale) {
  const [P, Q] = [Math.min(R, FINEST), Math.min(C, FINEST)];
  const { values } = pooled(data, { from, R, C, stride: C, P, Q });
  put(canvas, Q, P, (i) => (values[i] === -Infinity ? 0 : lut[shade(values[i], scale, max)]));
}
// Three planes, red, green and blue from 0 to 1
function inColour(canvas, data, from, R, C) {
  const byte = (plane, i) => Math.max(0, Math.min(255, Math.round(255 * data[from + plane * R * C + i])));
  put(canvas, C, R, (i) => rgb(byte(0, i), byte(1, i), byte(2, i)));
}
