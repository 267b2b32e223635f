"""Which device computes: the only place that chooses one, and that says what follows for the numbers.

A graphics processor is taken where torch sees one that works, or what GLASSBOX_DEVICE says. What is drawn at
random, the sampler and the second route are on the processor everywhere: they need float64, which not every
device has, and the same random numbers.
"""

import os
import re
import warnings

import torch

VARIABLE = "GLASSBOX_DEVICE"
ALLOWED = "cpu, cuda, cuda:1 (or another number) or mps"
CPU = torch.device("cpu")
# What torch and the drivers call a failure of a device, where the error has no class of its own
FAILURE = re.compile(r"\b(CUDA|HIP|MPS|cu(BLAS|DNN|SOLVER|SPARSE)|NVRTC|NVML)\b|device-side", re.IGNORECASE)

_failed: list[str] = []  # a sentence for each failure in this process: after the first the processor computes


def choose(asked: str = "auto") -> torch.device:
    """The device that a model goes to.

    asked: "cpu", "cuda", "cuda:1", "mps", or "auto": what GLASSBOX_DEVICE says, else a graphics processor that
    works, else the processor. After a failure it is the processor. ValueError where there is no such device.
    """
    name = os.environ.get(VARIABLE, "") if asked == "auto" else asked
    device = _named(name, VARIABLE if asked == "auto" else "device") if name else None
    if _failed or device == CPU:
        return CPU
    device = device or next(iter(_seen()), CPU)
    _exactly()
    return device if device == CPU or _works(device) else CPU


def failed(error: BaseException) -> bool:
    """Whether an error is the failure of a device, full or broken; then the processor computes from now on, and
    what was computed on the device must be forgotten. Errors on the processor are none."""
    own = isinstance(error, torch.OutOfMemoryError | torch.AcceleratorError)
    if not own and not (isinstance(error, RuntimeError) and FAILURE.search(str(error))):
        return False
    _note(error)
    return True


def note() -> str:
    """A sentence for whoever looks on: that a device failed, and what computes now; empty where none did."""
    return _failed[0] if _failed else ""


def _named(name: str, by: str) -> torch.device:
    """A device by its name, checked."""
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?|mps", name):
        raise ValueError(f"{by} is {name!r}; it can be {ALLOWED}")
    device, seen = torch.device(name), _seen()
    if device == CPU or device in seen or (name == "cuda" and any(one.type == "cuda" for one in seen)):
        return device
    here = ", ".join(map(str, [CPU, *seen]))
    raise ValueError(f"{by} is {name!r}, but torch sees no such device here. Choose one of: {here}")


def _seen() -> list[torch.device]:
    """The graphics processors that torch sees."""
    cuda = range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    mps = ["mps"] * torch.backends.mps.is_available()
    return [torch.device(name) for name in (*(f"cuda:{i}" for i in cuda), *mps)]


def _works(device: torch.device) -> bool:
    """Whether a first product comes out; else it is noted what was wrong."""
    try:
        a = torch.full((2, 2), 2.0, device=device)
        if (a @ a).cpu().eq(8).all():
            return True
        _note(RuntimeError("2 · 2 + 2 · 2 was not 8"))
    except (RuntimeError, AssertionError) as error:
        _note(error)
    return False


def _exactly() -> None:
    """Float32 is float32: no TF32, whose products keep 10 of 23 bits; the self-checks would turn red."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def _note(error: BaseException) -> None:
    kind = "is full" if isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error) else "failed"
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    sentence = f"The graphics processor {kind}; from now on the processor computes. What it said: {first[:200]}"
    warnings.warn(sentence, RuntimeWarning, stacklevel=3)
    _failed.append(sentence)
