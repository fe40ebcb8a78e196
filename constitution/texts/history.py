"""A version's history as it is read: who changed what, when and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from constitution.models import Change, ConstitutionVersion
from constitution.texts.comparison import FieldPair, value_text

TOGETHER = dt.timedelta(minutes=10)
"""One author's edits of one principle within this time are one entry of the history."""


@dataclass(slots=True)
class HistoryEntry:
    """One change, or several edits of one principle by one author in one go."""

    action: str
    principle: str
    author: str
    reason: str
    since: dt.datetime
    until: dt.datetime
    edits: int
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def fields(self) -> list[FieldPair]:
        """The fields of an edit that differ, as texts; none for another action."""
        if self.action != Change.Action.EDITED:
            return []
        return [
            FieldPair(name, value_text(self.before.get(name)), value_text(value))
            for name, value in self.after.items()
            if value != self.before.get(name)
        ]


def grouped_changes(version: ConstitutionVersion) -> list[HistoryEntry]:
    """A version's history, the newest first, with what was written in one go in one entry."""
    entries: list[HistoryEntry] = []
    identity: tuple[Any, ...] | None = None
    for change in version.changes.select_related("author").order_by("revision"):
        author = str(change.author) if change.author else ""
        this = (change.principle_id, author, change.reason)
        edited = change.action == Change.Action.EDITED
        last = entries[-1] if entries else None
        if edited and last and this == identity and change.created_at - last.until <= TOGETHER:
            last.until, last.after = change.created_at, change.after
            last.principle = change.principle_name
            last.edits += 1
            continue
        identity = this if edited else None
        entries.append(
            HistoryEntry(
                action=change.action,
                principle=change.principle_name,
                author=author,
                reason=change.reason,
                since=change.created_at,
                until=change.created_at,
                edits=1,
                before=change.before,
                after=change.after,
            )
        )
    return entries[::-1]
