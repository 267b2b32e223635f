// Keeps tensors in the page, so that heat maps need only small messages: those of the page as it is, which two
// messages may bring, and of earlier ones as many as this. One that is there already stays the same object, and with
// it what was made of it. All that are new are told at once, so that a picture of many is drawn once.
const KEPT = 24;
const BROUGHT = new Map(); // where a message was mounted -> the names of what it brought last
DRAW.store = function ({ data, parentElement }) {
  if (!data) return;
  const brought = unpack(data), fresh = new Set();
  for (const tensor of brought) {
    const old = PAGE.tensors.get(tensor.id), same = old && alike(old, tensor);
    PAGE.tensors.delete(tensor.id);
    PAGE.tensors.set(tensor.id, same ? old : tensor);
    if (!same) fresh.add(tensor.id);
  }
  BROUGHT.set(parentElement, brought.map(({ id }) => id));
  for (const place of BROUGHT.keys()) if (!place.isConnected) BROUGHT.delete(place);
  const now = new Set([...BROUGHT.values()].flat()),
    earlier = [...PAGE.tensors.keys()].filter((id) => !now.has(id));
  earlier.slice(0, Math.max(0, earlier.length - KEPT)).forEach((id) => PAGE.tensors.delete(id));
  if (fresh.size) PAGE.bus.dispatchEvent(new CustomEvent("tensors", { detail: fresh }));
};
function alike({ shape, data }, other) {
  if (String(shape) !== String(other.shape) || data.constructor !== other.data.constructor) return false;
  for (let i = 0; i < data.length; i++) if (!Object.is(data[i], other.data[i])) return false;
  return true;
}

// bytes = length of the header (u32) | header as JSON: [{id, shape, dtype, lower}, …] | the values of each, padded
// to 4 (see packing.py)
function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  return header.map(({ id, shape, dtype, lower }) => {
    const each = { "<f2": 2, "|u1": 1 }[dtype] ?? 4, [N, T] = shape;
    const size = (lower ? (N * T * (T + 1)) / 2 : shape.reduce((a, b) => a * b, 1)) * each;
    const values = bytes.slice(at, at + size).buffer;
    at += Math.ceil(size / 4) * 4;
    if (each === 1) return { id, shape, data: new Uint8Array(values) };
    const data = dtype === "<f2" ? fromHalf(values) : new Float32Array(values);
    return { id, shape, data: lower ? masked(data, shape) : data };
  });
}
// Matrices of which only the rows up to their diagonals were sent: −∞ in all other places
function masked(values, [N, T]) {
  const data = new Float32Array(N * T * T).fill(-Infinity);
  for (let row = 0, at = 0; row < N * T; row++) {
    const count = (row % T) + 1;
    data.set(values.subarray(at, at + count), row * T);
    at += count;
  }
  return data;
}
// float16 to float32: by the browser where it can, else by its bits: sign, 5 of exponent, 10 of fraction
function fromHalf(buffer) {
  if (globalThis.Float16Array) return new Float32Array(new Float16Array(buffer));
  return Float32Array.from(new Uint16Array(buffer), (bits) => {
    const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
}
