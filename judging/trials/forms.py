"""Forms that try a draft, and that measure its impact."""

from __future__ import annotations

from typing import Any

from django import forms

from constitution.models import ConstitutionVersion
from corpus.models import Project
from judging.trials.draft_trial import MOST_PRINCIPLES
from serving.engine_forms import ProjectModelForm, usable_temperature


class TryForm(ProjectModelForm):
    prompt = forms.CharField(max_length=20_000, widget=forms.Textarea(attrs={"rows": 3}))
    answer = forms.CharField(
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The answer to critique; leave empty to let the model write one.",
    )
    principle = forms.ChoiceField(required=False)
    temperature = forms.FloatField(min_value=0, max_value=5, initial=1.0)
    seed = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=2**31,
        help_text="Leave empty for a new one each time.",
    )

    def __init__(
        self, project: Project, version: ConstitutionVersion, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(project, *args, **kwargs)
        names = list(version.principles.order_by("position").values_list("name", flat=True))
        few = len(names) <= MOST_PRINCIPLES
        self.fields["principle"].choices = [  # type: ignore[attr-defined]
            ("", "All principles" if few else f"The first {MOST_PRINCIPLES} principles"),
            *((name, name) for name in names),
        ]

    def clean_temperature(self) -> float:
        return usable_temperature(float(self.cleaned_data["temperature"]))


class ImpactForm(ProjectModelForm):
    pass
