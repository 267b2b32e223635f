// The prompt: Enter runs it, Shift+Enter starts a new line, examples are a click away.
const SLIM = "(max-width: 700px)"; // there the model stands where the examples would
const LONGEST_TEXT = 1_000_000; // characters, as the server keeps
DRAW.prompt = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  const submit = (text) => {
    state.sent = text;
    setTriggerValue("prompt", text);
  };
  if (!state.box) build_prompt(root, state);
  state.submit = submit;
  state.example = (text) => {
    state.sent = text;
    setTriggerValue("example", text);
  };
  if (state.sent === data.text) state.sent = null; // it has arrived, and the hand may be typing on
  else if (state.server !== data.text) write(state.box, data.text);
  tall(state.box, data.lines);
  state.server = data.text;
  state.box.placeholder = data.placeholder;
  state.box.maxLength = data.most ?? LONGEST_TEXT;
  state.large = data.large ?? "";
  if (data.label) state.box.setAttribute("aria-label", data.label);
  if (data.run) [state.run.textContent, state.run.title] = [data.run, `${data.run} (Enter)`];
  const anew = examples(state, data);
  const few = matchMedia(SLIM).matches ? 0 : data.few, same = state.few === few && !anew;
  state.few = few;
  if (!same) state.show(false);
  root.dataset.sig = data.text.slice(0, 80);
};

function build_prompt(root, state) {
  const box = (state.box = el("textarea", {
    rows: 1,
    spellcheck: "false",
    "aria-label": "Prompt",
    autocomplete: "off",
    maxlength: LONGEST_TEXT,
  }));
  const run = state.run = el("button", {
    type: "button",
    class: "run",
    text: "Run",
    title: "Run the model on this text (Enter)",
    onclick: () => state.submit(box.value),
  });
  const menu = (state.menu = el("div", { class: "examples", hidden: true }));
  const open = el("button", { type: "button", class: "quiet", text: "Examples", "aria-expanded": "false" });
  const more =
    (state.more = el("button", { type: "button", class: "example more", "aria-expanded": "false" }));
  state.show = (on) => {
    state.shown = on;
    menu.hidden = !on && !state.few;
    [...menu.children].forEach((chip, i) => (chip.hidden = chip !== more && !on && i >= state.few));
    [open.hidden, more.hidden] = [state.few > 0, !state.few || state.few >= menu.childElementCount - 1];
    more.textContent = on ? "fewer" : "more …";
    for (const button of [open, more]) button.setAttribute("aria-expanded", on);
  };
  open.onclick = more.onclick = () => state.show(!state.shown);
  // What would be more than the field takes is not put in, and that is said; nothing is cut off silently.
  const note = (state.note = el("div", { class: "note", role: "alert", hidden: true }));
  const fits = (more) =>
    box.value.length - (box.selectionEnd - box.selectionStart) + more.length <= box.maxLength;
  const refuse = (e, more) => {
    const ok = !state.large || fits(more);
    if (!ok) e.preventDefault();
    note.textContent = ok ? "" : state.large;
    note.hidden = ok;
  };
  box.onpaste = (e) => refuse(e, e.clipboardData?.getData("text") ?? "");
  box.onbeforeinput = (e) => e.inputType !== "insertFromPaste" && refuse(e, e.data ?? "");
  box.oninput = () => grow(box);
  box.onkeydown = (e) => {
    e.stopPropagation();
    if (!enters(e) || e.shiftKey) return;
    e.preventDefault();
    state.submit(box.value);
  };
  root.replaceChildren(el("div", { class: "prompt" }, box, run, open), note, menu);
}

// The chips, where they are others than before
function examples(state, data) {
  const all = JSON.stringify(data.examples);
  if (state.examples === all) return false;
  state.menu.replaceChildren(
    ...data.examples.map(([text, why]) =>
      el("button", {
        type: "button",
        class: "example",
        title: text,
        onclick: () => {
          write(state.box, text);
          state.example(text);
        },
      }, el("b", { text: why }))
    ),
    state.more,
  );
  state.examples = all;
  return true;
}

function write(box, text) {
  box.value = text;
  grow(box);
}
function grow(box) {
  box.style.height = "auto";
  const most = box.__lines ? Infinity : 64;
  ask(() => box.scrollHeight, (height) => (box.style.height = Math.min(height + 2, most) + "px"));
}
// Where a text is a list of lines, so many of them are in sight at most.
function tall(box, lines = 0) {
  if (box.__lines === lines) return;
  box.__lines = lines;
  box.style.maxHeight = lines ? `calc(${1.45 * lines}em + 0.94rem + 2px)` : "";
  grow(box);
}
