// A page: its parts, one below the other or in columns, each drawn by the function of its kind. A part keeps
// its element between runs while it stays in its place, and is redrawn only if it has changed.
DRAW.page = function ({ data, parentElement, setTriggerValue }) {
  if (!data) return;
  const root = parentElement.querySelector("div");
  root.className = "page";
  root.__report = setTriggerValue;
  const look = [
    css(root, "--st-background-color"),
    css(root, "--st-font"),
    Object.keys(PAGE.wants).length ? performance.now() : 0,
  ].join();
  lay(root, data.parts, { root, look });
};

function lay(place, parts, page) {
  const old = new Map([...place.children].map((node) => [node.dataset.part, node]));
  const nodes = parts.map((part) => {
    const node = old.get(part.key);
    if (node?.dataset.kind !== part.kind) return el("div", { "data-part": part.key, "data-kind": part.kind });
    old.delete(part.key);
    return node;
  });
  old.forEach(leave);
  nodes.forEach((node, i) => {
    if (place.children[i] !== node) place.insertBefore(node, place.children[i] ?? null);
  });
  nodes.forEach((node, i) => (PLACES[parts[i].kind] ?? draw)(node, parts[i], page));
}
function leave(node) {
  DRAW.leave(node);
  node.remove();
}

// What holds other parts
const PLACES = {
  columns(node, { data }, page) {
    node.style.setProperty("--shares", data.shares.map((share) => `minmax(0, ${share}fr)`).join(" "));
    node.style.alignItems = data.align;
    while (node.children.length < data.places.length) node.append(el("div", { class: "place" }));
    while (node.children.length > data.places.length) leave(node.lastChild);
    data.places.forEach((parts, i) => lay(node.children[i], parts, page));
  },
  group(node, { data }, page) {
    node.classList.toggle("border", data.border);
    if (!node.firstChild) node.append(el("div", { class: "place" }));
    lay(node.firstChild, data.parts, page);
  },
  fold(node, { key, data }, page) {
    if (!node.firstChild) node.append(el("details", {}, el("summary"), el("div", { class: "place" })));
    const [summary, place] = node.firstChild.children;
    summary.textContent = data.title;
    node.firstChild.open = data.open;
    summary.onclick = (e) => {
      e.preventDefault(); // it opens when its content has come
      report(page, key)("toggle", !data.open);
    };
    lay(place, data.parts, page);
  },
  text: (node, { data }) => changed(node, data) && node.replaceChildren(grown(data)),
  notice(node, { data }) {
    node.setAttribute("role", data.tone === "warning" ? "alert" : "status");
    node.classList.toggle("warning", data.tone === "warning");
    if (changed(node, data)) node.replaceChildren(grown(data.text));
  },
};
// An action is sent to the server at once; what follows within a moment is sent together after it, because a
// second message would replace the first before it is sent.
const MOMENT = 25; // milliseconds
const report = (page, key) => (event, value) => {
  const root = page.root, since = performance.now() - (root.__sent ?? -MOMENT);
  (root.__reports ??= []).push([key, event, value]);
  root.__timer ??= setTimeout(() => {
    const all = root.__reports.splice(0);
    Object.assign(root, { __timer: null, __sent: performance.now() });
    root.__report("act", all);
  }, Math.max(0, MOMENT - since));
};

function draw(node, part, page) {
  if (!node.firstChild) node.append(el("div", { class: "gb" }));
  if (!changed(node, part.data, page.look)) return;
  DRAW[part.kind]({
    key: part.key,
    data: part.data,
    parentElement: node,
    setTriggerValue: report(page, part.key),
  });
}
function changed(node, data, look = "") {
  const shown = look + JSON.stringify(data);
  if (node.__shown === shown) return false;
  node.__shown = shown;
  return true;
}

// A text: [tag, child, …] as app/markup.py makes it, of these tags and no others
const TAGS = new Set([
  "div",
  "p",
  "strong",
  "em",
  "code",
  "h2",
  "h3",
  "h4",
  "table",
  "thead",
  "tbody",
  "tr",
  "th",
  "td",
]);
function grown(part) {
  if (typeof part === "string") return part;
  const [tag, ...children] = part;
  return el(TAGS.has(tag) ? tag : "span", {}, ...children.map(grown));
}
