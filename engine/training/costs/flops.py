"""Operations of whole trainings: 6 · N · D (Kaplan et al. 2020, section 2.1), and days of a device."""

from dataclasses import dataclass

from engine.examples import shipped, values_of
from engine.training.costs.memory import parameters
from engine.training.costs.shapes import SHAPES

DAY = 86_400
PER_PARAMETER = 20  # tokens for each parameter where operations are best spent (Hoffmann et al. 2022, table 3)


@dataclass(frozen=True)
class Training:
    """name; N, its parameters, and where they are from; D, tokens that it read, and where that is from; what
    its authors say of the operations, and where (None: nothing)."""

    name: str
    n: float
    n_from: str
    d: float
    d_from: str
    told: float | None = None
    told_from: str = ""

    @property
    def flops(self) -> float:
        """6 · N · D: 2 forward, 4 back."""
        return 6 * self.n * self.d

    def days(self, device: float, share: float, devices: int = 1) -> float:
        """Days on so many devices of `device` FLOPs a second, of which `share` is kept up."""
        return self.flops / (device * share) / DAY / devices


def _values(example: str) -> dict[str, list[float]]:
    return {name: value.numbers.reshape(-1).tolist() for name, value in values_of(shipped(example)).items()}


def trainings() -> list[Training]:
    """The lectures' models whose tokens are published, in their order in time."""
    shapes = "from its shapes"
    tokens = _values("flops")["D"][0]
    words = {
        "BERT large": (
            _values("parameters_bert")["total"][1],
            256 * (9e5 * 128 + 1e5 * 512),
            "900,000 steps of 256 texts of 128 tokens, 100,000 of 512 (Devlin et al. 2019, appendix A.2)",
        ),
        "Megatron-LM": (
            parameters(SHAPES["Megatron-LM"]),
            3e5 * 512 * 1024,
            "300,000 steps of 512 texts of 1,024 tokens (Shoeybi et al. 2019, section 4.2)",
        ),
        "T-NLG": (
            _values("parameters_large")["total"][1],
            3e5 * 512 * 1024,
            "300,000 steps of 512 texts of 1,024 tokens (the announcement, February 2020)",
        ),
        "GPT-3": (
            parameters(SHAPES["GPT-3"]),
            300e9,
            "300 billion tokens (Brown et al. 2020, table 2.1)",
            3.14e23,
            "Brown et al. 2020, table D.1",
        ),
        "LLaMA-2-7B": (parameters(SHAPES["LLaMA-2-7B"]), 2e12, "2.0T tokens (Touvron et al. 2023, table 1)"),
        "LLaMA-2-70B": (parameters(SHAPES["LLaMA-2-70B"]), 2e12, "2.0T tokens (Touvron et al. 2023, table 1)"),
        "Llama 3 8B": (parameters(SHAPES["Llama 3 8B"]), tokens, "over 15T tokens (lecture 000)"),
        "Llama 3 70B": (parameters(SHAPES["Llama 3 70B"]), tokens, "over 15T tokens (lecture 000)"),
    }
    return [Training(name, n, shapes, d, source, *told) for name, (n, d, source, *told) in words.items()]
