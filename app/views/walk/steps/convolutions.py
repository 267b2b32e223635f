"""An image through convolutions: the filters, the maps that they make, and what a cell of them can see."""

from dataclasses import dataclass

import numpy as np

from app import components, settings, state
from app.once import once
from app.state import ranged
from app.text import say
from app.ui.arithmetic import arithmetic
from app.ui.context import StepContext
from app.ui.controls import choice_of
from app.ui.frame import foot, light, origin
from app.ui.images import image_with_frame
from app.ui.page import columns, keep
from app.ui.source import code
from app.ui.words import words
from app.views.walk.steps.reach import reach
from engine.model.convolution import CellEmbed, Convolution
from engine.receptive import receptive_fields, window

COLOURS = ("red", "green", "blue")


@settings.settings("maps")
@dataclass(frozen=True)
class Maps:
    """What is looked at; −1: the last layer; the filter with the largest number there, and of its channels the
    one with the largest weights; the place of the picked cell."""

    layer: int = ranged(-1, -1, 99)
    filter: int = ranged(-1, -1, 99_999)
    channel: int = ranged(-1, -1, 99_999)  # of the map below
    row: int = ranged(-1, -1, 9_999)  # of the image, in pixels
    column: int = ranged(-1, -1, 9_999)


class Looked:
    """A layer, a filter and a place that exist, and their points."""

    def __init__(self, ctx: StepContext):
        self.ctx, self.config, now = ctx, ctx.config, settings.read(Maps)
        count = len(self.config.filters)
        self.layer = now.layer if 0 <= now.layer < count else count - 1
        self.side, self.step = receptive_fields(self.config)[self.layer]
        self.pre, self.act = (ctx.whole(f"embed.conv.{self.layer}.{name}") for name in ("pre", "act"))
        (self.below,) = ctx.sources(self.pre)
        self.row, self.column = self._place(now)
        self.filter = now.filter if 0 <= now.filter < self.config.filters[self.layer] else self._strongest()
        channels = len(self.weight)
        largest = int(np.abs(self.weight).sum((1, 2)).argmax())
        self.channel = now.channel if 0 <= now.channel < channels else largest

    def _place(self, now: Maps) -> tuple[int, int]:
        """The picked cell of this layer: where the place is, if that lies in the picked cell of the last."""
        patch = self.config.patch
        cell = divmod(self.ctx.view.token, self.config.image // patch)
        there = (now.row // patch, now.column // patch) == cell
        pixels = (now.row, now.column) if there else (cell[0] * patch, cell[1] * patch)
        return pixels[0] // self.step, pixels[1] // self.step

    def _strongest(self) -> int:
        return int(self.ctx.array(self.pre)[:, self.row, self.column].argmax())

    @once
    def weight(self) -> np.ndarray:
        """The picked filter [channels, rows, columns]."""
        return self.weights[self.filter]

    @property
    def weights(self) -> np.ndarray:
        """All filters of the layer [filters, channels, rows, columns]."""
        return self.ctx.model.get_submodule(self.pre).weight.cpu().numpy()

    @property
    def names(self) -> list[str]:
        """What the channels of the map below are called."""
        colours = self.layer == 0 and self.config.channels == 3
        return list(COLOURS) if colours else [str(i) for i in range(len(self.weight))]

    @property
    def square(self) -> np.ndarray:
        """What the picked filter looks at in the picked channel below [rows, columns]; beyond the edge 0."""
        edge, stride = self.config.kernel // 2, self.config.strides[self.layer]
        below = np.pad(self.ctx.array(self.below)[self.channel], edge)
        top, left = (stride * i for i in (self.row, self.column))
        return below[top : top + self.config.kernel, left : left + self.config.kernel]

    @property
    def cell(self) -> tuple[int, int, int]:
        return self.filter, self.row, self.column

    @property
    def told(self) -> dict:
        """The values of the texts."""
        c, layer = self.config, self.layer
        rows, cols = (window(c, layer, i) for i in (self.row, self.column))
        beyond = any(low < 0 or high >= c.image for low, high in (rows, cols))
        sizes = dict(
            filters=c.filters[layer], channels=len(self.weight), kernel=c.kernel, stride=c.strides[layer]
        )
        sizes |= dict(side=c.image // self.step, field=self.side, step=self.step, image=c.image, layer=layer)
        numbers = dict(value=float(self.ctx.array(self.pre)[self.cell]), row=self.row, column=self.column)
        beyond = dict(beyond=beyond, cells=(c.image // c.patch) ** 2)
        return sizes | numbers | beyond | dict(filter=self.filter, channel=self.names[self.channel])

    def layers(self) -> None:
        """A choice of the layer."""
        names = {str(i): say("walk", "maps/layer", n=i) for i in range(len(self.config.filters))}
        label = say("walk", "maps/layers")
        choice_of(
            "convolution", label, str(self.layer), names, lambda i: change(layer=int(i), filter=-1, channel=-1)
        )

    def pick(self, cell: list[int]) -> None:
        """A cell of this layer's map, and with it that of the last map in which it lies."""
        row, column = (i * self.step for i in cell)
        across, patch = self.config.image // self.config.patch, self.config.patch
        state.change(token=row // patch * across + column // patch)
        change(row=row, column=column)


def change(**what) -> None:
    settings.change(Maps, **what)


# --- filters -------------------------------------------------------------------------------------


def filters(ctx: StepContext) -> None:
    looked = Looked(ctx)
    left, right = columns(7, 4)
    with left:
        looked.layers()
        a, b = columns(4, 5)
        with a:
            _image(looked, say("walk", "filters/image"))
        with b:
            _channels(looked)
        _filters(looked)
        words(ctx, "filters/sentence", *_also(looked), **looked.told)
    with right:
        arithmetic(ctx, (looked.pre, *looked.cell))
        words(ctx, "filters/why", *_also(looked), **looked.told)
        code(Convolution.forward, Convolution.__init__)


def _also(looked: Looked) -> list[str]:
    """What else is so, for the texts."""
    halves = looked.config.strides[looked.layer] == 2
    return ["first"] * (looked.layer == 0) + ["beyond"] * looked.told["beyond"] + ["halves"] * halves


def _image(looked: Looked, title: str) -> None:
    """The image, with what the picked cell can see."""
    ctx, config = looked.ctx, looked.config
    rows, cols = (window(config, looked.layer, i) for i in (looked.row, looked.column))
    told = say("walk", "maps/sees", **looked.told)
    picked = [looked.row, looked.column]
    image_with_frame(ctx, title, (*rows, *cols), config.image // looked.step, picked, told, looked.pick)


def _filters(looked: Looked) -> None:
    """Those of the first layer in colour; of others the picked one, a small picture for each channel below."""
    ctx, colour = looked.ctx, looked.layer == 0 and looked.config.channels == 3
    weights = looked.weights if colour else looked.weight
    id, most = f"{ctx.model.name}|{looked.pre}.weight|{'' if colour else looked.filter}", np.abs(weights).max()
    shown = 0.5 + weights / (2 * most) if colour else weights
    keep(id, shown.reshape(-1, *weights.shape[-2:]).astype(np.float32))
    what = "filter" if colour else "channel"
    picked = looked.filter if colour else looked.channel
    header = {
        "src": id,
        "head": picked,
        "names": [say("walk", f"filters/{what}", n=i) for i in range(len(weights))],
        "notes": [_size(one) for one in weights],
        "scale": "colour" if colour else "diverging",
        "max": float(most),
        "aria": say("walk", f"filters/all/{what}", **looked.told),
    }
    components.head_grid("filters", header, lambda i: change(**{what: i}), what)


def _size(weights: np.ndarray) -> str:
    return f"from {weights.min():.2f} to {weights.max():.2f}".replace("-", "−")


def _channels(looked: Looked) -> None:
    """The square below the picked filter and its weights, in one channel."""
    if looked.layer == 0 and looked.config.channels > 1:
        names = {str(i): name for i, name in enumerate(looked.names)}
        label = say("walk", "filters/channels")
        choice_of("channel", label, str(looked.channel), names, lambda i: change(channel=int(i)))
    places, edge = range(looked.config.kernel), looked.config.kernel // 2
    top, left = (looked.config.strides[looked.layer] * i - edge for i in (looked.row, looked.column))
    beside, own = columns(1, 1)
    with beside:
        sides = [str(top + u) for u in places], [str(left + v) for v in places]
        foot = f"{looked.below}[{looked.channel}]"
        tested = {"model": looked.ctx.source, "light": light(looked.ctx.checked(looked.below))}
        _little(looked, "square", looked.square, sides, {"foot": foot} | tested)
    with own:
        sides = [str(u) for u in places], [str(v) for v in places]
        foot = f"{looked.pre}.weight[{looked.filter}, {looked.channel}]"
        _little(
            looked,
            "weights",
            looked.weight[looked.channel],
            sides,
            {"foot": foot, "model": looked.ctx.model.name},
        )


def _little(looked: Looked, name: str, values: np.ndarray, sides: tuple[list[str], ...], source: dict) -> None:
    """A matrix as small as a filter, with its numbers."""
    title = say("walk", f"filters/{name}", **looked.told)
    id = looked.ctx.id_of(looked.pre, f"{name} {looked.cell} {looked.channel}")
    keep(id, values[None].astype(np.float32))
    header = {"src": id, "axes": "UV", "title": title, "aria": title, "rowName": "row", "colName": "column"}
    header |= {"rows": sides[0], "cols": sides[1], "scale": "diverging", "height": 190}
    components.matrix(f"matrix-{name}", header | source)


# --- feature maps --------------------------------------------------------------------------------


def maps(ctx: StepContext) -> None:
    looked = Looked(ctx)
    left, right = columns(7, 4)
    with left:
        looked.layers()
        a, b = columns(1, 1)
        with a:
            _image(looked, say("walk", "maps/image"))
        with b:
            _map(looked)
        _maps(looked)
        words(ctx, "maps/sentence", *_also(looked), **looked.told)
    with right:
        arithmetic(ctx, (looked.act, *looked.cell), (looked.pre, *looked.cell), open=1)
        words(ctx, "maps/why", **looked.told)
        reach(ctx)
        code(CellEmbed.forward, receptive_fields)


def _map(looked: Looked) -> None:
    """The picked filter's map, large."""
    ctx, side = looked.ctx, looked.config.image // looked.step
    id, places = ctx.id_of(looked.act), [str(i) for i in range(side)]
    keep(id, ctx.array(looked.act).astype(np.float32))
    header = {
        "src": id,
        "axes": "IJ",
        "title": say("walk", "maps/map", **looked.told),
        "aria": say("walk", "maps/map", **looked.told),
        "rows": places,
        "cols": places,
        "rowName": "row",
        "colName": "column",
        "titles": ("row ↓", "column →"),
        "scale": "sequential",
        "height": 290,
        "index": looked.filter,
        "follow": "filter",
        "pick": [looked.row, looked.column],
    }
    components.matrix("matrix-map", header | origin(ctx, looked.act), looked.pick)


def _maps(looked: Looked) -> None:
    """All maps of the layer, small."""
    ctx = looked.ctx
    array = ctx.array(looked.act)
    notes = [f"up to {one.max():.3g}; {(one > 0).mean():.0%} of the cells above 0" for one in array]
    header = {
        "src": ctx.id_of(looked.act),
        "head": looked.filter,
        "names": [say("walk", "filters/filter", n=i) for i in range(len(array))],
        "notes": notes,
        "scale": "sequential",
        "max": float(array.max()) or 1.0,
        "aria": f"{say('walk', 'maps/all', **looked.told)}: {foot(ctx, looked.act)}",
    }
    components.head_grid("maps", header, lambda i: change(filter=i), "filter")
