"""Forms of the quality pages."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from annotation.models import QualityPolicy, Role
from annotation.models.quality import criteria_fault
from corpus.models import IntakePolicy


class CriteriaField(forms.CharField):
    """One criterion a line, `key: name`, as a list of {key, name}."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list):
            return "\n".join(f"{axis['key']}: {axis['name']}" for axis in value)
        return value

    def to_python(self, value: Any) -> Any:
        axes = []
        for number, line in enumerate((super().to_python(value) or "").splitlines(), start=1):
            if not line.strip():
                continue
            key, colon, name = line.partition(":")
            if not colon:
                raise forms.ValidationError(
                    f"Line {number}, {line.strip()[:40]!r}: “key: name” is wanted, "
                    "for example “helpful: Helpful”."
                )
            axes.append({"key": key.strip(), "name": name.strip()})
        if fault := criteria_fault(axes):
            raise forms.ValidationError(fault)
        return axes


POLICY_GROUPS = (
    ("Onboarding", ("calibration_pairs", "admission_kappa", "calibration_tries")),
    ("Stream", ("gold_share", "overlap_share", "overlap_raters")),
    ("Repeats", ("repeat_share", "repeat_after_days", "max_flip_share")),
    (
        "Watching",
        ("recalibration_per_week", "kappa_floor", "window_labels", "min_labels", "min_seconds"),
    ),
    ("Gold", ("gold_seniors",)),
    (
        "Rater's page",
        ("strength", "criteria", "allow_edits", "show_own_kappa", "idle_seconds"),
    ),
    ("Queue", ("lease_minutes", "seed")),
)


class PolicyForm(forms.ModelForm[QualityPolicy]):
    criteria = CriteriaField(
        required=False,
        strip=True,
        label="Criteria beside the overall choice",
        help_text="One a line, “key: name”, for example “helpful: Helpful”.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    class Meta:
        model = QualityPolicy
        fields = tuple(name for _, names in POLICY_GROUPS for name in names)

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in POLICY_GROUPS]


class IntakeForm(forms.ModelForm[IntakePolicy]):
    class Meta:
        model = IntakePolicy
        fields = (
            "redact_pii",
            "duplicates",
            "duplicate_threshold",
            "identity",
            "identity_terms",
        )
        widgets: ClassVar = {"identity_terms": forms.Textarea(attrs={"rows": 4})}


class GoldForm(forms.Form):
    choice = forms.ChoiceField(
        choices=[("left", "A"), ("right", "B"), ("equal", "Equal"), ("both_bad", "Both bad")]
    )
    note = forms.CharField(
        required=False,
        label="Why",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Shown to a rater who answers otherwise in calibration.",
    )


class InvitationForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices, initial=Role.RATER)
    email = forms.EmailField(
        required=False, label="E-mail", help_text="Empty: you pass the link on yourself."
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=500, strip=True)


class GuidelineForm(forms.Form):
    text = forms.CharField(
        label="Guideline (Markdown)", widget=forms.Textarea(attrs={"rows": 24}), strip=False
    )
