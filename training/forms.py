"""The form that launches a training run; its fields and limits are those of the spec."""

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
    method = forms.ChoiceField(choices=[("dpo", "DPO")])
    adapter = forms.ChoiceField(
        choices=[("none", "None: train all weights"), ("lora", "LoRA")], initial="none"
    )
    beta = forms.FloatField(min_value=1e-4, initial=0.1, label="β")
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
        self.lacks_dataset = not datasets.exists()
        self.lacks_model = newest is None

    def parameters(self) -> dict[str, Any]:
        """The fields of the training spec."""
        return {k: v for k, v in self.cleaned_data.items() if k not in ("dataset", "base_model")}
