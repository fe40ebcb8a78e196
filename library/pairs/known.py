"""What is known of a pair besides what was said of it: where it came from, what it is about, what a
file held beyond our fields, and whether it is in the queue."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.urls import NoReverseMatch, reverse

from annotation.models import CompletionLabel, QualityPolicy, Skip, Slot, StepLabel
from corpus.models import Completion, Pair, PairSet, PromptOriginal
from corpus.strata import length_stratum, sensitivity_stratum

SHORT = 160
"""Longer values are folded."""

SETS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known, in words, and the page that it leads to."""

    name: str
    value: str
    link: str = ""
    code: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a file held beyond our own. A long value is folded."""

    name: str
    value: str

    @property
    def folded(self) -> bool:
        return len(self.value) > SHORT or "\n" in self.value


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a completion, and how many said that it is right, neutral, or wrong."""

    text: str
    right: int
    neutral: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Side:
    """A completion with what is known of it."""

    name: str
    completion: Completion
    sampling: list[Field]
    metadata: list[Field]
    steps: list[Step]
    up: int
    down: int


def came_from(pair: Pair) -> list[Fact]:
    """Where a pair came from. A page that is not there is not linked."""
    found = [Fact("Origin", _capital(pair.get_origin_display()))]
    if pair.source_import is not None:
        link = _link("import", pair.project.slug, pair.source_import_id)
        found.append(Fact("Import", str(pair.source_import), link))
        if pair.source_line is not None:
            found.append(Fact("Line", str(pair.source_line)))
    elif pair.batch:
        found.append(Fact("Batch", pair.batch))
    if pair.sampling_run_id is not None:
        link = _link("sampling_run", pair.project.slug, pair.sampling_run_id)
        found.append(Fact("Sampling run", str(pair.sampling_run_id), link))
    if pair.external_id:
        found.append(Fact("ID in the file", pair.external_id, code=True))
    found.append(Fact("Added", f"{pair.created_at:%-d %b %Y %H:%M}"))
    found.append(Fact("SHA-256", pair.sha256, code=True))
    return found


def is_about(pair: Pair) -> list[Fact]:
    """The strata of a pair's prompt."""
    prompt = pair.prompt
    characters = sum(len(str(turn.get("content") or "")) for turn in prompt.messages)
    found = [
        Fact(title, value or "–")
        for title, value in (
            ("Domain", prompt.domain),
            ("Difficulty", prompt.difficulty),
            ("Language", prompt.language),
            ("Source", prompt.source),
        )
    ]
    found.append(Fact("Length", f"{length_stratum(characters)} ({characters:,} characters)"))
    found.append(Fact("Sensitivity", sensitivity_stratum(prompt.sensitive)))
    if prompt.duplicate_group is not None:
        found.append(Fact("Near-duplicates", f"group {prompt.duplicate_group}"))
    return found


def in_queue(pair: Pair) -> list[Fact]:
    """How many labels are wanted of a pair, and who passed it on."""
    shared = Slot.objects.filter(pair=pair, purpose__in=Slot.SHARED).order_by()
    slots = dict(shared.values_list("state").annotate(Count("pk")))
    found = [
        Fact("Labels still wanted", str(slots.get(Slot.State.OPEN, 0))),
        Fact("Being labelled", str(slots.get(Slot.State.LEASED, 0))),
        Fact("Tasks done", str(slots.get(Slot.State.DONE, 0))),
    ]
    skips = Counter(
        str(Skip.Reason(reason).label)
        for reason in Skip.objects.filter(pair=pair).values_list("reason", flat=True)
    )
    if skips:
        said = ", ".join(f"{reason.lower()} ({count})" for reason, count in skips.most_common())
        found.append(Fact("Skipped by raters", said))
    if pair.priority:
        found.append(Fact("Priority", str(pair.priority)))
    return found


def sides(pair: Pair) -> list[Side]:
    return [_side("First", pair.first), _side("Second", pair.second)]


def _side(name: str, completion: Completion) -> Side:
    given: dict[int, Counter[int]] = {}
    marks = StepLabel.objects.filter(completion=completion).values_list("step", "value")
    for step, value in marks:
        given.setdefault(step, Counter())[value] += 1
    steps = [
        Step(text, *(given.get(place, Counter())[value] for value in (1, 0, -1)))
        for place, text in enumerate(completion.steps or ())
    ]
    thumbs = Counter(
        CompletionLabel.objects.filter(completion=completion).values_list("good", flat=True)
    )
    return Side(
        name=name,
        completion=completion,
        sampling=fields_of(completion.sampling),
        metadata=fields_of(completion.metadata),
        steps=steps,
        up=thumbs[True],
        down=thumbs[False],
    )


def fields_of(held: Mapping[str, Any] | None) -> list[Field]:
    """Fields of an object, values as they would be written."""
    return [Field(str(name), _written(value)) for name, value in (held or {}).items()]


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2 if _is_nested(value) else None)


def _is_nested(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(part, dict | list) for part in parts)


def criterion_names(pair: Pair) -> dict[str, str]:
    """The project's criteria, by key."""
    policy = QualityPolicy.objects.filter(project=pair.project_id).first()
    return {axis["key"]: axis["name"] for axis in policy.criteria} if policy else {}


def picked_in(pair: Pair) -> list[PairSet]:
    """The newest sets of picked pairs that hold the pair."""
    return list(PairSet.objects.filter(pairs=pair).order_by("-pk")[:SETS_SHOWN])


def has_original(pair: Pair) -> bool:
    """Whether personal data was taken out of the prompt."""
    return PromptOriginal.objects.filter(prompt=pair.prompt_id).exists()


def _link(name: str, *args: object) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
