"""Events as bytes: arrays as safetensors, all else as JSON in their metadata. Nothing is pickled."""

import json
from typing import BinaryIO

import numpy as np
from safetensors.numpy import load, save

Value = float | int | str | bool | None | list | dict | np.ndarray
Event = dict[str, Value]
LENGTH = 8  # bytes that tell how long a message is, as safetensors' own that tell how long its header is


def write(event: Event, stream: BinaryIO) -> None:
    """Write one event."""
    arrays = {name: np.ascontiguousarray(x) for name, x in event.items() if isinstance(x, np.ndarray)}
    rest = {name: x for name, x in event.items() if name not in arrays}
    message = save(arrays, {"event": json.dumps(rest)})
    stream.write(len(message).to_bytes(LENGTH, "little") + message)


def read(stream: BinaryIO) -> Event | None:
    """The next event; None at the end, also where a message breaks off."""
    length = stream.read(LENGTH)
    message = stream.read(int.from_bytes(length, "little"))
    if len(length) < LENGTH or len(message) < int.from_bytes(length, "little"):
        return None
    header = message[LENGTH : LENGTH + int.from_bytes(message[:LENGTH], "little")]
    return json.loads(json.loads(header)["__metadata__"]["event"]) | load(message)
