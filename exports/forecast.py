"""What a split will be, told before anything is frozen, and whether its held-out part is enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from exports.spec import SplitSpec
from exports.splits import SPLITS, split_of
from figures.words import FEW
from jobs.commands import Outcome

HELD_OUT = ("validation", "test")
SHARES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
"""Held-out shares that are offered, the least that does first."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Rows by split, why the held-out figures would mean little (empty where they would not), and
    the least share of validation that would do, None where none would or none is needed."""

    rows: Mapping[str, int]
    warning: str
    larger: float | None = None

    @property
    def said(self) -> str:
        """The split in words."""
        return ", ".join(f"{self.rows[split]:,} {split}" for split in SPLITS)


def forecast_of(prompts: Iterable[str], spec: SplitSpec) -> Forecast:
    """The split of rows with these prompts (their sha256, one a row)."""
    by_prompt = Counter(prompts)
    rows = _split(by_prompt, spec.seed, spec.validation, spec.test)
    warning = too_small(rows, spec.validation, spec.test)
    return Forecast(rows, warning, _larger(by_prompt, spec) if warning else None)


def too_small(rows: Mapping[str, int], validation: float = 1.0, test: float = 1.0) -> str:
    """Why the figures of the held-out rows mean little; empty where each split that is wanted has
    FEW or more."""
    wanted = {"validation": validation, "test": test}
    small = [f"{rows[split]:,} {split}" for split in HELD_OUT if wanted[split]]
    if not small:
        return "No rows are held out, so there will be no held-out figures."
    if all(rows[split] >= FEW for split in HELD_OUT if wanted[split]):
        return ""
    held = " and ".join(small)
    return f"{held} rows are held out: figures based on fewer than {FEW} rows mean little."


def _split(by_prompt: Counter[str], seed: int, validation: float, test: float) -> dict[str, int]:
    rows: dict[str, int] = dict.fromkeys(SPLITS, 0)
    for prompt, count in by_prompt.items():
        rows[split_of(prompt, seed=seed, validation=validation, test=test)] += count
    return rows


def _larger(by_prompt: Counter[str], spec: SplitSpec) -> float | None:
    """The least share of validation, without a test split, that holds FEW rows or more out and
    leaves more to train on."""
    for share in SHARES:
        rows = _split(by_prompt, spec.seed, share, 0.0)
        if share > spec.validation and FEW <= rows["validation"] < rows["train"]:
            return share
    return None


def warning_of(manifest: Mapping[str, Any]) -> str:
    """The same of a version that is frozen, by its manifest."""
    filters = manifest.get("filters", {})
    splits = manifest.get("splits", {})
    rows: dict[str, int] = {split: splits.get(split, {}).get("rows", 0) for split in SPLITS}
    return too_small(rows, filters.get("validation", 1.0), filters.get("test", 1.0))


def warning_line(manifest: Mapping[str, Any]) -> str:
    """The warning as a line of its own, nothing where there is none."""
    warning = warning_of(manifest)
    return f"\nWarning: {warning}" if warning else ""


def forecast_outcome(found: Forecast) -> Outcome:
    """What a command says that only looks."""
    lines = [f"Nothing was frozen. The split would be {found.said}."]
    if found.warning:
        lines.append(f"Warning: {found.warning}")
        lines.append(
            "No share would hold out enough rows: label more pairs."
            if found.larger is None
            else f"This would be enough: --validation {found.larger:g} --test 0"
        )
    return Outcome(
        data={"rows": dict(found.rows), "warning": found.warning, "larger_share": found.larger},
        summary="\n".join(lines),
    )
