"""What the database counts, against counting labels one by one in Python."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
import pytest

from annotation.agreement.counts import (
    Patterns,
    agreement_counts,
    counts_by_criterion,
    counts_by_stratum,
    counts_by_week,
    rater_week_counts,
    week_name,
)
from annotation.agreement.scale import CHOICES, place_of
from annotation.models import Choice, GoldPair, Label, Rater
from corpus.models import Project, Prompt
from tests.builders import make_gold, make_pair, make_project, make_rater

pytestmark = pytest.mark.django_db

SEEDS = range(6)
KEYS = ("honest", "helpful")
Unit = Hashable


def random_project(seed: int) -> Project:
    """Ten pairs and six raters; repeats, corrections, withdrawals, gold and a noisy neighbour."""
    rng = random.Random(seed)
    project, elsewhere = make_project(f"p{seed}"), make_project(f"q{seed}")
    for one in (elsewhere, project):
        raters = [make_rater(one, f"r{n}", "judge" if n < 2 else "human") for n in range(6)]
        rng.shuffle(raters)
        for number in range(10):
            pair = make_pair(one, number)
            Prompt.objects.filter(pk=pair.prompt_id).update(domain=rng.choice(["", "law", "code"]))
            labelling = rng.sample(raters, rng.choice([0, 1, 2, 2, 3, 6]))
            for rater in [*labelling, *rng.sample(labelling, len(labelling) // 3)]:
                label = add_label(rng, pair.pk, rater)
                if rng.random() < 0.2:
                    add_label(rng, pair.pk, rater, supersedes=label, withdrawn=rng.random() < 0.5)
            if rng.random() < 0.6:
                make_gold(pair, rng.choice(["", *CHOICES[:2]]), state="retired")
    return project


def add_label(
    rng: random.Random,
    pair: int,
    rater: Rater,
    *,
    supersedes: Label | None = None,
    withdrawn: bool = False,
) -> Label:
    said = {key: rng.choice([*CHOICES, "no choice", 3]) for key in KEYS if rng.random() < 0.7}
    return Label.objects.create(
        project=rater.project,
        pair_id=pair,
        rater=rater,
        choice=rng.choice(CHOICES),
        strength=rng.choice([None, 1, 2, 3]),
        criteria=said,
        supersedes=supersedes,
        withdrawn=withdrawn,
        # Around a New Year, where ISO weeks and calendar years part; some in the last second.
        created_at=datetime(2025, 12, 22, 0, 0, tzinfo=UTC)
        + timedelta(seconds=604_800 * rng.randrange(4) + rng.choice([0, 86_400, 604_799])),
    )


def counted_labels(
    project: Project, unit_of: Callable[[Label], Unit] = lambda label: label.pair_id
) -> dict[Unit, dict[Rater, Label]]:
    """Per unit, each rater's newest effective label."""
    units: dict[Unit, dict[Rater, Label]] = defaultdict(dict)
    labels = Label.objects.effective().filter(project=project).select_related("rater")
    for label in labels.order_by("id"):
        units[unit_of(label)][label.rater] = label
    return units


def place(label: Label) -> int:
    return place_of(label.choice, label.strength)


def patterns_of(units: list[dict[Rater, int]], *, kind: str = "") -> Counter[tuple[int, ...]]:
    found: Counter[tuple[int, ...]] = Counter()
    for chosen in units:
        places = [p for rater, p in chosen.items() if kind in ("", rater.kind)]
        if len(places) > 1:
            found[tuple(places.count(place) for place in range(8))] += 1
    return found


def as_counter(patterns: Patterns) -> Counter[tuple[int, ...]]:
    rows = zip(patterns.counts.tolist(), patterns.often.tolist(), strict=True)
    return Counter({tuple(counts): often for counts, often in rows})


def majority_slowly(chosen: dict[Rater, Label], rater: Rater) -> str | None:
    votes = Counter(
        label.choice for other, label in chosen.items() if other.kind == "human" and other != rater
    )
    return next((choice for choice, n in votes.items() if 2 * n > votes.total()), None)


def gold_slowly(project: Project) -> dict[int, str]:
    gold = GoldPair.objects.filter(project=project).exclude(choice="")
    return dict(gold.values_list("pair_id", "choice"))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_database_counts_what_counting_one_by_one_gives(seed: int) -> None:
    project = random_project(seed)
    counts = agreement_counts(project)
    units = counted_labels(project)
    effective = Counter(
        Label.objects.effective().filter(project=project).values_list("rater_id", flat=True)
    )
    assert [(r.kind, r.name) for r in counts.raters] == sorted(
        (r.kind, r.name) for r in Rater.objects.filter(pk__in=effective)
    )
    assert counts.labels.tolist() == [effective[rater.pk] for rater in counts.raters]

    gold, settled = np.zeros_like(counts.gold), gold_slowly(project)
    majority, place_in = np.zeros_like(counts.majority), {r: n for n, r in enumerate(counts.raters)}
    two: dict[tuple[int, int], list[list[int]]] = defaultdict(lambda: [[0] * 8 for _ in range(8)])
    for pair, chosen in units.items():
        for rater, label in chosen.items():
            own = CHOICES.index(label.choice)
            if isinstance(pair, int) and pair in settled:
                gold[place_in[rater], own, CHOICES.index(settled[pair])] += 1
            if (favourite := majority_slowly(chosen, rater)) is not None:
                majority[place_in[rater], own, CHOICES.index(favourite)] += 1
        for a, b in combinations(sorted(chosen, key=place_in.__getitem__), 2):
            two[place_in[a], place_in[b]][place(chosen[a])][place(chosen[b])] += 1
    assert gold.sum() > 0
    assert majority.sum() > 0
    assert counts.gold.tolist() == gold.tolist()
    assert counts.majority.tolist() == majority.tolist()
    twos = zip(counts.first_of_two.tolist(), counts.second_of_two.tolist(), strict=True)
    assert dict(zip(twos, counts.two.tolist(), strict=True)) == dict(two)

    places = [{rater: place(label) for rater, label in chosen.items()} for chosen in units.values()]
    assert as_counter(counts.everybody) == patterns_of(places)
    assert as_counter(counts.humans) == patterns_of(places, kind="human")
    assert as_counter(counts.judges) == patterns_of(places, kind="judge")
    assert patterns_of(places, kind="human") != patterns_of(places)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_domain_has_the_pairs_of_its_prompts(seed: int) -> None:
    project = random_project(seed)
    of_pair = dict(project.pairs.values_list("pk", "prompt__domain"))
    slowly: dict[str, list[dict[Rater, int]]] = defaultdict(list)
    for pair, chosen in counted_labels(project).items():
        assert isinstance(pair, int)
        slowly[of_pair[pair]].append({rater: place(label) for rater, label in chosen.items()})
    parts = {one.part: one for one in counts_by_stratum(project, "domain")}
    assert list(parts) == sorted(parts)
    met = {part: patterns_of(units) for part, units in slowly.items() if patterns_of(units)}
    assert {
        part: as_counter(one.everybody) for part, one in parts.items() if one.everybody.often.sum()
    } == met
    for part in met:
        assert as_counter(parts[part].humans) == patterns_of(slowly[part], kind="human")
        assert as_counter(parts[part].judges) == patterns_of(slowly[part], kind="judge")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pair_counts_in_the_iso_week_of_its_newest_label(seed: int) -> None:
    project = random_project(seed)
    slowly: dict[str, list[dict[Rater, int]]] = defaultdict(list)
    for chosen in counted_labels(project).values():
        newest = max(label.created_at for label in chosen.values())
        slowly[iso_week(newest)].append({rater: place(label) for rater, label in chosen.items()})
    found = {one.part: as_counter(one.everybody) for one in counts_by_week(project)}
    assert list(found) == sorted(found)
    assert {part: n for part, n in found.items() if n} == {
        week: patterns_of(units) for week, units in slowly.items() if patterns_of(units)
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_each_criterion_is_counted_by_itself_and_what_is_no_choice_is_left_out(seed: int) -> None:
    project = random_project(seed)
    found = {one.part: as_counter(one.everybody) for one in counts_by_criterion(project)}
    assert set(found) == set(KEYS)
    for key in KEYS:
        units: dict[int, dict[Rater, int]] = defaultdict(dict)
        labels = Label.objects.effective().filter(project=project).select_related("rater")
        for label in labels.order_by("id"):
            if label.criteria.get(key) in Choice.values:
                units[label.pair_id][label.rater] = place_of(label.criteria[key], None)
        assert found[key] == patterns_of(list(units.values()))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rater_has_a_table_for_each_week_of_their_own_labels(seed: int) -> None:
    project = random_project(seed)
    settled = gold_slowly(project)
    slowly: Counter[tuple[str, str, str, str, str]] = Counter()
    for pair, chosen in counted_labels(project).items():
        for rater, label in chosen.items():
            week = iso_week(label.created_at)
            if isinstance(pair, int) and pair in settled:
                slowly[rater.name, week, "gold", label.choice, settled[pair]] += 1
            if (favourite := majority_slowly(chosen, rater)) is not None:
                slowly[rater.name, week, "majority", label.choice, favourite] += 1
    found = {
        (row.rater.name, row.week, kind, CHOICES[own], CHOICES[other]): int(n)
        for row in rater_week_counts(project)
        for kind, table in (("gold", row.gold), ("majority", row.majority))
        for (own, other), n in np.ndenumerate(table)
        if n
    }
    assert found == dict(slowly)
    assert found


def iso_week(moment: datetime) -> str:
    year, week, _ = moment.astimezone(UTC).isocalendar()
    return f"{year}-W{week:02}"


def test_weeks_are_named_as_iso_names_them() -> None:
    # Thursday, 1 January 1970 is in week 1; 29 December 2025 begins 2026.
    assert week_name(0) == "1970-W01"
    monday = (datetime(2025, 12, 29, tzinfo=UTC) - datetime(1969, 12, 29, tzinfo=UTC)).days // 7
    assert week_name(monday) == "2026-W01"


def test_every_strength_of_every_choice_has_the_same_place_in_the_database() -> None:
    project = make_project()
    ann, ben = make_rater(project, "ann"), make_rater(project, "ben")
    said = [(choice, strength) for choice in CHOICES for strength in (None, 1, 2, 3)]
    for number, (choice, strength) in enumerate(said):
        pair = make_pair(project, number)
        for rater, stated in ((ann, ("equal", None)), (ben, (choice, strength))):
            Label.objects.create(
                project=project,
                pair=pair,
                rater=rater,
                choice=stated[0],
                strength=stated[1],
                created_at=datetime(2026, 1, 5, tzinfo=UTC),
            )
    (table,) = agreement_counts(project).two
    expected = Counter(place_of(choice, strength) for choice, strength in said)
    assert table.sum() == len(said)
    assert {place: n for place, n in enumerate(table[3].tolist()) if n} == dict(expected)


def test_a_project_without_labels_has_no_counts() -> None:
    project = make_project()
    counts = agreement_counts(project)
    assert counts.raters == []
    assert counts.two.shape == (0, 8, 8)
    assert counts.gold.shape == (0, 4, 4)
    assert counts.everybody.often.tolist() == []
    assert counts_by_week(project) == []
    assert counts_by_criterion(project) == []
    assert rater_week_counts(project) == []
