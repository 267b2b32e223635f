// A page: its parts, one below the other or in columns, each drawn by the function of its kind. A part keeps
// its element between runs while it stays in its place, and is redrawn only if it has changed.
DRAW.page = function ({ data, parentElement, setTriggerValue }) {
  if (!data) return;
  const root = parentElement.querySelector("div");
  root.className = "page";
  const dark = parseInt(css(root, "--st-background-color").slice(1, 3), 16) < 128;
  root.style.colorScheme = dark ? "dark" : "light"; // of the browser's own fields and sliders
  root.__report = setTriggerValue;
  PAGE.seen = data.seen;
  const wants = Object.entries(PAGE.wants), waits = wants.length ? performance.now() : 0;
  PAGE.wants = Object.fromEntries(wants.filter(([, want]) => !isAnswered(want)));
  PAGE.reports = PAGE.reports.filter(([number]) => number > data.seen);
  if (PAGE.reports.length && !root.__timer) send(root, AGAIN);
  const look = [css(root, "--st-background-color"), css(root, "--st-font"), waits].join();
  inPlace(root, () => lay(root, data.parts, { root, look }));
};

// What grows above a control that was just used does not push it away from under the hand.
function inPlace(root, change) {
  const held = PAGE.held, top = () => held.getBoundingClientRect().top, before = held?.isConnected && top();
  PAGE.held = null;
  change();
  if (!held?.isConnected) return;
  let scroller = root;
  while (scroller && !/auto|scroll/.test(getComputedStyle(scroller).overflowY)) {
    scroller = scroller.parentElement;
  }
  if (scroller) scroller.scrollTop += top() - before;
}

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
    node.dataset.align = data.align;
    while (node.children.length < data.places.length) node.append(el("div", { class: "place" }));
    while (node.children.length > data.places.length) leave(node.lastChild);
    data.places.forEach((parts, i) => lay(node.children[i], parts, page));
  },
  group(node, { data }, page) {
    node.classList.toggle("border", data.border);
    if (!node.firstChild) node.append(el("div", { class: "place" }));
    lay(node.firstChild, data.parts, page);
  },
  fold(node, part, page) {
    const { data } = part;
    if (!node.firstChild) node.append(el("details", {}, el("summary"), el("div", { class: "place" })));
    const [summary, place] = node.firstChild.children;
    summary.textContent = data.title;
    node.firstChild.open = data.open;
    summary.onclick = (e) => {
      e.preventDefault(); // it opens with what is in it
      const open = !chosen(part.key, data.open); // a second click takes back one that is still on its way
      choose(part.key, open);
      report(page, part)("toggle", open);
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
// What a person does goes to the server at once; what follows within a moment goes together after it. It is sent
// until the server has seen it: Streamlit keeps one message of those that wait, and none where there is no
// connection. Each report says what there was to choose from (`of`).
const MOMENT = 25, AGAIN = 2000; // milliseconds
const TRIES = 5, MOST_REPORTS = 200;
const report = (page, part) => (event, value) => {
  PAGE.reports.push([++PAGE.count, part.key, event, part.of ?? "", value]);
  PAGE.reports.splice(0, PAGE.reports.length - MOST_REPORTS);
  const since = performance.now() - (page.root.__sent ?? -MOMENT);
  send(page.root, Math.max(0, MOMENT - since));
};
function send(root, wait) {
  clearTimeout(root.__timer);
  root.__timer = setTimeout(() => {
    root.__timer = null;
    if (!root.isConnected || !PAGE.reports.length) return;
    const { testConnectionState, testScriptState } = document.querySelector("[data-testid=stApp]").dataset;
    if (testConnectionState !== "CONNECTED") return send(root, AGAIN / 10);
    const again = root.__last === PAGE.count;
    if (!again) root.__tries = 0;
    if (!again || testScriptState === "notRunning") {
      Object.assign(root, { __sent: performance.now(), __last: PAGE.count });
      root.__report("act", [...PAGE.reports]);
      root.__tries++;
    }
    if (root.__tries < TRIES) send(root, AGAIN * root.__tries);
  }, wait);
}

function draw(node, part, page) {
  if (!node.firstChild) node.append(el("div", { class: "gb" }));
  if (!changed(node, part.data, page.look)) return;
  focused(node, () =>
    DRAW[part.kind]({
      key: part.key,
      data: part.data,
      parentElement: node,
      setTriggerValue: report(page, part),
    }));
}
// What is drawn anew has the focus where it was.
function focused(node, change) {
  const all = () => [...node.querySelectorAll("button, input, select, summary, [tabindex]")];
  const at = node.contains(document.activeElement) ? all().indexOf(document.activeElement) : -1;
  change();
  if (at < 0 || node.contains(document.activeElement)) return;
  const now = all();
  now[Math.min(at, now.length - 1)]?.focus({ preventScroll: true });
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
  "sub",
  "h3",
  "h4",
  "table",
  "thead",
  "tbody",
  "tr",
  "th",
  "td",
]);
PAGE.grown = grown;
function grown(part) {
  if (typeof part === "string") return part;
  const [tag, ...children] = part;
  return el(TAGS.has(tag) ? tag : "span", {}, ...children.map(grown));
}
