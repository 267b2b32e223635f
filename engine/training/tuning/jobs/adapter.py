"""One run of LoRA, and what it added to every matrix."""

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

import engine
from engine.training.jobs import Event
from engine.training.tuning import lora
from engine.training.tuning.data import Example, Labelled, reviews
from engine.training.tuning.head import Classifier, batch_of, scores_of
from engine.training.tuning.jobs.common import forgot, point, recipe_of, setup


def adapter(settings: dict, folder: Path) -> Iterator[Event]:
    """One fine-tuning by LoRA; A and B of every matrix stay in adapter.safetensors.

    settings  model, count, steps, lora_rate, rank, targets, seed, own (a person's reviews, a line each)
    """
    model, of = engine.load(settings["model"]), reviews()
    own = [Example((text,), 0, 0) for text in settings["own"]]
    batch_of(model, own or of.held)  # one that is too long is told before anything is learned
    yield setup(model, of, ["lora"], settings) | {"own": settings["own"]}
    yield forgot(model, "before")
    recipe = recipe_of("lora", settings, settings["seed"])
    told = yield from point(model, of, recipe, settings["count"], settings["seed"], often=1)
    yield _learned(told.classifier)
    if own:
        shares = scores_of(told.classifier, batch_of(told.classifier.model, own)).softmax(-1)
        yield {"kind": "own", "positive": shares[:, 1].cpu().numpy()}
    yield forgot(told.classifier.model, "lora")
    layers = lora.layers_of(told.classifier.model)
    kept = {f"{name}.{part}": getattr(x, part).detach() for name, x in layers.items() for part in "AB"}
    save_file({name: x.contiguous() for name, x in kept.items()}, folder / "adapter.safetensors")


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
    layers = lora.layers_of(classifier.model)
    vectors = _vectors(classifier, of.held[:4])
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
def _vectors(classifier: Classifier, examples: Sequence[Example]) -> dict[str, Tensor]:
    """What every LoRA layer reads while it reads some examples [N, in]."""
    found, hooks = {}, []
    for name, layer in lora.layers_of(classifier.model).items():

        def keep(module, given, name=name):
            found[name] = given[0].flatten(0, -2)

        hooks.append(layer.register_forward_pre_hook(keep))
    classifier(batch_of(classifier.model, examples))
    for hook in hooks:
        hook.remove()
    return found
