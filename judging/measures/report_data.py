"""What a judge said and what humans said of the same pairs, as columns."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotation.consensus.selectors import CHOICES, consensus_of
from annotation.models import Choice, Label
from corpus.conversations import characters
from corpus.models import ModelVersion, Pair
from corpus.strata import length_stratum
from judging.measures.formatting import formatting_marks
from judging.models import JudgeConfig, Verdict

Floats = NDArray[np.float64]

HUMAN = {Choice.FIRST.value: 1.0, Choice.SECOND.value: -1.0}
PAIRS_AT_ONCE = 2_000
STRATA = ("domain", "difficulty", "source", "language", "length")


@dataclass(frozen=True, slots=True)
class Said:
    """One row a pair that the judge labelled: (n,) columns; NaN where there is no probability.

    `human` is what humans say by their majority, None where they are divided or silent; `worth`
    is 1 for first, −1 for second, 0 otherwise.
    """

    pair: NDArray[np.int64]
    choice: list[str]
    p_first: Floats
    human: list[str | None]
    worth: Floats


@dataclass(frozen=True, slots=True)
class Texts:
    """Of the pairs, in their order: (n,) columns. `own` is 1 where first is of the judge's own
    family of models and second is not, −1 the other way round, 0 otherwise."""

    length_first: Floats
    length_second: Floats
    marks_first: Floats
    marks_second: Floats
    own: Floats
    strata: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Readings:
    """Readable verdicts in both orders, one row a pair and principle: (n,) columns of `p_first`;
    `principle` is 0 where there is none."""

    pair: NDArray[np.int64]
    principle: NDArray[np.int64]
    p_ab: Floats
    p_ba: Floats


def said_by(config: JudgeConfig) -> Said:
    """The judge's labels beside the humans' majority."""
    rows = list(
        Label.objects.effective()
        .filter(rater=config.rater_id)
        .exclude(kind=Label.Kind.REPEAT)
        .order_by("pair_id", "pk")
        .values_list("pair_id", "choice", "p_first")
    )
    humans = human_majority(config)
    human = [humans.get(row[0]) for row in rows]
    return Said(
        np.array([row[0] for row in rows], dtype=np.int64),
        [row[1] for row in rows],
        np.array([np.nan if row[2] is None else row[2] for row in rows], dtype=np.float64),
        human,
        np.array([HUMAN.get(one or "", 0.0) for one in human], dtype=np.float64),
    )


def human_majority(config: JudgeConfig) -> dict[int, str]:
    """What humans say of each pair by their majority; pairs they are evenly divided on left out."""
    found = consensus_of(config.project, "majority", "human")
    return {
        int(pair): CHOICES[int(choice)]
        for pair, choice, row in zip(found.pairs, found.choice, found.distribution, strict=True)
        if np.count_nonzero(row == row.max()) == 1
    }


def both_orders(config: JudgeConfig) -> Readings:
    """Of several verdicts on the same question the newest counts; samples are averaged."""
    newest: dict[tuple[int, int | None, int, str], float] = {}
    rows = config.verdicts.filter(status=Verdict.Status.OK).order_by("pk")
    for pair, asked_by, sample, order, p_first in rows.values_list(
        "pair_id", "principle_id", "sample", "order", "p_first"
    ).iterator(10_000):
        if p_first is not None:
            newest[pair, asked_by, sample, order] = p_first
    sums: dict[tuple[int, int], dict[str, list[float]]] = defaultdict(lambda: {"ab": [], "ba": []})
    for (pair, principle, _, order), p_first in newest.items():
        sums[pair, principle or 0][order].append(p_first)
    kept = [
        (pair, principle, np.mean(orders["ab"]), np.mean(orders["ba"]))
        for (pair, principle), orders in sums.items()
        if orders["ab"] and orders["ba"]
    ]
    columns = list(zip(*kept, strict=True)) or [(), (), (), ()]
    return Readings(
        np.array(columns[0], dtype=np.int64),
        np.array(columns[1], dtype=np.int64),
        np.array(columns[2], dtype=np.float64),
        np.array(columns[3], dtype=np.float64),
    )


def by_pair(readings: Readings, weights: dict[int, float] | None = None) -> Readings:
    """One row a pair: the mean over its principles, by weight where one is given."""
    if not len(readings.pair):
        return readings
    pairs, place = np.unique(readings.pair, return_inverse=True)
    weight = np.array(
        [1.0 if weights is None else weights.get(int(one), 1.0) for one in readings.principle]
    )
    total = np.bincount(place, weight)
    return Readings(
        pairs,
        np.zeros(len(pairs), dtype=np.int64),
        np.bincount(place, weight * readings.p_ab) / total,
        np.bincount(place, weight * readings.p_ba) / total,
    )


def prompts_of(*pairs: NDArray[np.int64]) -> dict[int, int]:
    """The prompt of each of the pairs: pairs of one prompt are alike."""
    ids = sorted({int(one) for some in pairs for one in some})
    found: dict[int, int] = {}
    for start in range(0, len(ids), PAIRS_AT_ONCE):
        rows = Pair.objects.filter(pk__in=ids[start : start + PAIRS_AT_ONCE])
        found.update(rows.values_list("pk", "prompt_id"))
    return found


def texts_of(config: JudgeConfig, pairs: NDArray[np.int64]) -> Texts:
    """Lengths (characters, an empty one counting as one), formatting, authors and strata."""
    own = _own_family(config)
    found: dict[int, tuple[int, int, int, int, float, tuple[str, ...]]] = {}
    ids = pairs.tolist()
    for start in range(0, len(ids), PAIRS_AT_ONCE):
        rows = Pair.objects.filter(pk__in=ids[start : start + PAIRS_AT_ONCE])
        for pair in rows.select_related("prompt", "first", "second").iterator(PAIRS_AT_ONCE):
            first, second, prompt = pair.first, pair.second, pair.prompt
            asked = characters(prompt.messages)
            found[pair.pk] = (
                max(1, len(first.text)),
                max(1, len(second.text)),
                formatting_marks(first.text),
                formatting_marks(second.text),
                float(first.model_version_id in own) - float(second.model_version_id in own),
                (
                    prompt.domain,
                    prompt.difficulty,
                    prompt.source,
                    prompt.language,
                    length_stratum(asked),
                ),
            )
    numbers = np.array([found[pair][:5] for pair in ids], dtype=np.float64).reshape(-1, 5)
    return Texts(
        length_first=numbers[:, 0],
        length_second=numbers[:, 1],
        marks_first=numbers[:, 2],
        marks_second=numbers[:, 3],
        own=numbers[:, 4],
        strata={name: [found[pair][5][place] for pair in ids] for place, name in enumerate(STRATA)},
    )


def _own_family(config: JudgeConfig) -> set[int]:
    """The model versions that come of the same base as the judge's; none where it has no model."""
    if config.model_version is None:
        return set()
    parents = dict(
        ModelVersion.objects.filter(project=config.project_id).values_list("pk", "parent_id")
    )

    def root(model: int) -> int:
        while (parent := parents.get(model)) is not None:
            model = parent
        return model

    own = root(config.model_version.pk)
    return {model for model in parents if root(model) == own}
