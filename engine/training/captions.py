"""Train, evaluate and write a model that captions images of coloured shapes.

    python -m engine.training.captions --name captioner
    python -m engine.training.captions --name teller --kind gru --attention additive

The pictures are drawn on the way (engine.training.scenes). Run it again to go on where it stopped; the last leg
measures the model and writes its card.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import CELLS, Config, PairConfig, RecurrentConfig
from engine.decode import translate
from engine.images import Preparation, to_signs
from engine.model.build import fresh
from engine.tokenize import SentenceTokenizer
from engine.training import report, scenes, work
from engine.training.bitext import before
from engine.training.corpus import learn_vocabulary
from engine.training.pairs import NONE
from engine.training.recurrent import add_kinds, name_of, recurrent
from engine.training.scenes import Scene
from engine.training.train import Recipe

AIM = ("≥", 0.9)
COLUMNS = ("this model", "random start", "nearest image", "commonest caption")
AT_ONCE = 100  # images per batch
KNOWN = 4000  # training images among which the nearest is looked for
MISTAKES = 2  # shown among the examples
SAMPLES = 8
CARD = Path(__file__).parent / "card_captions.md"
# White is 0: of an empty patch only its position is left, so that positions are learned early.
PREPARE = Preparation(scenes.SIDE, mean=(1.0,) * 3, std=(0.5,) * 3, palette=scenes.PALETTE)
ROWS = {  # of the table: images of how many shapes, and which words of the caption, if not all
    "caption": ((1, 2), None),
    "caption, two shapes": ((2,), None),
    "caption, one shape": ((1,), None),
    "colours": ((1, 2), set(scenes.COLOURS)),
    "shapes": ((1, 2), set(scenes.SHAPES)),
    "place": ((1, 2), {"left", "right", "above", "below", "top", "bottom", "middle"}),
    "size, one shape": ((1,), {"small", "large"}),
}


@dataclass(frozen=True)
class Scenes:
    """Images and their captions, drawn anew for every step."""

    tokenizer: SentenceTokenizer

    def batch(self, seed: int, step: int, count: int, context: int) -> tuple[Tensor, Tensor, Tensor]:
        """Images [count, 3, 32, 32], what the decoder reads and what it is to write [count, context], END last,
        then NONE: the same for the same seed."""
        some = scenes.drawn(count, seed, step)
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


def _encoder(options) -> Config:
    """A vision transformer that outputs its last vectors."""
    return Config(
        **_sizes(options),
        vocabulary=0,
        context=(scenes.SIDE // options.patch) ** 2 + 1,
        layers=options.layers,
        image=scenes.SIDE,
        patch=options.patch,
        channels=3,
        causal=False,
        ending="nothing",
        tied=False,
    )


def _sizes(options) -> dict[str, int]:
    """The settings of both stacks."""
    return dict(width=options.width, heads=options.heads, mlp_width=4 * options.width)


def transformer(tokenizer: SentenceTokenizer, options) -> PairConfig:
    """A vision transformer, and a decoder whose blocks look at its patches."""
    decoder = Config(
        **_sizes(options),
        vocabulary=len(tokenizer),
        context=options.context,
        layers=options.decoder_layers,
        memory=options.width,
    )
    return PairConfig(_encoder(options), decoder, tokenizer.start, tokenizer.end)


def carried(tokenizer: SentenceTokenizer, options) -> RecurrentConfig:
    """The same with a recurrent decoder, with or without attention to the patches (Xu et al. 2015)."""
    return recurrent(tokenizer, options, _encoder(options))


LOOKING = """\
Its decoder, {layers} blocks, writes the caption and attends
to the patches by cross-attention."""
CARRIED = """\
Its decoder is recurrent ({kind}):
it writes the caption from a state that starts as the encoder's first vector."""
KINDS = {"transformer": transformer} | dict.fromkeys(CELLS, carried)  # how the model's config is made


def captioner(tokenizer: SentenceTokenizer, options) -> PairConfig | RecurrentConfig:
    """The config of the chosen kind, with room for every caption."""
    config = KINDS[options.kind](tokenizer, options)
    longest = max(len(tokenizer.encode(caption)) for caption in scenes.captions())
    if longest > config.context:
        raise ValueError(
            f"captions have up to {longest} tokens; with a context of {options.context} and "
            f"{config.encoder.patches} patches there is room for {config.context}: choose more"
        )
    return config


def main() -> None:
    """Train an image captioner, from the command line."""
    options = _options()
    folder = work.begin(options)
    tokenizer = _vocabulary(folder, options)
    config = captioner(tokenizer, options)
    recipe = Recipe(tokens=options.pictures * config.context, batch=options.batch, seed=options.seed)
    model = work.trained(
        config, Scenes(tokenizer), recipe, folder, options, tokenizer=tokenizer, prepare=PREPARE
    )
    if model is not None:
        model = work.written(model, work.MODELS / options.name, folder, "engine.training.captions", options)
        write_card(model, work.MODELS / options.name, options)


def measure(folder: Path, texts: None, work_folder: Path, options) -> None:
    """Measure a finished model again, on images drawn as in training."""
    write_card(work.read_back(folder), folder, options)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(
        prog="python -m engine.training.captions", description=__doc__.splitlines()[0]
    )
    options.add_argument("--name", required=True, help="the model's folder in assets/models")
    options.add_argument("--work", default="captions-work", help="where the state of the run is kept")
    options.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    options.add_argument("--pictures", type=int, default=240_000, help="how many to learn from")
    options.add_argument("--held-out", type=int, default=1000, help="pictures drawn for each evaluation")
    sizes = dict(seed=0, batch=32, vocabulary=512, context=16, patch=4, width=128, layers=4, heads=4)
    for name, size in sizes.items():
        options.add_argument(f"--{name}", type=int, default=size)
    options.add_argument("--decoder-layers", type=int, default=3, help="of the transformer's")
    add_kinds(options, KINDS)
    return options.parse_args()


def _vocabulary(folder: Path, options) -> SentenceTokenizer:
    """A vocabulary of at most `options.vocabulary` entries: it stops when every word is one."""
    path = folder / "vocabulary.tiktoken"
    if not path.exists():
        texts = (caption for caption in scenes.captions() if not scenes.is_held(caption))
        learn_vocabulary(texts, options.vocabulary - 1).write(path)  # and the start
    return SentenceTokenizer.read(path)


# --- how well it does ----------------------------------------------------------------------------


def write_card(model: nn.Module, folder: Path, options) -> None:
    """Measure a finished model, and write its scores, examples and card."""
    logged = work.logged(folder)
    new = scenes.drawn(options.held_out, options.seed, held=True)
    guesses = written(model, new)
    rows = scores_of(model, new, guesses, logged["steps"], options)
    report.write(folder / "scores.json", {"rows": rows})
    examples = {"examples": list(_examples(new, guesses))}
    examples |= {"colours": ["white", *scenes.COLOURS], "stamps": scenes.stamps()}
    report.write(folder / "examples.json", examples)
    facts = _facts(model, new, guesses, logged["steps"] * options.batch, options) | logged
    card = CARD.read_text("utf-8").format(**facts, table=report.told(rows, COLUMNS))
    (folder / "card.md").write_text(card, encoding="utf-8")
    print(f"{folder}: {rows[0]['values'][0]:.1%} of {len(new):,} pictures of new combinations")


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


def _facts(model: nn.Module, new: list[Scene], guesses: list[str], learned: int, options) -> dict:
    every, pairs = list(scenes.captions()), zip(new[:SAMPLES], guesses, strict=False)
    encoder, decoder = model.config.stacks
    return dict(
        name=model.name,
        layers=encoder.layers,
        decoder=_decoder(model.config),
        heads=encoder.heads,
        width=encoder.width,
        patches=encoder.patches,
        patch=encoder.patch,
        side=encoder.image,
        vocabulary=len(model.tokenizer),
        context=decoder.context,
        parameters=sum(p.numel() for p in model.parameters()),
        colours=", ".join(scenes.COLOURS),
        shapes=", ".join(scenes.SHAPES),
        captions=len(every),
        held=sum(map(scenes.is_held, every)),
        learned=learned,
        batch=options.batch,
        nearest=min(KNOWN, learned),
        seed=options.seed,
        samples="\n".join(f"- {scene.caption} → *{guess}*" for scene, guess in pairs),
    )


def _decoder(config: PairConfig | RecurrentConfig) -> str:
    """The decoder, in words."""
    if isinstance(config, RecurrentConfig):
        return CARRIED.format(kind=name_of(config))
    return LOOKING.format(layers=config.stacks[1].layers)


if __name__ == "__main__":
    main()
