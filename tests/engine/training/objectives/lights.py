"""The lights of the objectives on tiny random models, into which tests.engine.faults puts its faults."""

from types import SimpleNamespace

import numpy as np
import torch

from engine.masked import MASKED, RANDOM, SHARE
from engine.masks import full_mask
from engine.spans import together
from engine.training.objectives import batch, denoising, masking, permuted, prefixes, spans
from engine.training.objectives.batch import WAYS
from engine.training.objectives.losses import losses, mean
from engine.worked import Check
from engine.worked import losses as second
from engine.worked import objectives as rules
from tests.engine.tiny import BERT, decoder, prompt

TEXTS = [prompt(12, seed=1), prompt(3, seed=2), prompt(7, seed=3)]  # one is cut, two are padded
BLOCK, PAD = 8, 0
SPECIAL = {"[PAD]": PAD, "[CLS]": 2, "[SEP]": 3}
NAMES = {id: f"##{id}" if id % 3 == 0 else str(id) for id in range(97)}
SENTENCES = [range(6), range(6, 9), range(9, 17)]
RIGHT = ("right, masked", "left, masked, counted")  # the ways that change nothing


def encoder():
    """A random encoder with as much of a tokenizer as a batch asks for."""
    model = decoder(torch.float32, **BERT)
    model.tokenizer = Tokenizer()
    return model


class Tokenizer(SimpleNamespace):
    """Texts are numbers with spaces between them."""

    special, start, end, mask, names = SPECIAL, 2, 3, 4, NAMES

    def __len__(self) -> int:
        return 97

    def encode(self, text: str) -> list[int]:
        return [2, *map(int, text.split()), 3]

    def segments(self, ids: list[int]) -> list[int]:
        return [0] * len(ids)


def batched(model, left: bool) -> dict[str, Check]:
    """A batch, its losses, and those of its texts one by one."""
    causal = model.config.causal
    texts = TEXTS if causal else [[2, *text, 3] for text in TEXTS]
    last, way = None if causal else 3, WAYS[RIGHT[left]]
    one = batch.batch(texts, BLOCK, PAD, left, last)
    logits, wanted = batch.logits_of(model, one, way), batch.wanted_of(model, one)
    scores = batch.moved(logits) if causal else logits
    each, single = losses(scores, wanted), torch.cat(batch.alone(model, one))
    told, special = mean(each, wanted), set(SPECIAL.values())
    args = (one.ids, one.real, special, causal, each, told)
    return {
        "batch": rules.check_batch(texts, BLOCK, PAD, left, last, one.ids, one.real),
        "losses": second.check_batch_losses(logits, *args),
        "alone": second.check_again(scores[one.real], wanted[one.real], single),
        "mask": rules.check_mask(one.real[1].tolist(), causal, _mask(model, one, way)),
    }


def _mask(model, one: batch.Batch, way: batch.Way):
    mask = batch.context_of(model, one.ids, one.real, way).mask
    mask = full_mask(BLOCK, BLOCK) if isinstance(mask, str) else mask
    return mask.expand(len(one.ids), -1, -1, -1)[1, 0]


def hidden(whole: bool) -> dict[str, Check]:
    """A text as an encoder reads it in training; several seeds, so that each case comes."""
    model, found = encoder(), []
    for seed in range(12):
        one = masking.masked(model, " ".join(map(str, prompt(20, seed=seed))), None, seed, whole)
        names = [NAMES[id] for id in one.ids.tolist()] if whole else None
        dice, shares = [x[0] for x in one.dice], (SHARE, MASKED, RANDOM)
        check = rules.check_masking(
            dice, one.ids.tolist(), one.special.tolist(), 4, shares, one.read, one.done, names
        )
        wanted = np.where(one.done > 0, one.ids, -1)
        found.append((check, second.check_losses(one.logits, wanted, one.losses)))
    dice, told = zip(*found, strict=True)
    return {"dice": _first_red(dice), "losses": _first_red(told)}


def _first_red(checks) -> Check:
    return next((check for check in checks if not check.ok), checks[0])


def all_spans() -> dict[str, Check]:
    """Spans as T5 draws them, and the same runs begun at another token."""
    masks = [spans.spans(12, 0.5, 2, np.random.default_rng(i)) for i in range(9)]
    rolled = [spans.rolled(mask, np.random.default_rng(i)) for i, mask in enumerate(masks)]
    made = (spans.corrupt(TEXTS[0], mask) for mask in masks)
    return {
        "spans": _first_red([rules.check_spans(TEXTS[0], *one) for one in made]),
        "rolled": _first_red([rules.check_rolled(*pair) for pair in zip(masks, rolled, strict=True)]),
    }


def sentinels() -> dict[str, Check]:
    """A text corrupted in the entries of a vocabulary, and put together again."""
    ids, own, found = TEXTS[0], tuple(range(200, 232)), []
    tokenizer = SimpleNamespace(sentinels=own, special={"<pad>": 198, "</s>": 199}, unknown=None)
    for seed in range(9):
        hidden = spans.spans(12, 0.5, 2, np.random.default_rng(seed))
        read, wanted = (spans.encoded(part, own) for part in spans.corrupt(ids, hidden))
        written = [198, *wanted, 199]
        shown = [id for part in together(tokenizer, [*read, 199], written) for id in part.ids]
        filled = rules.check_filled(own, {198, 199}, [*read, 199], written, shown)
        found.append((rules.check_sentinels(ids, own, read, wanted), filled))
    encoded, filled = zip(*found, strict=True)
    return {"encoded": _first_red(encoded), "filled": _first_red(filled)}


def damaged() -> dict[str, Check]:
    """Each way to damage a text has a light."""
    found = {}
    for kind, damage in denoising.KINDS.items():
        each = (damage(SENTENCES, np.random.default_rng(seed)) for seed in range(9))
        found[kind] = _first_red([rules.check_denoised(kind, SENTENCES, came) for came in each])
    return found


def ordered() -> dict[str, Check]:
    order = permuted.order_of(9, 5)
    streams = {"query": False, "content": True}
    return {name: rules.check_order(order, own, permuted.mask_of(order, own)) for name, own in streams.items()}


def apart() -> dict[str, Check]:
    """One pass beside a pass for each prefix."""
    model, ids = decoder(torch.float32), TEXTS[0]
    one, wanted = prefixes.both(model, ids), ids[1:]
    logits = model(torch.tensor([ids]))[0, :-1]
    return {
        "together": second.check_losses(logits, wanted, one.together),
        "apart": second.check_again(logits, wanted, one.apart),
    }


PAGES = {
    "batch": lambda: batched(decoder(torch.float32), left=False),
    "batch, left": lambda: batched(decoder(torch.float32), left=True),
    "batch, BERT": lambda: batched(encoder(), left=False),
    "batch, BERT, left": lambda: batched(encoder(), left=True),
    "masked words": lambda: hidden(whole=False),
    "masked whole words": lambda: hidden(whole=True),
    "spans": all_spans,
    "sentinels": sentinels,
    "damaged": damaged,
    "permuted": ordered,
    "one pass": apart,
}
