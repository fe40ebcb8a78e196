"""Forms of the quality pages."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

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


class PolicyGroup(NamedTuple):
    """Fields of the policy that belong together; `advanced` ones are folded away."""

    title: str
    about: str
    fields: tuple[str, ...]
    advanced: tuple[str, ...] = ()


POLICY_GROUPS = (
    PolicyGroup(
        "Admission",
        "A newcomer first answers pairs whose right answer is known, and labels once they agree "
        "with it.",
        ("calibration_pairs", "admission_kappa", "calibration_tries"),
    ),
    PolicyGroup(
        "Checks while labelling",
        "Raters meet gold pairs among the others, without knowing which. Who falls below is sent "
        "back to calibration, the second time suspended.",
        ("gold_share", "kappa_floor", "recalibration_per_week"),
        ("window_labels", "min_labels", "min_seconds"),
    ),
    PolicyGroup(
        "Overlap",
        "Some pairs go to several raters, which tells how far they agree with each other.",
        ("overlap_share", "overlap_raters"),
    ),
    PolicyGroup(
        "Repeats",
        "Some pairs come back to the same rater, which tells how far they agree with themselves.",
        ("repeat_share", "repeat_after_days", "max_flip_share"),
    ),
    PolicyGroup(
        "What raters see",
        "What the labelling page asks for beside the choice, and what it shows.",
        ("strength", "criteria", "allow_edits", "show_own_kappa"),
        ("idle_seconds",),
    ),
    PolicyGroup(
        "Gold and queue",
        "How gold answers are settled, and how pairs are handed out.",
        ("gold_seniors", "lease_minutes"),
        ("seed",),
    ),
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
        fields = tuple(name for group in POLICY_GROUPS for name in group.fields + group.advanced)
        labels: ClassVar = {
            "calibration_pairs": "Calibration (pairs)",
            "admission_kappa": "Admission κ (−1 to 1)",
            "calibration_tries": "Tries (number)",
            "gold_share": "Gold in the stream (share, 0 to 1)",
            "kappa_floor": "Lowest κ allowed (−1 to 1)",
            "recalibration_per_week": "Recalibration (pairs a week)",
            "window_labels": "Window (gold answers)",
            "min_labels": "Least n (gold answers)",
            "min_seconds": "Speeding below (seconds)",
            "overlap_share": "Overlap (share of pairs, 0 to 1)",
            "overlap_raters": "Raters of an overlap pair (number)",
            "repeat_share": "Repeats (share of tasks, 0 to 1)",
            "repeat_after_days": "A repeat comes back after (days)",
            "max_flip_share": "Changed answers allowed (share, 0 to 1)",
            "strength": "How much better the chosen one is",
            "idle_seconds": "Idle after (seconds)",
            "gold_seniors": "Seniors who must agree on gold (number)",
            "lease_minutes": "A pair is held for its rater (minutes)",
            "seed": "Seed of draws (number)",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fresh = QualityPolicy()
        for name, field in self.fields.items():
            default = getattr(fresh, name)
            if isinstance(default, int | float) and not isinstance(default, bool):
                field.help_text = f"{field.help_text} Default: {default:g}.".strip()

    def groups(self) -> list[tuple[PolicyGroup, list[forms.BoundField], list[forms.BoundField]]]:
        """Each group with its fields and its folded ones."""
        return [
            (group, [self[name] for name in group.fields], [self[name] for name in group.advanced])
            for group in POLICY_GROUPS
        ]


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
        required=False,
        label="E-mail",
        help_text="Empty: you pass the link on yourself.",
        error_messages={"invalid": "“%(value)s” is not an e-mail address."},
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=500, strip=True)


class GuidelineForm(forms.Form):
    text = forms.CharField(
        label="Guideline (Markdown)", widget=forms.Textarea(attrs={"rows": 24}), strip=False
    )
