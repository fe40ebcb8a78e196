"""Filters of the page of prompts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from corpus.models import Project, Prompt

VALUES_SHOWN = 200


class FilterForm(forms.Form):
    """A chosen value stands behind “=”, so that “none” and “any” are two things."""

    source = forms.ChoiceField(required=False)
    domain = forms.ChoiceField(required=False)
    without_pairs = forms.BooleanField(required=False, label="Only prompts without pairs")

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("source", "domain"):
            there = Prompt.objects.filter(project=project).order_by(name)
            values = there.values_list(name, flat=True).distinct()[:VALUES_SHOWN]
            self.fields[name].choices = [  # type: ignore[attr-defined]
                ("", "Any"),
                *((f"={value}", value or "(none)") for value in values),
            ]

    def kept(self) -> QueryDict:
        """The filters that are set, for an address."""
        query = QueryDict(mutable=True)
        if self.is_valid():
            for name, value in self.cleaned_data.items():
                if value:
                    query[name] = "on" if value is True else value
        return query
