"""The forms of the pages of pairs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.forms import BoundField

from corpus.models import Pair, Project, Prompt
from library.pairs.filters import NOT_SPECIFIED, STRATA, PairFilter
from library.pairs.states import Agreement, State

MOST_CHOICES = 200
"""Strata to choose from; a project with more of one kind has no use for a list of them."""

MOST_COMBINATIONS = 2_000

RENAMED = {"import": "source_import"}
"""Names of the address that Python keeps for itself."""

IN_ADDRESS = ("q", "state", "agreement", "origin", "held_back", "picked", "import", *STRATA)
"""The names of the fields below."""


class QueryField(forms.CharField):
    """A search: whatever is typed into it is no error."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\0", " ").strip()


class FilterForm(forms.Form):
    """Search and filters, from the address."""

    q = QueryField(required=False, label="Search")
    state = forms.ChoiceField(required=False, choices=[("", "Any state"), *State.choices])
    agreement = forms.ChoiceField(required=False, choices=[("", "Any"), *Agreement.choices])
    origin = forms.ChoiceField(required=False)
    held_back = forms.ChoiceField(required=False, label="Why held back")
    picked = forms.RegexField("^[0-9a-f]{64}$", required=False, widget=forms.HiddenInput)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["origin"] = _choice("Any origin", _capital(Pair.Origin.choices))
        self.fields["held_back"] = _choice(
            "Any reason, or none", _capital(Pair.HeldBack.choices), "Why held back"
        )
        imports = [
            (one.pk, f"{one.name} ({one.pk})") for one in project.imports.all()[:MOST_CHOICES]
        ]
        self.fields["import"] = forms.TypedChoiceField(
            required=False, choices=[("", "Any import"), *imports], coerce=int, empty_value=None
        )
        strata = _strata(project)
        for name, title in STRATA.items():
            self.fields[name] = _stratum(strata[name], title)

    @property
    def shown(self) -> list[BoundField]:
        """The filters, without the search and what no one types."""
        return [field for field in self if field.name not in ("q", "picked") and self._helps(field)]

    def _helps(self, field: BoundField) -> bool:
        """Whether there is anything to choose."""
        choices = getattr(field.field, "choices", None)
        return choices is None or len(choices) > 1 or bool(field.value())

    def wanted(self) -> PairFilter:
        """What the address asks for; a field that is wrong asks for nothing, and says so."""
        data = {RENAMED.get(name, name): value for name, value in self.cleaned_data.items()}
        return PairFilter(**data)


def _capital(choices: Any) -> list[tuple[str, str]]:
    return [(value, label[:1].upper() + label[1:]) for value, label in choices]


def _choice(nothing: str, choices: list[tuple[str, str]], label: str | None = None) -> forms.Field:
    return forms.ChoiceField(required=False, choices=[("", nothing), *choices], label=label)


def _strata(project: Project) -> dict[str, set[str]]:
    """What there is of each stratum, at least MOST_CHOICES and one where there is more. Read by one
    look at an index, or by one each where too many go together."""
    prompts = Prompt.objects.filter(project=project)
    together = prompts.order_by(*STRATA).values_list(*STRATA).distinct()
    rows = list(together[: MOST_COMBINATIONS + 1])
    if len(rows) <= MOST_COMBINATIONS:
        return {name: {row[place] for row in rows} for place, name in enumerate(STRATA)}
    return {name: set(_alone(prompts, name)[: MOST_CHOICES + 1]) for name in STRATA}


def _alone(prompts: QuerySet[Prompt], name: str) -> QuerySet[Prompt, str]:
    return prompts.order_by(name).values_list(name, flat=True).distinct()


def _stratum(found: set[str], title: str) -> forms.Field:
    """A list of what there is, or, of very many, a field to type one into."""
    if len(found) > MOST_CHOICES:
        return forms.CharField(required=False, label=title, max_length=200)
    named = [(value, value) for value in sorted(found) if value]
    if named and "" in found:
        named.append((NOT_SPECIFIED, "Not specified"))
    return forms.ChoiceField(required=False, label=title, choices=[("", "Any"), *named])
