"""What is done with some pairs: those ticked, or all that match a filter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.permissions import (
    READERS,
    RESEARCHERS,
    SENIORS,
    MemberRequest,
    member_view,
    user_of,
)
from annotation.errors import AnnotationError
from annotation.services import ask_for_labels, restore_pairs, withdraw_pairs
from annotation.services.slots import MOST_LABELS
from corpus.errors import PairSetError
from corpus.models import Pair, Project
from corpus.pair_sets import MOST_PICKED, pick_pairs
from figures.words import counted
from judging.selectors import judges_of
from library.pairs.browse import LARGEST_ID, address_without, kept_fields
from library.pairs.filters import Chip, PairFilter, chips
from library.pairs.forms import FilterForm

MOST_TICKED = 500


class ChoiceError(Exception):
    """Pairs that cannot be worked on together, in words."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some pairs of a project, and how they were chosen: `ticked`, or by a filter."""

    pairs: QuerySet[Pair]
    ticked: tuple[int, ...] = ()
    wanted: PairFilter | None = None

    @property
    def picked_by(self) -> dict[str, Any]:
        return {} if self.wanted is None else {"all": True, **self.wanted.asked()}

    def ids(self) -> list[int]:
        """ChoiceError for more than can be worked on at once."""
        found = list(self.pairs.order_by("pk").values_list("pk", flat=True)[: MOST_PICKED + 1])
        if len(found) > MOST_PICKED:
            raise ChoiceError(
                f"More than {MOST_PICKED:,} pairs match, the limit for one action. Narrow the "
                "filter."
            )
        return found


def chosen_from(project: Project, given: QueryDict) -> Chosen:
    """The pairs that an address or a form names. ChoiceError where it cannot be read."""
    if given.get("all"):
        form = FilterForm(project, given)
        if not form.is_valid():
            raise ChoiceError("The filter cannot be read; set it again on the page of pairs.")
        wanted = form.wanted()
        return Chosen(wanted.pairs(project), wanted=wanted)
    # Anything longer is no id, and may be too long to be read as a number at all.
    ids = (int(one) for one in given.getlist("pair") if one.isdecimal() and len(one) < 20)
    ticked = tuple(dict.fromkeys(one for one in ids if one <= LARGEST_ID))
    if len(ticked) > MOST_TICKED:
        raise ChoiceError(f"{len(ticked):,} pairs are ticked; the limit is {MOST_TICKED:,}.")
    return Chosen(Pair.objects.filter(project=project, pk__in=ticked), ticked=ticked)


@member_view(READERS)
def chosen(request: MemberRequest, project: Project) -> HttpResponse:
    """How many pairs are chosen, and what can be done with them: what asks before it is done."""
    problem, how_many, standing = "", 0, {}
    found: Chosen | None = None
    try:
        found = chosen_from(project, request.GET)
        standing = dict(found.pairs.order_by().values_list("held_back").annotate(Count("pk")))
        how_many = sum(standing.values())
        if how_many > MOST_PICKED:
            found.ids()
    except ChoiceError as error:
        problem = str(error)
    role = request.membership.role
    marks: list[Chip] = list(chips(found.wanted, project)) if found and found.wanted else []
    context = {
        "project": project,
        "tab": "pairs",
        "problem": problem,
        "how_many": how_many,
        "withdrawn": standing.get(Pair.HeldBack.WITHDRAWN, 0),
        "in_use": standing.get("", 0),
        "held_back": how_many - standing.get("", 0) - standing.get(Pair.HeldBack.WITHDRAWN, 0),
        "chips": marks,
        "query": found.wanted.q if found and found.wanted else "",
        "everything": bool(found and found.wanted is not None and not found.wanted.asked()),
        "fields": _fields(request.GET, how_many),
        "back": address_without(request.GET),
        "most_labels": MOST_LABELS,
        "may_withdraw": role in SENIORS,
        "may_launch": role in RESEARCHERS,
        "has_judge": judges_of(project).exists(),
    }
    return render(request, "library/chosen.html", context, status=400 if problem else 200)


def _fields(given: QueryDict, how_many: int) -> list[tuple[str, str]]:
    """What carries the choice on in a form."""
    if given.get("all"):
        return [*kept_fields(given), ("all", "1"), ("seen", str(how_many))]
    return [("pair", one) for one in given.getlist("pair")]


Act = Callable[[MemberRequest, Project, Chosen, list[int]], HttpResponseBase | None]


def _act(request: MemberRequest, project: Project, act: Act) -> HttpResponseBase:
    """Do something with what a form chose: once more counted, so that nothing is done with pairs
    that were not there when it was asked."""
    back = reverse("pairs", args=[project.slug])
    try:
        found = chosen_from(project, request.POST)
        ids = found.ids()
        if not ids:
            raise ChoiceError("No pairs are selected.")
        seen = request.POST.get("seen", "")
        if found.wanted is not None and seen != str(len(ids)):
            raise ChoiceError(
                f"{counted(len(ids), 'pairs')} match now instead of {seen or 'an unknown number'}. "
                "Nothing was changed; please look again."
            )
        if len(found.ticked) == 1:
            back = reverse("pair", args=[project.slug, ids[0]])
        elif filters := address_without(request.POST):
            back += f"?{filters}"
        return act(request, project, found, ids) or redirect(back)
    except (ChoiceError, AnnotationError, PairSetError) as error:
        messages.error(request, str(error))
        return redirect(back)


@require_POST
@member_view(SENIORS)
def withdraw(request: MemberRequest, project: Project) -> HttpResponseBase:
    return _act(request, project, _withdraw)


def _withdraw(request: MemberRequest, project: Project, _: Chosen, ids: list[int]) -> None:
    done = withdraw_pairs(project=project, pairs=ids)
    rest = len(ids) - done
    already = f" {counted(rest, 'pairs')} had been held back before." if rest else ""
    messages.success(request, f"{counted(done, 'pairs')} withdrawn.{already}")


@require_POST
@member_view(SENIORS)
def restore(request: MemberRequest, project: Project) -> HttpResponseBase:
    return _act(request, project, _restore)


def _restore(request: MemberRequest, project: Project, _: Chosen, ids: list[int]) -> None:
    done = restore_pairs(project=project, pairs=ids)
    messages.success(request, f"{counted(done, 'pairs')} restored.")


@require_POST
@member_view(READERS)
def ask(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Researchers too: they may send what a judge is unsure of to raters as it is."""
    return _act(request, project, _ask)


def _ask(request: MemberRequest, project: Project, _: Chosen, ids: list[int]) -> None:
    typed = request.POST.get("more", "").strip()
    number = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else 0
    if not 1 <= number <= MOST_LABELS:
        raise ChoiceError(
            f"“{typed[:20]}” is no number of labels to ask for: enter 1 to {MOST_LABELS}."
        )
    done = ask_for_labels(project=project, pairs=ids, more=number)
    said = [
        f"{counted(done.labels, 'more labels')} wanted for {counted(done.pairs, 'pairs')}."
        if done.labels
        else "No more labels are wanted than before."
    ]
    if done.waiting:
        said.append(f"{counted(done.waiting, 'pairs')} already waited for that many.")
    if done.held_back:
        said.append(f"{counted(done.held_back, 'pairs')} held back and not asked for.")
    messages.success(request, " ".join(said))


FORMS = {"judge": "judge_new", "triage": "triage", "dataset": "datasets"}
"""Where picked pairs are used: the pages whose forms take them."""


@require_POST
@member_view(RESEARCHERS)
def pick(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Keep the chosen pairs as a set, and open the form that uses it."""
    return _act(request, project, _pick)


def _pick(
    request: MemberRequest, project: Project, found: Chosen, ids: list[int]
) -> HttpResponseBase:
    page = FORMS.get(request.POST.get("to", ""))
    if page is None:
        raise ChoiceError("Choose where the pairs are to be used.")
    made = pick_pairs(
        project=project, pairs=ids, picked_by=found.picked_by, created_by=user_of(request)
    )
    address = f"{reverse(page, args=[project.slug])}?picked={made.sha256}"
    return redirect(address + ("&which=all" if page == "judge_new" else ""))
