// Keeps tensors in the page, so that heat maps need only small messages: of each store what it brought last, and
// of earlier ones as many as this.
const KEPT = 24;
const HELD = new Map(); // store -> the names of what it brought
DRAW.store = function ({ data, key }) {
  if (!data) return;
  const brought = unpack(data);
  for (const tensor of brought) {
    PAGE.tensors.delete(tensor.id);
    PAGE.tensors.set(tensor.id, tensor);
  }
  HELD.set(key, brought.map(({ id }) => id));
  const held = new Set([...HELD.values()].flat());
  const others = [...PAGE.tensors.keys()].filter((id) => !held.has(id));
  for (const id of others.slice(0, Math.max(0, others.length - KEPT))) PAGE.tensors.delete(id);
  for (const { id } of brought) PAGE.bus.dispatchEvent(new CustomEvent("tensor", { detail: id }));
};
