"""Bytes that a training holds on each device, from the shape alone, and what it costs to hold fewer.

Weights, gradients and the optimizer's state as in ZeRO (Rajbhandari et al. 2020, section 3.1: 2Ψ + 2Ψ + 12Ψ for
Adam in mixed precision); activations as in Korthikanti et al. 2022, equation 1, of a model without dropout
(32·T·B·D bytes a block instead of 34, and 2·H·T²·B for the softmax where attention is not fused).
"""

from dataclasses import dataclass, replace
from functools import cache

from engine.config import Config
from engine.decode import cost
from engine.decode.cost import pass_flops

KEPT = {"sgd": 0, "momentum": 4, "adam": 8, "adam8": 2 + 2 * 4 / 2048}  # bytes of state for each learned number
# adam8: two numbers of one byte, and for every 2,048 of them one of four (Dettmers et al. 2022, section 2.1)
OFFLOADS = ("no", "optimizer", "everything")
MOST_DEVICES = 1 << 24


@dataclass(frozen=True)
class Plan:
    """How a model is trained. Each replica, of `split` devices, reads `texts` texts for one step.

    tokens    of each text
    mixed     computing in two bytes, with weights of four beside them (Micikevicius et al. 2018)
    fused     attention that keeps no weights [H, T, T] (Dao et al. 2022)
    filled    mean length of the texts, as a share of `tokens`, to which all are padded
    dynamic   texts of like lengths are read together, without padding (Vaswani et al. 2017, section 5.1)
    parts     a step's texts are read in so many parts, their gradients added up (accumulation)
    checkpoints  of a block only its input is kept, and the rest computed again (Chen et al. 2016)
    rank      of LoRA's matrices beside W_Q and W_V (Hu et al. 2022), which alone learn; 0: all weights learn
    stage     of ZeRO: what the replicas share out: 1 optimizer, 2 also gradients, 3 also weights
    split     devices that share every matrix (tensor parallel with sequence parallel: Shoeybi et al. 2019,
              Korthikanti et al. 2022)
    offload   to the machine's memory: no, optimizer (Ren et al. 2021), everything (Rajbhandari et al. 2021)
    """

    tokens: int
    texts: int = 1
    mixed: bool = False
    optimizer: str = "adam"
    fused: bool = True
    filled: float = 1.0
    dynamic: bool = False
    parts: int = 1
    checkpoints: bool = False
    rank: int = 0
    stage: int = 0
    devices: int = 1
    split: int = 1
    offload: str = "no"

    def __post_init__(self):
        if self.devices % self.split:
            raise ValueError(
                f"{self.devices:,} devices cannot be put into groups of {self.split:,} that split the "
                "matrices: choose a divisor"
            )
        if self.parts > self.texts:
            raise ValueError(
                f"{self.texts:,} texts cannot be read in {self.parts:,} parts: each part needs one text or more"
            )

    @property
    def replicas(self) -> int:
        """Copies of the model that read different texts."""
        return self.devices // self.split

    @property
    def read(self) -> int:
        """Tokens of a text that are read, padding among them."""
        return max(1, round(self.tokens * self.filled)) if self.dynamic else self.tokens

    @property
    def at_once(self) -> int:
        """Texts that a replica reads at once."""
        return -(-self.texts // self.parts)

    @property
    def size(self) -> int:
        """Bytes of a number that is computed with."""
        return 2 if self.mixed else 4


@dataclass(frozen=True)
class Memory:
    """Bytes on one device; `host`: in the memory of the machine, for each device."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    gathered: float = 0.0  # the weights of the block that is at work, brought from elsewhere
    host: float = 0.0

    @property
    def total(self) -> float:
        """On the device."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.gathered


@cache
def _few(config: Config) -> tuple[int, int]:
    """Numbers of a model of one block, and of one of two."""
    return tuple(cost.parameters(replace(config, layers=layers)) for layers in (1, 2))


def block_parameters(config: Config) -> int:
    """Ψ of one block: what two blocks have more than one."""
    one, two = _few(config)
    return two - one


def parameters(config: Config) -> int:
    """Ψ: blocks are alike, so any number of them is counted from one and two."""
    return _few(config)[0] + (config.layers - 1) * block_parameters(config)


def adapters(config: Config, rank: int) -> int:
    """Numbers of LoRA's matrices beside W_Q and W_V: r · (in + out) each."""
    wide, narrow = config.heads * config.head_width, config.key_heads * config.head_width
    return config.layers * rank * (2 * config.width + wide + narrow)


def learned(config: Config, plan: Plan) -> int:
    """How many numbers learn."""
    return adapters(config, plan.rank) if plan.rank else parameters(config)


def block_numbers(config: Config, tokens: int, texts: int = 1, fused: bool = True) -> int:
    """Numbers that one block keeps for the way back.

    Of each norm its input, its output and a mean and a deviation; queries, keys, values and what attention
    makes of them, with a sum for each head; of the MLP its units before and after the activation; of rotary
    positions the cosines and sines of queries and keys, once for all texts, and attention's result a second
    time, in another order.
    """
    c, wide = config, config.heads * config.head_width
    each = 2 * norm_numbers(c) + (5 if c.rotary else 4) * wide + c.heads + (4 if c.gated else 2) * c.mlp_width
    angles = 2 * c.head_width * tokens if c.rotary else 0
    return texts * (tokens * each + (0 if fused else c.heads * tokens**2)) + angles


def norm_numbers(config: Config) -> int:
    """Numbers that a norm keeps of one token: its input and output, and a mean and a deviation; RMSNorm has no
    mean, and keeps its input a second time, divided."""
    return 2 * config.width + 2 if config.norm == "layer" else 3 * config.width + 1


def activation_bytes(config: Config, plan: Plan) -> float:
    """Bytes kept for the way back when they are most, on one device: of every block, of the last norm, log p of
    every entry and the number of tokens that the loss is divided by, these in four bytes. With checkpoints it
    is the input of every block, and the rest of one block or of the end."""
    texts, rows = plan.at_once, plan.at_once * plan.read
    block = plan.size * block_numbers(config, plan.read, texts, plan.fused)
    end = plan.size * rows * norm_numbers(config) + 4 * rows * config.vocabulary + 4
    begun = plan.size * rows * config.width
    if plan.checkpoints:
        return (config.layers * begun + max(end, block - begun)) / plan.split
    return (config.layers * block + end) / plan.split


def memory_of(config: Config, plan: Plan) -> Memory:
    """What a plan holds."""
    all, own = parameters(config) / plan.split, learned(config, plan) / plan.split
    shared = [plan.replicas if plan.stage >= stage else 1 for stage in (1, 2, 3)]
    state = own * (KEPT[plan.optimizer] + (4 if plan.mixed else 0)) / shared[0]
    gradients = own * plan.size / shared[1]
    weights = (all + (own if plan.rank else 0)) * plan.size / shared[2]
    block = block_parameters(config) * plan.size / plan.split
    gathered = block if (plan.stage >= 3 and plan.replicas > 1) or plan.offload == "everything" else 0.0
    activations = activation_bytes(config, plan)
    if plan.offload == "everything":
        return Memory(0.0, 0.0, 0.0, activations, 2 * gathered, weights + gradients + state)
    if plan.offload == "optimizer":  # gradients leave as they come, a block at a time
        passing = min(gradients, block)
        return Memory(weights, passing, 0.0, activations, gathered, gradients + state)
    return Memory(weights, gradients, state, activations, gathered)


@dataclass(frozen=True)
class Price:
    """What one step of the optimizer costs: texts that it reads and operations, of all devices together; bytes
    that each device sends to others and that go between it and the machine's memory; how often in a row it
    reads a part."""

    texts: int
    flops: float
    sent: float
    moved: float
    passes: int


def price_of(config: Config, plan: Plan) -> Price:
    """What a plan costs."""
    texts = plan.texts * plan.replicas
    forward = pass_flops(config, plan.read, plan.read, plan.read) * texts
    back = forward if plan.rank else 2 * forward  # to the activations, and to the weights if these learn
    again = forward if plan.checkpoints else 0
    return Price(texts, forward + back + again, _sent(config, plan), _moved(config, plan), plan.parts)


def _sent(config: Config, plan: Plan) -> float:
    """Between replicas (ZeRO, section 7): an all-reduce of the gradients is 2Ψ; with shared weights these are
    gathered forward and backward, in every part. Between the devices that split the matrices: per block four
    all-reduces of the stream [B, T, D], six where it is computed again (Shoeybi et al. 2019, section 3)."""
    all, own, d, t = parameters(config), learned(config, plan), plan.replicas, plan.split
    ring = plan.size / t * (d - 1) / d
    if plan.stage >= 3:
        among = ring * plan.parts * (2 * all + own)
    elif plan.stage == 2:
        among = ring * (plan.parts + 1) * own
    else:
        among = ring * 2 * own
    stream = plan.size * plan.parts * plan.at_once * plan.read * config.width
    return among + config.layers * (6 if plan.checkpoints else 4) * 2 * (t - 1) / t * stream


def _moved(config: Config, plan: Plan) -> float:
    """The optimizer's state stays in the machine's memory: gradients go there and new weights come back; with
    everything there, weights come for the way forward and for the way back of every part."""
    share = plan.size / plan.split
    all, own = share * parameters(config), share * learned(config, plan)
    if plan.offload == "everything":
        return plan.parts * (2 * all + own) / plan.replicas
    return 2 * own / plan.replicas if plan.offload == "optimizer" else 0.0


def devices_needed(config: Config, plan: Plan, room: float) -> int | None:
    """The fewest devices of so many bytes on which the plan fits; None: more do not help."""

    def fits(groups: int) -> bool:
        return memory_of(config, replace(plan, devices=groups * plan.split)).total <= room

    most = MOST_DEVICES // plan.split
    high = 1
    while not fits(high):
        if high >= most:
            return None
        high = min(2 * high, most)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return max(1, high) * plan.split
