"""Drafts are written, published once and never changed again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from constitution.errors import EmptyVersionError, NotADraftError
from constitution.models import Constitution, ConstitutionVersion, Principle
from corpus.hashing import sha256_of
from corpus.models import Project


@dataclass(frozen=True, slots=True)
class PrincipleText:
    """The words of one principle; `comparison` reads “Choose the response that …”."""

    name: str
    comparison: str
    critique_request: str = ""
    revision_request: str = ""
    weight: float = 1.0
    tags: tuple[str, ...] = ()


@transaction.atomic
def create_draft(
    *,
    project: Project,
    slug: str,
    name: str,
    principles: Iterable[PrincipleText],
    created_by: User | None = None,
) -> ConstitutionVersion:
    """A new draft version of a constitution, which is made when missing."""
    constitution, _ = Constitution.objects.get_or_create(
        project=project, slug=slug, defaults={"name": name}
    )
    # The row lock makes the next number ours.
    Constitution.objects.select_for_update().get(pk=constitution.pk)
    last = constitution.versions.aggregate(last=Max("number"))["last"] or 0
    version = ConstitutionVersion.objects.create(
        constitution=constitution, number=last + 1, created_by=created_by
    )
    _write_principles(version, list(principles))
    return version


@transaction.atomic
def replace_principles(
    *, version: ConstitutionVersion, principles: Iterable[PrincipleText]
) -> ConstitutionVersion:
    """Put other principles into a draft. NotADraftError for anything else."""
    draft = _locked_draft(version)
    draft.principles.all().delete()
    _write_principles(draft, list(principles))
    return draft


def _write_principles(version: ConstitutionVersion, principles: Sequence[PrincipleText]) -> None:
    Principle.objects.bulk_create(
        Principle(
            version=version,
            position=position,
            name=text.name,
            comparison=text.comparison,
            critique_request=text.critique_request,
            revision_request=text.revision_request,
            weight=text.weight,
            tags=list(text.tags),
        )
        for position, text in enumerate(principles)
    )


@transaction.atomic
def publish_version(*, version: ConstitutionVersion) -> ConstitutionVersion:
    """Freeze a draft under the hash of its text. NotADraftError, EmptyVersionError."""
    draft = _locked_draft(version)
    if not draft.principles.exists():
        raise EmptyVersionError(f"{draft} has no principles; write at least one, then publish.")
    draft.sha256 = version_sha256(draft)
    draft.status = ConstitutionVersion.Status.PUBLISHED
    draft.published_at = timezone.now()
    draft.save(update_fields=["sha256", "status", "published_at"])
    return draft


def _locked_draft(version: ConstitutionVersion) -> ConstitutionVersion:
    draft = (
        ConstitutionVersion.objects.select_for_update(of=("self",))
        .select_related("constitution")
        .get(pk=version.pk)
    )
    if draft.status != ConstitutionVersion.Status.DRAFT:
        raise NotADraftError(f"{draft} is {draft.status} and never changes; make a new draft.")
    return draft


def version_sha256(version: ConstitutionVersion) -> str:
    """The hash of a version's canonical text: its principles in order, nothing of the database."""
    return sha256_of(
        [
            {
                "name": principle.name,
                "comparison": principle.comparison,
                "critique_request": principle.critique_request,
                "revision_request": principle.revision_request,
                "weight": principle.weight,
                "tags": principle.tags,
            }
            for principle in version.principles.order_by("position")
        ]
    )
