"""The forms that launch a judge and try a prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms

from constitution.models import ConstitutionVersion
from corpus.models import ModelVersion, Project
from inference.engine import Sampling
from inference.errors import BadRequestError
from inference.registry import ENGINES
from inference.validation import check_options, check_sampling

# Scripts have no weights: they are for our own tests, and no model listed in a form is one.
ENGINE_CHOICES = [(name, name) for name in ENGINES if name != "scripted"]


class JudgeForm(forms.Form):
    constitution = forms.ModelChoiceField(
        ConstitutionVersion.objects.none(), label="Published constitution"
    )
    model = forms.ModelChoiceField(ModelVersion.objects.none(), label="Model")
    engine = forms.ChoiceField(choices=ENGINE_CHOICES)
    which = forms.ChoiceField(
        choices=[("new", "Pairs this judge has not labelled"), ("all", "All pairs")], label="Pairs"
    )
    batch = forms.CharField(
        required=False,
        max_length=100,
        label="Only of the batch",
        help_text="What brought the pairs: a file's name, critique-3, round-1. Empty: any.",
    )
    accept_cut = forms.BooleanField(
        required=False,
        label="Go on although some questions do not fit",
        help_text="Without it, a run in which more than 1 % of the questions are longer than the "
        "model's context stops before the first is asked.",
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


class PlaygroundForm(forms.Form):
    model = forms.ModelChoiceField(ModelVersion.objects.none(), empty_label=None)
    engine = forms.ChoiceField(choices=ENGINE_CHOICES)
    system = forms.CharField(
        required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    prompt = forms.CharField(max_length=100_000, widget=forms.Textarea(attrs={"rows": 5}))
    options = forms.CharField(
        required=False,
        max_length=500,
        help_text="Such as A, B: two or more, with commas between, to see their probabilities.",
    )
    max_tokens = forms.IntegerField(min_value=1, max_value=8_192, initial=256)
    temperature = forms.FloatField(
        min_value=0, max_value=5, initial=1.0, help_text="0 is greedy; else at least 0.01."
    )
    seed = forms.IntegerField(
        required=False, min_value=0, max_value=2**63 - 1, help_text="Empty: a fresh one each time."
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        models = ModelVersion.objects.filter(project=project).order_by("pk")
        self.fields["model"].queryset = models  # type: ignore[attr-defined]
        self.lacks_model = not models.exists()

    def clean_options(self) -> tuple[str, ...]:
        options = tuple(
            part.strip() for part in self.cleaned_data["options"].split(",") if part.strip()
        )
        if options:
            _refuse(check_options, options)
        return options

    def clean_temperature(self) -> float:
        temperature = float(self.cleaned_data["temperature"])
        _refuse(check_sampling, Sampling(temperature=temperature))
        return temperature


def _refuse(check: Callable[[Any], None], value: Any) -> None:
    try:
        check(value)
    except BadRequestError as error:
        raise forms.ValidationError(str(error)) from error
