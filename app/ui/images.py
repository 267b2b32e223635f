"""The image that a model reads, in its patches, with weights on it."""

from app import components, state
from app.ui.context import StepContext
from app.ui.frame import origin
from app.ui.heatmaps import shown
from app.ui.page import keep


def attention_overlay(ctx: StepContext, title: str, over: str = "", height: int = 290, name: str = "") -> None:
    """The image in its patches; with `over`, a point of weights [H, T, S] or [T, S], those of the picked head
    and token on it."""
    by = "key" if ctx.side == "decoder" else "token"  # a patch is looked at, or looks itself
    header = _on_image(ctx, title, over) | {"by": by, "height": height, "aria": title}
    header |= origin(ctx, over) if over else {"model": ctx.source}
    components.image(f"image-{over and 'over'}{name}", header, lambda i: state.change(**{by: i}))


def looks(ctx: StepContext, title: str, over: str, says: list[str]) -> None:
    """The image once for each token of the decoder, the weights that it looks with laid on it; `says` is what
    is written after each."""
    header = _on_image(ctx, title, over) | {"says": says}
    components.looks("looks", header, lambda i: state.change(token=i))


def _on_image(ctx: StepContext, title: str, over: str) -> dict:
    """What a picture of the image needs, its tensors in their place."""
    sees = ctx.memory if ctx.side == "decoder" else ctx
    id, config = ctx.id_of("image"), sees.config
    keep(id, ctx.model.prepare.pixels(ctx.trace.ids)[0].cpu().numpy())
    if over:
        keep(ctx.id_of(over), shown(ctx, over))
    return {
        "src": id,
        "over": ctx.id_of(over) if over else None,
        "index": ctx.view.head,
        "token": ctx.view.token,
        "key": ctx.view.key,
        "across": config.image // config.patch,
        "names": ["the first vector", *(f"patch {label}" for label in sees.labels[1:])],
        "words": ctx.labels,
        "title": title,
    }
