"""What this part can be set to, and numbers that are typed as text: whatever is typed stays, and it is told
where it cannot be used."""

from dataclasses import dataclass

from app import compute
from app.settings import number_in, read, settings
from app.state import one_of, ranged, text_start
from app.text import say
from app.ui.controls import text_field
from app.ui.page import notice
from engine.config import Config
from engine.training.costs import SHAPES
from engine.training.costs.memory import KEPT, OFFLOADS
from engine.training.tasks import TASKS

PARTS = ("memory", "optimizers", "schedule", "scaling", "flops")
DECODERS = ("storybook", "bookworm", "fabulist")  # shipped, and alike in what they keep
OWN = "own"
STAGES = ("0", "1", "2", "3")
SCHEDULES = ("cosine", "inverse root", "constant")
SIGHTS = ("tokens", "parameters", "runs")
MATRICES = ("mlp.out", "mlp.pre", "attn.q", "attn.v", "attn.out")
LONGEST = 24  # characters of a number


@settings("costs")
@dataclass(frozen=True)
class Costs:
    part: str = one_of("memory", *PARTS)
    # the calculator: the model, its own numbers, how it is trained, and on what
    shape: str = one_of("GPT-3", *SHAPES, *DECODERS, OWN)
    layers: str = "96"
    width: str = "12288"
    heads: str = "96"
    vocabulary: str = "50257"
    tokens: str = ""  # empty: as many as the model can read
    filled: str = "75"
    texts: str = "8"
    parts: str = "8"
    devices: str = "64"
    split: str = "1"
    rank: str = "0"
    room: str = "80"
    mixed: bool = True
    checkpoints: bool = True
    fused: bool = True
    dynamic: bool = True
    optimizer: str = one_of("adam", *KEPT)
    stage: str = one_of("3", *STAGES)
    offload: str = one_of("no", *OFFLOADS)
    small: str = one_of("storybook", *DECODERS)
    # the landscape: its plane, the optimizers, and the step that is shown
    model: str = one_of("storybook", *DECODERS)
    plane: str = one_of("random", "random", *MATRICES)
    dice: int = ranged(0, 0, 9999)
    reach: str = "1"
    rows: int = ranged(13, 5, 31)
    a: str = "0.6"
    b: str = "-0.5"
    rate: str = "0.02"
    beta1: str = "0.9"
    beta2: str = "0.999"
    decay: str = "0.01"
    clip: str = "0"
    steps: int = ranged(30, 1, 60)
    at: int = ranged(60, 0, 60)
    judged: str = one_of("adam", "sgd", "momentum", "adam", "adamw")
    axis: str = one_of("a", "a", "b")
    # the schedule
    schedule: str = one_of("cosine", *SCHEDULES)
    length: str = "1000"
    warm_up: str = "100"
    peak: str = "0.0006"
    lowest: str = "10"
    moment: int = ranged(250, 0, 1000)  # thousandths of its steps
    # scaling, and operations
    sight: str = one_of("tokens", *SIGHTS)
    skipped: int = ranged(5, 0, 20)
    task: str = one_of("copy", *TASKS)
    run_steps: int = ranged(300, 50, 1500)
    speed: str = "989"
    kept_up: str = "40"
    many: str = "1024"


def number_of(typed: str, least: float, most: float, whole: bool) -> tuple[float | None, str]:
    """(the number that was typed, or None; what is wrong with it, or "")."""
    value, ends = number_in(typed), say("costs", "ends", least=_short(least), most=_short(most))
    said = f"“{text_start(typed)}”"
    if value is None:
        return None, say("costs", "no number", said=said, ends=ends)
    if not least <= value <= most:
        return None, say("costs", "out of range", said=said, ends=ends)
    if whole and value != round(value):
        return None, say("costs", "not whole", said=said, ends=ends)
    return int(value) if whole else value, ""


def _short(x: float) -> str:
    return f"{x:,.0f}" if 1 <= abs(x) < 1e7 and x == round(x) else f"{x:g}"


def typed(name: str, least: float, most: float, *, whole: bool = False, empty: float | None = None) -> float:
    """A field for a number, and the number: what cannot be used stays as typed and is told, and the number that
    a fresh page has counts instead. empty: what counts where nothing is typed."""
    text_field(say("costs", f"of/{name}"), f"costs.{name}", LONGEST)
    text = getattr(read(Costs), name)
    if empty is not None and not text.strip():
        return empty
    value, wrong = number_of(text, least, most, whole)
    if value is not None:
        return value
    usual = getattr(Costs(), name)
    instead = empty if not usual else number_of(usual, least, most, whole)[0]
    notice(
        say("costs", "wrong", name=say("costs", f"of/{name}"), wrong=wrong, instead=_short(instead)), "warning"
    )
    return instead


def config_of(name: str) -> Config:
    """The shape of a model of the lectures, or of a shipped one."""
    return SHAPES[name] if name in SHAPES else compute.model(name).config
