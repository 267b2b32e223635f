"""The same sentence in twelve languages: how many tokens each takes."""

from app import components
from app.state import View
from app.text import say
from app.ui.charts import by_itself
from app.ui.figures import bars
from app.ui.page import columns, text
from app.views.tokenizers import cutters, rows
from app.views.tokenizers.chosen import chosen
from engine.tokenize.plain import texts

RIGHT = ("Arabic", "Hebrew")  # written from right to left


def draw(view: View) -> None:
    cutter = chosen(view)
    sentences = texts()["languages"]
    counts = {name: len(cutter.cut(sentence)) for name, sentence in sentences.items()}
    most, least = max(counts, key=counts.get), min(counts, key=counts.get)
    told = dict(name=cutter.title, most=most, n=counts[most], least=least, m=counts[least])
    text(say("tokenizers", "languages/say", times=counts[most] / counts["English"], **told))
    left, right = columns(1, 1)
    with left:
        _bars("tokens", cutter, counts, counts)
    with right:
        _bars("each", cutter, {name: n / len(sentences[name]) for name, n in counts.items()}, counts)
    found = [_row(cutter, name, sentence) for name, sentence in sentences.items()]
    header = {"title": say("tokenizers", "languages/picture", name=cutter.title), "foot": ""}
    components.cuts("languages", header | {"heads": rows.heads(), "rows": found})
    text(say("tokenizers", "languages/why"))


def _row(cutter: cutters.Cutter, name: str, sentence: str) -> dict:
    return rows.row(cutter, sentence, name, note="", right=name in RIGHT)


def _bars(what: str, cutter: cutters.Cutter, values: dict[str, float], counts: dict[str, int]) -> None:
    most = max(values, key=values.get)
    lines = [{"label": name, "value": x, "mark": name == most} for name, x in values.items()]
    figure = bars(
        lines, say("tokenizers", "languages/language"), say("tokenizers", f"languages/{what}"), height=300
    )
    title = say("tokenizers", f"languages/{what}/title", name=cutter.title)
    by_itself(what, title, figure)
