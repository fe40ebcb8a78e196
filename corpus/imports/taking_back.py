"""An import is taken back: all that it added goes, and nothing else, while nothing stands on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import router, transaction
from django.db.models import Exists, Model, OuterRef, QuerySet, Subquery
from django.utils import timezone

from corpus.bulk import lock_project
from corpus.errors import DependedOnError
from corpus.imports.dependants import checked, own_models, prepared, standing_on
from corpus.imports.report import read_report
from corpus.models import Completion, Import, Pair, Project, Prompt

SHOWN_IN_THE_WAY = 10


@dataclass(slots=True)
class TakingBack:
    """What taking an import back would delete, each kind with how many, and what stands in the
    way; or what it deleted."""

    deleted: list[tuple[str, int]] = field(default_factory=list)
    in_the_way: list[str] = field(default_factory=list)

    def refusal(self, job: Import) -> str:
        shown = "; ".join(self.in_the_way[:SHOWN_IN_THE_WAY])
        return f"Import {job.pk} cannot be taken back, because of {shown}."


def plan_taking_back(job: Import) -> TakingBack:
    """What would be deleted, and what stands in the way. Nothing is changed."""
    found = TakingBack()
    if not job.is_finished:
        found.in_the_way.append("its run, which is not over: cancel it first")
    if job.taken_back_at is not None:
        found.in_the_way.append("an earlier request: it has been taken back already")
    if found.in_the_way:
        return found
    found.in_the_way += [
        f"import {pk} ({name}), whose file holds some of the same records: take that back first"
        for pk, name in _imports_that_met(job)
    ]
    blocking: dict[str, tuple[Any, int]] = {}
    for standing in standing_on(job):
        if count := standing.blocking.count():
            label = standing.model._meta.label
            before = blocking[label][1] if label in blocking else 0
            blocking[label] = (standing, before + count)
    found.in_the_way += [standing.words(count) for standing, count in blocking.values()]
    found.in_the_way += checked(job)
    brought: list[type[Model]] = [Pair, *own_models()]
    for model in brought:
        if count := model._base_manager.filter(source_import=job).count():
            found.deleted.append((str(model._meta.verbose_name_plural), count))
    return found


def _imports_that_met(job: Import) -> list[tuple[int, str]]:
    """Imports that stand and found records of this one there already.

    An older one too: both ran at once, or it was resumed later. Of two that met each other the
    younger may go first, as else neither could.
    """
    others = Import.objects.filter(project=job.project_id, taken_back_at=None).exclude(pk=job.pk)
    met = read_report(job.report).met_imports
    rows = others.order_by("pk").values_list("pk", "name", "report")
    return [
        (pk, name)
        for pk, name, report in rows
        if str(job.pk) in read_report(report).met_imports and (pk > job.pk or str(pk) not in met)
    ]


@transaction.atomic
def take_back(*, job: Import, user: User | None = None) -> TakingBack:
    """Delete what the import added, in one transaction; what that was.

    Kept are prompts and completions that something else uses too; they belong then to whatever
    that came with. The import's row stays, with its report. DependedOnError where anything stands
    on its rows; nothing was changed.
    """
    project = Project.objects.get(pk=job.project_id)
    lock_project(project)
    job = Import.objects.select_for_update().get(pk=job.pk)
    _hold_still(job)
    plan = plan_taking_back(job)
    if plan.in_the_way:
        raise DependedOnError(plan.refusal(job))
    finishes = prepared(job)
    for standing in standing_on(job):
        _delete(standing.going)
    for model in own_models():
        _delete(model._base_manager.filter(source_import=job))
    _delete(Pair.objects.filter(source_import=job))
    for kept, rows in ((Completion, _used_completions), (Prompt, _used_prompts)):
        rows(job)
        count = kept._base_manager.filter(source_import=job).count()
        _delete(kept._base_manager.filter(source_import=job))
        if count:
            plan.deleted.append((str(kept._meta.verbose_name_plural), count))
    for finish in finishes:
        finish()
    job.taken_back_at, job.taken_back_by = timezone.now(), user
    job.save(update_fields=["taken_back_at", "taken_back_by"])
    return plan


def _hold_still(job: Import) -> None:
    """Lock what others would change or refer to meanwhile. A label that is being stored refers to
    its pair: it is stored first, and then stands in the way; or it comes too late, and its task is
    gone. In the order in which labels are stored: what is asked of a pair before the pair."""
    for standing in standing_on(job):
        # Whatever of these tables has states, such as a task, is taken hold of row by row.
        if any(one.name == "state" for one in standing.model._meta.get_fields()):
            list(standing.going.select_for_update().values_list("pk", flat=True))
    for model in (Pair, Completion, Prompt):
        rows = model._base_manager.filter(source_import=job).order_by("pk")
        list(rows.select_for_update().values_list("pk", flat=True))


def _delete(rows: QuerySet[Any]) -> None:
    # What refers to these rows is deleted by statements of its own: to look for it row by row, as
    # Django does, takes minutes for a large import.
    rows.order_by()._raw_delete(using=router.db_for_write(rows.model))


def _used_completions(job: Import) -> None:
    """Completions that pairs from elsewhere use belong to where those came from."""
    for place in ("first", "second"):
        _pass_on(Completion, Pair, place, job)


def _used_prompts(job: Import) -> None:
    for model in (Pair, Completion):
        _pass_on(Prompt, model, "prompt", job)


def _pass_on(
    kept: type[Completion] | type[Prompt], user: type[Model], field_name: str, job: Import
) -> None:
    users = user._base_manager.filter(**{field_name: OuterRef("pk")}).order_by("pk")
    kept._base_manager.filter(Exists(users), source_import=job).update(
        source_import=Subquery(users.values("source_import")[:1])
    )
