"""The part of a form that chooses a model and an engine for it: offers what can run, refuses what
cannot at once, with the reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from corpus.models import ModelVersion, Project
from inference.registry import ENGINES
from serving.engines import why_not
from serving.servers import server_urls

# Scripts have no weights: they are for our own tests, and no model listed in a form is one.
ENGINE_CHOICES = [
    ("transformers", "Transformers, in the worker"),
    ("server", "An inference server"),
    ("vllm", "vLLM, in the worker"),
]
OFFERED = {name for name, _ in ENGINE_CHOICES}
UNOFFERED = {"scripted"}
if set(ENGINES) != OFFERED | UNOFFERED:
    raise ImportError(f"Engines without a label: {set(ENGINES)}")


class ModelSelect(forms.Select):
    """Each model says which engines can open it; concord/fits.js narrows the engines by it."""

    fits: dict[str, list[str]]

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        engines = self.fits.get(str(value))
        if engines is not None:
            option["attrs"]["data-fits"] = " ".join(engines)
        return option


class OnModelForm(forms.Form):
    """A form with a model of the project and an engine to open it; `offer_models` in `__init__`."""

    model = forms.ModelChoiceField(
        ModelVersion.objects.none(), empty_label=None, widget=ModelSelect
    )
    engine = forms.ChoiceField(choices=ENGINE_CHOICES)

    lacks_model = False
    nothing_runs = ""
    """Why none of the models can be asked; empty where one can."""

    def offer_models(self, models: QuerySet[ModelVersion]) -> None:
        """Offer the models that an engine can open, and the engines that can open one of them.
        Others are refused with the reason when they are posted."""
        found = list(models.select_related("parent"))
        reasons: list[str] = []
        fits: dict[str, list[str]] = {}
        servers = bool(server_urls())
        for model in found:
            said = {name: why_not(name, model, servers=servers) for name, _ in ENGINE_CHOICES}
            fits[str(model.pk)] = [name for name, why in said.items() if not why]
            reasons += said.values()
        offered = [one for one in found if fits[str(one.pk)]]
        usable = {name for engines in fits.values() for name in engines}
        if self.is_bound and not offered:
            # What was posted is shown as it was, with what is wrong with it.
            offered, usable = found, OFFERED
        model_field, engine_field = self.fields["model"], self.fields["engine"]
        model_field.queryset = models  # type: ignore[attr-defined]
        model_field.widget.fits = fits
        model_field.widget.choices = [(one.pk, str(one)) for one in offered]
        engine_field.widget.choices = [
            (name, words) for name, words in ENGINE_CHOICES if name in usable
        ]
        engine_field.widget.attrs["data-fits-to"] = self["model"].id_for_label
        self.lacks_model = not found
        if found and not offered and not self.is_bound:
            self.nothing_runs = " ".join(dict.fromkeys(one for one in reasons if one))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self.refuse_unfit(data)
        return data

    def refuse_unfit(self, data: dict[str, Any]) -> None:
        """Say beside the engine why it cannot open the model."""
        model, engine = data.get("model"), data.get("engine")
        if isinstance(model, ModelVersion) and engine and (why := why_not(engine, model)):
            self.add_error("engine", why)


class ProjectModelForm(OnModelForm):
    """The same, with the models of a project."""

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer_models(ModelVersion.objects.filter(project=project).order_by("pk"))


def usable_temperature(temperature: float) -> float:
    """The temperature; ValidationError for one between greedy and what engines can do."""
    if 0 < temperature < 0.01:
        raise forms.ValidationError("Enter 0 for greedy decoding, or at least 0.01.")
    return temperature
