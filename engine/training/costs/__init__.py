"""What a training costs: bytes, operations, and what the loss is for it.

    from engine.training.costs import Plan, SHAPES, memory_of
    memory_of(SHAPES["GPT-3"], Plan(texts=8, mixed=True, stage=3, devices=64)).total

shapes.py   the models of the lectures, and those that come with the project
memory.py   bytes on each device, by formula, and what each way to save them costs
measure.py  what torch really keeps, of a small model
flops.py    operations of a whole training, and days of a device
fit.py      a straight line on log axes, and how far its slope can be trusted
runs.py     the trainings of the shipped models, from their folders; small ones of any size, as a job
"""

from engine.training.costs.memory import Memory, Plan, memory_of
from engine.training.costs.shapes import SHAPES

__all__ = ["SHAPES", "Memory", "Plan", "memory_of"]
