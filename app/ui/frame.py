"""The frame of every heat map and chart: where its numbers come from, and whether the second route agrees."""

from app.ui.context import StepContext
from engine.worked import Check


def light(check: Check) -> dict:
    """A self-check as the frame shows it."""
    noise = "within rounding error" if check.ok else "beyond rounding error"
    return {
        "ok": check.ok,
        "text": f"recomputed in float64: worst cell differs by {written(check.largest, 1)}, {noise}",
    }


def foot(ctx: StepContext, point: str) -> str:
    """The point's name and shape: blocks.2.attn.scores  [B=1, H=6, T=9, S=9]."""
    sizes = zip("B" + ctx.axes(point), ctx.trace[point].shape, strict=True)
    return f"{point}  [{', '.join(f'{axis}={n}' if axis != '1' else '1' for axis, n in sizes)}]"


def origin(ctx: StepContext, point: str) -> dict:
    """Where the numbers come from, as the frame shows it: point, model, self-check."""
    return {"foot": foot(ctx, point), "model": ctx.source, "light": light(ctx.checked(point))}


def written(x: float, digits: int = 5) -> str:
    return f"{x:.{digits}g}".replace("-", "−").replace("inf", "∞")


def clamp(value: int, count: int) -> int:
    return max(0, min(value, count - 1))
