"""How often the 95 % intervals that pages show hold the truth, by kind, size and rate; one JSON
object.

    python -m benchmarks.coverage

For each row the least and the greatest coverage over the rates 0.03 to 0.97, beside Wilson's
interval over pairs that share prompts, which is what was shown before.
"""

from __future__ import annotations

import json

import numpy as np

from figures.intervals import LEAST_GROUPS, LEAST_UNITS, wilson
from figures.together import LEAST_SURE
from tests.figures.simulated import (
    JUDGES,
    RATES,
    REPEATS,
    clustered,
    covered,
    share_coverage,
    together_coverage,
)


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
    found = {"data_sets": REPEATS, "share": shares, "share_of_prompts": shared, "together": joint}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
