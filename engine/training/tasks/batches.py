"""Examples as rows of ids, with the letters that are asked for."""

from dataclasses import dataclass

import torch
from torch import Tensor

IGNORED = -100  # cross-entropy's mark for a place that is not asked
END, GIVEN = ".", "="  # closes an answer; stands between a question and its answer
PADDING = "_"


@dataclass(frozen=True)
class Batch:
    """ids [B, T] and, for each place, the id that is asked there [B, T] (or IGNORED); the texts beside it."""

    ids: Tensor
    asked: Tensor
    questions: tuple[str, ...]
    answers: tuple[str, ...]

    def to(self, device: torch.device) -> "Batch":
        """The same on another device."""
        return Batch(self.ids.to(device), self.asked.to(device), self.questions, self.answers)

    def first(self, many: int) -> "Batch":
        """Its first examples."""
        return Batch(self.ids[:many], self.asked[:many], self.questions[:many], self.answers[:many])


def batch_of(letters: str, context: int, causal: bool, drawn: list[tuple[str, str]]) -> Batch:
    """Examples as a batch, padded on the right."""
    place = {letter: at for at, letter in enumerate(letters)}
    ids, asked = [], []
    for question, answer in drawn:
        if causal:
            text = [place[letter] for letter in question + GIVEN + answer + END]
            ids.append(_padded(text[:-1], context, 0))
            asked.append(_padded([IGNORED] * len(question) + text[len(question) + 1 :], context, IGNORED))
        else:
            ids.append(_padded([place[letter] for letter in question], context, 0))
            asked.append(_padded([place[letter] for letter in answer], context, IGNORED))
    questions, answers = zip(*drawn, strict=True)
    return Batch(torch.tensor(ids), torch.tensor(asked), questions, answers)


def _padded(row: list[int], length: int, filler: int) -> list[int]:
    return row + [filler] * (length - len(row))
