"""Forms of the quality pages."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from django import forms

from annotation.models import QualityPolicy
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
                    f"Line {number}, {line.strip()[:40]!r}: write it as “key: name”, for example "
                    "“helpful: Helpful”."
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
        "New raters first answer pairs with known answers and start labelling once they agree "
        "with them well enough.",
        ("calibration_pairs", "admission_kappa", "calibration_tries"),
    ),
    PolicyGroup(
        "Checks while labelling",
        "Gold pairs are mixed in with the others without raters knowing which. Raters who fall "
        "below the minimum κ go back to calibration; the second time, they are suspended.",
        ("gold_share", "kappa_floor", "recalibration_per_week"),
        ("window_labels", "min_labels", "min_seconds"),
    ),
    PolicyGroup(
        "Overlap",
        "Some pairs go to several raters, to measure how well raters agree with each other.",
        ("overlap_share", "overlap_raters"),
    ),
    PolicyGroup(
        "Repeats",
        "Some pairs come back to the same rater, to measure how consistent each rater is.",
        ("repeat_share", "repeat_after_days", "max_flip_share"),
    ),
    PolicyGroup(
        "What raters see",
        "What the labelling page shows, and what it asks for besides the choice.",
        ("strength", "criteria", "allow_edits", "show_own_kappa"),
        ("idle_seconds",),
    ),
    PolicyGroup(
        "Gold and the queue",
        "How gold answers are settled, and how pairs are handed out.",
        ("gold_seniors", "lease_minutes"),
        ("seed",),
    ),
)


class PolicyForm(forms.ModelForm[QualityPolicy]):
    criteria = CriteriaField(
        required=False,
        strip=True,
        label="Criteria besides the overall choice",
        help_text="One per line, as “key: name”, for example “helpful: Helpful”.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    class Meta:
        model = QualityPolicy
        fields = tuple(name for group in POLICY_GROUPS for name in group.fields + group.advanced)
        labels: ClassVar = {
            "calibration_pairs": "Calibration (pairs)",
            "admission_kappa": "Admission κ (−1 to 1)",
            "calibration_tries": "Calibration attempts (number)",
            "gold_share": "Gold pairs (share of tasks, 0 to 1)",
            "kappa_floor": "Minimum κ (−1 to 1)",
            "recalibration_per_week": "Recalibration (pairs per week)",
            "window_labels": "Window (gold answers)",
            "min_labels": "Minimum sample (gold answers)",
            "min_seconds": "Speeding threshold (seconds)",
            "overlap_share": "Overlap (share of pairs, 0 to 1)",
            "overlap_raters": "Raters per overlap pair (number)",
            "repeat_share": "Repeats (share of tasks, 0 to 1)",
            "repeat_after_days": "Time before a repeat (days)",
            "max_flip_share": "Changed answers allowed (share of repeats, 0 to 1)",
            "strength": "How much better the chosen response is",
            "idle_seconds": "Idle after (seconds)",
            "gold_seniors": "Seniors who must agree on gold (number)",
            "lease_minutes": "Time a pair is reserved for a rater (minutes)",
            "seed": "Random seed (number)",
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
        help_text="Shown to raters who answer differently in calibration.",
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=500, strip=True)


class GuidelineForm(forms.Form):
    text = forms.CharField(
        label="Guideline (Markdown)", widget=forms.Textarea(attrs={"rows": 24}), strip=False
    )
