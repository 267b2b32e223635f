"""Cross-attention: what the decoder asks of the encoder's vectors, word by word."""

from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import Look
from app.ui.figures import bars, shares
from app.ui.heatmaps import WEIGHTS, picture, thumbs
from app.ui.images import laid, looks
from app.ui.page import columns
from app.ui.source import code
from app.ui.what_ifs import taken_out
from app.ui.words import words
from engine import attention
from engine.block import Block
from engine.config import RecurrentConfig
from engine.recurrent import Attention


def draw(look: Look) -> None:
    point, source = look.point("cross.pattern"), look.memory.labels
    look = look.strongest(key=point)
    view, pattern = look.view, look.array(point)
    row = pattern[view.head, view.token]
    left, right = columns(7, 4)
    with left:
        thumbs(look, "cross.pattern", pattern)
        best = int(row.argmax())
        called = dict(token=look.token, best=look.memory.names[best])
        words(look, "cross/sentence", head=view.head, share=float(row[best]), **called)
        a, b = columns(6, 5)
        with a:
            picture(look, point, "Who looks where in the other text", height=330, **WEIGHTS)
        with b:
            rows = shares(source, row, view.key)
            title = f"Where “{look.token}” looks"
            chart(look, "cross", bars(rows, "token", "weight", height=330, percent=True), title, point=point)
    with right:
        taken_out(look, "cross.out", f"Cross-attention of block {view.layer}")
        cell = (view.head, view.token, view.key)
        arithmetic(look, (point, *cell), (look.point("cross.dots"), *cell))
        words(look, "cross/why")
        code(Block.forward, attention.Attention.forward)


def seen(look: Look) -> None:
    """Where each word of a caption looks at the image while it is written."""
    carried = isinstance(look.config, RecurrentConfig)
    scores, weights = (look.whole(f"cross.{name}") for name in ("align", "weights"))
    if not carried:
        scores, weights = look.point("cross.dots"), look.point("cross.pattern")
    look = look.strongest(key=weights)
    view = look.view
    head = () if carried else (view.head,)
    row = look.array(weights)[(*head, view.token)]
    left, right = columns(7, 4)
    with left:
        written = look.trace[look.whole("logits")][0].argmax(-1).tolist()
        says = ["(end)" if id == look.model.end else look.label_of(id) for id in written]
        looks(look, "Where each word looks while it is written", weights, says)
        best, patches = int(row.argmax()), look.memory.labels
        words(
            look,
            "cross/sentence",
            head=view.head,
            token=look.token,
            says=says[view.token],
            best=patches[best],
            share=float(row[best]),
            first=float(row[0]),
        )
        a, b = columns(5, 6)
        with a:
            laid(look, f"Where “{look.token}” looks", weights, height=270)
        with b:
            picture(look, weights, "The same as rows of weights", height=270, **WEIGHTS)
    with right:
        cell = (*head, view.token, view.key)
        arithmetic(look, (weights, *cell), (scores, *cell))
        words(look, "cross/why")
        code(Attention.forward if carried else Block.forward)
