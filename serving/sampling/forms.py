"""The form that launches a sampling run."""

from __future__ import annotations

from typing import Any

from django import forms

from corpus.models import ModelVersion, PairPolicy, Project, Prompt
from corpus.registry import SANDBOX_LOCATION, SANDBOX_NAME, sandbox_model
from serving.engine_forms import ENGINE_CHOICES, usable_temperature
from serving.engines import why_not
from serving.sampling.selection import SamplingSelection, prompts_to_sample
from serving.sampling.services import SamplingRequest
from serving.servers import server_urls

SHIPPED = "shipped"
"""Stands for the sandbox model where the project does not have it yet."""

STRATA_SHOWN = 200


class SamplingForm(forms.Form):
    models = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose at least one model.",
            "invalid_choice": "“%(value)s” is not a model of this project that can run here.",
        },
    )
    engine = forms.ChoiceField(choices=ENGINE_CHOICES)
    which = forms.ChoiceField(
        choices=[("without", "Prompts without pairs"), ("all", "All prompts")],
        label="Which prompts",
    )
    source = forms.ChoiceField(required=False, label="Only this source")
    domain = forms.ChoiceField(required=False, label="Only this domain")
    limit = forms.IntegerField(
        required=False, min_value=1, max_value=10_000_000, label="Maximum number of prompts"
    )
    completions_each = forms.IntegerField(
        min_value=1, max_value=64, initial=2, label="Completions per model and prompt"
    )
    temperature = forms.FloatField(
        min_value=0,
        max_value=2,
        initial=1.0,
        help_text="Enter 0 for greedy decoding, or at least 0.01.",
    )
    top_p = forms.FloatField(min_value=0.01, max_value=1, initial=1.0, label="Top-p")
    max_tokens = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=32_768,
        label="Maximum tokens per completion",
        help_text="Default: 512, or a quarter of a smaller model's context.",
    )
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**31,
        initial=0,
        help_text="The same seed gives the same completions.",
    )
    pair_policy = forms.ChoiceField(
        choices=[
            (PairPolicy.ALL.value, "Every two completions"),
            (PairPolicy.RANDOM.value, "A few at random"),
        ],
        label="Pairs per prompt",
    )
    pairs_per_prompt = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=10_000,
        label="Pairs at most, if at random",
        help_text="Default: 4.",
    )
    between_models = forms.BooleanField(
        required=False, label="Pair only completions of different models"
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._project = project
        self._there = {
            str(one.pk): one
            for one in ModelVersion.objects.filter(project=project)
            .select_related("parent")
            .order_by("pk")
        }
        self._offer_models()
        prompts = Prompt.objects.filter(project=project)
        self.lacks_prompts = not prompts.exists()
        if not self.is_bound and not prompts_to_sample(project.pk, SamplingSelection()).exists():
            # What is chosen at first can be started.
            self.initial.setdefault("which", "all")
        for name in ("source", "domain"):
            values = prompts.order_by(name).values_list(name, flat=True).distinct()
            self.fields[name].choices = [  # type: ignore[attr-defined]
                ("", "Any"),
                *((f"={value}", value or "(none)") for value in values[:STRATA_SHOWN]),
            ]

    def _offer_models(self) -> None:
        """The models that an engine can open here, and the engines that can open one of them."""
        servers = bool(server_urls())
        usable: set[str] = set()
        offered: list[tuple[str, str]] = []
        for key, model in self._there.items():
            fits = [name for name, _ in ENGINE_CHOICES if not why_not(name, model, servers=servers)]
            usable.update(fits)
            if fits or self.is_bound:
                offered.append((key, model.name))
        sandbox = next(
            (key for key, one in self._there.items() if one.location == SANDBOX_LOCATION), SHIPPED
        )
        if sandbox == SHIPPED:
            offered.append((SHIPPED, f"{SANDBOX_NAME} (the model that comes with Concord)"))
            usable.add("transformers")
        self.fields["models"].choices = offered  # type: ignore[attr-defined]
        asked = str(self.initial.get("models", ""))
        self.initial["models"] = [asked if asked in dict(offered) else sandbox]
        if not self.is_bound:
            self.fields["engine"].widget.choices = [
                (name, words) for name, words in ENGINE_CHOICES if name in usable
            ]

    def clean_temperature(self) -> float:
        return usable_temperature(float(self.cleaned_data["temperature"]))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        engine = data.get("engine")
        for key in data.get("models", []):
            model = self._there.get(key)
            if model is not None and engine and (why := why_not(engine, model)):
                self.add_error("engine", why)
                break
        if data.get("temperature") == 0 and (data.get("completions_each") or 0) > 1:
            self.add_error(
                "completions_each",
                "At temperature 0 all completions of a model are the same: enter 1, or raise the "
                "temperature.",
            )
        if data.get("between_models") and len(data.get("models", [])) < 2:
            self.add_error("between_models", "Choose at least two models for this.")
        return data

    def request(self) -> SamplingRequest:
        """What was chosen; the sandbox model is registered where it was chosen and is missing."""
        data = self.cleaned_data
        policy = PairPolicy(data["pair_policy"])
        return SamplingRequest(
            models=[self._there.get(key) or sandbox_model(self._project) for key in data["models"]],
            selection=SamplingSelection(
                source=data["source"][1:] if data["source"] else None,
                domain=data["domain"][1:] if data["domain"] else None,
                limit=data["limit"],
                with_pairs=data["which"] == "all",
                between_models=data["between_models"],
            ),
            engine=data["engine"],
            completions_each=data["completions_each"],
            temperature=data["temperature"],
            top_p=data["top_p"],
            max_tokens=data["max_tokens"],
            seed=data["seed"],
            pair_policy=policy,
            pairs_per_prompt=data["pairs_per_prompt"] if policy == PairPolicy.RANDOM else None,
        )

    @property
    def of_prompts(self) -> list[forms.BoundField]:
        return [self[name] for name in ("which", "limit", "source", "domain")]

    @property
    def of_sampling(self) -> list[forms.BoundField]:
        names = ("completions_each", "temperature", "top_p", "max_tokens", "seed")
        return [self[name] for name in names]

    @property
    def of_pairs(self) -> list[forms.BoundField]:
        several = len(self.fields["models"].choices) > 1  # type: ignore[attr-defined]
        names = ("pair_policy", "pairs_per_prompt", *(("between_models",) if several else ()))
        return [self[name] for name in names]
