// An image as a picture of one pixel each, made once: brightness as it is, 0 dark to 1 bright; of one plane grey,
// of three red, green and blue.
function imageOf(tensor) {
  if (tensor.image) return tensor.image;
  const { shape: [N, R, C], data } = tensor;
  const byte = (n, i) => Math.max(0, Math.min(255, Math.round(255 * data[(N === 3 ? n : 0) * R * C + i])));
  tensor.image = el("canvas");
  put(tensor.image, C, R, (i) => rgb(byte(0, i), byte(1, i), byte(2, i)));
  return tensor.image;
}
function pixels(g, tensor, size) {
  g.imageSmoothingEnabled = false;
  g.drawImage(imageOf(tensor), 0, 0, size, size);
}
