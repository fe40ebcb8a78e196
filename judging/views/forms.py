"""The forms that set judges up, launch them, and set what is expected of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.forms import BoundField

from constitution.models import ConstitutionVersion
from corpus.models import ModelVersion, Project
from judging.budget.planner import LARGEST
from judging.models import JudgeConfig, JudgePolicy
from judging.selectors import PairSelection, judges_of
from serving.engine_forms import ModelSelect, OnModelForm

MODES = [
    ("direct", "Direct: the probabilities of A and B"),
    ("reasoned", "Reasoned: writes its reasoning, then chooses"),
    ("verifier", "Verifiers: the constitution's own checks, no model"),
]
PRINCIPLES = [
    ("ensemble", "Ensemble: the average over several"),
    ("one_drawn", "One drawn at random for each pair"),
    ("together", "All in one prompt"),
]


class SelectionForm(forms.Form):
    which = forms.ChoiceField(
        choices=[
            ("new", "Pairs this judge has not judged yet"),
            ("all", "All pairs"),
            ("disagreement", "Pairs on which a judge and humans disagree"),
            ("gold", "Gold pairs only: to pass calibration, or as a check"),
        ],
        label="Which pairs",
    )
    batch = forms.CharField(
        required=False,
        max_length=100,
        label="Only this batch",
        help_text="Where the pairs came from, such as a file name, critique-3 or round-1.",
    )
    domain = forms.CharField(required=False, max_length=100, label="Only this domain")
    difficulty = forms.CharField(required=False, max_length=50, label="Only this difficulty")
    source = forms.CharField(required=False, max_length=200, label="Only this source")
    language = forms.CharField(required=False, max_length=35, label="Only this language")
    dataset = forms.RegexField(
        "^[0-9a-f]{64}$",
        required=False,
        label="Only this dataset",
        help_text="Its sha256.",
        error_messages={"invalid": "“%(value)s” is not a sha256: 64 characters, 0–9 and a–f."},
    )

    picked = forms.RegexField(
        "^[0-9a-f]{64}$",
        required=False,
        label="Only these picked pairs",
        help_text="Their sha256; pairs are picked on the page of pairs.",
        error_messages={"invalid": "“%(value)s” is not a sha256: 64 characters, 0–9 and a–f."},
    )

    def selection(self) -> PairSelection:
        data = self.cleaned_data
        narrow = {
            name: data[name] or None
            for name in ("batch", "domain", "difficulty", "source", "language", "dataset", "picked")
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
        required=False, min_value=0, max_value=64, label="Principles per ensemble",
        help_text="Leave empty for all of them, by weight.",
    )  # fmt: skip
    orders = forms.ChoiceField(
        required=False,
        choices=[("both", "Both orders"), ("one", "One, drawn at random for each pair")],
        label="Orders",
    )
    samples = forms.IntegerField(
        required=False, min_value=1, max_value=32, label="Reasoning samples per question"
    )
    temperature = forms.FloatField(
        required=False, min_value=0, max_value=5, label="Reasoning temperature"
    )
    max_tokens = forms.IntegerField(
        required=False, min_value=1, max_value=32_768, label="Maximum reasoning tokens"
    )
    tie_band = forms.FloatField(
        required=False, min_value=0, max_value=0.49, label="Tie band around one half",
        help_text="Default: 0.05.",
    )  # fmt: skip
    contradiction = forms.FloatField(
        required=False, min_value=0.01, max_value=1, label="Abstain if the orders differ by "
        "more than",
        help_text="Applies when the orders name different winners. Default: 0.9.",
    )  # fmt: skip
    least_mass = forms.FloatField(
        required=False, min_value=0, max_value=1, label="Minimum probability of A and B",
        help_text="A verdict is unreadable if A and B together get less than this.",
    )  # fmt: skip
    use_reference = forms.BooleanField(required=False, label="Show the reference answer")
    few_shots = forms.CharField(
        required=False,
        max_length=400_000,
        label="Example comparisons",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text='JSON: [{"prompt": …, "response_a": …, "response_b": …, "better": "a"}].',
    )
    name = forms.CharField(
        required=False,
        max_length=200,
        label="Name",
        help_text="Leave empty to name it after its settings.",
    )
    attacks = forms.BooleanField(
        required=False,
        label="Also test it with attacks",
        help_text="Constant, empty, instructing and padded answers against real ones.",
    )
    accept_cut = forms.BooleanField(
        required=False,
        label="Run even if more than 1 % of the questions do not fit the model's context",
    )

    WHO = ("constitution", "model", "engine", "mode")
    WHICH = ("which",)
    EXTRAS = ("attacks",)
    PAIRS = ("domain", "difficulty", "source", "language", "batch", "dataset", "picked")
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
                "Every principle, in both orders; abstains when the orders contradict each other.",
                (
                    "Principles and orders",
                    "Ties and abstentions",
                    "Reasoning",
                    "Context",
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
            raise forms.ValidationError(f"This is not valid JSON: {error}") from error
        if not isinstance(found, list):
            raise forms.ValidationError("Enter a list of comparisons: [{…}, …].")
        return found

    def settings(self) -> dict[str, Any]:
        """What was filled in, for judging.asking.settings."""
        data = self.cleaned_data
        filled = {name: data[name] for name in ("mode", *self.SETTINGS)}
        return {name: value for name, value in filled.items() if value not in (None, "", False, [])}


class JuryForm(forms.Form):
    """Stands on the page of a new judge run, whose own form has a field “name” too."""

    name = forms.CharField(max_length=200)
    judges = forms.ModelMultipleChoiceField(
        JudgeConfig.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    combine = forms.ChoiceField(
        choices=[("mean", "The mean of their probabilities"), ("majority", "The share of votes")],
        label="Combine labels by",
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "id_jury_%s"
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
        min_value=0, max_value=0.5, initial=0.15, label="Unsure within this distance of one half"
    )
    hours = forms.FloatField(required=False, min_value=0, max_value=LARGEST, label="Rater hours")
    money = forms.FloatField(required=False, min_value=0, max_value=LARGEST, label="Money")
    hourly_wage = forms.FloatField(
        required=False,
        min_value=0,
        max_value=LARGEST,
        label="Hourly wage",
        help_text="Leave empty to plan by hours alone.",
    )
    human_seconds = forms.FloatField(
        required=False, min_value=0.1, max_value=LARGEST, label="Seconds per label"
    )
    human_accuracy = forms.FloatField(
        required=False, min_value=0, max_value=1, label="Rater accuracy, 0 to 1"
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("money") is not None and not data.get("hourly_wage"):
            self.add_error("hourly_wage", "Enter an hourly wage to plan with money.")
        return data
