"""The forms of runs and models. A run's fields and limits are those of the spec."""

from __future__ import annotations

from typing import Any

from django import forms

from corpus.models import ModelVersion, Project
from exports.models import DatasetVersion
from training.recipes.spec import TrainingSpec
from training.runs.selectors import base_of_project, origin_of, trainable_models
from training.runs.services import KIND_OF_METHOD

METHODS = {
    "dpo": ("DPO", "preference pairs"),
    "sft": ("SFT", "prompts with completions"),
}
"""The methods of the form: what each is called, and what it trains on."""

SANDBOX_LEARNING_RATE = 3e-4
"""What moves a model of a million parameters; it would wreck a real one."""

LEARNING_RATES = {"dpo": TrainingSpec.model_fields["learning_rate"].default, "sft": 1e-5}
EPOCHS = {"dpo": 2.0, "sft": 3.0}


class TrainForm(forms.Form):
    """A run of one method: the datasets are those that it trains on, the defaults are its own.

    The base model is the project's own unless another is chosen; models that were trained here
    stand apart, with the run that made them, so that no run stacks on another unseen.
    """

    method = forms.ChoiceField(
        choices=[(name, said) for name, (said, _) in METHODS.items()], widget=forms.HiddenInput
    )
    dataset = forms.ModelChoiceField(DatasetVersion.objects.none(), empty_label=None)
    base_model = forms.ModelChoiceField(
        ModelVersion.objects.none(), empty_label=None, label="Training starts from"
    )
    adapter = forms.ChoiceField(
        choices=[("none", "None: train all weights"), ("lora", "LoRA")], initial="none"
    )
    beta = forms.FloatField(
        min_value=1e-4,
        initial=TrainingSpec.model_fields["beta"].default,
        label="DPO's β",
        required=False,
        help_text="How strongly the model is kept close to the reference.",
    )
    learning_rate = forms.FloatField(min_value=1e-9, max_value=0.99)
    epochs = forms.FloatField(min_value=0.01)
    batch_size = forms.IntegerField(min_value=1, initial=16)
    max_length = forms.IntegerField(
        min_value=8,
        initial=512,
        help_text="Tokens of prompt plus completion; longer texts are truncated.",
    )
    seed = forms.IntegerField(min_value=0, max_value=2**32 - 1, initial=0)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = DatasetVersion.objects.filter(project=project)
        wanted = self.initial.get("dataset")
        chosen = every.filter(pk=_number(wanted)).first()
        self.chosen_method = self._method(chosen)
        self.datasets = every.filter(kind=KIND_OF_METHOD[self.chosen_method])
        self.fields["dataset"].queryset = self.datasets  # type: ignore[attr-defined]
        self.fields["method"].initial = self.chosen_method
        if self.chosen_method != "dpo":
            del self.fields["beta"]
        base = self._offer_models(project)
        sandbox = base is not None and base.sandbox
        rate = SANDBOX_LEARNING_RATE if sandbox else LEARNING_RATES[self.chosen_method]
        self.fields["learning_rate"].initial = rate
        self.fields["learning_rate"].help_text = (
            f"For {METHODS[self.chosen_method][0]}, about "
            f"{LEARNING_RATES[self.chosen_method]:g} to train all weights of a real model, ten "
            f"times that with LoRA, {SANDBOX_LEARNING_RATE:g} for the sandbox model."
        )
        self.fields["epochs"].initial = EPOCHS[self.chosen_method]
        self.lacks_dataset = not self.datasets.exists()
        self.lacks_model = base is None

    def _method(self, dataset: DatasetVersion | None) -> str:
        """What was posted or asked for, else what the dataset in the address is for."""
        asked = self.data.get("method") if self.is_bound else self.initial.get("method")
        if asked in METHODS:
            return str(asked)
        of_kind = {str(kind): method for method, kind in KIND_OF_METHOD.items()}
        return of_kind.get(dataset.kind, "dpo") if dataset is not None else "dpo"

    def _offer_models(self, project: Project) -> ModelVersion | None:
        """Base models first, then those trained here, with what they continue; the one that is
        chosen unless another is."""
        models = list(
            trainable_models(project).select_related("parent", "made_by_run").order_by("pk")
        )
        base = base_of_project(project)
        wanted = _number(self.initial.pop("base_model", None))
        chosen = next((one for one in models if one.pk == wanted), base)
        field = self.fields["base_model"]
        field.queryset = trainable_models(project)  # type: ignore[attr-defined]
        bases = [
            (one.pk, f"{one} (the project's base model)" if one == base else str(one))
            for one in models
            if not origin_of(one)
        ]
        trained = [(one.pk, f"{one}: {origin_of(one)}") for one in models if origin_of(one)]
        groups: list[Any] = [("Base models", bases)] if bases else []
        if trained:
            groups.append(("Trained here: the run continues their training", trained))
        field.choices = groups  # type: ignore[attr-defined]
        if chosen is not None:
            field.initial = chosen.pk
            if trained:
                field.help_text = "Choose a model that was trained here to continue its training."
        return chosen

    def parameters(self) -> dict[str, Any]:
        """The fields of the training spec."""
        kept = {k: v for k, v in self.cleaned_data.items() if k not in ("dataset", "base_model")}
        if kept.get("beta") is None:
            kept.pop("beta", None)
        return kept


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 19 else 0


class RegisterModelForm(forms.Form):
    location = forms.CharField(
        max_length=500,
        label="Hub name or folder",
        help_text="For example, meta-llama/Llama-3.1-8B.",
    )
    name = forms.CharField(
        required=False, max_length=200, help_text="Its name here; leave empty to use the one above."
    )
    revision = forms.CharField(
        required=False,
        max_length=100,
        help_text="A branch, tag or commit on the hub, pinned to its current commit.",
    )
    consent = forms.BooleanField(
        required=False,
        label="Allow code from the model's repository to run on our machines",
        help_text="Only if the model cannot run without it. Only admins can allow this; your "
        "name and the time are recorded.",
    )

    def clean_location(self) -> str:
        return str(self.cleaned_data["location"]).strip()


class PricesForm(forms.ModelForm[ModelVersion]):
    class Meta:
        model = ModelVersion
        fields = ["price_prompt", "price_completion"]
        labels = {
            "price_prompt": "Per million input tokens",
            "price_completion": "Per million output tokens",
        }
