"""The quality policy is changed as a whole, and raters follow it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from annotation.models import QualityPolicy
from annotation.services.calibration import free_whom_policy_lets_through
from corpus.models import Project


@transaction.atomic
def set_policy(*, project: Project, changes: dict[str, Any]) -> QualityPolicy:
    """Change the fields named; ValidationError, by field, when the whole would not be right.

    Raters in calibration whom the changed policy lets through go on at once.
    """
    policy = QualityPolicy.objects.select_for_update().filter(project=project).first()
    policy = policy or QualityPolicy(project=project)
    for name, value in changes.items():
        setattr(policy, name, value)
    policy.full_clean()
    policy.save()
    free_whom_policy_lets_through(policy)
    return policy
