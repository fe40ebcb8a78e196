"""The intake policy: read with defaults, changed as a whole, applied to what is there already."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, F, Sum

from corpus.intake.identity import mask
from corpus.models import (
    Completion,
    IntakePolicy,
    IntakeScan,
    OriginalLook,
    Pair,
    Project,
    Prompt,
    PromptOriginal,
)
from jobs.services import enqueue


def intake_policy(project_id: int) -> IntakePolicy:
    """The project's policy; one with the defaults, not stored, where none was ever set."""
    stored = IntakePolicy.objects.filter(project=project_id).first()
    return stored or IntakePolicy(project_id=project_id)


@transaction.atomic
def set_intake_policy(
    *, project: Project, changes: dict[str, Any], user: User | None = None
) -> IntakePolicy:
    """Change the fields named, and start the passes over what is there that this asks for.

    ValidationError, by field, when a value is out of range.
    """
    policy = IntakePolicy.objects.select_for_update().filter(project=project).first()
    policy = policy or IntakePolicy(project=project)
    before = {name: getattr(policy, name) for name in changes}
    for name, value in changes.items():
        setattr(policy, name, value)
    policy.full_clean()
    policy.save()
    changed = {name for name in changes if before[name] != getattr(policy, name)}
    if changed & {"duplicates", "duplicate_threshold"}:
        launch_scan(project=project, kind=IntakeScan.Kind.DUPLICATES, user=user)
    if changed & {"identity", "identity_terms"}:
        launch_scan(project=project, kind=IntakeScan.Kind.IDENTITY, user=user)
    return policy


@transaction.atomic
def launch_scan(*, project: Project, kind: IntakeScan.Kind, user: User | None = None) -> IntakeScan:
    """Queue a pass; one that waits already does for this one too."""
    waiting = IntakeScan.objects.filter(
        project=project, kind=kind, state=IntakeScan.State.QUEUED
    ).first()
    if waiting is not None:
        return waiting
    scan = IntakeScan.objects.create(project=project, kind=kind, created_by=user)
    enqueue(scan)
    return scan


MAX_HITS = 32_767


def hits_in(text: str, policy: IntakePolicy) -> int:
    """In how many places the text gives its author away, 0 where the policy does not look."""
    if policy.identity == IntakePolicy.Identity.OFF:
        return 0
    return min(MAX_HITS, mask(text, policy.terms).hits)


@transaction.atomic
def read_original(*, prompt: Prompt, user: User) -> list[dict[str, str]]:
    """A redacted prompt as it came in. That this user looked is stored in the same transaction.

    PromptOriginal.DoesNotExist when nothing was taken out of it.
    """
    original = PromptOriginal.objects.get(prompt=prompt)
    OriginalLook.objects.create(prompt=prompt, user=user)
    messages: list[dict[str, str]] = original.messages
    return messages


def redaction_counts(project: Project) -> dict[str, int]:
    """How many of each kind were taken out of the project's prompts."""
    counts: Counter[str] = Counter()
    for found in PromptOriginal.objects.filter(prompt__project=project).values_list(
        "counts", flat=True
    ):
        counts.update(found)
    return dict(counts.most_common())


def identity_report(project: Project) -> list[dict[str, Any]]:
    """By model: completions that give their author away, and in how many places."""
    rows = (
        Completion.objects.filter(prompt__project=project, identity_hits__gt=0)
        .values(model=F("model_version__name"))
        .annotate(completions=Count("id"), hits=Sum("identity_hits"))
        .order_by("-completions")
    )
    return [dict(row) | {"model": row["model"] or "not known"} for row in rows]


def largest_groups(project: Project, limit: int = 20) -> list[tuple[Prompt, int]]:
    """The largest groups of near-duplicates: their first prompt, and how many they are."""
    counted = (
        Prompt.objects.filter(project=project, duplicate_group__isnull=False)
        .values("duplicate_group")
        .annotate(size=Count("id"))
        .order_by("-size", "duplicate_group")[:limit]
    )
    sizes = {row["duplicate_group"]: row["size"] for row in counted}
    prompts = Prompt.objects.in_bulk(list(sizes))
    return [(prompts[pk], size) for pk, size in sizes.items() if pk in prompts]


def held_back_counts(project: Project) -> list[tuple[str, int]]:
    """How many pairs are held back, by the reason in words."""
    rows = (
        project.pairs.exclude(held_back="")
        .order_by("held_back")
        .values_list("held_back")
        .annotate(Count("id"))
    )
    return [(str(Pair.HeldBack(reason).label), count) for reason, count in rows]
