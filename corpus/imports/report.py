"""What an import did, as counts that can be stored and gone on with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

MAX_COUNTED = 200
"""Different field names and reasons that are counted by name; the rest count together."""

OTHERS = "(others)"


@dataclass(frozen=True, slots=True)
class Rejected:
    line: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """`rows` counts all that was read and is not blank.

    `duplicates` are pairs that were there already; `completions_added` single answers that are in
    no pair of the file, `steps_added` labels of steps. `identical` counts pairs that a policy would
    have made of two identical answers. `kept_fields` became metadata, `dropped_fields` could be
    kept nowhere; both count records by the field's name. `met_imports` counts what was there
    already by the id of the import that it came with.
    """

    format: str = ""
    rows: int = 0
    pairs_added: int = 0
    labels_added: int = 0
    duplicates: int = 0
    completions_added: int = 0
    demonstrations_added: int = 0
    steps_added: int = 0
    empty_responses: int = 0
    identical: int = 0
    rejected_rows: int = 0
    kept_fields: Counter[str] = field(default_factory=Counter)
    dropped_fields: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    met_imports: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)

    def add(self, counts: Mapping[str, int]) -> None:
        """Add to the plain counts, by their names."""
        for name, count in counts.items():
            setattr(self, name, getattr(self, name) + count)

    def reject(self, rejected: Sequence[Rejected]) -> None:
        self.rejected_rows += len(rejected)
        for one in rejected:
            count_named(self.reasons, one.reason)

    def as_json(self) -> dict[str, Any]:
        """What is stored with the import: everything but the rejected lines, which are rows."""
        found: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name != "rejected":
                found[one.name] = dict(value) if isinstance(value, Counter) else value
        return found

    def with_rejected(self) -> dict[str, Any]:
        """All of it, for those who read JSON."""
        rejected = [{"line": one.line, "reason": one.reason} for one in self.rejected]
        return {**self.as_json(), "rejected": rejected}


def read_report(stored: Mapping[str, Any]) -> ImportReport:
    """The report of an import as it was stored; an empty one where nothing was."""
    report = ImportReport()
    for one in fields(report):
        if one.name in stored:
            value = stored[one.name]
            setattr(report, one.name, Counter(value) if isinstance(value, dict) else value)
    return report


def count_named(counter: Counter[str], name: str, by: int = 1) -> None:
    """Count under the name, or together with others once there are very many names."""
    counter[name if name in counter or len(counter) < MAX_COUNTED else OTHERS] += by
