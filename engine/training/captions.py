"""Models that say what a picture shows: coloured shapes, and where they stand. They are drawn on the way."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import Config, PairConfig, RecurrentConfig
from engine.decode import translate
from engine.images import Preparation, to_signs
from engine.model.build import fresh
from engine.tokenize import SentenceTokenizer
from engine.training.data import scenes
from engine.training.data.bitext import before
from engine.training.data.corpus import learn_vocabulary
from engine.training.data.pairs import NONE
from engine.training.data.scenes import Scene
from engine.training.evaluate import report
from engine.training.language import check_vocabulary
from engine.training.options import Option, pace, sizes, whole
from engine.training.progress import show
from engine.training.recurrent import ends, kinds, name_of, recurrent
from engine.training.run import Work
from engine.training.task import Material, Measured, Task

AIM = ("≥", 0.9)
COLUMNS = ("this model", "random start", "nearest image", "commonest caption")
AT_ONCE = 100  # images per batch
KNOWN = 4000  # training images among which the nearest is looked for
MISTAKES = 2  # shown among the examples
SAMPLES, FEWEST = 8, 40  # captions on the card; that are asked at least
# White is 0: of an empty patch its place alone is left, so that places are learned soon.
PREPARE = Preparation(scenes.SIDE, mean=(1.0,) * 3, std=(0.5,) * 3, palette=scenes.PALETTE)
LOOKING = """\
Its decoder, {layers} blocks, writes the caption and attends
to the {seen} by cross-attention."""
CARRIED = """\
Its decoder is recurrent ({kind}):
it writes the caption from a state that {start}."""
STARTS = {  # what a recurrent decoder starts from
    "patches": "starts as the encoder's first vector",
    "mean": "is made of the mean of the cells, and looks back at the cells after every step",
    "cells": "is made of all the cells at once: that is all it receives of the image",
}
READERS = {  # what reads the pictures: whether it has filters, and blocks
    (False, True): """\
Its encoder is a vision transformer: {patches} patches of {patch} × {patch}
pixels and one learned vector before them, {blocks} of {heads} heads.""",
    (True, True): """\
Its encoder is a convolutional network: {convolutions},
then self-attention over its {patches} cells, {blocks} of {heads} heads.""",
    (True, False): """\
Its encoder is a convolutional network: {convolutions}.""",
}
CONVOLUTIONS = """\
{layers} layers of {filters} filters of
{kernel} × {kernel}, the last of which make {side} × {side} cells"""
ROWS = {  # of the table: in pictures of how many shapes, and which words of the caption, if not all
    "caption": ((1, 2), None),
    "caption, two shapes": ((2,), None),
    "caption, one shape": ((1,), None),
    "colours": ((1, 2), set(scenes.COLOURS)),
    "shapes": ((1, 2), set(scenes.SHAPES)),
    "place": ((1, 2), set(scenes.WORDS["place_words"])),
    "size, one shape": ((1,), {size.strip() for size in scenes.SIZES} - {""}),
}


@dataclass(frozen=True)
class Scenes:
    """Images and their captions, drawn anew for every step."""

    tokenizer: SentenceTokenizer
    held: bool = False  # of captions that no training draws

    def batch(self, seed: int, step: int, count: int, context: int) -> tuple[Tensor, Tensor, Tensor]:
        """Images [count, 3, 32, 32], what the decoder reads and what it is to write [count, context], END last,
        then NONE: the same for the same seed."""
        some = scenes.drawn(count, seed, step, self.held)
        rows = [self.tokenizer.encode(scene.caption) for scene in some]
        labels = torch.tensor([row + [NONE] * (context - len(row)) for row in rows])
        return prepared(PREPARE, some), before(labels, self.tokenizer.start), labels

    @staticmethod
    def loss(model: nn.Module, images: Tensor, target: Tensor, labels: Tensor) -> Tensor:
        """Nats per token of the caption, given all those before it."""
        logits = model(images, target)
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=NONE)


def prepared(prepare: Preparation, some: list[Scene]) -> Tensor:
    """Scenes -> images as the model reads them [N, channels, height, width]."""
    return torch.cat([prepare(scene.pixels()) for scene in some])


def _encoder(options: argparse.Namespace) -> Config:
    """A vision transformer, or a convolutional network with or without blocks: it hands over its vectors."""
    cells = (scenes.SIDE // options.patch) ** 2
    kind = _convolutions(options) if options.encoder == "cnn" else {"context": cells + 1}
    return Config(
        **_sizes(options),
        **{"vocabulary": 0, "context": cells, "layers": options.layers} | kind,
        image=scenes.SIDE,
        patch=options.patch,
        channels=3,
        causal=False,
        ending="nothing",
        tied=False,
    )


def _convolutions(options: argparse.Namespace) -> dict:
    """Each layer halves the sides of the map until a cell stands for a patch, and one goes on from there; each
    has twice the filters of the one before. The cells are normalised, or the maps grow until the state made of
    them holds nothing but ±1; those that nobody looks at need no positions."""
    halvings = options.patch.bit_length() - 1
    filters = [max(1, options.width >> (halvings - i)) for i in range(halvings + 1)]
    looked = options.layers or options.kind == "transformer" or options.attention != "none"
    kind = {"filters": tuple(filters), "strides": (2,) * halvings + (1,), "embed_norm": True}
    kind |= {} if options.layers else {"post_norm": True}  # no second norm at the end
    return kind | ({} if looked else {"positions": "none"})


def _sizes(options: argparse.Namespace) -> dict[str, int]:
    """What the blocks of both stacks have in common."""
    return dict(width=options.width, heads=options.heads, mlp_width=4 * options.width)


def config(options: argparse.Namespace, vocabulary: int) -> PairConfig | RecurrentConfig:
    """What reads a picture, and a decoder whose blocks look at its patches or cells; or a state carried from
    word to word, with or without a look at them (Xu et al. 2015)."""
    if options.kind != "transformer":
        return recurrent(options, vocabulary, _encoder(options))
    decoder = Config(
        **_sizes(options),
        vocabulary=vocabulary,
        context=options.context,
        layers=options.decoder_layers,
        memory=options.width,
    )
    return PairConfig(_encoder(options), decoder, **ends(vocabulary))


def check(options: argparse.Namespace) -> None:
    """A ValueError where patches do not fill a picture."""
    check_vocabulary(options.vocabulary, 258)
    if scenes.SIDE % options.patch:
        raise ValueError(f"--patch {options.patch} does not divide the {scenes.SIDE} pixels of a side")
    if not options.layers and options.encoder == "patches":
        raise ValueError("--layers 0 leaves nothing that reads patches: it is for --encoder cnn")


def read(options: argparse.Namespace, work: Work) -> Material:
    """Nothing but the vocabulary: the pictures are drawn for every step."""
    tokenizer = _vocabulary(work, options)
    check_room(tokenizer, config(options, len(tokenizer)))
    every = list(scenes.captions())
    told = f"{len(every):,} captions are drawn; {sum(map(scenes.is_held, every)):,} of them held out"
    return Material(Scenes(tokenizer), Scenes(tokenizer, held=True), told, tokenizer, PREPARE)


def check_room(tokenizer: SentenceTokenizer, config: PairConfig | RecurrentConfig) -> None:
    """A ValueError where a caption is longer than what the model can write."""
    longest = max(len(tokenizer.encode(caption)) for caption in scenes.captions())
    if longest > config.context:
        raise ValueError(
            f"captions have up to {longest} tokens; with a context of {config.stacks[1].context} and "
            f"{config.stacks[0].patches} patches there is room for {config.context}: choose more"
        )


def _vocabulary(work: Work, options: argparse.Namespace) -> SentenceTokenizer:
    """At most so many entries: it stops where every word is one."""

    def learn(path: Path) -> None:
        texts = (caption for caption in scenes.captions() if not scenes.is_held(caption))
        learn_vocabulary(texts, options.vocabulary - 1).write(path)  # and the start

    return SentenceTokenizer.read(work.once("vocabulary.tiktoken", learn))


# --- how well it does ----------------------------------------------------------------------------


def measure(model: nn.Module, material: Material, options, share: float, steps: int) -> Measured:
    """Captions of new combinations, with the random start and two simple rules beside it."""
    options.held_out = min(options.held_out, max(FEWEST, int(share * options.held_out)))
    show("measuring: telling new pictures")
    new = scenes.drawn(options.held_out, options.seed, held=True)
    guesses = written(model, new)
    rows = scores_of(model, new, guesses, steps, options)
    examples = {"examples": list(_examples(new, guesses))}
    examples |= {"colours": ["white", *scenes.COLOURS], "stamps": scenes.stamps()}
    return Measured(rows, COLUMNS, examples, _facts(model, new, guesses, steps * options.batch))


def scores_of(model: nn.Module, new: list[Scene], guesses: list[str], steps: int, options) -> list[dict]:
    """Rows of the table, for new combinations (of which it wrote `guesses`) and, last, for pictures drawn anew
    of those it learned."""
    enough = range(min(steps, -(-KNOWN // options.batch)))
    learned = [scene for step in enough for scene in scenes.drawn(options.batch, options.seed, step)][:KNOWN]
    columns, rows = columns_of(model, new, guesses, learned, options.seed), []
    for name, (counts, words) in ROWS.items():
        some = [i for i, scene in enumerate(new) if len(scene.shapes) in counts]
        if some:
            parts = [[column[i] for i in some] for column in columns]
            rows.append(_row(name, parts, [new[i].caption for i in some], words))
    known = scenes.drawn(options.held_out, options.seed, steps)  # of the step after the last
    columns = columns_of(model, known, written(model, known), learned, options.seed)
    rows.append(_row("caption, known combinations", columns, [scene.caption for scene in known]))
    return rows


def columns_of(
    model: nn.Module, asked: list[Scene], guesses: list[str], learned: list[Scene], seed: int
) -> list[list[str]]:
    """Captions by the model (its `guesses`), by its random start, of the nearest image that it learned from,
    and always the commonest one of those."""
    start = fresh(model.config, seed).requires_grad_(False).eval()
    start.tokenizer, start.prepare = model.tokenizer, model.prepare
    images, others = prepared(model.prepare, asked), prepared(model.prepare, learned)
    nearest = torch.cdist(images.flatten(1), others.flatten(1)).argmin(-1)
    ((commonest, _),) = Counter(scene.caption for scene in learned).most_common(1)
    similar = [learned[i].caption for i in nearest]
    return [guesses, written(start, asked), similar, [commonest] * len(asked)]


def written(model: nn.Module, asked: list[Scene]) -> list[str]:
    """The model's caption of each image, always the most probable token."""
    found, tokenizer = [], model.tokenizer
    for first in range(0, len(asked), AT_ONCE):
        rows = translate(model, prepared(model.prepare, asked[first : first + AT_ONCE])).tolist()
        found += [tokenizer.decode([id for id in row if id not in tokenizer.special.values()]) for row in rows]
    return found


def part_of(caption: str, words: set[str] | None) -> list[str]:
    """The caption reduced to these words; without any given, all of it."""
    return [caption] if words is None else [word for word in caption.split() if word in words]


def _row(name: str, columns: list[list[str]], captions: list[str], words: set[str] | None = None) -> dict:
    right = [part_of(caption, words) for caption in captions]
    parts = [[part_of(guess, words) for guess in column] for column in columns]
    scores = [report.share(list(map(list.__eq__, column, right))) for column in parts]
    return report.row(name, scores, aim=AIM if name == "caption" else None)


def _examples(new: list[Scene], guesses: list[str]) -> Iterator[dict]:
    """Unseen pictures to try: the first of each relation and place, then the first that the model mistakes."""
    kinds = [*scenes.RELATIONS, *scenes.PLACES]
    firsts = [next((i for i, scene in enumerate(new) if kind in scene.caption), None) for kind in kinds]
    firsts = [i for i in firsts if i is not None]
    wrong = [i for i, scene in enumerate(new) if guesses[i] != scene.caption and i not in firsts]
    for i in [*firsts, *wrong[:MISTAKES]]:
        caption = new[i].caption
        taken = "" if guesses[i] == caption else f", which it calls “{guesses[i]}”"
        yield {"text": to_signs(new[i].pixels(), scenes.PALETTE), "note": f"A{caption[1:]}{taken}"}


def _facts(model: nn.Module, new: list[Scene], guesses: list[str], learned: int) -> dict:
    every, pairs = list(scenes.captions()), zip(new[:SAMPLES], guesses, strict=False)
    return dict(
        encoder=_reader(model.config.stacks[0]),
        vectors="cell" if model.config.stacks[0].filters else "patch",
        decoder=_decoder(model.config),
        side=scenes.SIDE,
        context=model.config.stacks[1].context,
        colours=", ".join(scenes.COLOURS),
        shapes=", ".join(scenes.SHAPES),
        captions=len(every),
        held=sum(map(scenes.is_held, every)),
        learned=learned,
        nearest=min(KNOWN, learned),
        samples="\n".join(f"- {scene.caption} → *{guess}*" for scene, guess in pairs),
    )


def _reader(c: Config) -> str:
    """The encoder, in words."""
    side, blocks = scenes.SIDE // c.patch, f"{c.layers} block{'s' * (c.layers != 1)}"
    filters = CONVOLUTIONS.format(
        layers=len(c.filters), filters=", ".join(map(str, c.filters)), kernel=c.kernel, side=side
    )
    told = dict(patches=c.patches, patch=c.patch, heads=c.heads, blocks=blocks, convolutions=filters)
    return READERS[bool(c.filters), bool(c.layers)].format(**told)


def _decoder(config: PairConfig | RecurrentConfig) -> str:
    """The decoder, in words."""
    cells = bool(config.stacks[0].filters)
    if isinstance(config, RecurrentConfig):
        start = "patches" if not cells else "cells" if config.attention == "none" else "mean"
        return CARRIED.format(kind=name_of(config), start=STARTS[start])
    return LOOKING.format(layers=config.stacks[1].layers, seen="cells" if cells else "patches")


TASK = Task(
    name="captions",
    about="a model that says what a picture of coloured shapes shows",
    options=sizes(vocabulary=512, context=16, patch=4, width=128, layers=4, heads=4)
    | pace(batch=32, rate=0.02, warm_up=100)
    | kinds()
    | {
        "encoder": Option("patches", ("patches", "cnn"), "what reads the pictures: patches, or convolutions"),
        "layers": Option(4, whole(0, 100), "blocks, one after the other; of a CNN there may be none"),
        "decoder_layers": Option(3, whole(1, 100), "blocks of the transformer's decoder"),
        "pictures": Option(240_000, whole(1, 10**9), "how many to learn from"),
        "held_out": Option(1000, whole(1, 10**5), "pictures drawn for each part of the test"),
    },
    config=config,
    check=check,
    tokens=lambda options, config: options.pictures * config.context,
    read=read,
    measure=measure,
)


if __name__ == "__main__":
    from engine.training.__main__ import main as command

    sys.exit(command(["captions", *sys.argv[1:]]))
