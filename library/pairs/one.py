"""The page of one pair: all that was said of it, and where it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.permissions import ADMINS, READERS, SENIORS, MemberRequest, member_view
from annotation.consensus.selectors import CHOICES, Kinds, consensus_of
from annotation.models import Choice, GoldPair, Label, Slot
from annotation.selectors import KNOWN_GOLD
from corpus.models import Pair, Project
from exports.selectors import datasets_with
from figures.words import percent
from judging.models import Verdict
from library.pairs import known
from library.pairs.states import standings_of


@dataclass(frozen=True, slots=True)
class Said:
    """A label in words, and which response each criterion spoke for."""

    label: Label
    choice: str
    criteria: list[tuple[str, str]]


VERDICTS_A_PAGE = 50
LABELS_SHOWN = 200

WORDS = {
    Choice.FIRST: "First",
    Choice.SECOND: "Second",
    Choice.EQUAL: "Equal",
    Choice.BOTH_BAD: "Both bad",
}


@member_view(READERS)
def pair(request: MemberRequest, project: Project, pair_id: int) -> HttpResponse:
    """Prompt and completions, labels, verdicts, gold, consensus and datasets of a pair.

    Closed to whoever is labelling the pair at that moment: what others say would not leave their
    own answer alone.
    """
    found = get_object_or_404(
        Pair.objects.select_related(
            *("project", "prompt", "source_import"),
            *("first__model_version", "second__model_version"),
        ),
        pk=pair_id,
        project=project,
    )
    if Slot.objects.filter(
        pair=found, rater__user=request.user.pk, state=Slot.State.LEASED
    ).exists():
        return render(request, "library/pair_closed.html", {"project": project, "tab": "pairs"})
    labels = (
        Label.objects.filter(pair=found)
        .select_related("rater", "superseded_by", "derived_from")
        .prefetch_related("derived")
        .order_by("pk")[:LABELS_SHOWN]
    )
    criteria = known.criterion_names(found)
    said = [Said(one, WORDS[Choice(one.choice)], _criteria(one, criteria)) for one in labels]
    verdicts = (
        Verdict.objects.filter(pair=found)
        .select_related("config__rater", "principle", "run")
        .order_by("-pk")
    )
    gold = GoldPair.objects.filter(pair=found).first()
    context: dict[str, Any] = {
        "project": project,
        "tab": "pairs",
        "pair": found,
        "state": standings_of(project, [found.pk])[found.pk].state(found.held_back),
        "sides": known.sides(found),
        "facts": (
            ("Where it came from", known.came_from(found)),
            ("What it is about", known.is_about(found)),
            ("In the queue", known.in_queue(found)),
        ),
        "kept": [
            (title, fields)
            for title, fields in (
                ("Pair", known.fields_of(found.metadata)),
                ("Prompt", known.fields_of(found.prompt.metadata)),
            )
            if fields
        ],
        "picked": known.picked_in(found),
        "original": request.membership.role in ADMINS and known.has_original(found),
        "may_withdraw": request.membership.role in SENIORS,
        "labels": [row for row in said if _counts(row.label)],
        "earlier": [row for row in said if not _counts(row.label)],
        "page": Paginator(verdicts, VERDICTS_A_PAGE).get_page(request.GET.get("page")),
        "gold": gold,
        "gold_answer": WORDS[Choice(gold.choice)] if gold and gold.state in KNOWN_GOLD else "",
        "consensus": [(who, _consensus(project, found, kinds)) for who, kinds in ASKED],
        "adjudications": found.adjudications.select_related("decided_by").order_by("-pk"),
        "chains": found.chains.order_by("pk"),
        "datasets": datasets_with(found),
    }
    return render(request, "library/pair.html", context)


ASKED: tuple[tuple[str, Kinds], ...] = (("Humans", "human"), ("Humans and judges", "both"))


def _criteria(label: Label, names: dict[str, str]) -> list[tuple[str, str]]:
    """What a label says of each criterion. One that the project has no more goes by its key."""
    held = label.criteria if isinstance(label.criteria, dict) else {}
    return [
        (
            names.get(key) or str(key),
            WORDS[Choice(choice)] if choice in Choice.values else str(choice),
        )
        for key, choice in held.items()
    ]


def _counts(label: Label) -> bool:
    return not label.withdrawn and not hasattr(label, "superseded_by")


def _consensus(project: Project, pair: Pair, kinds: Kinds) -> str:
    """What the majority says of the pair, in words; empty where nobody counts."""
    found = consensus_of(project, "majority", kinds, pair=pair.pk)
    if not len(found.pairs):
        return ""
    row = found.distribution[0]
    if np.count_nonzero(np.isclose(row, row.max())) > 1:
        return "no majority"
    return f"{WORDS[Choice(CHOICES[int(row.argmax())])]} ({percent(row.max(), 0)})"
