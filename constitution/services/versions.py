"""Drafts are made, published once and never changed again; the hash of a text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from constitution.errors import (
    EmptyVersionError,
    NotADraftError,
    NotPublishedError,
    ReasonMissingError,
    StaleDraftError,
)
from constitution.models import Change, Constitution, ConstitutionVersion, Principle
from constitution.services.texts import FewShots, PrincipleText, row_of
from constitution.verifiers import read_verifier
from corpus.hashing import sha256_of
from corpus.models import Project


@transaction.atomic
def create_draft(
    *,
    project: Project,
    slug: str,
    name: str,
    principles: Iterable[PrincipleText],
    few_shots: FewShots = (),
    based_on: ConstitutionVersion | None = None,
    created_by: User | None = None,
    reason: str = "",
) -> ConstitutionVersion:
    """A new draft version of a constitution, which is made when missing. BadVerifierError."""
    constitution, _ = Constitution.objects.get_or_create(
        project=project, slug=slug, defaults={"name": name}
    )
    # The row lock makes the next number ours.
    Constitution.objects.select_for_update().get(pk=constitution.pk)
    last = constitution.versions.aggregate(last=Max("number"))["last"] or 0
    version = ConstitutionVersion.objects.create(
        constitution=constitution,
        number=last + 1,
        few_shots=[[dict(turn) for turn in chat] for chat in few_shots],
        based_on=based_on,
        created_by=created_by,
    )
    write_principles(version, list(principles))
    note_change(version, Change.Action.CREATED, author=created_by, reason=reason)
    return version


def write_principles(version: ConstitutionVersion, principles: Iterable[PrincipleText]) -> None:
    """Put principles into a draft that has none. BadVerifierError."""
    rows = []
    for position, text in enumerate(principles):
        if text.verifier is not None:
            read_verifier(text.verifier)
        rows.append(row_of(version, position, text))
    Principle.objects.bulk_create(rows)


@transaction.atomic
def publish_version(
    *,
    version: ConstitutionVersion,
    reason: str = "",
    author: User | None = None,
    revision: int | None = None,
) -> ConstitutionVersion:
    """Freeze a draft under the hash of its text.

    Args:
        reason: why this version replaces the one before; wanted of whoever publishes by hand.
        author: who publishes; None for a program.
        revision: the draft's count that the author has seen, None for a program.

    Raises:
        NotADraftError: it is published already.
        EmptyVersionError: it has no principles.
        StaleDraftError: it was changed since the author looked.
        ReasonMissingError: an author gave no reason.
    """
    draft = locked_draft(version)
    if author is not None and not reason.strip():
        raise ReasonMissingError(
            "Give a reason for publishing this version: it is kept in the history."
        )
    if revision is not None and revision != draft.revision:
        raise StaleDraftError(
            f"{draft} was changed while you were looking at it: review it again, then publish."
        )
    if not draft.principles.exists():
        raise EmptyVersionError(f"{draft} has no principles; write at least one, then publish.")
    draft.sha256 = version_sha256(draft)
    draft.status = ConstitutionVersion.Status.PUBLISHED
    draft.published_at = timezone.now()
    draft.save(update_fields=["sha256", "status", "published_at"])
    note_change(
        draft,
        Change.Action.PUBLISHED,
        author=author,
        reason=reason,
        after={"sha256": draft.sha256},
    )
    return draft


@transaction.atomic
def retire_version(
    *, version: ConstitutionVersion, reason: str = "", author: User | None = None
) -> ConstitutionVersion:
    """Take a published version out of use: it stays as it is, and no new judge goes by it.

    NotPublishedError for a draft, or one that is retired already; ReasonMissingError when an
    author gave none.
    """
    if author is not None and not reason.strip():
        raise ReasonMissingError(
            "Give a reason for retiring this version: it is kept in the history."
        )
    changed = ConstitutionVersion.objects.filter(
        pk=version.pk, status=ConstitutionVersion.Status.PUBLISHED
    ).update(status=ConstitutionVersion.Status.RETIRED)
    version.refresh_from_db()
    if not changed:
        raise NotPublishedError(
            f"{version} is {version.status}; only a published version can be retired."
        )
    note_change(version, Change.Action.RETIRED, author=author, reason=reason)
    return version


def locked_draft(version: ConstitutionVersion) -> ConstitutionVersion:
    """The draft as it stands, locked until the transaction ends. NotADraftError."""
    draft = (
        ConstitutionVersion.objects.select_for_update(of=("self",))
        .select_related("constitution")
        .get(pk=version.pk)
    )
    if draft.status != ConstitutionVersion.Status.DRAFT:
        raise NotADraftError(
            f"{draft} is {draft.status} and cannot be changed; create a new draft."
        )
    return draft


def note_change(
    version: ConstitutionVersion,
    action: Change.Action,
    *,
    author: User | None,
    reason: str = "",
    principle: Principle | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Change:
    """Count a change and write it down; in the transaction of the change, the version locked."""
    version.revision += 1
    version.save(update_fields=["revision"])
    if principle is not None and principle.pk is not None:
        Principle.objects.filter(pk=principle.pk).update(revision=version.revision)
        principle.revision = version.revision
    return Change.objects.create(
        version=version,
        revision=version.revision,
        action=action,
        principle_id=principle.pk if principle is not None else None,
        principle_name=principle.name if principle is not None else "",
        before=before or {},
        after=after or {},
        reason=reason.strip()[:500],
        author=author,
    )


def version_sha256(version: ConstitutionVersion) -> str:
    """The hash of a version's canonical text: its principles in order, nothing of the database.

    What a version does not have is not in its text, so a field that later versions may have
    changes no hash of an earlier one.
    """
    principles = []
    for principle in version.principles.order_by("position"):
        text: dict[str, Any] = {
            "name": principle.name,
            "comparison": principle.comparison,
            "critique_request": principle.critique_request,
            "revision_request": principle.revision_request,
            "weight": principle.weight,
            "tags": principle.tags,
        }
        if principle.examples:
            text["examples"] = principle.examples
        if principle.verifier is not None:
            text["verifier"] = principle.verifier
        principles.append(text)
    if not version.few_shots:
        return sha256_of(principles)
    return sha256_of({"principles": principles, "few_shots": version.few_shots})
