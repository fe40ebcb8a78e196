"""The forms that set judges up, launch them, and set what is expected of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.forms import BoundField

from constitution.models import ConstitutionVersion
from corpus.models import ModelVersion, Project
from judging.engine_forms import ModelSelect, OnModelForm
from judging.models import JudgeConfig, JudgePolicy
from judging.selectors import PairSelection, judges_of

MODES = [
    ("direct", "Direct: the probabilities of A and B"),
    ("reasoned", "Reasoned: writes first, then chooses"),
    ("verifier", "Verifiers: the constitution's programs, no model"),
]
PRINCIPLES = [
    ("ensemble", "Ensemble: averaged over several"),
    ("one_drawn", "One drawn for each pair"),
    ("together", "All in one prompt"),
]


class SelectionForm(forms.Form):
    which = forms.ChoiceField(
        choices=[
            ("new", "Pairs this judge has not dealt with"),
            ("all", "All pairs"),
            ("disagreement", "Pairs on which a judge and humans disagree"),
            ("gold", "Gold alone: to be admitted, or a check"),
        ],
        label="Which",
    )
    batch = forms.CharField(
        required=False,
        max_length=100,
        label="Only of the batch",
        help_text="What brought the pairs: a file's name, critique-3, round-1. Empty: any.",
    )
    domain = forms.CharField(required=False, max_length=100, label="Only of the domain")
    difficulty = forms.CharField(required=False, max_length=50, label="Only of the difficulty")
    source = forms.CharField(required=False, max_length=200, label="Only of the source")
    language = forms.CharField(required=False, max_length=35, label="Only of the language")
    dataset = forms.RegexField(
        "^[0-9a-f]{64}$", required=False, label="Only of the dataset", help_text="Its sha256."
    )

    def selection(self) -> PairSelection:
        data = self.cleaned_data
        narrow = {
            name: data[name] or None
            for name in ("batch", "domain", "difficulty", "source", "language", "dataset")
        }
        return PairSelection(which=data["which"], **narrow)


class JudgeForm(SelectionForm, OnModelForm):
    constitution = forms.ModelChoiceField(
        ConstitutionVersion.objects.none(), label="Published constitution"
    )
    model = forms.ModelChoiceField(
        ModelVersion.objects.none(), required=False, empty_label=None, widget=ModelSelect
    )
    mode = forms.ChoiceField(choices=MODES, required=False)
    principles = forms.ChoiceField(choices=PRINCIPLES, required=False)
    ensemble_size = forms.IntegerField(
        required=False, min_value=0, max_value=64, label="Principles drawn for an ensemble",
        help_text="0 or empty: all of them, by their weights.",
    )  # fmt: skip
    orders = forms.ChoiceField(
        required=False,
        choices=[("both", "Both orders"), ("one", "One, drawn for each pair")],
        label="Orders",
    )
    samples = forms.IntegerField(
        required=False, min_value=1, max_value=32, label="Reasonings per question"
    )
    temperature = forms.FloatField(
        required=False, min_value=0, max_value=5, label="Temperature of the reasoning"
    )
    max_tokens = forms.IntegerField(
        required=False, min_value=1, max_value=32_768, label="Tokens of the reasoning"
    )
    tie_band = forms.FloatField(
        required=False, min_value=0, max_value=0.49, label="Equal within this of one half",
        help_text="Empty: 0.05.",
    )  # fmt: skip
    contradiction = forms.FloatField(
        required=False, min_value=0.01, max_value=1, label="Abstain beyond",
        help_text="Where the orders name different winners and are further apart. Empty: 0.9.",
    )  # fmt: skip
    least_mass = forms.FloatField(
        required=False, min_value=0, max_value=1, label="Least mass of A and B",
        help_text="A verdict in which they held less of the model's probability is unreadable.",
    )  # fmt: skip
    use_reference = forms.BooleanField(required=False, label="Show the reference answer")
    few_shots = forms.CharField(
        required=False,
        max_length=400_000,
        label="Solved comparisons",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text='JSON: [{"prompt": …, "response_a": …, "response_b": …, "better": "a"}].',
    )
    name = forms.CharField(
        required=False, max_length=200, label="Name", help_text="Empty: what the judge does."
    )
    attacks = forms.BooleanField(
        required=False,
        label="Test it by attacks as well",
        help_text="Constant, empty, instructing and padded answers against real ones.",
    )
    accept_cut = forms.BooleanField(
        required=False,
        label="Run even if more than 1 % of the questions do not fit the model's context",
    )

    WHO = ("constitution", "model", "engine", "mode")
    WHICH = ("which",)
    EXTRAS = ("attacks",)
    PAIRS = ("domain", "difficulty", "source", "language", "batch", "dataset")
    PRINCIPLES = ("principles", "ensemble_size", "orders")
    DOUBT = ("tie_band", "contradiction", "least_mass")
    REASONING = ("samples", "temperature", "max_tokens")
    CONTEXT = ("use_reference", "accept_cut", "few_shots", "name")
    SETTINGS = (
        *("principles", "ensemble_size", "orders", "samples", "temperature", "max_tokens"),
        *("contradiction", "least_mass", "use_reference", "few_shots"),
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = ConstitutionVersion.objects.filter(
            constitution__project=project, status=ConstitutionVersion.Status.PUBLISHED
        ).select_related("constitution")
        models = ModelVersion.objects.filter(project=project)
        self.fields["constitution"].queryset = versions  # type: ignore[attr-defined]
        self.offer_models(models.order_by("pk"))
        self.fields["constitution"].empty_label = None  # type: ignore[attr-defined]
        self.lacks_constitution = not versions.exists()

    @property
    def who(self) -> list[BoundField]:
        return self._fields(self.WHO)

    @property
    def pairs(self) -> list[BoundField]:
        return self._fields(self.WHICH)

    @property
    def extras(self) -> list[BoundField]:
        return self._fields(self.EXTRAS)

    @property
    def folded(self) -> list[tuple[str, str, list[tuple[str, list[BoundField]]], bool]]:
        """What is seldom wanted: title, what holds while it is left alone, its fields by subject,
        and whether it is open, as it is once something in it is filled in or wrong."""
        parts = (
            ("Only some of these pairs", "All domains, sources and languages.", ("",), self.PAIRS),
            (
                "How it judges",
                "Every principle in both orders; it abstains where the orders contradict.",
                (
                    "Principles and orders",
                    "When it does not decide",
                    "Reasoning",
                    "What it is shown",
                ),
                self.PRINCIPLES,
                self.DOUBT,
                self.REASONING,
                self.CONTEXT,
            ),
        )
        return [
            (
                title,
                usual,
                [(name, self._fields(names)) for name, names in zip(subjects, groups, strict=True)],
                any(self[name].errors or self[name].value() for names in groups for name in names),
            )
            for title, usual, subjects, *groups in parts
        ]

    def _fields(self, names: Iterable[str]) -> list[BoundField]:
        return [self[name] for name in names]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("mode") != "verifier" and "model" in data and data["model"] is None:
            self.add_error("model", "Choose a model; only verifiers judge without one.")
        return data

    def refuse_unfit(self, data: dict[str, Any]) -> None:
        # Verifiers open no engine, and an estimate opens none yet.
        if data.get("mode") != "verifier" and "estimate" not in self.data:
            super().refuse_unfit(data)

    def clean_few_shots(self) -> list[Any]:
        written = self.cleaned_data["few_shots"].strip()
        if not written:
            return []
        try:
            found = json.loads(written)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is no JSON: {error}") from error
        if not isinstance(found, list):
            raise forms.ValidationError("A list of comparisons is wanted: [{…}, …].")
        return found

    def settings(self) -> dict[str, Any]:
        """What was filled in, for judging.settings."""
        data = self.cleaned_data
        filled = {name: data[name] for name in ("mode", *self.SETTINGS)}
        return {name: value for name, value in filled.items() if value not in (None, "", False, [])}


class JuryForm(forms.Form):
    name = forms.CharField(max_length=200)
    judges = forms.ModelMultipleChoiceField(
        JudgeConfig.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    combine = forms.ChoiceField(
        choices=[("mean", "The mean of their probabilities"), ("majority", "The share of votes")],
        label="Labels are",
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        judges = judges_of(project)
        single = [one.pk for one in judges if one.options.get("mode") != "jury"]
        self.fields["judges"].queryset = judges.filter(pk__in=single)  # type: ignore[attr-defined]


class JudgePolicyForm(forms.ModelForm[JudgePolicy]):
    class Meta:
        model = JudgePolicy
        fields = (
            *("attack_gate", "attack_wins", "padded_wins", "first_shown", "inconsistent"),
            *("length", "formatting", "self_preference", "calibration_error"),
        )


class TriageForm(forms.Form):
    """A budget, and what is known or assumed of what a label takes."""

    within = forms.FloatField(
        min_value=0, max_value=0.5, initial=0.15, label="Unsure within this of one half"
    )
    hours = forms.FloatField(required=False, min_value=0, label="Hours of raters")
    money = forms.FloatField(required=False, min_value=0, label="Money")
    hourly_wage = forms.FloatField(
        required=False, min_value=0, label="Hourly wage", help_text="Empty: money plays no part."
    )
    human_seconds = forms.FloatField(required=False, min_value=0.1, label="Seconds a label takes")
    human_accuracy = forms.FloatField(
        required=False, min_value=0, max_value=1, label="How often a rater is right, 0 to 1"
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("money") is not None and not data.get("hourly_wage"):
            self.add_error("hourly_wage", "A budget of money needs a wage.")
        return data
