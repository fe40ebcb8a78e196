"""Two versions side by side: which principles came, went or changed, field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import yaml

from constitution.models import ConstitutionVersion
from constitution.services import fields_of

Status = Literal["same", "changed", "added", "removed", "renamed"]


@dataclass(frozen=True, slots=True)
class FieldPair:
    """One field in both versions, as text."""

    field: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class ComparedPrinciple:
    """A principle in both versions; one of the names is empty where it is in one alone."""

    before: str
    after: str
    status: Status
    moved: bool
    fields: list[FieldPair]


def compare_versions(
    before: ConstitutionVersion, after: ConstitutionVersion
) -> list[ComparedPrinciple]:
    """The principles of both, in the order of `after`, what is gone at the end.

    Principles are the same by name; one whose name is gone is the same as one whose name is new
    where the comparison text, or critique and revision requests, stayed word for word.
    """
    old = [fields_of(one) for one in before.principles.order_by("position")]
    new = [fields_of(one) for one in after.principles.order_by("position")]
    by_name = {one["name"]: number for number, one in enumerate(old)}
    twins: dict[int, int] = {}
    for number, one in enumerate(new):
        if one["name"] in by_name:
            twins[number] = by_name[one["name"]]
    _match_renamed(old, new, twins)
    kept = [twins[number] for number in sorted(twins)]
    in_order = _longest_rising(kept)
    rows = []
    for number, one in enumerate(new):
        twin = twins.get(number)
        was = old[twin] if twin is not None else None
        rows.append(_row(was, one, moved=twin is not None and twin not in in_order))
    gone = [one for number, one in enumerate(old) if number not in set(twins.values())]
    return rows + [_row(one, None, moved=False) for one in gone]


def _match_renamed(
    old: list[dict[str, Any]], new: list[dict[str, Any]], twins: dict[int, int]
) -> None:
    taken = set(twins.values())
    for number, one in enumerate(new):
        if number in twins:
            continue
        for place, was in enumerate(old):
            if place not in taken and _same_words(was, one):
                twins[number] = place
                taken.add(place)
                break


def _same_words(was: dict[str, Any], one: dict[str, Any]) -> bool:
    if was["comparison"] and was["comparison"] == one["comparison"]:
        return True
    requests = ("critique_request", "revision_request")
    return all(was[name] and was[name] == one[name] for name in requests)


def _longest_rising(places: list[int]) -> set[int]:
    """A longest rising subsequence: who kept their order while others moved around them."""
    runs: list[list[int]] = []
    for place in places:
        before: list[int] = []
        for run in runs:
            if run[-1] < place and len(run) > len(before):
                before = run
        runs.append([*before, place])
    longest: list[int] = []
    for run in runs:
        if len(run) > len(longest):
            longest = run
    return set(longest)


def _row(
    before: dict[str, Any] | None, after: dict[str, Any] | None, *, moved: bool
) -> ComparedPrinciple:
    names = [name for name in (before or after or {}) if name != "name"]
    fields = [
        FieldPair(name, value_text((before or {}).get(name)), value_text((after or {}).get(name)))
        for name in names
    ]
    shown = [one for one in fields if one.before or one.after]
    status: Status = "same"
    if before is None:
        status = "added"
    elif after is None:
        status = "removed"
    elif before["name"] != after["name"]:
        status = "renamed"
    elif any(one.changed for one in shown):
        status = "changed"
    return ComparedPrinciple(
        before["name"] if before else "", after["name"] if after else "", status, moved, shown
    )


def value_text(value: Any) -> str:
    """A field's value as it is read: lists of words with commas, objects as YAML."""
    if value in (None, "", []):
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=80).strip()
