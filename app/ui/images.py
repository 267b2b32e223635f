"""The image that a model reads, cut into patches, with attention weights over it."""

from app import components, state
from app.ui.context import StepContext
from app.ui.frame import origin
from app.ui.heatmaps import shown
from app.ui.page import keep


def attention_overlay(ctx: StepContext, title: str, over: str = "", height: int = 290, name: str = "") -> None:
    """The image, cut into patches; with `over`, a point of weights [H, T, S] or [T, S], those of the picked
    head and token laid over it."""
    by = "key" if ctx.side == "decoder" else "token"  # a patch is the key, or the query
    header = _on_image(ctx, title, over) | {"by": by, "height": height, "aria": title}
    header |= origin(ctx, over) if over else {"model": ctx.source}
    components.image(f"image-{over and 'over'}{name}", header, lambda i: state.change(**{by: i}))


def looks(ctx: StepContext, title: str, over: str, says: list[str]) -> None:
    """The image once per token of the decoder, its attention weights laid over it; `says` is the token written
    after each."""
    header = _on_image(ctx, title, over) | {"says": says}
    components.looks("looks", header, lambda i: state.change(token=i))


def _on_image(ctx: StepContext, title: str, over: str) -> dict:
    """The header of an image with weights; its tensors go to the page."""
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
