// What is done with a page as a whole: print it, copy its link, save it as a file, open a file.
DRAW.sheet = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const told = el("span", { role: "status", class: "told" });
  const button = (text, onclick) => el("button", { type: "button", class: "quiet", text, onclick });
  const acts = {
    print: (text) => button(text, () => print()),
    link: (text) => button(text, () => copied(told, data.words)),
    save: (text) => button(text, () => save(data.file, new Blob([data.text], { type: "application/toml" }))),
    open(text) {
      const field = el("input", { type: "file", accept: ".toml,text/plain", hidden: true });
      field.onchange = async () => {
        const [file] = field.files;
        // of one that is too large a sign too many, so that the server says so
        const most = data.most + 1;
        if (file) setTriggerValue("open", (await file.slice(0, 4 * most).text()).slice(0, most));
        field.value = "";
      };
      return el("span", {}, button(text, () => field.click()), field);
    },
    reset: (text) => button(text, () => setTriggerValue("reset", true)),
  };
  const shown = data.acts.map(([name, text]) => acts[name](text));
  root.replaceChildren(el("div", { class: "sheet-acts" }, ...shown, told));
  root.dataset.sig = "sheet";
};
async function copied(told, words) {
  try {
    await navigator.clipboard.writeText(location.href);
    told.textContent = words.copied;
  } catch { // not allowed without https: the link is in the address bar
    told.textContent = words.bar;
  }
}
