"""What is seen of a model at a checkpoint: its attention, its embeddings, what it answers."""

import numpy as np

from app import components
from app.text import say
from app.ui.charts import by_itself
from app.ui.figures import dots, graph
from app.ui.labels import visible
from app.ui.page import columns, keep
from app.views.train.learn.seen import Run
from app.views.train.learn.settings import Learn, set_to


def draw(runs: list[Run], learn: Learn) -> None:
    """Attention beside the embeddings of the picked run."""
    run = runs[min(learn.run, len(runs) - 1)]
    left, right = columns(1, 1)
    with left:
        attention(run, learn)
    with right:
        embeddings(run, learn)


def attention(run: Run, learn: Learn) -> None:
    """All heads small, and the picked one large, on the first fixed example."""
    at = run.at(learn.kept)
    weights = run.attention[at]
    read = run.read[: run.used]
    L, H, T = *weights.shape[:2], len(read)
    seen = weights.reshape(L * H, *weights.shape[2:])[:, :T, :T].copy()
    if run.recipe.causal:
        seen[:, np.triu(np.ones((T, T), bool), 1)] = -np.inf
    src, head = (
        f"learn|{run.kept[at]['step']}|{run.name}|{L}x{H}x{T}|{hash(seen.tobytes())}",
        min(learn.head, L * H - 1),
    )
    keep(src, seen)
    names = [say("learn", "head", layer=i // H, head=i % H) for i in range(L * H)]
    short = [f"{i // H}.{i % H}" for i in range(L * H)]
    components.head_grid(
        "learn-heads",
        {
            "src": src,
            "head": head,
            "names": short,
            "notes": names,
            "scale": "sequential",
            "max": 1.0,
            "aria": say("learn", "heads"),
        },
        pick=lambda i: set_to(head=i),
    )
    letters = [visible(letter) for letter in read]
    title = say("learn", "attention", head=names[head], step=run.kept[at]["step"])
    header = {
        "src": src,
        "title": title,
        "aria": title,
        "say": say("learn", "attention/say"),
        "scale": "sequential",
    }
    header |= {"height": 360, "max": 1.0, "axes": "TS", "rows": letters, "cols": letters, "rowName": "token"}
    header |= {"colName": "key", "titles": ("query ↓", "key →"), "counted": [True, True], "index": head}
    components.matrix("learn-attention", header | {"follow": "head", "told": "weight", "foot": "", "model": ""})


def embeddings(run: Run, learn: Learn) -> None:
    """The letters' vectors on their two main axes."""
    at = run.at(learn.kept)
    points, names = run.maps[at], [visible(letter) for letter in run.letters]
    title = say("learn", "map", step=run.kept[at]["step"])
    far = 1.1 * max(float(np.abs(one).max()) for one in run.maps)
    figure = graph(
        [dots(title, points[:, 0], points[:, 1], names, height=360)], "PC 1", "PC 2", height=360, square=True
    )
    figure.layout["xaxis"]["range"] = figure.layout["yaxis"]["range"] = [-far, far]
    by_itself("map", title, figure, told=say("learn", "map/say"))


def answers(runs: list[Run], learn: Learn) -> None:
    """What each run answers to the fixed examples, beside what it should."""
    found = [run.kept[run.at(learn.kept)]["answers"] for run in runs]
    heads = [say("learn", "answers/question"), say("learn", "answers/wanted"), *(run.name for run in runs)]
    rows = []
    for i, (question, wanted) in enumerate(zip(runs[0].questions, runs[0].wanted, strict=True)):
        said = [f"{visible(one[i])}  {'✓' if one[i] == wanted else _wrong(one[i], wanted)}" for one in found]
        rows.append([visible(question), visible(wanted), *said])
    components.links("learn-answers", {"say": say("learn", "answers"), "heads": heads, "rows": rows})


def _wrong(found: str, wanted: str) -> str:
    """How many letters are wrong."""
    return say("learn", "answers/wrong", n=sum(a != b for a, b in zip(found, wanted, strict=True)))
