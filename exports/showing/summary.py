"""A dataset version in sentences and bars, from its manifest. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from exports.models import DatasetVersion
from exports.splits import SPLITS
from exports.words import reason_words
from figures.words import percent_beside

PREFERENCE = DatasetVersion.Kind.PREFERENCE
VALUES_SHOWN = 8
"""Values of a stratum that have a bar; a corpus may have thousands of sources."""

SPLIT_WORDS = {"train": "training", "validation": "validation", "test": "testing"}
ROLE_WORDS = {
    "revision": "{} the model's own revisions",
    "initial": "{} first answers in which nothing was found",
    "helpful": "{} helpful responses mixed in",
}


class Bar(NamedTuple):
    """Rows of one kind, their share in [0, 1] of all, and what is wrong with it, if anything."""

    name: str
    rows: int
    share: float
    fault: str = ""

    @property
    def said(self) -> str:
        """The share in words: few are never none, and most never all."""
        return percent_beside(self.share, round(self.share))


class Part(NamedTuple):
    """One piece of a bar 100 wide."""

    key: str
    name: str
    rows: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Stratum:
    """How the rows divide by one dimension; `more` values beyond those that have a bar."""

    name: str
    bars: list[Bar]
    more: int


def headline(kind: str, manifest: Mapping[str, Any]) -> str:
    """What it is, in one sentence."""
    rows = sum(rows_of(manifest).values())
    if kind != PREFERENCE:
        roles = manifest.get("strata", {}).get("role", {})
        said = [words.format(f"{roles[role]:,}") for role, words in ROLE_WORDS.items()
                if roles.get(role)]  # fmt: skip
        return f"{_counted(rows, 'prompt')}, each with an answer{_listed(said, ': ')}."
    labels = manifest.get("labels", {})
    kinds = Counter(one["kind"] for one in labels.get("raters", []))
    whose = [
        _counted(kinds[kind], one, many)
        for kind, one, many in (("human", "person", "people"), ("judge", "AI judge", "AI judges"))
        if kinds[kind]
    ]
    by = _listed(whose, " by ")
    from_labels = f", from {_counted(labels['count'], 'label')}{by}" if labels else ""
    return f"{_counted(rows, 'pair')} with a preferred answer{from_labels}."


def split_said(kind: str, manifest: Mapping[str, Any]) -> str:
    """How it is split and what was left out."""
    rows = rows_of(manifest)
    used = [split for split in SPLITS if rows[split]]
    parts = [f"{rows[split]:,} for {SPLIT_WORDS[split]}" for split in used]
    if not used:
        said = ""
    elif used == ["train"]:
        said = "All are for training; nothing is held out."
    else:
        parts[0] = parts[0].replace(" for", " is for" if rows[used[0]] == 1 else " are for")
        said = f"{_listed(parts)}; no prompt is in two splits."
    dropped = manifest.get("dropped", {})
    if not dropped:
        return f"{said} Nothing was left out.".strip()
    of = "pair" if kind == PREFERENCE else "chain"
    most = max(dropped, key=lambda why: dropped[why])
    left = _counted(sum(dropped.values()), f"other {of}")
    were = "was" if sum(dropped.values()) == 1 else "were"
    why = reason_words(most)
    reason = f"most often: {why}" if len(dropped) > 1 else why
    return f"{said} {left} {were} left out ({reason}).".strip()


def rows_of(manifest: Mapping[str, Any]) -> dict[str, int]:
    """Rows by split; 0 of those that a manifest does not name."""
    splits = manifest.get("splits", {})
    return {split: splits.get(split, {}).get("rows", 0) for split in SPLITS}


def outcome(manifest: Mapping[str, Any]) -> list[Part]:
    """All that was looked at as one bar: the splits, then what was left out; empty of nothing."""
    rows = rows_of(manifest)
    parts: list[tuple[str, str, int]] = [(one, one, rows[one]) for one in SPLITS if rows[one]]
    if dropped := sum(manifest.get("dropped", {}).values()):
        parts.append(("left", "left out", dropped))
    return in_a_row(parts)


def in_a_row(parts: list[tuple[str, str, int]]) -> list[Part]:
    """Parts (key, name, rows) side by side in a bar 100 wide."""
    total = sum(rows for _, _, rows in parts)
    drawn: list[Part] = []
    start = 0.0
    for key, name, rows in parts:
        width = 100 * rows / total
        drawn.append(Part(key, name, rows, round(start, 3), round(width, 3)))
        start += width
    return drawn


def left_out(manifest: Mapping[str, Any]) -> list[Bar]:
    """Why what was left out was, the commonest first."""
    dropped = Counter(manifest.get("dropped", {}))
    total = dropped.total()
    return [
        Bar(reason_words(why), count, count / total)
        for why, count in dropped.most_common()
        if count
    ]


def strata(manifest: Mapping[str, Any]) -> tuple[list[Stratum], str]:
    """The dimensions that divide the rows, and in a sentence or two those that do not."""
    faults = {
        (one["dimension"], one["stratum"]): one["fault"]
        for one in manifest.get("strata_findings", [])
    }
    divided: list[Stratum] = []
    alike: list[str] = []
    unknown: list[str] = []
    for name, values in manifest.get("strata", {}).items():
        ranked = Counter({value or "not specified": rows for value, rows in values.items()})
        if len(ranked) == 1:
            given = next(iter(values))
            (alike if given else unknown).append(f"{name} {given}".strip())
        if len(ranked) < 2:
            continue
        total = ranked.total()
        bars = [
            Bar(value, rows, rows / total, faults.get((name, value), ""))
            for value, rows in ranked.most_common(VALUES_SHOWN)
        ]
        divided.append(Stratum(name, bars, len(ranked) - len(bars)))
    said = [f"The same for all: {_listed(alike)}."] if alike else []
    if unknown:
        said.append(f"Not given: {_listed(unknown)}.")
    return divided, " ".join(said)


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _listed(parts: list[str], lead: str = "") -> str:
    """Parts as a list in words, with its lead; nothing of none."""
    if not parts:
        return ""
    *rest, last = parts
    return lead + (f"{', '.join(rest)} and {last}" if rest else last)
