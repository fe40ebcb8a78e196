"""A draft is edited, by several at once: each change names what it saw, and is written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Max

from constitution.errors import BadPrincipleError, StaleDraftError, UnknownConstitutionError
from constitution.models import Change, Comment, ConstitutionVersion, Principle
from constitution.services.texts import (
    FewShots,
    PrincipleText,
    check_principle,
    fields_of,
    row_of,
    text_of,
    texts_of,
)
from constitution.services.versions import create_draft, locked_draft, note_change, write_principles

# Far above any position: rows are put aside there while they change places.
_ASIDE = 1_000_000


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that two editors changed at once: what it was, and what each made of it."""

    field: str
    base: Any
    theirs: Any
    mine: Any


@dataclass(frozen=True, slots=True)
class Edited:
    """A principle as it stands after an edit; `merged` when another's change was kept beside."""

    principle: Principle
    changed: bool
    merged: bool


def draft_from(
    *, version: ConstitutionVersion, author: User | None = None, reason: str = ""
) -> ConstitutionVersion:
    """A new draft with the text of a version, of whatever status."""
    return create_draft(
        project=version.constitution.project,
        slug=version.constitution.slug,
        name=version.constitution.name,
        principles=texts_of(version),
        few_shots=version.few_shots,
        based_on=version,
        created_by=author,
        reason=reason,
    )


@transaction.atomic
def replace_principles(
    *,
    version: ConstitutionVersion,
    principles: Iterable[PrincipleText],
    author: User | None = None,
    reason: str = "",
) -> ConstitutionVersion:
    """Put other principles into a draft. NotADraftError for anything else; BadVerifierError."""
    draft = locked_draft(version)
    before = [fields_of(text) for text in texts_of(draft)]
    draft.principles.all().delete()
    write_principles(draft, principles)
    after = [fields_of(text) for text in texts_of(draft)]
    note_change(
        draft,
        Change.Action.REPLACED,
        author=author,
        reason=reason,
        before={"principles": before},
        after={"principles": after},
    )
    return draft


@transaction.atomic
def replace_few_shots(
    *,
    version: ConstitutionVersion,
    few_shots: FewShots,
    author: User | None = None,
    reason: str = "",
) -> ConstitutionVersion:
    """Put other few-shot conversations into a draft. NotADraftError."""
    draft = locked_draft(version)
    before = draft.few_shots
    draft.few_shots = [[dict(turn) for turn in chat] for chat in few_shots]
    if draft.few_shots == before:
        return draft
    draft.save(update_fields=["few_shots"])
    note_change(
        draft,
        Change.Action.SHOTS,
        author=author,
        reason=reason,
        before={"few_shots": before},
        after={"few_shots": draft.few_shots},
    )
    return draft


@transaction.atomic
def add_principle(
    *,
    version: ConstitutionVersion,
    text: PrincipleText,
    author: User | None = None,
    reason: str = "",
) -> Principle:
    """A principle at the end of a draft. BadPrincipleError, NotADraftError."""
    draft = locked_draft(version)
    return _insert(draft, text, author=author, reason=reason)


@transaction.atomic
def duplicate_principle(
    *,
    version: ConstitutionVersion,
    principle_id: int,
    author: User | None = None,
    reason: str = "",
) -> Principle:
    """A copy of a principle after it, under a name that is free."""
    draft = locked_draft(version)
    original = _principle(draft, principle_id)
    taken = set(draft.principles.values_list("name", flat=True))
    names = (f"{original.name[:90]} copy{number}" for number in ("", *range(2, 1_000)))
    name = next(name for name in names if name not in taken)
    text = text_of({**fields_of(original), "name": name})
    copy = _insert(draft, text, author=author, reason=reason)
    _place(draft, copy, original.position + 1)
    copy.refresh_from_db()
    return copy


@transaction.atomic
def edit_principle(
    *,
    version: ConstitutionVersion,
    principle_id: int,
    fields: Mapping[str, Any],
    seen: int,
    author: User | None = None,
    reason: str = "",
) -> Edited:
    """Store what an editor made of a principle that they saw at revision `seen`.

    What others changed meanwhile is kept where the editor left it alone.

    Args:
        fields: new values by name, those of `fields_of`; what is left out stays.

    Raises:
        StaleDraftError: a field was changed by both; its `conflicts` are `Conflict`s and nothing
            was stored.
        BadPrincipleError: a value cannot be stored, or the principle is gone.
        NotADraftError: the version was published meanwhile.
    """
    draft = locked_draft(version)
    principle = _principle(draft, principle_id)
    now = fields_of(principle)
    base = _as_seen(draft, principle, seen, now)
    conflicts, merged = [], dict(now)
    for name, value in fields.items():
        if value in (base[name], now[name]):
            continue
        if now[name] != base[name]:
            conflicts.append(Conflict(name, base[name], now[name], value))
        else:
            merged[name] = value
    if conflicts:
        who = _last_author(draft, principle)
        raise StaleDraftError(
            f"{who} changed {', '.join(one.field for one in conflicts)} of {principle.name!r} "
            "while you were editing; your changes are not saved yet.",
            conflicts,
        )
    if merged == now:
        return Edited(principle, changed=False, merged=now != base)
    text = text_of(merged)
    _check(draft, text, besides=principle.pk)
    for name, value in fields_of(text).items():
        setattr(principle, name, value)
    principle.save(update_fields=list(merged))
    note_change(
        draft,
        Change.Action.EDITED,
        author=author,
        reason=reason,
        principle=principle,
        before=now,
        after=fields_of(principle),
    )
    return Edited(principle, changed=True, merged=now != base)


@transaction.atomic
def move_principle(
    *,
    version: ConstitutionVersion,
    principle_id: int,
    to: int,
    author: User | None = None,
    reason: str = "",
) -> None:
    """Put a principle at place `to`, counted from 0; the others close up."""
    draft = locked_draft(version)
    principle = _principle(draft, principle_id)
    count = draft.principles.count()
    if not 0 <= to < count:
        raise BadPrincipleError(
            "position", f"The position is {to}; valid positions are 0 to {count - 1}."
        )
    if principle.position == to:
        return
    before = principle.position
    _place(draft, principle, to)
    note_change(
        draft,
        Change.Action.MOVED,
        author=author,
        reason=reason,
        principle=principle,
        before={"position": before},
        after={"position": to},
    )


@transaction.atomic
def remove_principle(
    *,
    version: ConstitutionVersion,
    principle_id: int,
    seen: int,
    author: User | None = None,
    reason: str = "",
) -> None:
    """Take a principle out. StaleDraftError when it was edited since the editor saw it."""
    draft = locked_draft(version)
    principle = _principle(draft, principle_id)
    now = fields_of(principle)
    if _as_seen(draft, principle, seen, now) != now:
        who = _last_author(draft, principle)
        raise StaleDraftError(
            f"{who} changed {principle.name!r} in the meantime: review it and try again."
        )
    note_change(
        draft,
        Change.Action.REMOVED,
        author=author,
        reason=reason,
        principle=principle,
        before=now,
    )
    principle.delete()
    _renumber(draft, list(draft.principles.order_by("position")))


@transaction.atomic
def discard_draft(*, version: ConstitutionVersion) -> None:
    """Throw a draft away with its history. NotADraftError: what was published stays."""
    draft = locked_draft(version)
    constitution = draft.constitution
    draft.delete()
    if not constitution.versions.exists():
        constitution.delete()


def write_comment(
    *,
    version: ConstitutionVersion,
    text: str,
    author: User,
    principle_name: str = "",
) -> Comment:
    """Add a word to a version's thread. UnknownConstitutionError for an unknown principle."""
    if not text.strip():
        raise BadPrincipleError("text", "The comment is empty.")
    if len(text) > 5_000:
        raise BadPrincipleError("text", f"The comment has {len(text):,} characters; at most 5,000.")
    if principle_name and not version.principles.filter(name=principle_name).exists():
        raise UnknownConstitutionError(f"{version} has no principle {principle_name!r}.")
    return Comment.objects.create(
        version=version, text=text.strip(), author=author, principle_name=principle_name
    )


def _insert(
    draft: ConstitutionVersion, text: PrincipleText, *, author: User | None, reason: str
) -> Principle:
    _check(draft, text)
    last = draft.principles.aggregate(last=Max("position"))["last"]
    principle = row_of(draft, 0 if last is None else last + 1, text)
    principle.save()
    note_change(
        draft,
        Change.Action.ADDED,
        author=author,
        reason=reason,
        principle=principle,
        after=fields_of(text),
    )
    return principle


def _check(draft: ConstitutionVersion, text: PrincipleText, besides: int = 0) -> None:
    check_principle(text)
    if draft.principles.filter(name=text.name).exclude(pk=besides).exists():
        raise BadPrincipleError("name", f"Another principle is already named {text.name!r}.")


def _principle(draft: ConstitutionVersion, principle_id: int) -> Principle:
    found = draft.principles.filter(pk=principle_id).first()
    if found is None:
        gone = (
            draft.changes.filter(principle_id=principle_id, action=Change.Action.REMOVED)
            .select_related("author")
            .first()
        )
        who = f" {gone.author} removed it." if gone is not None and gone.author else ""
        raise BadPrincipleError("name", f"{draft} does not have this principle (any more).{who}")
    return found


def _as_seen(
    draft: ConstitutionVersion, principle: Principle, seen: int, now: dict[str, Any]
) -> dict[str, Any]:
    """The principle as it stood at revision `seen`: what the first change after it found."""
    first = (
        draft.changes.filter(
            principle_id=principle.pk, action=Change.Action.EDITED, revision__gt=seen
        )
        .order_by("revision")
        .first()
    )
    return dict(first.before) if first is not None else now


def _last_author(draft: ConstitutionVersion, principle: Principle) -> str:
    last = (
        draft.changes.filter(principle_id=principle.pk)
        .select_related("author")
        .order_by("-revision")
        .first()
    )
    return str(last.author) if last is not None and last.author is not None else "Somebody"


def _place(draft: ConstitutionVersion, principle: Principle, to: int) -> None:
    order = [one for one in draft.principles.order_by("position") if one.pk != principle.pk]
    order.insert(to, principle)
    _renumber(draft, order)


def _renumber(draft: ConstitutionVersion, order: list[Principle]) -> None:
    draft.principles.update(position=F("position") + _ASIDE)
    for position, one in enumerate(order):
        one.position = position
    Principle.objects.bulk_update(order, ["position"])
