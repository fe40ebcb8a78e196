"""Which prompts a run answers."""

from __future__ import annotations

from django.db.models import QuerySet
from pydantic import BaseModel, ConfigDict, Field

from corpus.models import Prompt


class PromptSelection(BaseModel):
    """Which prompts a run answers: all of the project, or those of a source, a domain, or those
    that are marked sensitive (red-team prompts) or not; at most `limit` of them, the first by
    their hash, so that the same number are the same prompts each time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = None
    domain: str | None = None
    sensitive: bool | None = None
    limit: int | None = Field(None, ge=1)


def selected_prompts(
    project_id: int, selection: PromptSelection, among: QuerySet[Prompt] | None = None
) -> QuerySet[Prompt]:
    """The prompts of the selection in primary-key order; `among` narrows them before the limit."""
    prompts = (Prompt.objects.all() if among is None else among).filter(project=project_id)
    if selection.source is not None:
        prompts = prompts.filter(source=selection.source)
    if selection.domain is not None:
        prompts = prompts.filter(domain=selection.domain)
    if selection.sensitive is not None:
        prompts = prompts.filter(sensitive=selection.sensitive)
    if selection.limit is not None:
        # By the last hash and not by their ids: a limit may be a million.
        hashes = prompts.order_by("sha256").values_list("sha256", flat=True)
        last = hashes[selection.limit - 1 : selection.limit].first()
        if last is not None:
            prompts = prompts.filter(sha256__lte=last)
    return prompts.order_by("pk")
