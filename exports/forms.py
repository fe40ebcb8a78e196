"""The forms that freeze dataset versions."""

from __future__ import annotations

from typing import Any

from django import forms

from constitution.models import RevisionRun
from corpus.models import Project
from exports.models import DatasetVersion
from exports.spec import FreezeFilters, SftFilters
from jobs.models import JobState

NO_SLUG = "“%(value)s” has characters other than letters, digits, - and _."


class FreezeForm(forms.Form):
    name = forms.SlugField(
        max_length=80, help_text="Letters, digits, - and _.", error_messages={"invalid": NO_SLUG}
    )
    raters = forms.ChoiceField(
        choices=[
            ("both", "Humans, and judges where no human has labelled"),
            ("human", "Humans only"),
            ("judge", "Judges only"),
        ],
        initial="both",
        label="Whose labels",
    )
    consensus = forms.ChoiceField(
        choices=[
            ("mean", "Mean, with humans overriding judges"),
            ("majority", "Vote shares of all raters"),
            ("dawid_skene", "Dawid–Skene: raters weighted by their errors"),
        ],
        initial="mean",
        required=False,
        label="How labels are combined",
    )
    min_labels = forms.IntegerField(min_value=1, initial=1, label="Minimum labels per pair")
    tie_band = forms.FloatField(
        min_value=0.0,
        max_value=0.49,
        initial=0.05,
        label="Tie band",
        help_text="Pairs with a probability this close to one half are left out.",
    )
    include_suspended = forms.BooleanField(
        required=False, label="Include labels of suspended raters"
    )
    include_uncertified = forms.BooleanField(
        required=False, label="Include labels of raters who have not passed calibration"
    )
    validation = forms.FloatField(min_value=0.0, max_value=0.9, initial=0.1)
    test = forms.FloatField(min_value=0.0, max_value=0.9, initial=0.1)
    seed = forms.IntegerField(initial=0, label="Split seed")
    picked = forms.RegexField(
        "^[0-9a-f]{64}$",
        required=False,
        label="Only these picked pairs",
        help_text="The SHA-256 of their set; pairs are picked on the page Pairs.",
        error_messages={"invalid": "“%(value)s” is not a sha256: 64 characters, 0–9 and a–f."},
    )

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if (cleaned.get("validation") or 0) + (cleaned.get("test") or 0) >= 1:
            raise forms.ValidationError("Validation and test must leave a share for training.")
        return cleaned

    def filters(self) -> FreezeFilters:
        given = {k: v for k, v in self.cleaned_data.items() if k != "name" and v != ""}
        return FreezeFilters.model_validate(given)


class FreezeSftForm(forms.Form):
    name = forms.SlugField(
        max_length=80, help_text="Letters, digits, - and _.", error_messages={"invalid": NO_SLUG}
    )
    runs = forms.ModelMultipleChoiceField(
        RevisionRun.objects.none(), label="Critique runs", widget=forms.CheckboxSelectMultiple
    )
    revisions = forms.ChoiceField(
        choices=[
            ("last", "The last revision of each chain"),
            ("all", "The revisions of every round"),
        ]
    )
    untouched = forms.BooleanField(
        required=False, label="Include initial answers in which the critique found nothing"
    )
    judged = forms.BooleanField(
        required=False,
        initial=True,
        label="Leave out chains whose initial answer a judge or rater prefers",
    )
    helpful = forms.ChoiceField(
        required=False,
        label="Mix in chosen responses from",
        help_text="Helpful responses keep a model from becoming evasive.",
    )
    helpful_share = forms.FloatField(
        min_value=0, max_value=0.95, initial=0.5, label="Their share of the rows"
    )
    validation = forms.FloatField(min_value=0.0, max_value=0.9, initial=0.1)
    test = forms.FloatField(min_value=0.0, max_value=0.9, initial=0.0)
    seed = forms.IntegerField(initial=0, label="Split seed")

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        finished = (JobState.SUCCEEDED, JobState.CANCELLED, JobState.FAILED)
        runs = RevisionRun.objects.filter(project=project, state__in=finished)
        self.fields["runs"].queryset = runs  # type: ignore[attr-defined]
        preference = DatasetVersion.objects.filter(
            project=project, kind=DatasetVersion.Kind.PREFERENCE
        )
        self.fields["helpful"].choices = [  # type: ignore[attr-defined]
            ("", "No dataset"),
            *((one.sha256, f"{one} ({one.sha256[:12]}…)") for one in preference),
        ]
        self.lacks_runs = not runs.exists()

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if (cleaned.get("validation") or 0) + (cleaned.get("test") or 0) >= 1:
            raise forms.ValidationError("Validation and test must leave a share for training.")
        return cleaned

    def filters(self) -> SftFilters:
        given = {k: v for k, v in self.cleaned_data.items() if k not in ("name", "runs")}
        given["runs"] = tuple(run.pk for run in self.cleaned_data["runs"])
        given["helpful"] = given["helpful"] or None
        return SftFilters.model_validate(given)
