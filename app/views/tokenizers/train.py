"""A tokenizer is trained: merge by merge, or with its likelihoods for Unigram."""

from bisect import bisect_right
from hashlib import blake2s
from itertools import accumulate
from math import exp

import numpy as np
import regex

from app import components, compute, state
from app.state import View
from app.text import say
from app.ui.charts import by_itself
from app.ui.controls import choice, number
from app.ui.figures import bars, graph, series
from app.ui.labels import hex_bytes, visible
from app.ui.page import columns, keep, text
from app.ui.source import code
from app.views.tokenizers import rows
from engine.tokenize import train
from engine.tokenize.learning import Words, learn
from engine.tokenize.plain import excerpt
from engine.tokenize.training import KINDS, Trained

LONGEST = 200_000  # characters to learn from
TOY = "low low low low low lower lower newest newest newest newest newest newest widest widest widest"
CURVE = 200  # points of a curve
SHOWN = 30  # entries of Unigram
MOST = 60  # tokens of the text with their likelihoods


def draw(view: View) -> None:
    left, right = columns(7, 4)
    with left:
        choice(say("tokenizers", "kind"), "kind", {kind: say("tokenizers", f"cutter/{kind}") for kind in KINDS})
    with right:
        number(say("tokenizers", "size"), "size")
    _corpus(view)
    source = _source(view)
    ours = compute.learned(source, view.kind, view.size)
    if view.kind == "unigram":
        _likelihoods(view, ours, source)
    else:
        _merges(view, ours, source)
    text(say("tokenizers", f"train/{view.kind}"))
    _file(view, ours)
    code(train, learn, Words)


def _corpus(view: View) -> None:
    header = {"text": view.corpus, "placeholder": say("tokenizers", "corpus")}
    header |= {"label": say("tokenizers", "corpus/label"), "run": say("tokenizers", "learn")}
    header |= {"most": LONGEST, "large": say("tokenizers", "corpus/large", most=LONGEST)}
    header["examples"] = [(TOY, say("tokenizers", "corpus/toy")), ("", say("tokenizers", "corpus/shipped"))]
    components.prompt("corpus", header, _learn_from, _learn_from)


def _learn_from(corpus: str) -> None:
    state.change(corpus=corpus, merge=-1)


def _source(view: View) -> str:
    """The text to learn from."""
    source = view.corpus if view.corpus.strip() else excerpt()
    if len(source) > LONGEST:
        raise ValueError(
            f"the text to learn from has {len(source):,} characters; at most {LONGEST:,} are read here. "
            "Shorten it, or train from code: engine.tokenize.train"
        )
    return source


def _light(view: View, source: str) -> dict:
    ok, told = compute.checked_training(source, view.kind, view.size)
    return {"ok": ok, "text": told}


def _sign(told: bytes) -> str:
    return blake2s(told, digest_size=8).hexdigest()


# --- merge by merge ------------------------------------------------------------------------------


def _merges(view: View, ours: Trained, source: str) -> None:
    made = len(ours.steps)
    told = compute.replayed(source, view.kind, view.size)
    src = f"training|{_sign(told)}"
    keep(src, np.frombuffer(told, np.uint8)[None, None], apart=True)
    header = {
        "title": say("tokenizers", "train/picture", kind=say("tokenizers", f"cutter/{view.kind}")),
        "src": src,
        "merges": made,
        "merge": _shown(view, ours),
        "start": len(ours) - len({step.pair for step in ours.steps}),
        "scored": view.kind == "wordpiece",
        "heads": [say("tokenizers", f"head/{name}") for name in _heads(view)],
        "words": {name: say("tokenizers", f"train/{name}") for name in WORDS},
        "text": _text(view, ours),
        "foot": say("tokenizers", "train/foot", characters=len(source), entries=len(ours)),
        "light": _light(view, source),
        "model": "",
    }
    header["words"]["each"] = say("tokenizers", f"train/each/{view.kind}")
    components.training("training", header, lambda n: state.change(merge=n if n < made else -1))
    if ours.steps:
        _curve(view, ours, source)


def _shown(view: View, ours: Trained) -> int:
    """After how many merges it is shown; all, until some are chosen."""
    return len(ours.steps) if view.merge < 0 else min(view.merge, len(ours.steps))


WORDS = (
    "last",
    "slider",
    "back",
    "on",
    "pairs",
    "entries",
    "cut",
    "merge",
    "size",
    "none",
    "done",
    "tokens",
    "refused",
    "text",
)


def _heads(view: View) -> tuple[str, ...]:
    return ("pair", "count", "score") if view.kind == "wordpiece" else ("pair", "count")


def _text(view: View, ours: Trained) -> dict | None:
    """The typed text, so that the browser can cut it by any of the merges; None where it cannot be cut."""
    try:
        read = rows.checked(view.prompt)
    except ValueError:
        return None
    if view.kind == "wordpiece":
        words = [
            word
            for word, _ in ours.inner.pre_tokenizer.pre_tokenize_str(ours.inner.normalizer.normalize_str(read))
        ]
        return {"words": words, "size": len(read)} | _named(ours)
    told = _in_bytes(read) if view.kind == "byte-bpe" else _in_characters(read)
    told["ids"] = [ours.vocabulary.get(c, ours.unknown) for piece in ours.pieces(read) for c in piece]
    told["unknown"] = [i for i, c in enumerate(read) if c not in ours.vocabulary] * (view.kind == "bpe")
    told["pieces"] = [(len(piece), list(ours.joins(piece))) for piece in ours.pieces(read)]
    return told | {"size": len(told["units"])} | _named(ours)


def _in_bytes(read: str) -> dict:
    """A text in its bytes, and how many of them each whole character takes."""
    sizes = [(visible(one), len(one.encode())) for one in regex.findall(r"\X", read)]
    return {"units": [f"{byte:02X}" for byte in read.encode()], "graphemes": sizes}


def _in_characters(read: str) -> dict:
    """A text in its characters (code points), and how many of them each whole character takes."""
    sizes = [(visible(one), len(one)) for one in regex.findall(r"\X", read)]
    return {"units": [hex_bytes(c.encode()) for c in read], "graphemes": sizes}


def _named(ours: Trained) -> dict:
    return {"name": "" if ours.unknown is None else ours.token(ours.unknown)}


def _curve(view: View, ours: Trained, source: str) -> None:
    """Compression against the size of the vocabulary, of the text that it learned from and of the typed one."""
    size = len(source.encode()) if view.kind == "byte-bpe" else len(source)
    start = len(ours) - len(ours.steps)
    every = max(1, len(ours.steps) // CURVE)
    kept = sorted({*range(0, len(ours.steps), every), len(ours.steps) - 1})
    xs, ys = [start + n + 1 for n in kept], [size / ours.steps[n].tokens for n in kept]
    lines = [series(say("tokenizers", "curve/learned"), xs, ys)]
    if typed := _typed(view, ours, kept):
        lines.append(series(say("tokenizers", "curve/typed"), xs, typed))
    unit = say("tokenizers", f"curve/{'bytes' if view.kind == 'byte-bpe' else 'characters'}")
    n = max(1, _shown(view, ours))
    mark = (start + n, size / ours.steps[n - 1].tokens, say("tokenizers", "curve/now"))
    figure = graph(lines, say("tokenizers", "curve/size"), unit, height=260, marks=[mark])
    room = 0.03 * (xs[-1] - xs[0]) + 1  # the axis stays as it is wherever the mark is
    figure.update_layout(xaxis_range=[xs[0] - room, xs[-1] + room])
    figure.data[-1].textposition = "bottom right" if n < len(ours.steps) / 2 else "bottom left"
    title = say("tokenizers", "curve/title")
    told = say(
        "tokenizers",
        "curve/say",
        first=ys[0],
        last=ys[-1],
        half=ys[len(ys) // 2],
        at=xs[len(xs) // 2],
        unit=unit,
    )
    by_itself("curve", title, figure, told)


def _typed(view: View, ours: Trained, kept: list[int]) -> list[float]:
    """The same of the typed text, after each of these merges; of WordPiece, whose cuts are no merges, none."""
    if view.kind == "wordpiece" or not view.prompt or not (text := _text(view, ours)):
        return []
    done = sorted(n for _, joins in text["pieces"] for n in accumulate((n for n, _ in joins), max))
    units = len(text["units"])
    return [units / (units - bisect_right(done, n)) for n in kept]


# --- Unigram -------------------------------------------------------------------------------------


def _likelihoods(view: View, ours: Trained, source: str) -> None:
    entries = sorted(list(ours.scores)[1:], key=ours.scores.get, reverse=True)
    logs = [(entry, ours.scores[entry]) for entry in entries[:SHOWN]]
    best = [{"label": visible(entry), "value": exp(x), "note": _minus(f"ln p = {x:.3f}")} for entry, x in logs]
    figure = bars(best, say("tokenizers", "head/token"), say("tokenizers", "unigram/p"), height=420)
    title = say("tokenizers", "unigram/title", n=min(SHOWN, len(entries)))
    foot = say("tokenizers", "train/foot", characters=len(source), entries=len(ours))
    by_itself("unigram", title, figure, foot=foot, light=_light(view, source))
    entries = [ours.token(id) for id in ours.encode(rows.checked(view.prompt))]
    logs = [ours.scores[entry] for entry in entries]
    lines = [
        say("tokenizers", "unigram/line", token=visible(entry), log=x)
        for entry, x in zip(entries[:MOST], logs, strict=False)
    ]
    told = say("tokenizers", "unigram/sum", n=len(entries), total=sum(logs))
    text(f"{told}\n\n{' · '.join(lines)}")


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _file(view: View, ours: Trained) -> None:
    """The tokenizer as a file that the tokenizers library opens."""
    told = ours.inner.to_str(pretty=True).encode()
    src = f"file|{_sign(told)}"
    keep(src, np.frombuffer(told, np.uint8)[None, None], apart=True)
    header = {"src": src, "name": "tokenizer.json", "label": say("tokenizers", "save", size=len(told))}
    components.download("download", header)
    text(say("tokenizers", "save/say"))
