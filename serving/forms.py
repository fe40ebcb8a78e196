"""The form that tries a prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms

from corpus.models import ModelVersion, Project
from inference.engine import Sampling
from inference.errors import BadRequestError
from inference.validation import check_options, check_sampling
from serving.engine_forms import OnModelForm


class PlaygroundForm(OnModelForm):
    system = forms.CharField(
        required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    prompt = forms.CharField(max_length=100_000, widget=forms.Textarea(attrs={"rows": 5}))
    options = forms.CharField(
        required=False,
        max_length=500,
        help_text="Two or more, separated by commas, to see their probabilities. For example: "
        "A, B.",
    )
    max_tokens = forms.IntegerField(min_value=1, max_value=8_192, initial=256)
    temperature = forms.FloatField(
        min_value=0,
        max_value=5,
        initial=1.0,
        help_text="Enter 0 for greedy decoding, or at least 0.01.",
    )
    seed = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=2**63 - 1,
        help_text="Leave empty for a new one each time.",
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer_models(ModelVersion.objects.filter(project=project).order_by("pk"))

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
