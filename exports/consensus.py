"""From the labels of a pair to one soft label: pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CHOICE_VALUE = {"first": 1.0, "second": 0.0, "equal": 0.5}


@dataclass(frozen=True, slots=True)
class Vote:
    """One effective label. `p_first` is a judge's probability, None for a plain choice."""

    kind: Literal["human", "judge"]
    choice: str
    p_first: float | None = None


@dataclass(frozen=True, slots=True)
class Consensus:
    """What the raters say together; `p_first` in [0, 1]."""

    p_first: float
    n_human: int
    n_judge: int


def consensus(votes: Sequence[Vote], *, tie_band: float, min_labels: int) -> Consensus | str:
    """The raters' mean, or the reason why the pair gives no row.

    Humans, where there are any, speak alone; judges speak where no human did. A choice counts 1
    (first), 0 (second) or ½ (equal); a judge's probability counts as itself. `both_bad` says that
    neither answer is fit to be chosen: a pair in which at least half of the votes say so is
    dropped, and the others are averaged without them.

    Returns:
        A Consensus, or one of no_label, too_few_labels, both_bad, tie.
    """
    humans = [vote for vote in votes if vote.kind == "human"]
    speaking = humans or list(votes)
    if not speaking:
        return "no_label"
    if len(speaking) < min_labels:
        return "too_few_labels"
    preferring = [vote for vote in speaking if vote.choice != "both_bad"]
    if 2 * len(preferring) <= len(speaking):
        return "both_bad"
    values = [
        CHOICE_VALUE[vote.choice] if vote.p_first is None else vote.p_first for vote in preferring
    ]
    p_first = math.fsum(values) / len(values)
    if abs(p_first - 0.5) <= tie_band:
        return "tie"
    n_human = len(humans)
    return Consensus(p_first=p_first, n_human=n_human, n_judge=len(votes) - n_human)


def soft_label(
    distribution: Sequence[float], n_human: int, n_judge: int, *, tie_band: float
) -> Consensus | str:
    """A distribution over (first, second, equal, both_bad) as one soft label.

    p_first = (P(first) + ½ P(equal)) / (1 − P(both_bad)).

    Returns:
        A Consensus, or one of both_bad (at least ½ of the probability), tie.
    """
    first, _, equal, both_bad = distribution
    if both_bad >= 0.5:
        return "both_bad"
    p_first = (first + 0.5 * equal) / (1.0 - both_bad)
    if abs(p_first - 0.5) <= tie_band:
        return "tie"
    return Consensus(p_first=p_first, n_human=n_human, n_judge=n_judge)
