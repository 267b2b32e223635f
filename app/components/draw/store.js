// Keeps tensors in the page, so that heat maps need only small messages.
const KEPT = 24;
DRAW.store = function ({ data }) {
  if (!data) return;
  for (const tensor of unpack(data)) {
    PAGE.tensors.delete(tensor.id);
    PAGE.tensors.set(tensor.id, tensor);
    while (PAGE.tensors.size > KEPT) PAGE.tensors.delete(PAGE.tensors.keys().next().value);
    PAGE.bus.dispatchEvent(new CustomEvent("tensor", { detail: tensor.id }));
  }
};
