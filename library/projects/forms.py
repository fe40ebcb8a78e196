"""The form of a new project, with a row for each person to invite."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, NamedTuple

from django import forms
from django.utils.text import slugify

from accounts.models import Role
from annotation.quality.presets import PRESETS
from annotation.services.guidelines import MAX_GUIDELINE_CHARACTERS
from corpus.models import Project
from corpus.models.projects import SLUG_CHARACTERS, slug_fault
from library.projects.creating import Invitee
from library.projects.starters import STARTERS, TITLES, guideline_text

DESCRIPTION_CHARACTERS = 5_000
NO_GUIDELINE = "none"
FIRST_ROWS = 3
MOST_ROWS = 50


class InviteeRow(NamedTuple):
    email: forms.BoundField
    role: forms.BoundField


class NewProjectForm(forms.Form):
    name = forms.CharField(max_length=200)
    slug = forms.CharField(
        required=False,
        max_length=SLUG_CHARACTERS,
        help_text="The project's address and its name in commands. It cannot be changed later.",
    )
    description = forms.CharField(
        required=False, max_length=DESCRIPTION_CHARACTERS, widget=forms.Textarea(attrs={"rows": 2})
    )
    starter = forms.ChoiceField(
        required=False,
        label="Start from",
        choices=[
            *((name, TITLES[name]) for name in STARTERS),
            (NO_GUIDELINE, "Nothing: write one later"),
        ],
        initial=STARTERS[0],
    )
    guideline = forms.CharField(
        required=False,
        label="Guideline (Markdown)",
        strip=False,
        max_length=MAX_GUIDELINE_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 16}),
        help_text="What raters read before they start. You can publish new versions at any time.",
    )
    policy = forms.ChoiceField(
        label="Quality policy",
        choices=[(name, preset.title) for name, preset in PRESETS.items()],
        initial="standard",
        widget=forms.RadioSelect,
    )
    sandbox = forms.BooleanField(
        required=False,
        label="Add the sandbox model",
        help_text="A tiny language model that runs on any machine, so that you can try judging "
        "and training at once. Its answers are toys.",
    )

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.fields["guideline"].initial = guideline_text(STARTERS[0])
        for number in range(_rows_in(data or {})):
            self.fields[f"email_{number}"] = forms.EmailField(
                required=False,
                label=f"E-mail of person {number + 1}",
                error_messages={"invalid": "“%(value)s” is not an e-mail address."},
            )
            self.fields[f"role_{number}"] = forms.ChoiceField(
                required=False,
                label=f"Role of person {number + 1}",
                choices=Role.choices,
                initial=Role.RATER,
            )

    def invitee_rows(self) -> list[InviteeRow]:
        numbers = (name.removeprefix("email_") for name in self.fields if name.startswith("email_"))
        return [InviteeRow(self[f"email_{one}"], self[f"role_{one}"]) for one in numbers]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "slug" not in self.errors and "name" not in self.errors:
            self._clean_slug(cleaned)
        self._clean_invitees(cleaned)
        return cleaned

    def _clean_slug(self, cleaned: dict[str, Any]) -> None:
        cleaned["slug"] = slug = cleaned["slug"] or slugify(cleaned["name"])[:SLUG_CHARACTERS]
        if not slug:
            self.add_error("slug", "The name has no letters to make a slug from: enter one.")
        elif fault := slug_fault(slug):
            self.add_error("slug", fault)
        elif Project.objects.filter(slug=slug).exists():
            self.add_error("slug", f"{slug!r} is taken; {_free_like(slug)!r} is free.")

    def _clean_invitees(self, cleaned: dict[str, Any]) -> None:
        invitees: dict[str, Invitee] = {}
        for row in self.invitee_rows():
            email = cleaned.get(row.email.name)
            if not email:
                continue
            if email.lower() in invitees:
                self.add_error(row.email.name, f"{email} is already in the list.")
            role = Role(cleaned.get(row.role.name) or Role.RATER)
            invitees[email.lower()] = Invitee(email, role)
        cleaned["invitees"] = list(invitees.values())


def _rows_in(data: Mapping[str, Any]) -> int:
    """How many rows were sent, and at least those that a fresh form has."""
    sent = [number for number in range(MOST_ROWS) if f"email_{number}" in data]
    return max(FIRST_ROWS, *(number + 1 for number in sent), 0)


def _free_like(slug: str) -> str:
    """`slug` with the first number that is free."""
    taken = set(Project.objects.filter(slug__startswith=slug[:-3]).values_list("slug", flat=True))
    numbered = (f"{slug[: SLUG_CHARACTERS - 5]}-{number}" for number in count(2))
    return next(one for one in numbered if one not in taken)
