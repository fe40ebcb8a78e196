"""The quality policy of a project: read with defaults, changed as a whole."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from annotation.draws import uniform
from annotation.models import QualityPolicy
from corpus.models import Project


def policy_of(project_id: int) -> QualityPolicy:
    """The project's policy; one with the defaults, not stored, where none was ever set."""
    stored = QualityPolicy.objects.filter(project=project_id).first()
    return stored or QualityPolicy(project_id=project_id)


@transaction.atomic
def set_policy(*, project: Project, changes: dict[str, Any]) -> QualityPolicy:
    """Change the fields named; ValidationError, by field, when the whole would not be right."""
    policy = QualityPolicy.objects.select_for_update().filter(project=project).first()
    policy = policy or QualityPolicy(project=project)
    for name, value in changes.items():
        setattr(policy, name, value)
    policy.full_clean()
    policy.save()
    return policy


def wanted_labels(pair_sha256: str, policy: QualityPolicy) -> int:
    """How many raters label a pair in production: always the same for one pair and policy."""
    shared = uniform(policy.seed, "overlap", pair_sha256) < policy.overlap_share
    return policy.overlap_raters if shared else 1
