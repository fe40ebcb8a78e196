"""The page of all pairs: search, filter, pick some."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse, QueryDict
from django.shortcuts import render

from accounts.permissions import READERS, MemberRequest, member_view
from corpus.models import Project
from corpus.search import not_found_yet, words_of
from library.pairs.filters import Chip, PairFilter, chips
from library.pairs.forms import IN_ADDRESS, RENAMED, FilterForm
from library.pairs.rows import first_page, matches, page_of

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Removable:
    """A filter that is set, and the address without it."""

    chip: Chip
    without: str


@member_view(READERS)
def pairs(request: MemberRequest, project: Project) -> HttpResponse:
    """Pairs, newest first, as the address asks for them."""
    form = FilterForm(project, request.GET)
    right = form.is_valid()
    wanted = form.wanted() if right else PairFilter()
    found = wanted.pairs(project)
    if not right:
        found = found.none()
    before, after = _id(request.GET, "before"), _id(request.GET, "after")
    if before is None and after is None:
        page, counted = first_page(project, found)
    else:
        page, counted = page_of(project, found, before=before, after=after), matches(found)
    context = {
        "project": project,
        "tab": "pairs",
        "form": form,
        "page": page,
        "matches": counted,
        "words": words_of(wanted.q) if wanted.q else None,
        "not_found_yet": not_found_yet() if wanted.q else 0,
        "chips": [
            Removable(chip, address_without(request.GET, _in_address(chip.name)))
            for chip in chips(wanted, project)
        ],
        "filtered": bool(wanted.asked()),
        "older": _address(request.GET, "before", page.older),
        "newer": _address(request.GET, "after", page.newer),
        "first": address_without(request.GET),
        "kept": kept_fields(request.GET),
    }
    return render(request, "library/pairs.html", context, status=200 if right else 400)


def _in_address(name: str) -> str:
    return next((one for one, field in RENAMED.items() if field == name), name)


def _id(given: QueryDict, name: str) -> int | None:
    """Where a page goes on; an id that can be none is as good as none."""
    value = given.get(name, "")
    return min(int(value[:20]), LARGEST_ID) if value.isascii() and value.isdecimal() else None


def kept_fields(given: QueryDict) -> list[tuple[str, str]]:
    """The filters of an address, for a form that carries them on."""
    return [(name, value) for name in IN_ADDRESS if (value := given.get(name, ""))]


def address_without(given: QueryDict, *names: str) -> str:
    """The query of an address with its filters but for those named, and without its place."""
    kept = QueryDict(mutable=True)
    for name, value in kept_fields(given):
        if name not in names:
            kept[name] = value
    return kept.urlencode()


def _address(given: QueryDict, name: str, place: int | None) -> str:
    if place is None:
        return ""
    filters = address_without(given)
    return f"{filters}&{name}={place}" if filters else f"{name}={place}"
