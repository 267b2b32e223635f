"""The image that a model reads, in its patches or cells, with attention weights over it."""

from app import components, state
from app.ui.context import StepContext
from app.ui.events import Act
from app.ui.frame import origin
from app.ui.heatmaps import shown
from app.ui.page import keep


def attention_overlay(ctx: StepContext, title: str, over: str = "", height: int = 290, name: str = "") -> None:
    """The image, in its patches or cells; with `over`, a point of weights [H, T, S] or [T, S], those of the
    picked head and token laid over it."""
    by = "key" if ctx.side == "decoder" else "token"  # a patch is the key, or the query
    header = _on_image(ctx, title, over) | {"by": by, "height": height, "aria": title}
    header |= origin(ctx, over) if over else {"model": ctx.source}
    components.image(f"image-{over and 'over'}{name}", header, lambda i: state.change(**{by: i}))


def looks(ctx: StepContext, title: str, over: str, says: list[str]) -> None:
    """The image once per token of the decoder, its attention weights laid over it; `says` is the token written
    after each."""
    header = _on_image(ctx, title, over) | {"says": says}
    components.looks("looks", header, lambda i: state.change(token=i))


def names_on(ctx: StepContext) -> list[str]:
    """What sentences call the vectors of an image."""
    leading, what = ctx.config.leading, "cell" if ctx.facts["cells"] else "patch"
    return ["the first vector"] * leading + [f"{what} {label}" for label in ctx.labels[leading:]]


def image_with_frame(
    ctx: StepContext,
    title: str,
    frame: tuple[int, int, int, int],
    across: int,
    picked: list[int],
    told: str,
    pick: Act,
) -> None:
    """The image, and a frame around its pixels from row to row and from column to column, as far as these are
    on it; a grid of `across` cells a side, of which one is `picked`. `pick` is called with another one's [row,
    column]."""
    header = _on_image(ctx, title, "") | {"frame": frame, "across": across, "leading": 0, "by": "cell"}
    header |= {"names": [f"cell {row}·{column}" for row in range(across) for column in range(across)]}
    header |= {"cell": picked[0] * across + picked[1], "height": 290, "aria": title, "say": told}
    components.image("image-frame", header | {"model": ctx.source}, lambda i: pick(list(divmod(i, across))))


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
        "leading": config.leading,
        "what": "cell" if config.filters else "patch",
        "frame": None,
        "names": names_on(sees),
        "words": ctx.labels,
        "title": title,
    }
