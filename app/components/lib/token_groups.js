// A text in its tokens: whole characters, each in a colour, and below each the tokens it is made of. groups: [[the
// character or characters, [token, …]], …]; `below` makes what stands there for a token.
const tokenGroups = (groups, below) =>
  groups.map(([shown, parts], k) =>
    el(
      "div",
      { class: "whole c" + (k % 5), role: "listitem" },
      el("div", { class: "text", text: shown }),
      el("div", { class: "ids" }, ...parts.map(below)),
    )
  );
const UNKNOWN_TOKEN = 3, ITS_BYTES = 4, ITS_SOURCE = 5;
// A token in a row: its id, and its bytes where it is only a part of a character
const tokenBelow = (part) => {
  const [i, id, made] = part, unknown = part[UNKNOWN_TOKEN];
  return el(
    "span",
    {
      class: "id" + (unknown ? " unknown" : ""),
      title: `token ${i}: id ${id}${unknown ? `, unknown: ${part[ITS_SOURCE]}` : `, ${made}`}`,
    },
    ...(part[ITS_BYTES] ? [el("b", { text: part[ITS_BYTES] })] : []),
    ...(unknown && part[ITS_SOURCE] ? [el("em", { text: part[ITS_SOURCE] })] : []),
    el("span", { text: id }),
  );
};
