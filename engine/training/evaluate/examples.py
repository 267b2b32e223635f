"""Prompts that a model has earned: what to type, and which head to watch, found by measuring.

Of all heads, which one's weights go most, on average over held-out questions, from the last token to the
word that matters? Which question does the model answer right while that head looks there most? And what is
left of the answer when that head is set to zero? To look somewhere is not yet to be needed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.model.transformer import Transformer
from engine.roles import patterns
from engine.trace import run
from engine.trace.tap import Edit
from engine.training.data.grammar import Question
from engine.training.data.words import words
from engine.training.evaluate.causes import FALL, Cause
from engine.training.evaluate.causes import without as heads_gone
from engine.training.evaluate.language import log_probability, questions

COUNT = 60  # questions tried for each phenomenon
ENOUGH = 0.5  # probability of the answer, or score of a role, from which a model is said to show it


def _answer(question: Question) -> str:
    return question.answer


def _asked_word(question: Question) -> str:
    return " " + question.prompt.rsplit("\n", 1)[-1].removesuffix(" =>")


WORDS = {"answer": _answer, "asked": _asked_word}


@dataclass(frozen=True)
class Phenomenon:
    """What a person reads; the grammar's rule that asks for it; questions of a lecture, tried first; the
    word that matters; whether a drawn question will do as well; a role that the head is said to have where it
    has it."""

    note: str
    rule: str
    first: tuple[Question, ...] = ()
    word: Callable[[Question], str] = _answer
    drawn: bool = True
    role: str = ""

    @property
    def told(self) -> str:
        """What its kind is called in a table."""
        return self.rule.replace("-", " ")

    @staticmethod
    def of(told: dict) -> "Phenomenon":
        """From its entry in examples.toml."""
        first = tuple(
            Question(q["prompt"], q["choices"][0], tuple(q["choices"])) for q in told.get("first", ())
        )
        return Phenomenon(**told | {"first": first, "word": WORDS[told.get("word", "answer")]})


PHENOMENA = tuple(map(Phenomenon.of, words("examples.toml")["language"]["phenomena"]))
STORY: str = words("examples.toml")["language"]["story"]
ROLES = {  # what a person reads, and which token the one at t looks at
    "previous token": ("A head that looks one token back", lambda t: t - 1),
    "first token": ("A head that attends to the first token (attention sink)", lambda t: 0),
}


def find(model: Transformer, roles: dict[str, Tensor], causes: dict[str, Cause] | None = None) -> list[dict]:
    """The examples that `model` shows, as the app opens them: text, note, step, layer, head, token, key.

    causes  rule -> the heads that its answers depend on; where they do not depend on them enough, there is no
            example (None: nobody asked)
    """
    found = []
    for what in PHENOMENA:
        cause = (causes or {}).get(what.rule)
        if (causes is None or (cause and cause.enough)) and (example := _example(model, what, roles)):
            found.append(example | (needed(model, example, cause) if cause else {}))
    found += [_role(model, note, key, roles[role]) for role, (note, key) in ROLES.items()]
    return [example for example in found if example]


def needed(model: Transformer, example: dict, cause: Cause) -> dict:
    """The heads that answers of the kind depend on, and how probable this one is without all of them."""
    row = run(model, example["text"], heads_gone(cause.heads))["logits"][0, example["token"]]
    best = int(run(model, example["text"])["logits"][0, example["token"]].argmax())
    return {"heads": cause.heads, "without": float(row.softmax(-1)[best])}


def carried(model) -> list[dict]:
    """The examples of a recurrent language model, for each phenomenon the one that it answers right only as
    long as its state holds what was read: text, note, step, token, the answer, how probable it is, and how
    probable once the state is reset at that token."""
    found = []
    for what in PHENOMENA:
        tried = (*what.first, *questions(what.rule, COUNT)) if what.drawn else what.first
        each = [forgetting(model, q, what) for q in tried if _shows(model, q)]
        found += sorted(each, key=lambda one: one["forgotten"] - one["before"])[:1]
    return [one for one in found if one["before"] - one["forgotten"] >= FALL]


def forgetting(model, question: Question, what: Phenomenon) -> dict:
    """One of them: the state is reset at the word that matters, where it stood last."""
    last, keys = _places(model, question, what.word)
    at = max((key for key in keys if key < last), default=0)
    text, token = question.prompt, int(model.tokenizer.encode_file(question.answer)[0])
    before, after = (
        float(run(model, text, edits)["logits"][0, last].softmax(-1)[token]) for edits in ((), reset(model, at))
    )
    place = dict(step="cell", token=at)
    told = {"answer": model.tokenizer.decode([token]), "before": before, "forgotten": after}
    return {"text": text, "note": what.note} | place | told


def reset(model, at: int) -> list[Edit]:
    """All that is carried becomes zero after the token at that place."""
    return [Edit(f"steps.{at}.{name}", "zero") for name in model.cell.carried]


def _example(model: Transformer, what: Phenomenon, roles: dict[str, Tensor]) -> dict | None:
    asked = questions(what.rule, COUNT)
    layer, head = best_head(torch.stack([_weights(model, question, what.word) for question in asked]))
    tried = (*what.first, *asked) if what.drawn else what.first
    looks = {q: _row(model, q, layer, head) for q in tried if _shows(model, q)}
    there = [q for q, row in looks.items() if _there(model, q, what.word, row)]
    if not there:
        return None
    question = there[0] if there[0] in what.first else max(there, key=lambda q: float(looks[q].max()))
    (last, keys), row = _places(model, question, what.word), looks[question]
    note = what.note + f" ({what.role} head)" * bool(what.role and roles[what.role][layer, head] >= ENOUGH)
    return _entry(model, question.prompt, note, layer, head, last, max(keys, key=row.__getitem__, default=last))


def _there(model: Transformer, question: Question, word: Callable[[Question], str], row: Tensor) -> bool:
    """Is the largest weight at the word that matters?"""
    return int(row.argmax()) in _places(model, question, word)[1]


def _row(model: Transformer, question: Question, layer: int, head: int) -> Tensor:
    """The head's weights from the last token [S]."""
    return patterns(run(model, question.prompt))[layer, head, -1]


def best_head(scores: Tensor) -> tuple[int, int]:
    """The layer and head with the highest score, on average over the first axis [N, L, H]."""
    best = int(scores.mean(0).argmax())
    return divmod(best, scores.shape[-1])


def _shows(model: Transformer, question: Question) -> bool:
    """Is the answer what the model says, and with enough probability?"""
    ids = model.tokenizer.encode(question.prompt), model.tokenizer.encode_file(question.answer)
    nats, best = log_probability(model, *ids)
    return best and nats > torch.tensor(ENOUGH).log()


def _weights(model: Transformer, question: Question, word: Callable[[Question], str]) -> Tensor:
    """What each head gives from the last token to the word that matters [L, H]."""
    last, keys = _places(model, question, word)
    return patterns(run(model, question.prompt))[:, :, last][..., keys].sum(-1)


def _places(model: Transformer, question: Question, word: Callable[[Question], str]) -> tuple[int, list[int]]:
    """The last position of the prompt, and where the word's last tokens stand before it."""
    ids = model.tokenizer.encode(question.prompt)
    keys = []
    for form in {word(question), word(question).strip()}:
        piece = model.tokenizer.encode_file(form)
        n = len(piece)
        keys += [i + n - 1 for i in range(len(ids) - n) if ids[i : i + n] == piece]
    return len(ids) - 1, sorted(set(keys))


def _role(model: Transformer, note: str, key: Callable[[int], int], scores: Tensor) -> dict | None:
    """The head that is best in a role, at the token of the story's second half that shows it best."""
    layer, head = best_head(scores[None])
    if scores[layer, head] < ENOUGH:
        return None
    pattern = patterns(run(model, STORY))[layer, head]
    token = max(range(len(pattern) // 2, len(pattern)), key=lambda t: float(pattern[t, key(t)]))
    return _entry(model, STORY, note, layer, head, token, key(token))


def _entry(model: Transformer, text: str, note: str, layer: int, head: int, token: int, key: int) -> dict:
    place = dict(step="heads", layer=layer, head=head, token=token, key=key)
    weight = float(patterns(run(model, text))[layer, head, token, key])
    return {"text": text, "note": note} | place | {"weight": weight} | without(model, text, layer, head, token)


def without(model: Transformer, text: str, layer: int, head: int, token: int) -> dict:
    """What the model finds most probable after a token, how probable, and how probable with a head set to
    zero."""
    zero = Edit(f"blocks.{layer}.attn.z", "zero", at={"H": head})
    before, after = (run(model, text, edits)["logits"][0, token].softmax(-1) for edits in ((), (zero,)))
    best = int(before.argmax())
    answer = model.tokenizer.decode([best])
    return {"answer": answer, "before": float(before[best]), "after": float(after[best])}
