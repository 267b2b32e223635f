"""The image that a model reads, in its patches, with weights on it."""

from app import components, state
from app.ui.context import Look
from app.ui.frame import origin
from app.ui.heatmaps import shown
from app.ui.page import keep


def laid(look: Look, title: str, over: str = "", height: int = 290, name: str = "") -> None:
    """The image in its patches; with `over`, a point of weights [H, T, S] or [T, S], those of the picked head
    and token on it."""
    by = "key" if look.side == "decoder" else "token"  # a patch is looked at, or looks itself
    header = _on_image(look, title, over) | {"by": by, "height": height, "aria": title}
    header |= origin(look, over) if over else {"model": look.source}
    components.image(f"image-{over and 'over'}{name}", header, lambda i: state.change(**{by: int(i)}))


def looks(look: Look, title: str, over: str, says: list[str]) -> None:
    """The image once for each token of the decoder, the weights that it looks with laid on it; `says` is what
    is written after each."""
    header = _on_image(look, title, over) | {"says": says}
    components.looks("looks", header, lambda i: state.change(token=int(i)))


def _on_image(look: Look, title: str, over: str) -> dict:
    """What a picture of the image needs, its tensors in their place."""
    sees = look.memory if look.side == "decoder" else look
    id, config = look.id_of("image"), sees.config
    keep(id, look.model.prepare.pixels(look.trace.ids)[0].cpu().numpy())
    if over:
        keep(look.id_of(over), shown(look, over))
    return {
        "src": id,
        "over": look.id_of(over) if over else None,
        "index": look.view.head,
        "token": look.view.token,
        "key": look.view.key,
        "across": config.image // config.patch,
        "names": ["the first vector", *(f"patch {label}" for label in sees.labels[1:])],
        "words": look.labels,
        "title": title,
    }
