"""A search as a tree: the prompt is its root, every node a token, every edge weighs −ln of its probability."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A token that a search has looked at.

    parent  the index of the node before it; None: the prompt
    id      the token
    cost    −ln of its probability after what is before it, in nats
    total   the sum of the costs from the prompt to here: −ln of the probability of all these tokens
    step    how many tokens after the prompt, this one included
    fate    kept (the search went on from here), pruned (it did not), finished (a text ends here)
    """

    parent: int | None
    id: int
    cost: float
    total: float
    step: int
    fate: str = "kept"


def path(nodes: list[Node], leaf: int | None) -> list[int]:
    """The tokens from the prompt to a node, its own included; none for None, the prompt."""
    ids: list[int] = []
    while leaf is not None:
        ids.append(nodes[leaf].id)
        leaf = nodes[leaf].parent
    return ids[::-1]
