"""Freezing by another consensus than the mean, and what a senior, a repeat and a hold change."""

from __future__ import annotations

import pytest

from annotation.models import Label
from corpus.models import Project
from exports.services import FreezeFilters, freeze
from tests.builders import make_label, make_pair, make_project, make_rater

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(settings: object, tmp_path: object) -> Project:
    settings.DATASETS_FOLDER = tmp_path  # type: ignore[attr-defined]
    project = make_project()
    raters = [make_rater(project, name) for name in ("ann", "ben", "cat")]
    for number in range(12):
        pair = make_pair(project, number)
        for rater in raters[: 2 + number % 2]:
            make_label(pair, rater, "first" if rater != raters[1] or number % 3 else "second")
    return project


@pytest.mark.parametrize("method", ["majority", "dawid_skene"])
def test_the_method_and_its_estimate_stand_in_the_manifest(project: Project, method: str) -> None:
    filters = FreezeFilters(consensus=method, validation=0, test=0)
    manifest = freeze(project=project, name="d", filters=filters).manifest
    assert manifest["consensus"] == method
    estimate = manifest["consensus_estimate"]
    assert sum(estimate["marginals"]) == pytest.approx(1, abs=1e-4)
    assert (estimate["log_likelihood"] is not None) == (method == "dawid_skene")
    assert manifest["splits"]["train"]["rows"] + manifest["dropped"].get("tie", 0) == 12


def test_the_default_is_the_mean_and_says_nothing_new(project: Project) -> None:
    manifest = freeze(project=project, name="d", filters=FreezeFilters()).manifest
    assert manifest["consensus"] == "mean"
    assert "consensus_estimate" not in manifest


@pytest.mark.parametrize("method", ["mean", "majority", "dawid_skene"])
def test_a_decision_speaks_a_repeat_does_not_and_a_held_pair_is_left_out(
    project: Project, method: str
) -> None:
    decided, repeated, held = project.pairs.order_by("pk")[:3]
    senior = make_rater(project, "senior")
    label = make_label(decided, senior, "both_bad")
    Label.objects.filter(pk=label.pk).update(kind=Label.Kind.ADJUDICATION)
    for _ in range(3):
        again = make_label(repeated, Label.objects.filter(pair=repeated)[0].rater, "second")
        Label.objects.filter(pk=again.pk).update(kind=Label.Kind.REPEAT)
    project.pairs.filter(pk=held.pk).update(held_back="set_aside")
    before = {"min_labels": 2, "validation": 0, "test": 0, "tie_band": 0.0}
    filters = FreezeFilters.model_validate(before | {"consensus": method})
    dropped = freeze(project=project, name="d", filters=filters).manifest["dropped"]
    # With so few pairs the model may find others bad too.
    assert dropped["both_bad"] == 1 or method == "dawid_skene"
    assert dropped["both_bad"] >= 1
    assert dropped["held_back_set_aside"] == 1
