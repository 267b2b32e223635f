// A matrix of a worked example: numbers that can be typed over, a result beside its picture, or cells to fill in.
// What is typed is sent as text and checked by the server, so that nothing typed is lost.
DRAW.grid = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  state.send = setTriggerValue;
  const built = JSON.stringify([data.mode, data.rows, data.cols, data.named, data.can, data.words]);
  if (state.built !== built) build(root, state, data);
  state.built = built;
  state.data = data;
  tell(root, state, data);
  fill(root, state, data);
  root.dataset.sig = `grid|${data.name}`;
};

const math = (text) =>
  document.importNode(new DOMParser().parseFromString(text, "application/xml").documentElement, true);
const EDITED = ["given", "guess"];
const LIVE = 15; // milliseconds after the last key, until a number is sent
const NUMBER = /^[+−-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function build(root, state, h) {
  state.head = el("div", { class: "grid-head" });
  state.trouble = el("div", { class: "grid-trouble", role: "alert", hidden: true });
  state.after = el("div", { class: "grid-after" });
  state.fields = h.rows.map((row, i) => h.cols.map((col, j) => field(root, state, h, i, j)));
  const names = h.cols.map((name) => el("th", { scope: "col", text: name }));
  const corner = h.named[0] || h.can.drag ? [el("td")] : [];
  const head = h.named[1] ? [el("thead", {}, el("tr", {}, ...corner, ...names))] : [];
  const body = h.rows.map((name, i) => {
    const cells = state.fields[i].map((node) => el("td", {}, node));
    return el("tr", {}, ...(corner.length ? [rowHead(root, state, h, name, i)] : []), ...cells);
  });
  const table = el("table", { "aria-label": h.aria }, ...head, el("tbody", {}, ...body));
  table.addEventListener("paste", (e) => pasted(root, state, e));
  state.heat = el("canvas", { class: "heat", "aria-hidden": "true" });
  const grid = el("div", { class: "numbers" }, table);
  const tools = sizes(state, h);
  root.replaceChildren(
    el(
      "div",
      { class: `grid ${h.mode}` },
      state.head,
      el("div", { class: "grid-body" }, grid, state.heat, ...tools),
      state.trouble,
      state.after,
    ),
  );
}

function field(root, state, h, i, j) {
  const label = `${h.name} ${[h.named[0] && h.rows[i], h.named[1] && h.cols[j]].filter(Boolean).join(", ")}`;
  if (!EDITED.includes(h.mode)) {
    const button = el("button", { type: "button", class: "cell" });
    button.__label = label;
    button.onclick = () => state.send("pick", [i, j]);
    button.onkeydown = (e) => moved(state, e, i, j);
    return button;
  }
  const input = el("input", {
    type: "text",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": label,
    maxlength: 200,
  });
  input.onfocus = () => input.select();
  input.oninput = () => {
    input.__dirty = true;
    clearTimeout(state.timer);
    if (h.mode === "given" && NUMBER.test(input.value.trim())) {
      state.timer = setTimeout(() => sent(state), LIVE);
    }
  };
  input.onchange = () => sent(state);
  input.onkeydown = (e) => {
    e.stopPropagation();
    if (e.key === "Escape") {
      input.__dirty = false;
      return void fill(root, state, state.data);
    }
    if (enters(e)) {
      sent(state);
      return void focusOn(state, i + 1, j);
    }
    moved(state, e, i, j);
  };
  return input;
}

// Arrow keys go from cell to cell; within a text only from its ends, or where all of it is marked.
function moved(state, e, i, j) {
  const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
  if (!by || e.altKey || e.ctrlKey || e.metaKey || e.shiftKey) return;
  const { value, selectionStart: from, selectionEnd: to } = e.target;
  const all = value === undefined || (from === 0 && to === value.length);
  if (by[1] < 0 && !all && (from !== to || from > 0)) return;
  if (by[1] > 0 && !all && (from !== to || to < value.length)) return;
  e.preventDefault();
  e.stopPropagation();
  focusOn(state, i + by[0], j + by[1]);
}
function focusOn(state, i, j) {
  state.fields[i]?.[j]?.focus();
}

const texts = (state) => state.fields.map((row) => row.map((input) => input.value));
function sent(state, rows = texts(state), order = null) {
  clearTimeout(state.timer);
  const text = rows.map((row) => row.map((x) => x.replace(/[\t\n\r]/g, " ")).join("\t")).join("\n");
  const now = JSON.stringify([text, order]);
  if (!order && now === state.sent) return;
  state.sent = now;
  state.send("change", [order ?? rows.map((_, i) => i + 1), text]);
}

// A row's name; where rows may change places also the handle: dragged, or with the arrow keys.
function rowHead(root, state, h, name, i) {
  const shown = h.named[0] ? name : "";
  if (!h.can.drag) return el("th", { scope: "row", text: shown });
  const handle = el("button", {
    type: "button",
    class: "handle",
    text: "⠿",
    title: h.words.drag,
    "aria-label": `${h.words.move} ${name}`,
  });
  handle.onkeydown = (e) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[e.key];
    if (!by) return;
    e.preventDefault();
    e.stopPropagation();
    reorder(state, i, i + by);
    root.querySelectorAll(".handle")[i + by]?.focus();
  };
  handle.onpointerdown = (e) => {
    e.preventDefault();
    handle.focus();
    handle.setPointerCapture(e.pointerId);
    state.from = i;
    handle.closest("tr").classList.add("dragged");
  };
  handle.onpointermove = (e) => {
    if (state.from === undefined) return;
    state.over = rowAt(root, e.clientY);
    mark(root, state.over);
  };
  handle.onpointerup = handle.onpointercancel = () => {
    const { from, over } = state;
    state.from = state.over = undefined;
    mark(root, -1);
    root.querySelector(".dragged")?.classList.remove("dragged");
    if (from !== undefined && over !== undefined) reorder(state, from, over);
  };
  return el("th", { scope: "row" }, handle, " ", shown);
}
function rowAt(root, y) {
  const rows = [...root.querySelectorAll("tbody tr")];
  const below = rows.findIndex((row) => y < row.getBoundingClientRect().bottom);
  return below < 0 ? rows.length - 1 : below;
}
function mark(root, at) {
  root.querySelectorAll("tbody tr").forEach((row, i) => row.classList.toggle("over", i === at));
}
function reorder(state, from, to) {
  const rows = texts(state);
  if (to < 0 || to >= rows.length || to === from) return;
  const order = rows.map((_, i) => i + 1);
  rows.splice(to, 0, ...rows.splice(from, 1));
  order.splice(to, 0, ...order.splice(from, 1));
  sent(state, rows, order);
}

// Buttons that add and take away rows and columns
function sizes(state, h) {
  const button = (text, label, act) =>
    el("button", { type: "button", text, title: label, "aria-label": label, onclick: act });
  const rows = () => texts(state),
    last = (row) => row.slice(0, -1),
    order = () => h.rows.map((_, i) => i + 1);
  const all = [
    h.can.rows &&
    [
      button("− row", h.words.lessRows, () => h.rows.length > 1 && sent(state, last(rows()), last(order()))),
      button(
        "+ row",
        h.words.moreRows,
        () => sent(state, [...rows(), h.cols.map(() => "0")], [...order(), 0]),
      ),
    ],
    h.can.columns && [
      button(
        "− column",
        h.words.lessColumns,
        () => h.cols.length > 1 && sent(state, rows().map(last), order()),
      ),
      button("+ column", h.words.moreColumns, () => sent(state, rows().map((row) => [...row, "0"]), order())),
    ],
  ].filter(Boolean).flat();
  return all.length ? [el("span", { class: "sizes" }, ...all)] : [];
}

// A block of cells, as a spreadsheet copies it, goes in from the cell on which one is; the grid grows for it.
function pasted(root, state, e) {
  const text = e.clipboardData?.getData("text") ?? "", { data } = state;
  if (text.length > data.most * data.most * 40) {
    e.preventDefault();
    return complain(state, data.words.large);
  }
  const table = text.replace(/\r\n?/g, "\n").replace(/\n+$/, "");
  if (!/[\t\n;,]/.test(table.trim()) && !/\S\s+\S/.test(table)) return; // one number: as the browser does it
  if (data.mode !== "given") return;
  e.preventDefault();
  const by = ["\t", ";", ","].find((sign) => table.includes(sign)) ?? /\s+/;
  const block = table.split("\n").filter((line) => line.trim()).map((line) => line.trim().split(by));
  const at = [].concat(...state.fields.map((row, i) => row.map((node, j) => [node, i, j])))
    .find(([node]) => node === e.target) ?? [null, 0, 0];
  const rows = texts(state), [, i0, j0] = at, width = Math.max(...block.map((row) => row.length));
  if (i0 + block.length > data.most || j0 + width > data.most) return complain(state, data.words.large);
  if (!data.can.rows && i0 + block.length > rows.length) return complain(state, data.words.fixed);
  if (!data.can.columns && j0 + width > rows[0].length) return complain(state, data.words.fixed);
  const height = Math.max(rows.length, i0 + block.length), wide = Math.max(rows[0].length, j0 + width);
  const whole = Array.from(
    { length: height },
    (_, i) => Array.from({ length: wide }, (_, j) => block[i - i0]?.[j - j0] ?? rows[i]?.[j] ?? "0"),
  );
  state.fields.flat().forEach((input) => (input.__dirty = false));
  sent(state, whole, whole.map((_, i) => (i < rows.length ? i + 1 : 0)));
}
function complain(state, sentence) {
  state.trouble.textContent = sentence;
  state.trouble.hidden = false;
}

function tell(root, state, h) {
  const parts = [
    h.formula && el("div", { class: "formula" }, math(h.formula)),
    h.numbers && el("div", { class: "formula with-numbers" }, math(h.numbers)),
    h.says && el("div", { class: "says" }, PAGE.grown(h.says)),
    h.shape && el("small", { text: h.shape }),
    h.ours && el("small", { class: "ours", text: h.ours }),
  ].filter(Boolean);
  const said = JSON.stringify([h.formula, h.numbers, h.says, h.shape, h.ours]);
  if (state.said !== said || !state.head.firstChild) state.head.replaceChildren(...parts);
  state.said = said;
  state.trouble.textContent = h.trouble ?? "";
  state.trouble.hidden = !h.trouble;
  state.after.replaceChildren(...(h.after ?? []).map((text) => el("div", { text })));
  const acts = (h.acts ?? []).map(([event, text]) =>
    el("button", { type: "button", text, onclick: () => state.send(event, true) })
  );
  if (acts.length) state.after.append(el("div", { class: "grid-acts" }, ...acts));
}

function fill(root, state, h) {
  const bad = new Set(h.bad.map(String));
  state.fields.forEach((row, i) =>
    row.forEach((node, j) => {
      const text = h.cells[i][j], at = `${i},${j}`, printed = h.printed[at], verdict = h.verdicts[at];
      if (EDITED.includes(h.mode)) {
        if (document.activeElement !== node || !node.__dirty || node.value === text) {
          if (node.value !== text) node.value = text;
          node.__dirty = false;
        }
        node.size = Math.max(3, node.value.length + 1);
        node.setAttribute("aria-invalid", bad.has(at));
      } else {
        node.textContent = text;
        node.setAttribute("aria-label", `${node.__label}: ${text}`);
        node.setAttribute("aria-pressed", String(h.picked) === at);
      }
      const cell = node.parentElement;
      cell.querySelector(".mark")?.remove();
      const sign = verdict ?? printed?.ok;
      if (sign !== undefined && sign !== null) {
        const said = printed && verdict === undefined ? printed.text : sign ? h.words.right : h.words.wrong;
        const shown = { class: `mark ${sign ? "ok" : "off"}`, text: sign ? "✓" : "✗", title: said };
        cell.append(el("span", { ...shown, role: "img", "aria-label": said }));
      }
      node.title = h.full?.[i]?.[j] ?? "";
    })
  );
  if (EDITED.includes(h.mode)) {
    state.sent = JSON.stringify([texts(state).map((r) => r.join("\t")).join("\n"), null]);
  }
  paint(root, state, h);
}

// The picture beside the table: a square for each number
const SIDE = 15, SMALL = 200; // pixels
function paint(root, state, h) {
  const numbers = h.cells.map((row) =>
    row.map((text) => Number(text.replace("−", "-").replace("∞", "Infinity")))
  );
  const flat = numbers.flat(),
    known = flat.filter(Number.isFinite),
    hidden = h.mode === "guess" || h.plain || known.length < 2;
  state.heat.hidden = hidden;
  if (hidden) return;
  const side = Math.max(2, Math.min(SIDE, SMALL / Math.max(h.rows.length, h.cols.length)));
  const g = surface(state.heat, side * h.cols.length, side * h.rows.length);
  const scale = known.some((x) => x < 0) ? "diverging" : "sequential", lut = colours(root, scale);
  const limit = Math.max(...known.map(Math.abs)) || 1, hatch = hatching(g, root);
  numbers.forEach((row, i) =>
    row.forEach((x, j) => {
      g.fillStyle = Number.isFinite(x) ? toCss(lut[shade(x, scale, limit)]) : hatch;
      g.fillRect(j * side, i * side, side - (side > 4), side - (side > 4));
    })
  );
}
