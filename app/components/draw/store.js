// Keeps tensors in the page, so that heat maps need only small messages: those of the page as it is, which two
// messages may bring, and of earlier ones as many as this.
const KEPT = 24;
const BROUGHT = new Map(); // where a message was mounted -> the names of what it brought last
DRAW.store = function ({ data, parentElement }) {
  if (!data) return;
  const brought = unpack(data);
  for (const tensor of brought) {
    PAGE.tensors.delete(tensor.id);
    PAGE.tensors.set(tensor.id, tensor);
  }
  BROUGHT.set(parentElement, brought.map(({ id }) => id));
  for (const place of BROUGHT.keys()) if (!place.isConnected) BROUGHT.delete(place);
  const now = new Set([...BROUGHT.values()].flat()),
    earlier = [...PAGE.tensors.keys()].filter((id) => !now.has(id));
  earlier.slice(0, Math.max(0, earlier.length - KEPT)).forEach((id) => PAGE.tensors.delete(id));
  for (const { id } of brought) PAGE.bus.dispatchEvent(new CustomEvent("tensor", { detail: id }));
};
