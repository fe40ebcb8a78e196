"""Which kind of task a rater gets next, and which completion stands on the left.

Pure functions of what is known and of a number drawn elsewhere: the same draw gives the same task.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

RECALIBRATION_RATE = 0.5
"""Share of the stream while a week's recalibration is due: it is over soon, and does not show."""

BIASED_COIN = 2 / 3
"""How often a side is given to the one that is behind."""


class Kind(StrEnum):
    """What to look for. Overlap slots wait in the queue of production."""

    CALIBRATION = "calibration"
    GOLD = "gold"
    REPEAT = "repeat"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Shares:
    """Long-run shares of the stream, each in [0, 1], together at most 1."""

    gold: float
    repeat: float

    def __post_init__(self) -> None:
        if not (self.gold >= 0 and self.repeat >= 0 and self.gold + self.repeat <= 1 + 1e-9):
            raise ValueError(
                f"gold {self.gold:g} and repeat {self.repeat:g} must be shares of one stream."
            )


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a rater stands. `recalibration_left` counts the gold pairs still due this week."""

    certified: bool
    recalibration_left: int = 0
    repeat_due: bool = False


def kinds_to_try(situation: Situation, shares: Shares, draw: float) -> tuple[Kind, ...]:
    """What to look for, in this order, until something is found.

    A rater without certificate gets calibration and nothing else. Otherwise the draw in [0, 1)
    falls into recalibration (RECALIBRATION_RATE of the stream while it is due), and what is left of
    the stream is split by `shares`. Where no gold or repeat is at hand, production takes the
    task; where production has run dry, a repeat that is due comes early. Gold is never served in
    place of production: that would use up the bank.

    Raises ValueError for a draw outside [0, 1).
    """
    if not 0 <= draw < 1:
        raise ValueError(f"The draw is {draw}; it must be in [0, 1).")
    if not situation.certified:
        return (Kind.CALIBRATION,)
    rest = (Kind.PRODUCTION, *([Kind.REPEAT] if situation.repeat_due else []))
    if situation.recalibration_left > 0:
        if draw < RECALIBRATION_RATE:
            return (Kind.CALIBRATION, *rest)
        draw = (draw - RECALIBRATION_RATE) / (1 - RECALIBRATION_RATE)
    if draw < shares.gold:
        return (Kind.GOLD, *rest)
    if situation.repeat_due and draw < shares.gold + shares.repeat:
        return (Kind.REPEAT, Kind.PRODUCTION)
    return rest


def first_stands_left(pair_balance: int, rater_balance: int, draw: float) -> bool:
    """Whether the pair's first completion stands on the left.

    `pair_balance` and `rater_balance` are how often first stood on the left minus how often it did
    not, among the pair's slots and among the rater's. A pair out of balance is put right at once;
    else the side that is behind for the rater is drawn with probability BIASED_COIN, so that
    neither can be foreseen.

    Source: Efron (1971), Forcing a sequential experiment to be balanced, Biometrika 58, 403-417.
    """
    if pair_balance:
        return pair_balance < 0
    if not rater_balance:
        return draw < 0.5
    return draw < (BIASED_COIN if rater_balance < 0 else 1 - BIASED_COIN)
