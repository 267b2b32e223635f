"""What takes long, point by point: curves over the number of labelled examples.

Every job tells first what it is about, then its points, each with the held-out examples that were got right.
"""

import copy
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

import engine
from engine.training.jobs import Event
from engine.training.tuning import lora, pictures
from engine.training.tuning.data import Example, Labelled, entailment, passage, reviews
from engine.training.tuning.head import Classifier, batch_of, features_of, scores_of
from engine.training.tuning.prompted import Prompted, prompted, room_for
from engine.training.tuning.runs import Recipe, Tuned, count_trained, forgotten, head_alone, prepare, tune

COUNTS = (4, 8, 16, 32, 64, 120)  # labelled reviews
PROMPT_COUNTS = (0, 1, 2, 4, 8, 12, 16, 32, 64, 120)
PAIR_COUNTS = (6, 12, 24, 48, 87)
EACH = (1, 2, 5, 10, 20, 50)  # labelled images of each digit
PRETRAINED = (0, 25, 50, 100, 200, 400, 700)  # images that the vision transformer saw before
MOST_DRAWS = 5
OFTEN = 4  # steps between two losses that are told


def curves(settings: dict, folder: Path) -> Iterator[Event]:
    """Accuracy over the number of labelled reviews, for every way to tune a decoder; and what each forgot.

    settings  model, ways, draws, steps, rate (of all weights), lora_rate, rank, targets
    """
    model, of = engine.load(settings["model"]), reviews()
    ways, draws = settings["ways"], _draws(settings)
    yield _setup(model, of, ways, settings) | {"counts": list(COUNTS), "draws": draws}
    if "head" in ways:
        yield from _heads(model, of, draws, settings)
    yield {"kind": "forgot", "way": "before", "bits": forgotten(model), "bytes": len(passage().encode())}
    for draw in range(draws):
        for count in COUNTS:
            for way in (way for way in ways if way != "head"):
                yield from _point(model, of, _recipe(way, settings, draw), count, draw)


def _draws(settings: dict) -> int:
    draws = settings["draws"]
    if not 1 <= draws <= MOST_DRAWS:
        raise ValueError(f"{draws} draws were asked for; from 1 to {MOST_DRAWS} can be had")
    return draws


def _recipe(way: str, settings: dict, seed: int) -> Recipe:
    """The recipe of a way; the seed of a draw draws its examples, its batches and its random start."""
    rates = {"lora": settings["lora_rate"], "head": 1.0}  # of the head alone it is not used
    rate = rates.get(way, settings["rate"])
    more = {name: settings[name] for name in ("steps", "rank", "targets")}
    return Recipe(way, rate=rate, seed=seed, **more)


def _setup(model, of: Labelled, ways: Sequence[str], settings: dict) -> Event:
    """What is trained of the model in each way, and how many examples there are."""
    trained = {way: count_trained(prepare(model, len(of.labels), _recipe(way, settings, 0))) for way in ways}
    return {
        "kind": "setup",
        "model": model.name,
        "held": len(of.held),
        "numbers": {way: numbers for way, (numbers, _) in trained.items()},
    }


def _point(model, of: Labelled, recipe: Recipe, count: int, draw: int) -> Iterator[Event]:
    """One fine-tuning, its losses on the way; at the largest count of the first draw also what it forgot."""
    about = {"way": recipe.way, "count": count, "draw": draw}
    for told in tune(model, of, of.drawn(count, draw), recipe):
        if isinstance(told, Tuned):
            yield {"kind": "point"} | about | _told(told)
            last = draw == 0 and count == COUNTS[-1] and recipe.way in ("lora", "all") and of is reviews()
            if last:
                bits = forgotten(told.classifier.model)
                yield {"kind": "forgot", "way": recipe.way, "bits": bits, "bytes": len(passage().encode())}
        elif told["step"] % OFTEN == 0 or told["step"] in (1, told["steps"]):
            yield {"kind": "step"} | about | told


def _heads(model, of: Labelled, draws: int, settings: dict) -> Iterator[Event]:
    """The head alone for all draws and counts. The vectors that it reads never change, so they are computed
    once, and a point's seconds have its examples' part of that."""
    classifier, begun = prepare(model, len(of.labels), _recipe("head", settings, 0)), time.perf_counter()
    learn = features_of(classifier, batch_of(model, of.train))
    each = (time.perf_counter() - begun) / len(of.train)
    held, at = features_of(classifier, batch_of(model, of.held)), {one: i for i, one in enumerate(of.train)}
    for draw in range(draws):
        for count in COUNTS:
            begun = time.perf_counter()
            rows = torch.tensor([at[one] for one in of.drawn(count, draw)], device=learn.device)
            labels = torch.tensor([of.train[i].label for i in rows.tolist()], device=learn.device)
            classifier = Classifier(classifier.model, len(of.labels))
            losses = head_alone(classifier, learn[rows], labels)
            with torch.no_grad():
                right = classifier.head(held).argmax(-1).cpu().numpy() == of.truth()
            seconds = time.perf_counter() - begun + each * count
            numbers, whole = count_trained(classifier)
            told = Tuned(
                classifier, _recipe("head", settings, draw), right, right, seconds, numbers, whole, 0, losses
            )
            told.kept = learn[rows].nbytes
            yield {"kind": "point", "way": "head", "count": count, "draw": draw} | _told(told)


def _told(one: Tuned) -> Event:
    return {
        "right": one.right.astype(np.uint8),
        "seconds": one.seconds,
        "numbers": one.numbers,
        "memory": one.memory,
        "loss": one.losses[-1] if one.losses else 0.0,
    }


# --- option A and option B ------------------------------------------------------------------------------


def options(settings: dict, folder: Path) -> Iterator[Event]:
    """The same examples by fine-tuning (A, one way) and in the prompt (B), as far as they fit.

    settings  as of `curves`, and way, the way of option A
    """
    model, of, draws = engine.load(settings["model"]), reviews(), _draws(settings)
    room = min(room_for(model, of, of.drawn(COUNTS[-1], draw)) for draw in range(draws))
    counts = list(PROMPT_COUNTS)
    setup = _setup(model, of, [settings["way"]], settings)
    yield setup | {"counts": counts, "draws": draws, "room": room, "context": model.config.context}
    for draw in range(draws):
        for count in counts:
            if count <= room and (count or draw == 0):  # without examples every draw is the same
                yield _prompt_point(prompted(model, of, _some(of, count, draw)), count, draw)
            if count >= len(of.labels):
                yield from _point(model, of, _recipe(settings["way"], settings, draw), count, draw)


def _some(of: Labelled, count: int, draw: int) -> list[Example]:
    """Examples in an order drawn by the seed, so that no label stands last more often."""
    if count < len(of.labels):
        return of.drawn(len(of.labels), draw)[:count]
    some = of.drawn(count, draw)
    random.Random(f"order {draw}").shuffle(some)
    return some


def _prompt_point(one: Prompted, count: int, draw: int) -> Event:
    told = {"kind": "point", "way": "prompt", "count": count, "draw": draw, "right": one.right.astype(np.uint8)}
    return told | {"seconds": one.seconds, "memory": one.memory, "tokens": one.tokens, "cache": one.cache}


# --- one run of LoRA ------------------------------------------------------------------------------------


def adapter(settings: dict, folder: Path) -> Iterator[Event]:
    """One fine-tuning by LoRA, and what it added to every matrix; A and B stay in adapter.safetensors.

    settings  model, count, steps, lora_rate, rank, targets, seed, own (a person's reviews, a line each)
    """
    model, of = engine.load(settings["model"]), reviews()
    recipe = _recipe("lora", settings | {"rate": settings["lora_rate"]}, settings["seed"])
    yield _setup(model, of, ["lora"], settings | {"rate": recipe.rate}) | {"own": settings["own"]}
    before = forgotten(model)
    yield {"kind": "forgot", "way": "before", "bits": before, "bytes": len(passage().encode())}
    for told in tune(model, of, of.drawn(settings["count"], settings["seed"]), recipe):
        if not isinstance(told, Tuned):
            yield {"kind": "step", "way": "lora", "count": settings["count"], "draw": 0} | told
    yield {"kind": "point", "way": "lora", "count": settings["count"], "draw": 0} | _told(told)
    yield _learned(told.classifier)
    yield from _own(told.classifier, settings["own"])
    yield {
        "kind": "forgot",
        "way": "lora",
        "bits": forgotten(told.classifier.model),
        "bytes": len(passage().encode()),
    }
    layers = lora.layers_of(told.classifier.model)
    kept = {
        f"{name}.{part}": getattr(x, part).detach().contiguous() for name, x in layers.items() for part in "AB"
    }
    save_file(kept, folder / "adapter.safetensors")


def _learned(classifier: Classifier) -> Event:
    """A and B of every matrix, the singular values of ΔW, and whether merged and applied say the same."""
    layers = lora.layers_of(classifier.model)
    found = [lora.change_of(name, layer) for name, layer in layers.items()]
    told: Event = {"kind": "lora", "names": [one.name for one in found], "sizes": [one.size for one in found]}
    for i, one in enumerate(found):
        told |= {f"A.{i}": one.A, f"B.{i}": one.B, f"singular.{i}": one.singular}
    return told | {"scale": next(iter(layers.values())).scale} | check(classifier, reviews())


def check(classifier: Classifier, of: Labelled) -> Event:
    """LoRA merged equals LoRA applied: every matrix anew in float64, and the scores of held-out examples."""
    layers, vectors = (
        lora.layers_of(classifier.model),
        _vectors(classifier, batch_of(classifier.model, of.held[:4])),
    )
    checks = [lora.check_layer(layer, vectors[name]) for name, layer in layers.items()]
    checks += [lora.check_merged(layer.merged(), layer) for layer in layers.values()]
    worst = max(checks, key=lambda one: one.largest / one.allowed)
    held = batch_of(classifier.model, of.held)
    applied = scores_of(classifier, held)
    merged = Classifier(lora.merge(copy.deepcopy(classifier.model)), len(of.labels))
    merged.head = classifier.head
    apart = (scores_of(merged, held) - applied).abs().max().item()
    size = max(1.0, applied.abs().max().item())
    ok = worst.ok and apart <= 1e-4 * size
    return {"largest": worst.largest, "allowed": worst.allowed, "ok": ok, "apart": apart, "size": size}


@torch.no_grad()
def _vectors(classifier: Classifier, batch) -> dict[str, Tensor]:
    """What every LoRA layer reads while it reads a batch [N, in]."""
    found, hooks = {}, []
    for name, layer in lora.layers_of(classifier.model).items():

        def keep(module, given, name=name):
            found[name] = given[0].flatten(0, -2)

        hooks.append(layer.register_forward_pre_hook(keep))
    classifier(batch)
    for hook in hooks:
        hook.remove()
    return found


def _own(classifier: Classifier, texts: Sequence[str]) -> Iterator[Event]:
    """What it says of a person's own reviews."""
    if texts:
        batch = batch_of(classifier.model, [Example((text,), 0, 0) for text in texts])
        yield {"kind": "own", "positive": scores_of(classifier, batch).softmax(-1)[:, 1].cpu().numpy()}


# --- digits -----------------------------------------------------------------------------------------


def reconstructed(settings: dict, folder: Path) -> Iterator[Event]:
    """Reconstruct digits without labels, then learn to name them from few labels: the error beside that from a
    random start. settings: draws, pre (steps of the pre-training)"""
    data, draws = pictures.split(), _draws(settings)
    counts = [pictures.CLASSES * each for each in EACH]
    yield {
        "kind": "setup",
        "held": len(data.held_labels),
        "counts": counts,
        "draws": draws,
        "images": len(data.labels),
    }
    model = None
    for told in pictures.pretrain(data, 0, settings["pre"]):
        if "model" in told:
            model = told["model"]
        else:
            yield {"kind": "pre"} | told
    starts = {"pretrained": model, "random": None}
    for draw in range(draws):
        for each in EACH:
            rows = data.drawn(each, draw)
            for way, start in starts.items():
                begun = time.perf_counter()
                right, _ = pictures.named(data, rows, draw, start, pictures.FINE_STEPS)
                point = _image_point(way, pictures.CLASSES * each, draw, right)
                yield point | {"seconds": time.perf_counter() - begun}


def images(settings: dict, folder: Path) -> Iterator[Event]:
    """A vision transformer that learned 0 to 4 from more and more images, then 5 to 9 from few.
    settings: draws, each (labelled images of every new digit)"""
    data, draws = pictures.split(), _draws(settings)
    held = int(np.isin(data.held_labels.numpy(), pictures.NEW).sum())
    yield {"kind": "setup", "held": held, "counts": list(PRETRAINED), "draws": draws, "each": settings["each"]}
    for draw in range(draws):
        rows = data.drawn(settings["each"], draw)
        for count in PRETRAINED:
            begun = time.perf_counter()
            model = pictures.vit_pretrain(data, count, draw, pictures.VIT_STEPS)
            right = pictures.vit_named(data, model, rows, draw, pictures.VIT_FINE)
            yield _image_point("vit", count, draw, right) | {"seconds": time.perf_counter() - begun}


def _image_point(way: str, count: int, draw: int, right: np.ndarray) -> Event:
    return {"kind": "point", "way": way, "count": count, "draw": draw, "right": right.astype(np.uint8)}


# --- entailment ---------------------------------------------------------------------------------------


def related(settings: dict, folder: Path) -> Iterator[Event]:
    """A head with three scores on an encoder's [CLS]: accuracy over the number of labelled pairs, from the
    pre-trained encoder and from a random start. settings as of `curves`"""
    model, of, draws = engine.load(settings["model"]), entailment(), _draws(settings)
    ways = settings["ways"]
    yield _setup(model, of, ways, settings) | {"counts": list(PAIR_COUNTS), "draws": draws}
    for draw in range(draws):
        for count in PAIR_COUNTS:
            for way in ways:
                recipe = _recipe(way, settings, draw)
                for told in tune(model, of, of.drawn(count, draw), recipe):
                    about = {"way": way, "count": count, "draw": draw}
                    if isinstance(told, Tuned):
                        answers = {"shares": told.probabilities.astype(np.float32)}
                        yield {"kind": "point"} | about | _told(told) | answers
                    elif told["step"] % OFTEN == 0 or told["step"] in (1, told["steps"]):
                        yield {"kind": "step"} | about | told
