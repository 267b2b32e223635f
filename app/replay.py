"""A training of a tokenizer as the browser plays it."""

import json

from app.ui.labels import token_labels
from engine.tokenize.training import Trained, join_of


def replay(ours: Trained) -> bytes:
    """All merges of a training as JSON.

    entries  the vocabulary as it is shown
    steps    of each merge the ids [left, right, new], the pair's count, how many entries there are then, and
             the most frequent pairs before it, [[left, right, count, score], …]
    born     entry -> [after how many merges it was there, its id]
    """
    ids, join = ours.vocabulary, join_of(ours.kind)
    made = {join(*step.pair) for step in ours.steps}
    born, steps = {entry: 0 for entry in ids if entry not in made}, []
    for n, step in enumerate(ours.steps, 1):
        new = join(*step.pair)
        born.setdefault(new, n)
        rivals = [[*map(ids.get, pair), count, float(f"{score:.3g}")] for pair, count, score in step.rivals]
        steps.append([*map(ids.get, step.pair), ids[new], step.count, len(born), rivals])
    entries = [token_labels([ours.bytes_of(id)])[0] for id in ids.values()]
    told = {"entries": entries, "steps": steps, "born": {}}
    if ours.kind == "wordpiece":
        told["born"] = {entry: [n, ids[entry]] for entry, n in born.items()}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
