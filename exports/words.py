"""What the codes of a manifest mean, for pages, cards and commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from constitution.models import Chain
from corpus.models import Pair

REASONS = {
    "no_label": "no label",
    "too_few_labels": "too few labels",
    "both_bad": "both responses are bad",
    "tie": "a tie",
    "human_not_certified": "labelled only by raters who have not passed calibration",
    "judge_not_certified": "labelled only by judges that have not passed calibration",
    "judge_failed_attacks": "labelled only by judges that failed their attacks",
    "judge_not_attacked": "labelled only by judges that were never tested with attacks",
    "duplicate": "duplicate answer",
    "marked_bad": "marked as bad",
    "initial_answer_preferred": "the initial answer is preferred",
    "not_certified": "has not passed calibration",
    "failed_attacks": "failed its attacks",
    "not_attacked": "was never tested with attacks",
    **dict(Chain.Finding.choices),
    **{f"held_back_{value}": f"held back: {label}" for value, label in Pair.HeldBack.choices},
}
MEMBER = "member_"

FILTERS = {
    "raters": "Whose labels",
    "include_suspended": "Labels of suspended raters",
    "include_uncertified": "Labels of raters who have not passed calibration",
    "consensus": "How labels are combined",
    "min_labels": "Minimum labels per pair",
    "tie_band": "Tie band",
    "batch": "Batch",
    "origin": "Origin of the pairs",
    "domain": "Domain",
    "picked": "Picked pairs",
    "validation": "Validation share",
    "test": "Test share",
    "seed": "Split seed",
    "runs": "Critique runs",
    "revisions": "Revisions",
    "untouched": "Answers in which the critique found nothing",
    "judged": "Chains whose initial answer is preferred",
    "helpful": "Helpful responses from",
    "helpful_share": "Share of helpful responses",
}

VALUES = {
    ("raters", "both"): "humans, and judges where no human has labelled",
    ("raters", "human"): "humans only",
    ("raters", "judge"): "judges only",
    ("consensus", "mean"): "the mean, with humans overriding judges",
    ("consensus", "majority"): "the vote shares of all raters",
    ("consensus", "dawid_skene"): "Dawid–Skene",
    ("judged", True): "left out",
    ("judged", False): "included",
    ("revisions", "last"): "the last revision of each chain",
    ("revisions", "all"): "the revisions of every round",
}


def reason_words(code: str) -> str:
    """Why a pair, chain or rater was left out."""
    if code in REASONS:
        return REASONS[code]
    head, middle, rest = code.partition(MEMBER)
    if middle and rest in REASONS:
        if head:
            return f"labelled only by juries with a member that {REASONS[rest]}"
        return f"a jury member {REASONS[rest]}"
    return code.replace("_", " ")


def filter_words(filters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Filters as pairs of name and value in words; those that were not set are left out."""
    return [
        (FILTERS.get(name, name.replace("_", " ").capitalize()), _value(name, value))
        for name, value in filters.items()
        if value is not None
    ]


def _value(name: str, value: Any) -> str:
    if isinstance(value, str | bool) and (name, value) in VALUES:
        return VALUES[name, value]
    if isinstance(value, bool):
        return "included" if value else "left out"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return str(value)


def never_attacked(manifest: Mapping[str, Any]) -> list[str]:
    """The judges whose labels a version holds although nobody ever attacked them."""
    return [
        name
        for name, one in manifest.get("judges", {}).items()
        if one.get("attackable") and one.get("attacks_passed") is None
    ]


def never_attacked_words(manifest: Mapping[str, Any]) -> str:
    """A warning of them, for page, card and command; empty where there is none."""
    names = never_attacked(manifest)
    if not names:
        return ""
    return (
        f"This dataset contains labels of {', '.join(names)}, never tested with attacks (worthless "
        "answers that should lose). Test the judge before you train on them."
    )
