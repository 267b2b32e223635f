// Keeps tensors in the page, so that heat maps need only small messages: those of the page as it is, and of
// earlier ones as many as this.
const KEPT = 24;
DRAW.store = function ({ data }) {
  if (!data) return;
  const brought = unpack(data);
  for (const tensor of brought) {
    PAGE.tensors.delete(tensor.id);
    PAGE.tensors.set(tensor.id, tensor);
  }
  while (PAGE.tensors.size > KEPT + brought.length) PAGE.tensors.delete(PAGE.tensors.keys().next().value);
  for (const { id } of brought) PAGE.bus.dispatchEvent(new CustomEvent("tensor", { detail: id }));
};
