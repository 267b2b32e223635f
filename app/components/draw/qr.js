// A QR code, dark on light whatever the theme is (many readers want it so), and its address as a link.
const MODULE = 12; // pixels
const QUIET = 4; // modules that stay light around it, as the standard asks
DRAW.qr = function ({ data, parentElement }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const canvas = el("canvas", { role: "img", "aria-label": data.say }), side = data.rows.length + 2 * QUIET;
  const g = surface(canvas, side * MODULE, side * MODULE);
  g.fillStyle = "#fff";
  g.fillRect(0, 0, side * MODULE, side * MODULE);
  g.fillStyle = "#000";
  data.rows.forEach((row, y) =>
    [...row].forEach((sign, x) =>
      sign === "1" && g.fillRect((x + QUIET) * MODULE, (y + QUIET) * MODULE, MODULE, MODULE)
    )
  );
  const link = el("a", { href: data.address, text: data.address });
  root.replaceChildren(el("div", { class: "qr" }, canvas, el("p", {}, link)));
  root.dataset.sig = data.address;
};
