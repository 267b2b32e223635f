"""The model as a policy: texts drawn from it, how probable they are to it, how far it has gone from another.

The model may be on any device; texts, and what is told of each token, are on the processor.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.decode import ends_of
from engine.model.build import model_of
from engine.training.rewards.settings import Diverged

TRAINED = 2  # blocks, the last ones, and the last norm: enough to change what is written, and quick


@dataclass(frozen=True, eq=False)
class Texts:
    """Continuations of one prompt.

    ids    [B, T], the prompt first
    start  where the continuation begins, of N = T − start tokens
    mask   [B, N], True = a token that was written; False: it comes after the end of the text
    """

    ids: Tensor
    start: int
    mask: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows) -> "Texts":
        return Texts(self.ids[rows], self.start, self.mask[rows])

    @property
    def written(self) -> Tensor:
        """The tokens of the continuations [B, N]."""
        return self.ids[:, self.start :]


def joined(parts: list[Texts]) -> Texts:
    """The texts of several batches with the same prompt and length as one."""
    return Texts(torch.cat([p.ids for p in parts]), parts[0].start, torch.cat([p.mask for p in parts]))


def copy_of(model) -> nn.Module:
    """A copy to be trained: its last blocks learn, everything else stays as it is."""
    mine = model_of(model.config).to(model.device)
    mine.load_state_dict(model.state_dict())
    mine.tie()
    mine.tokenizer, mine.ends, mine.name = model.tokenizer, model.ends, model.name
    mine.requires_grad_(False)
    for part in (*mine.blocks[-TRAINED:], mine.final_norm):
        part.requires_grad_(True)
    return mine


def trained(model) -> list[nn.Parameter]:
    """The weights that learn."""
    return [p for p in model.parameters() if p.requires_grad]


@torch.no_grad()
def sample(model, prompt: list[int], count: int, length: int, random: torch.Generator) -> Texts:
    """`count` continuations of up to `length` tokens, drawn from the model's own probabilities."""
    ids, ends = torch.tensor(prompt).repeat(count, 1), torch.tensor(sorted(ends_of(model)))
    cache, new, masks = model.new_cache(count, len(prompt) + length), ids, []
    going = torch.ones(count, dtype=torch.bool)
    for _ in range(length):
        read = new.to(model.device)
        logits = model(read, model.context(read, cache=cache, last=True))[:, -1].cpu()
        if not logits.isfinite().all():
            raise Diverged("the policy's scores are no finite numbers: the learning rate is too large here")
        new = torch.multinomial(logits.softmax(-1), 1, generator=random)
        ids = torch.cat([ids, new], 1)
        masks.append(going)
        going = going & ~torch.isin(new[:, 0], ends)
    return Texts(ids, len(prompt), torch.stack(masks, 1))


def log_probabilities(model, texts: Texts) -> Tensor:
    """Of every entry of the vocabulary in the place of each token of the continuations [B, N, V]."""
    stream = model.stream(texts.ids[:, :-1].to(model.device))[:, texts.start - 1 :]
    return model.unembed(stream).log_softmax(-1)


def of_tokens(log_probabilities: Tensor, texts: Texts) -> Tensor:
    """Those of the tokens that were written [B, N]; 0 after the end of a text."""
    written = texts.written[..., None].to(log_probabilities.device)
    return log_probabilities.gather(-1, written)[..., 0].cpu() * texts.mask


def kl(policy: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """How far two distributions are apart at each token of each text, summed over its tokens, in nats [B].

    policy, reference [B, N, V] are log-probabilities. Averaged over texts that the policy wrote, this estimates
    the KL divergence of whole texts with less noise than their log-ratio does, and it is never negative.
    """
    each = (policy.exp() * (policy - reference)).sum(-1)  # [B, N]
    return (each.cpu() * mask).sum(-1)


def strings(model, texts: Texts) -> list[str]:
    """The continuations as text, without what ends them."""
    ends = ends_of(model)
    rows = zip(texts.written.tolist(), texts.mask.tolist(), strict=True)
    return [
        model.tokenizer.decode([id for id, there in zip(*row, strict=True) if there and id not in ends])
        for row in rows
    ]


def batches(texts: Texts, size: int) -> Iterator[Texts]:
    """In pieces of at most so many texts."""
    return (texts[i : i + size] for i in range(0, len(texts), size))
