"""The quality policy: its defaults are the protocol's, and a wrong one is refused by field."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from annotation.models import QualityPolicy
from annotation.services import policy_of, set_policy
from tests.builders import make_project

pytestmark = pytest.mark.django_db


def test_the_defaults_are_those_of_the_protocol() -> None:
    policy = policy_of(make_project().pk)
    assert (policy.calibration_pairs, policy.admission_kappa, policy.calibration_tries) == (
        100,
        0.6,
        2,
    )
    assert (policy.gold_share, policy.overlap_share, policy.overlap_raters) == (0.1, 0.1, 2)
    assert (policy.repeat_share, policy.repeat_after_days) == (0.05, 7)
    assert (policy.recalibration_per_week, policy.kappa_floor) == (20, 0.5)
    policy.full_clean(exclude=["project"])
    assert not QualityPolicy.objects.exists(), "a look stores nothing"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"gold_share": 0.8, "repeat_share": 0.3}, "gold_share", "add up to 1.1"),
        ({"gold_share": 1.5}, "gold_share", "less than or equal to 1"),
        ({"overlap_share": -0.1}, "overlap_share", "greater than or equal to 0"),
        ({"kappa_floor": 0.7}, "kappa_floor", "above the admission κ"),
        ({"kappa_floor": 2}, "kappa_floor", "less than or equal to 1"),
        ({"min_labels": 90}, "min_labels", "larger than the window"),
        ({"calibration_pairs": 5}, "calibration_pairs", "fewer than the minimum sample"),
        ({"gold_seniors": 1}, "gold_seniors", "greater than or equal to 2"),
        ({"overlap_raters": 1}, "overlap_raters", "greater than or equal to 2"),
        ({"lease_minutes": 9}, "lease_minutes", "greater than or equal to 10"),
        ({"lease_minutes": 21}, "lease_minutes", "less than or equal to 20"),
        ({"criteria": {"a": "b"}}, "criteria", "a list"),
        ({"criteria": [{"key": "a b", "name": "A"}]}, "criteria", "'a b' is not a valid key"),
        ({"criteria": [{"key": "a", "name": "A"}] * 2}, "criteria", "twice"),
        ({"criteria": [{"key": "a"}]}, "criteria", "not a criterion"),
    ],
)
def test_a_wrong_policy_is_refused_by_field_and_changes_nothing(
    changes: dict[str, object], field: str, words: str
) -> None:
    project = make_project()
    set_policy(project=project, changes={"gold_share": 0.2})
    with pytest.raises(ValidationError) as refused:
        set_policy(project=project, changes=changes)
    assert words in " ".join(refused.value.message_dict[field])
    assert policy_of(project.pk).gold_share == 0.2
