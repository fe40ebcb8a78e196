"""The quality policy of a project: read with defaults."""

from __future__ import annotations

from annotation.models import QualityPolicy
from annotation.queue.draws import uniform


def policy_of(project_id: int) -> QualityPolicy:
    """The project's policy; one with the defaults, not stored, where none was ever set."""
    stored = QualityPolicy.objects.filter(project=project_id).first()
    return stored or QualityPolicy(project_id=project_id)


def wanted_labels(pair_sha256: str, policy: QualityPolicy) -> int:
    """How many raters label a pair in production: always the same for one pair and policy."""
    shared = uniform(policy.seed, "overlap", pair_sha256) < policy.overlap_share
    return policy.overlap_raters if shared else 1
