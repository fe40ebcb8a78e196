"""Passes over a project's prompts and completions. Each may be run again at any time."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction
from django.db.models import F, Q, QuerySet

from corpus.conversations import all_text
from corpus.intake.near_duplicates import groups
from corpus.intake.policy import hits_in, intake_policy
from corpus.models import Completion, IntakePolicy, IntakeScan, Pair, Prompt
from jobs.runner import JobContext

AT_ONCE = 2_000


def scan(context: JobContext[IntakeScan]) -> None:
    job = context.job
    work = {
        IntakeScan.Kind.DUPLICATES: group_duplicates,
        IntakeScan.Kind.IDENTITY: find_identities,
    }[IntakeScan.Kind(job.kind)]
    found = work(context)
    IntakeScan.objects.filter(pk=job.pk).update(found=found)


def group_duplicates(context: JobContext[IntakeScan]) -> int:
    """Group all prompts anew, and hold back or let go by the policy; how many are in groups."""
    project = context.job.project
    policy = intake_policy(project.pk)
    prompts = Prompt.objects.filter(project=project)
    total = prompts.count()

    def texts() -> Iterator[tuple[int, str]]:
        rows = prompts.order_by("pk").values_list("pk", "messages")
        for done, (pk, messages) in enumerate(rows.iterator(AT_ONCE)):
            if done % AT_ONCE == 0:
                context.checkpoint()
                context.report(done, total, "reading prompts")
            yield pk, all_text(messages)

    found = groups(texts(), threshold=policy.duplicate_threshold)
    with transaction.atomic():
        prompts.filter(duplicate_group__isnull=False).update(duplicate_group=None)
        for chunk in _chunks(list(found)):
            Prompt.objects.bulk_update(
                [Prompt(pk=pk, duplicate_group=found[pk]) for pk in chunk], ["duplicate_group"]
            )
        hold_duplicates(project.pairs.all(), policy)
    context.report(total, total, "done")
    return len(found)


def hold_duplicates(pairs: QuerySet[Pair], policy: IntakePolicy) -> None:
    """Hold back the pairs of all but the first prompt of each group, if the policy wants so."""
    held = Pair.HeldBack.DUPLICATE
    later = Q(prompt__duplicate_group__isnull=False) & ~Q(prompt__duplicate_group=F("prompt"))
    if policy.duplicates == IntakePolicy.Duplicates.KEEP:
        pairs.filter(held_back=held).update(held_back="")
        return
    pairs.filter(held_back=held).exclude(later).update(held_back="")
    pairs.filter(later, held_back="").update(held_back=held)


def find_identities(context: JobContext[IntakeScan]) -> int:
    """Count anew where completions give their author away, and hold back or let go by the policy;
    how many do."""
    project = context.job.project
    policy = intake_policy(project.pk)
    completions = Completion.objects.filter(prompt__project=project)
    total, found = completions.count(), 0
    changed: list[Completion] = []
    rows = completions.only("text", "identity_hits").order_by("pk").iterator(AT_ONCE)
    for done, row in enumerate(rows, start=1):
        hits = hits_in(row.text, policy)
        found += hits > 0
        if hits != row.identity_hits:
            row.identity_hits = hits
            changed.append(row)
        if done % AT_ONCE == 0:
            context.checkpoint()
            context.report(done, total, "reading completions")
            Completion.objects.bulk_update(changed, ["identity_hits"])
            changed = []
    with transaction.atomic():
        Completion.objects.bulk_update(changed, ["identity_hits"])
        hold_identities(project.pairs.all(), policy)
    context.report(total, total, "done")
    return found


def hold_identities(pairs: QuerySet[Pair], policy: IntakePolicy) -> None:
    held = Pair.HeldBack.IDENTITY
    tells = Q(first__identity_hits__gt=0) | Q(second__identity_hits__gt=0)
    if policy.identity != IntakePolicy.Identity.HOLD:
        pairs.filter(held_back=held).update(held_back="")
        return
    pairs.filter(held_back=held).exclude(tells).update(held_back="")
    pairs.filter(tells, held_back="").update(held_back=held)


def _chunks(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), AT_ONCE):
        yield numbers[start : start + AT_ONCE]
