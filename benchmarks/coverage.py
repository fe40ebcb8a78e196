"""How often the 95 % intervals that pages show hold the truth, by kind, size and rate; one JSON
object.

    python -m benchmarks.coverage

For each row the least and the greatest coverage over the rates 0.03 to 0.97, beside Wilson's
interval over pairs that share prompts, which is what was shown before; of agreement over κ from 0
to 0.9, where an interval is given in a fiftieth of the data sets or more; of a judge's faults over
their sizes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from figures.intervals import LEAST_GROUPS, LEAST_UNITS, wilson
from figures.together import LEAST_SURE
from judging.measures.bias import LEAST_TO_REGRESS
from tests.figures.simulated import (
    JUDGES,
    RATES,
    REPEATS,
    clustered,
    covered,
    share_coverage,
    together_coverage,
)
from tests.figures.simulated_agreement import (
    KINDS,
    MANY,
    TWO,
    Coverage,
    many_coverage,
    scaled_coverage,
    two_coverage,
)
from tests.figures.simulated_judges import (
    bin_coverage,
    change_coverage,
    coefficient_coverage,
    kin_coverage,
)

AGREED_BY = (10, 20, 50, 100, 300)
MANY_REPEATS = 600
"""Of figures of any number of raters, and of a judge's, which take one data set at a time."""


def spread(found: dict[float, float]) -> dict[str, float]:
    return {"least": round(min(found.values()), 3), "greatest": round(max(found.values()), 3)}


def wilson_over_pairs(prompts: int, pairs: int, alike: float) -> dict[str, float]:
    """What Wilson's interval covers that takes pairs of one prompt for pairs of many."""
    rng = np.random.default_rng(7)
    found = {}
    for rate in RATES:
        drawn = clustered(rng, prompts, pairs, rate, alike)
        n = np.asarray(drawn.sizes.sum(axis=1))
        low, high = wilson(drawn.sums.sum(axis=1) / n, n)
        found[rate] = covered(low, high, rate)
    return spread(found)


def spread_of(found: dict[float, Coverage]) -> dict[str, float | None]:
    """As `spread`, of the truths for which intervals are given, and the least share of them."""
    held = [one.held for one in found.values() if one.given >= 0.02]
    return {
        "least": round(min(held), 3) if held else None,
        "greatest": round(max(held), 3) if held else None,
        "given": round(min(one.given for one in found.values()), 3),
    }


Row = Mapping[str, object]


def agreement_rows() -> list[Row]:
    two: list[Row] = [
        {"of": figure, "kind": kind, "n": n, **spread_of(two_coverage(figure, kind, n))}
        for figure in TWO
        for kind in KINDS
        for n in AGREED_BY
    ]
    scale: list[Row] = [
        {
            "of": f"κ, {figure}",
            "kind": "seven on a scale",
            "n": n,
            "off_by_a_step": off,
            **spread_of(scaled_coverage(figure, n, spread=off)),
        }
        for figure in ("quadratic", "linear")
        for n in (30, 50, 100, 300)
        for off in (0.0, 0.3)
    ]
    ordinal: list[Row] = [
        {
            "of": "α, ordinal",
            "kind": "seven on a scale",
            "n": n,
            **spread_of(scaled_coverage("α", n, spread=0.3, repeats=MANY_REPEATS)),
        }
        for n in (30, 50, 100)
    ]
    many: list[Row] = [
        {
            "of": figure,
            "kind": kind,
            "n": n,
            "judgements": judgements,
            **spread_of(many_coverage(figure, kind, n, judgements, repeats=MANY_REPEATS)),
        }
        for figure in MANY
        for kind in ("two even", "four", "four, one common")
        for n in (20, 50)
        for judgements in ((2,), (5,), (2, 3, 6))
    ]
    return [*two, *scale, *ordinal, *many]


def judge_rows() -> list[Row]:
    coefficients: list[Row] = [
        {
            "of": what,
            "pairs": n,
            "pairs_a_prompt": size,
            **spread(coefficient_coverage(what, n, size=size, pull=pull, repeats=MANY_REPEATS)),
        }
        for what in ("length", "formatting")
        for n, size, pull in ((LEAST_TO_REGRESS, 1, 0.0), (200, 1, 0.0), (160, 4, 0.7))
    ]
    kin: list[Row] = [
        {
            "of": "self-preference",
            "pairs": n,
            "pairs_a_prompt": size,
            **spread(kin_coverage(n, size=size, alike=alike)),
        }
        for n, size, alike in ((LEAST_UNITS, 1, 0.0), (100, 1, 0.0), (4 * LEAST_GROUPS, 4, 0.5))
    ]
    changes: list[Row] = [
        {
            "of": "change of agreement",
            "pairs": prompts * size,
            "pairs_a_prompt": size,
            **spread(change_coverage(prompts, size)),
        }
        for prompts, size in ((LEAST_UNITS, 1), (LEAST_GROUPS, 4), (100, 2))
    ]
    bins: list[Row] = [
        {"of": "a bin's outcome", "pairs": n, "pairs_a_prompt": 1, **spread(bin_coverage(n))}
        for n in (LEAST_UNITS, 100)
    ]
    return [*coefficients, *kin, *changes, *bins]


def main() -> None:
    shares = [
        {"pairs": n, "prompts": n, "alike": 0.0, **spread(share_coverage(n, 1, 0.0))}
        for n in (LEAST_UNITS, 50, 100, 300)
    ]
    shared = [
        {
            "prompts": prompts,
            "pairs_a_prompt": pairs,
            "alike": alike,
            **spread(share_coverage(prompts, pairs, alike)),
            "wilson_over_pairs": wilson_over_pairs(prompts, pairs, alike),
        }
        for prompts in (LEAST_GROUPS, 100)
        for pairs, alike in ((4, 0.1), (4, 0.5), (28, 0.1), (28, 0.5))
    ]
    joint = [
        {
            "judge": kind,
            "both": n,
            "judge_alone": 1_000,
            **spread(together_coverage(kind, n, 1_000)),
        }
        for kind in JUDGES
        for n in (LEAST_SURE, 100, 300)
    ]
    found = {
        "data_sets": REPEATS,
        "share": shares,
        "share_of_prompts": shared,
        "together": joint,
        "agreement": agreement_rows(),
        "judges": judge_rows(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
