"""Pages of prompts: all of them with what came of each, and one with its completions and pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render

from accounts.permissions import READERS, RESEARCHERS, MemberRequest, member_view
from annotation.models import Slot
from corpus.models import Completion, Pair, Project, Prompt
from library.prompts.forms import FilterForm

PROMPTS_A_PAGE = 50
COMPLETIONS_A_PAGE = 20
PAIRS_SHOWN = 100
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PromptRow:
    """A prompt with how many completions and pairs it has."""

    prompt: Prompt
    completions: int
    pairs: int


@member_view(READERS)
def prompts(request: MemberRequest, project: Project) -> HttpResponse:
    """Prompts, newest first, as the address asks for them."""
    form = FilterForm(project, request.GET)
    right = form.is_valid()
    everything = Prompt.objects.filter(project=project)
    found = _narrowed(everything, form.cleaned_data) if right else everything.none()
    before, after = _id(request.GET, "before"), _id(request.GET, "after")
    page, older, newer = _page(found, before=before, after=after)
    kept = form.kept()
    context = {
        "project": project,
        "tab": "prompts",
        "form": form,
        "rows": _rows(page),
        "count": found.count(),
        "filtered": bool(kept),
        "older": _address(kept, "before", older),
        "newer": _address(kept, "after", newer),
        "first": kept.urlencode(),
        "any": everything.exists(),
        "may_launch": request.membership.role in RESEARCHERS,
        "sample_query": _sample_query(form.cleaned_data) if right else "",
    }
    return render(request, "library/prompts.html", context, status=200 if right else 400)


@member_view(READERS)
def prompt(request: MemberRequest, project: Project, prompt_id: int) -> HttpResponse:
    """A prompt with its completions and pairs.

    Closed, as the page of a pair is, to whoever is labelling one of its pairs at that moment.
    """
    found = get_object_or_404(
        Prompt.objects.select_related("source_import"), pk=prompt_id, project=project
    )
    labelling = Slot.objects.filter(
        pair__prompt=found, rater__user=request.user.pk, state=Slot.State.LEASED
    )
    if labelling.exists():
        return render(request, "library/pair_closed.html", {"project": project, "tab": "prompts"})
    completions = found.completions.select_related("model_version").order_by("pk")
    pairs = found.pairs.select_related("first__model_version", "second__model_version")
    context = {
        "project": project,
        "tab": "prompts",
        "prompt": found,
        "page": Paginator(completions, COMPLETIONS_A_PAGE).get_page(request.GET.get("page")),
        "pairs": pairs.order_by("pk")[:PAIRS_SHOWN],
        "pair_count": pairs.count(),
    }
    return render(request, "library/prompt.html", context)


def _narrowed(found: QuerySet[Prompt], wanted: dict[str, Any]) -> QuerySet[Prompt]:
    for name in ("source", "domain"):
        if wanted[name]:
            found = found.filter(**{name: wanted[name].removeprefix("=")})
    if wanted["without_pairs"]:
        found = found.filter(~Exists(Pair.objects.filter(prompt=OuterRef("pk"))))
    return found


def _page(
    found: QuerySet[Prompt], *, before: int | None, after: int | None
) -> tuple[list[Prompt], int | None, int | None]:
    """A page by the ids at its ends, the newest first, and where older and newer ones go on."""
    if after is not None:
        some = list(found.filter(pk__gt=after).order_by("pk")[: PROMPTS_A_PAGE + 1])
        more_newer, more_older = len(some) > PROMPTS_A_PAGE, True
        rows = some[:PROMPTS_A_PAGE][::-1]
    else:
        there = found if before is None else found.filter(pk__lt=before)
        some = list(there.order_by("-pk")[: PROMPTS_A_PAGE + 1])
        more_newer, more_older = before is not None, len(some) > PROMPTS_A_PAGE
        rows = some[:PROMPTS_A_PAGE]
    if not rows:
        return [], None, None
    older = rows[-1].pk if more_older else None
    return rows, older, rows[0].pk if more_newer else None


def _rows(page: Sequence[Prompt]) -> list[PromptRow]:
    completions = _counted(Completion.objects.filter(prompt__in=page))
    pairs = _counted(Pair.objects.filter(prompt__in=page))
    return [PromptRow(one, completions.get(one.pk, 0), pairs.get(one.pk, 0)) for one in page]


def _counted(rows: QuerySet[Any]) -> dict[int, int]:
    return dict(rows.order_by().values_list("prompt").annotate(n=Count("pk")))


def _id(given: QueryDict, name: str) -> int | None:
    """Where a page goes on; an id that can be none is as good as none."""
    value = given.get(name, "")
    return min(int(value[:20]), LARGEST_ID) if value.isascii() and value.isdecimal() else None


def _address(kept: QueryDict, name: str, place: int | None) -> str:
    if place is None:
        return ""
    query = kept.copy()
    query[name] = str(place)
    return query.urlencode()


def _sample_query(wanted: dict[str, Any]) -> str:
    """The address of the form that samples what is shown."""
    query = QueryDict(mutable=True)
    for name in ("source", "domain"):
        if value := wanted[name].removeprefix("="):
            query[name] = value
    return query.urlencode()
