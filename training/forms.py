"""The forms of runs and models. A run's fields and limits are those of the spec."""

from __future__ import annotations

from typing import Any

from django import forms

from corpus.models import ModelVersion, Project
from exports.models import DatasetVersion
from training.recipes.spec import TrainingSpec

SANDBOX_LEARNING_RATE = 3e-4
"""What moves a model of a million parameters; it would wreck a real one."""


class TrainForm(forms.Form):
    dataset = forms.ModelChoiceField(DatasetVersion.objects.none(), empty_label=None)
    base_model = forms.ModelChoiceField(ModelVersion.objects.none(), empty_label=None)
    method = forms.ChoiceField(
        choices=[("dpo", "DPO, on preference pairs"), ("sft", "SFT, on prompts with completions")]
    )
    adapter = forms.ChoiceField(
        choices=[("none", "None: train all weights"), ("lora", "LoRA")], initial="none"
    )
    beta = forms.FloatField(
        min_value=1e-4, initial=0.1, label="β", required=False, help_text="Of DPO alone."
    )
    learning_rate = forms.FloatField(
        min_value=1e-9,
        max_value=0.99,
        help_text="About 1e-6 for all weights of a real model, 1e-5 with LoRA, 3e-4 for the "
        "sandbox's.",
    )
    epochs = forms.FloatField(min_value=0.01, initial=2.0)
    batch_size = forms.IntegerField(min_value=1, initial=16)
    max_length = forms.IntegerField(
        min_value=8, initial=512, help_text="Tokens of prompt plus completion; the rest is cut."
    )
    seed = forms.IntegerField(min_value=0, max_value=2**32 - 1, initial=0)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        datasets = DatasetVersion.objects.filter(project=project)
        models = (
            ModelVersion.objects.filter(project=project)
            .exclude(kind=ModelVersion.Kind.API)
            .order_by("-pk")
        )
        self.fields["dataset"].queryset = datasets  # type: ignore[attr-defined]
        self.fields["base_model"].queryset = models  # type: ignore[attr-defined]
        newest = models.first()
        self.fields["learning_rate"].initial = (
            SANDBOX_LEARNING_RATE
            if newest is not None and newest.sandbox
            else TrainingSpec.model_fields["learning_rate"].default
        )
        chosen = datasets.filter(pk=_number(kwargs.get("initial", {}).get("dataset"))).first()
        if chosen is not None and chosen.kind == DatasetVersion.Kind.SFT:
            self.fields["method"].initial = "sft"
        self.lacks_dataset = not datasets.exists()
        self.lacks_model = newest is None

    def parameters(self) -> dict[str, Any]:
        """The fields of the training spec."""
        kept = {k: v for k, v in self.cleaned_data.items() if k not in ("dataset", "base_model")}
        if kept["method"] != "dpo" or kept["beta"] is None:
            kept.pop("beta")
        return kept


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 19 else 0


class RegisterModelForm(forms.Form):
    location = forms.CharField(
        max_length=500, label="Hub name or folder", help_text="Such as meta-llama/Llama-3.1-8B."
    )
    name = forms.CharField(
        required=False, max_length=200, help_text="What it is called here; empty: as above."
    )
    revision = forms.CharField(
        required=False,
        max_length=100,
        help_text="A branch, tag or commit of the hub; it is pinned to the commit of now.",
    )
    consent = forms.BooleanField(
        required=False,
        label="Code from the model's repository may run on our machines",
        help_text="Only where the model cannot do without, and only by an admin. Your name and "
        "the time are recorded.",
    )

    def clean_location(self) -> str:
        return str(self.cleaned_data["location"]).strip()


class PricesForm(forms.ModelForm[ModelVersion]):
    class Meta:
        model = ModelVersion
        fields = ["price_prompt", "price_completion"]
        labels = {"price_prompt": "A million tokens in", "price_completion": "A million tokens out"}
