"""The form that launches a judge."""

from __future__ import annotations

from typing import Any

from django import forms

from constitution.models import ConstitutionVersion
from corpus.models import ModelVersion, Project
from inference.registry import ENGINES


class JudgeForm(forms.Form):
    constitution = forms.ModelChoiceField(
        ConstitutionVersion.objects.none(), label="Published constitution"
    )
    model = forms.ModelChoiceField(ModelVersion.objects.none(), label="Model")
    # Scripts have no weights: they are for our own tests, and no model listed here is one.
    engine = forms.ChoiceField(choices=[(name, name) for name in ENGINES if name != "scripted"])
    which = forms.ChoiceField(
        choices=[("new", "Pairs this judge has not labelled"), ("all", "All pairs")], label="Pairs"
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = ConstitutionVersion.objects.filter(
            constitution__project=project, status=ConstitutionVersion.Status.PUBLISHED
        ).select_related("constitution")
        models = ModelVersion.objects.filter(project=project).exclude(kind=ModelVersion.Kind.API)
        self.fields["constitution"].queryset = versions  # type: ignore[attr-defined]
        self.fields["model"].queryset = models.order_by("pk")  # type: ignore[attr-defined]
        for name in ("constitution", "model"):
            self.fields[name].empty_label = None  # type: ignore[attr-defined]
        self.lacks_constitution = not versions.exists()
        self.lacks_model = not models.exists()
