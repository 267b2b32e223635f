"""Direct preference optimization (Rafailov et al. 2023): learn from pairs; no reward model, no sampling."""

from torch import Tensor
from torch.nn.functional import logsigmoid


def margin(better: Tensor, worse: Tensor, better_reference: Tensor, worse_reference: Tensor) -> Tensor:
    """How much more the policy has raised the better text of each pair than the worse one [P], from the
    log-probabilities of whole texts."""
    return (better - better_reference) - (worse - worse_reference)


def dpo_loss(
    better: Tensor, worse: Tensor, better_reference: Tensor, worse_reference: Tensor, beta: float
) -> Tensor:
    """−log σ(β · margin) of each pair [P]."""
    return -logsigmoid(beta * margin(better, worse, better_reference, worse_reference))
