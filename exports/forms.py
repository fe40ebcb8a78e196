"""The form that freezes a dataset version."""

from __future__ import annotations

from django import forms

from exports.spec import FreezeFilters


class FreezeForm(forms.Form):
    name = forms.SlugField(max_length=80, help_text="Letters, digits, - and _.")
    raters = forms.ChoiceField(
        choices=[
            ("both", "Humans, and judges where no human labelled"),
            ("human", "Humans alone"),
            ("judge", "Judges alone"),
        ],
        initial="both",
        label="Whose labels",
    )
    consensus = forms.ChoiceField(
        choices=[
            ("mean", "Mean, humans before judges"),
            ("majority", "Shares of a majority vote of all"),
            ("dawid_skene", "Dawid–Skene: raters weighed by how they err"),
        ],
        initial="mean",
        required=False,
        label="Many labels become one by",
    )
    min_labels = forms.IntegerField(min_value=1, initial=1, label="Fewest labels per pair")
    tie_band = forms.FloatField(
        min_value=0.0,
        max_value=0.49,
        initial=0.05,
        label="Tie band",
        help_text="Pairs this close to one half are dropped.",
    )
    validation = forms.FloatField(min_value=0.0, max_value=0.9, initial=0.1)
    test = forms.FloatField(min_value=0.0, max_value=0.9, initial=0.1)
    seed = forms.IntegerField(initial=0, label="Seed of the split")

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if (cleaned.get("validation") or 0) + (cleaned.get("test") or 0) >= 1:
            raise forms.ValidationError("Validation and test must leave a share for training.")
        return cleaned

    def filters(self) -> FreezeFilters:
        given = {k: v for k, v in self.cleaned_data.items() if k != "name" and v != ""}
        return FreezeFilters.model_validate(given)
