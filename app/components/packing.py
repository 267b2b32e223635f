"""Tensors by name as bytes for the browser, as few as lose nothing."""

import json
import struct

import numpy as np


def pack(tensors: dict[str, np.ndarray]) -> bytes:
    """Length of the header (u32), header as JSON, then the values of each, padded to 4.

    Values are sent as float32, or as float16 if that loses nothing (weights that were stored so); bytes as
    bytes. Of matrices that are masked above their diagonal only what is not (`lower`).
    """
    header, parts = [], []
    for id, tensor in tensors.items():
        lower = is_causal(tensor)
        values = tensor[..., np.tri(tensor.shape[-1], dtype=bool)] if lower else tensor
        with np.errstate(over="ignore"):
            half = values.astype("<f2")
        sent = half if np.array_equal(half, values) else values.astype("<f4")
        sent = values if values.dtype == np.uint8 else sent
        header.append({"id": id, "shape": tensor.shape, "dtype": sent.dtype.str, "lower": lower})
        parts.append(_padded(sent.tobytes(), b"\0"))
    text = _padded(json.dumps(header).encode(), b" ")
    return struct.pack("<I", len(text)) + text + b"".join(parts)


def is_causal(tensor: np.ndarray) -> bool:
    """Is a stack of matrices [N, T, T] masked (−∞) in all places above the diagonal?"""
    if tensor.ndim != 3 or tensor.shape[1] != tensor.shape[2] or tensor.shape[1] < 2:
        return False
    above = ~np.tri(tensor.shape[-1], dtype=bool)
    return bool(np.isneginf(tensor[..., above]).all())


def _padded(data: bytes, padding: bytes) -> bytes:
    return data + padding * (-len(data) % 4)


def unpack(data: bytes) -> dict[str, np.ndarray]:
    """What `pack` packed, as float32."""
    at = 4 + struct.unpack("<I", data[:4])[0]
    tensors = {}
    for entry in json.loads(data[4:at]):
        shape, dtype = entry["shape"], np.dtype(entry["dtype"])
        there = np.broadcast_to(np.tri(shape[-1], dtype=bool) if entry["lower"] else True, shape)
        tensor = np.full(shape, -np.inf, np.float32)
        tensor[there] = np.frombuffer(data, dtype, count := int(there.sum()), at)
        tensors[entry["id"]] = tensor
        at += -(-count * dtype.itemsize // 4) * 4
    return tensors
