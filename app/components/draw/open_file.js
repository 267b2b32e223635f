// A button that opens a file of any kind and sends its bytes, in base64; of one that is too large, nothing.
DRAW.open_file = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const field = el("input", { type: "file", accept: data.accept, hidden: true });
  field.onchange = () => {
    const [file] = field.files, reader = new FileReader();
    if (!file) return;
    reader.onload = () => setTriggerValue("open", reader.result.slice(reader.result.indexOf(",") + 1));
    reader.readAsDataURL(file.size > data.most ? new Blob([]) : file);
    field.value = "";
  };
  const onclick = () => field.click();
  root.replaceChildren(el("button", { type: "button", class: "quiet", text: data.label, onclick }), field);
  root.dataset.sig = data.label;
};
