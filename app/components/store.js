// Keeps a tensor in the page, so that the pictures on it need only small messages.
const KEPT = 24;
DRAW.store = function ({ data }) {
  if (!data) return;
  const [header, values] = unpack(data);
  PAGE.tensors.delete(header.id);
  PAGE.tensors.set(header.id, { shape: header.shape, data: values });
  while (PAGE.tensors.size > KEPT) PAGE.tensors.delete(PAGE.tensors.keys().next().value);
  PAGE.bus.dispatchEvent(new CustomEvent("tensor", { detail: header.id }));
};
