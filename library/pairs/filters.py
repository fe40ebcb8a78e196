"""Which pairs are looked at: a search and filters, which combine and live in the address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.db.models import QuerySet

from corpus.models import Import, Pair, Project
from corpus.search import with_words, words_of
from library.pairs.states import Agreement, State, in_state, with_agreement

NOT_SPECIFIED = "-"
"""Stands for the prompts of which a file did not say."""

STRATA = {
    "domain": "Domain",
    "difficulty": "Difficulty",
    "language": "Language",
    "source": "Source",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFilter:
    """What was asked for; a field that is empty asks for nothing."""

    q: str = ""
    state: str = ""
    agreement: str = ""
    origin: str = ""
    held_back: str = ""
    source_import: int | None = None
    domain: str = ""
    difficulty: str = ""
    language: str = ""
    source: str = ""
    picked: str = ""

    def asked(self) -> dict[str, Any]:
        """What is asked for, by field."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value not in ("", None)}

    def pairs(self, project: Project) -> QuerySet[Pair]:
        """The project's pairs that are meant, in no order."""
        pairs = Pair.objects.filter(project=project).order_by()
        for name in STRATA:
            if value := getattr(self, name):
                wanted = "" if value == NOT_SPECIFIED else value
                pairs = pairs.filter(**{f"prompt__{name}": wanted})
        for name in ("origin", "held_back", "source_import"):
            if (value := getattr(self, name)) not in ("", None):
                pairs = pairs.filter(**{name: value})
        if self.picked:
            pairs = pairs.filter(sets__project=project, sets__sha256=self.picked)
        if self.state:
            pairs = in_state(pairs, project, State(self.state))
        if self.agreement:
            pairs = with_agreement(pairs, project, Agreement(self.agreement))
        if self.q:
            words = words_of(self.q)
            # Nothing that can be looked for: nothing is found, and the page says why.
            pairs = pairs.filter(with_words(words)) if words.used else pairs.none()
        return pairs


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is set, in words, by the names of what the address holds of it."""

    name: str
    title: str
    value: str


def chips(wanted: PairFilter, project: Project) -> Iterator[Chip]:
    """The filters that are set. The search has a field of its own."""
    said: Mapping[str, Mapping[str, str]] = {
        "state": dict(State.choices),
        "agreement": dict(Agreement.choices),
        "origin": dict(Pair.Origin.choices),
        "held_back": dict(Pair.HeldBack.choices),
    }
    titles = {
        "state": "State",
        "agreement": "Agreement",
        "origin": "Origin",
        "held_back": "Held back",
        "source_import": "Import",
        "picked": "Picked pairs",
        **STRATA,
    }
    for name, value in wanted.asked().items():
        if name == "q":
            continue
        words = str(value)
        if name in said:
            label = str(said[name].get(value, value))
            words = label[:1].upper() + label[1:]
        if name == "source_import":
            found = Import.objects.filter(project=project, pk=value).first()
            words = found.name if found else f"{value} (not in this project)"
        elif name in STRATA and value == NOT_SPECIFIED:
            words = "Not specified"
        elif name == "picked":
            words = f"{value[:12]}…"
        yield Chip(name, titles[name], words)
