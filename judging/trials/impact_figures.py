"""What a draft would change, in figures: pure functions of probabilities and humans' choices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scipy.stats import binomtest

from annotation.agreement import cohen_kappa
from figures.intervals import share_of
from judging.asking.arithmetic import Outcome, Reading, combine, outcome

CATEGORIES: tuple[Outcome, ...] = ("first", "second", "equal")
"""Both bad is no preference either: among judges there is no such answer."""

MOST_FLIPS = 500


@dataclass(frozen=True, slots=True)
class Principle:
    """A principle as a judge sees it: `key` names its comparison text."""

    name: str
    key: str
    weight: float


@dataclass(frozen=True, slots=True)
class Judged:
    """One pair of the audit set: what humans chose, and the readings by comparison text; `prompt`
    is its own where it is not said."""

    pair: int
    human: str
    strata: Mapping[str, str]
    readings: Mapping[str, Sequence[Reading]]
    prompt: int | None = None

    @property
    def group(self) -> tuple[str, int]:
        """What pairs of one prompt have in common."""
        return ("pair", self.pair) if self.prompt is None else ("prompt", self.prompt)


@dataclass(frozen=True, slots=True)
class Change:
    """A difference of two shares over the same pairs, with its 95 % interval, None where
    they are too few for one.

    `p_value` is McNemar's, exact: of a difference so large where there is none.
    """

    value: float
    low: float | None
    high: float | None
    p_value: float
    n: int
    reason: str = ""


def p_first_by(judged: Judged, principles: Sequence[Principle]) -> float | None:
    """The probability that first is preferred, over the principles with their weights; None where
    a principle has no readable verdict in both orders."""
    readings: list[Reading] = []
    for one in principles:
        there = judged.readings.get(one.key, ())
        if {reading.order for reading in there} != {"ab", "ba"}:
            return None
        readings += [Reading(r.order, r.p_first, one.weight) for r in there]
    return combine(readings)


def human_outcome(choice: str) -> Outcome:
    """A human's choice among a judge's categories."""
    if choice == "first":
        return "first"
    return "second" if choice == "second" else "equal"


Said = tuple[Judged, Outcome]


def agreement(pairs: Iterable[Said]) -> dict[str, Any]:
    """Raw agreement with humans, its interval over prompts, and Cohen's κ."""
    table = [[0] * len(CATEGORIES) for _ in CATEGORIES]
    same, groups = [], []
    for one, judge in pairs:
        human = human_outcome(one.human)
        table[CATEGORIES.index(human)][CATEGORIES.index(judge)] += 1
        same.append(human == judge)
        groups.append(one.group)
    return {
        "agreement": share_of(same, groups).as_json(),
        "kappa": cohen_kappa(table).as_json(),
    }


def paired_change(
    before: Sequence[bool], after: Sequence[bool], groups: Sequence[Any] | None = None
) -> Change:
    """The change of a share over the same pairs: whether each was right `before` and is `after`.

    Source: McNemar's exact test, as in Agresti 2013, "Categorical Data Analysis", §11.1; the
    interval is that of `figures.intervals.share_of`, clustered by `groups`.

    Raises:
        ValueError: no pairs, or numbers that differ.
    """
    if not before or len(before) != len(after):
        raise ValueError(f"got {len(before)} pairs before and {len(after)} after")
    moved = [int(now) - int(then) for then, now in zip(before, after, strict=True)]
    gained, lost = moved.count(1), moved.count(-1)
    p_value = 1.0 if gained + lost == 0 else float(binomtest(gained, gained + lost).pvalue)
    found = share_of(moved, groups, ends=(-1.0, 1.0))
    return Change(
        (gained - lost) / len(moved), found.low, found.high, p_value, len(moved), found.reason
    )


def figures(
    judged: Sequence[Judged],
    draft: Sequence[Principle],
    base: Sequence[Principle],
    *,
    tie_band: float,
) -> dict[str, Any]:
    """All that the page of an impact run shows; `base` empty where no version is replaced.

    Only pairs that both versions have a readable judgement on are compared; `unreadable` counts
    the others.
    """
    rows = []
    for one in judged:
        after = p_first_by(one, draft)
        before = p_first_by(one, base) if base else None
        if after is not None and (before is not None or not base):
            rows.append((one, before, after))
    said = [
        (
            one,
            None if before is None else outcome(before, tie_band=tie_band),
            outcome(after, tie_band=tie_band),
        )
        for one, before, after in rows
    ]
    found: dict[str, Any] = {
        "n": len(rows),
        "unreadable": len(judged) - len(rows),
        "after": agreement((one, after) for one, _, after in said),
        "before": None,
        "change": None,
        "flips": [],
        "flipped": 0,
        "principles": _principles(judged, draft, base, tie_band),
        "strata": _strata(said),
    }
    if base and rows:
        found["before"] = agreement((one, before) for one, before, _ in said if before is not None)
        right = [
            (before == human_outcome(one.human), after == human_outcome(one.human))
            for one, before, after in said
        ]
        found["change"] = asdict(
            paired_change(
                [then for then, _ in right],
                [now for _, now in right],
                [one.group for one, _, _ in said],
            )
        )
        flips = sorted(
            (
                (-abs(p_after - 0.5), one.pair, one, before, after, p_before, p_after)
                for (one, before, after), (_, p_before, p_after) in zip(said, rows, strict=True)
                if before != after
            ),
            key=lambda flip: flip[:2],
        )
        found["flipped"] = len(flips)
        found["flips"] = [
            {
                "pair": one.pair,
                "human": one.human,
                "before": before,
                "after": after,
                "p_before": p_before,
                "p_after": p_after,
            }
            for _, _, one, before, after, p_before, p_after in flips[:MOST_FLIPS]
        ]
    return found


def _principles(
    judged: Sequence[Judged],
    draft: Sequence[Principle],
    base: Sequence[Principle],
    tie_band: float,
) -> list[dict[str, Any]]:
    """Each principle alone against humans, in the draft and in the version before."""
    old, new = ({one.name: one for one in side} for side in (base, draft))
    rows = []
    for name in [*new, *(name for name in old if name not in new)]:
        row: dict[str, Any] = {"name": name, "status": _status(old.get(name), new.get(name))}
        for side, one in (("before", old.get(name)), ("after", new.get(name))):
            row[side] = None if one is None else _alone(judged, one, tie_band)
        rows.append(row)
    return rows


def _status(old: Principle | None, new: Principle | None) -> str:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if old.key != new.key:
        return "changed"
    return "same" if old.weight == new.weight else "weight"


def _alone(judged: Sequence[Judged], principle: Principle, tie_band: float) -> dict[str, Any]:
    pairs = []
    for one in judged:
        p_first = p_first_by(one, [principle])
        if p_first is not None:
            pairs.append((one, outcome(p_first, tie_band=tie_band)))
    return agreement(pairs)


def _strata(
    said: Sequence[tuple[Judged, Outcome | None, Outcome]],
) -> list[dict[str, Any]]:
    """Agreement by stratum, before and after, of each dimension that has more than one."""
    rows = []
    dimensions = sorted({name for one, _, _ in said for name in one.strata})
    for dimension in dimensions:
        values = sorted({one.strata.get(dimension, "") for one, _, _ in said} - {""})
        if len(values) < 2:
            continue
        for value in values:
            there = [row for row in said if row[0].strata.get(dimension) == value]
            before = [(one, then) for one, then, _ in there if then]
            rows.append(
                {
                    "dimension": dimension,
                    "stratum": value,
                    "before": agreement(before) if before else None,
                    "after": agreement((one, now) for one, _, now in there),
                }
            )
    return rows
