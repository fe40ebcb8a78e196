"""The labelling page: tasks, ahead of time where the page asks, and what the rater sends."""

from __future__ import annotations

import math
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import LABELLERS, MemberRequest, member_view
from annotation import services
from annotation.errors import AnnotationError, GuidelineError, InvalidLabelError, LeaseError
from annotation.models import Label, Rater, Skip, Slot
from annotation.quality.try_words import last_outcome, outcome_of, try_name
from annotation.queue.task_names import slot_id_of
from annotation.queue.tasks_shown import as_answered, feedback_on, on_screen, shown
from annotation.selectors import rater_progress
from corpus.models import Project

CRITERION_VALUES = (("left", "A"), ("equal", "Equal"), ("right", "B"), ("both_bad", "Neither"))
STRENGTHS = ((1, "Slightly", "s"), (2, "Clearly", "c"), (3, "Much", "m"))


@never_cache
@member_view(LABELLERS)
def label(request: MemberRequest, project: Project) -> HttpResponse:
    """The labelling page with the rater's task in it, or what they have to read first. A page that
    is there already gets the task alone, unless there is something to read. Who is suspended is
    told so, and gets none."""
    rater = services.rater_seat(request.membership)
    suspended = rater.status == Rater.Status.SUSPENDED
    unread = None if suspended else services.unread_guideline(rater)
    slot = None if suspended or unread else services.claim_next_slot(rater=rater)
    context = _context(project, rater, slot)
    if _by_script(request) and unread is None:
        return render(request, "annotation/_task.html", context)
    context = _page(project) | context | {"unread": unread}
    return render(request, "annotation/label.html", context)


@never_cache
@require_GET
@member_view(LABELLERS)
def label_next(request: MemberRequest, project: Project) -> HttpResponse:
    """The card of the task after the one that the page shows; 204 when there is none."""
    rater = services.rater_of(request.membership)
    besides = _named(request.GET.get("besides", ""))
    if besides is None or services.unread_guideline(rater) is not None:
        return HttpResponse(status=204)
    slot = services.claim_next_slot(rater=rater, besides=besides)
    if slot is None or slot.pk == besides:
        return HttpResponse(status=204)
    return render(request, "annotation/_card.html", _context(project, rater, slot))


@require_POST
@member_view(LABELLERS)
def label_submit(request: MemberRequest, project: Project) -> HttpResponse:
    """Store a label. The answer is the next task's card, or the answered pair with what the seniors
    say; or, for a page that has fetched the next card ahead of time (`ahead`), JSON with what
    changed in the bar above it."""
    rater = services.rater_of(request.membership)
    ahead = bool(request.POST.get("ahead"))
    try:
        label = services.submit_label(
            slot_id=_slot_id(request),
            rater=rater,
            lease=_lease(request),
            judgement=_judgement(request),
        )
    except AnnotationError as error:
        if ahead:
            return JsonResponse({"code": error.code, "message": str(error)}, status=error.status)
        return _next_card(request, project, rater, refused=error)
    if ahead:
        progress = rater_progress(rater)
        return JsonResponse({"bar": {"percent": progress.percent, "words": progress.words}})
    if (feedback := feedback_on(label)) is None:
        return _next_card(request, project, rater)
    rater.refresh_from_db()
    about = {"feedback": feedback, "answered": as_answered(label), "outcome": _outcome(label)}
    return _card(request, _context(project, rater, None) | about)


def _outcome(label: Label) -> str:
    """What the try came to that this calibration answer completed; empty where it did not."""
    check = label.rater.checks.order_by("-id").first()
    if check is None or check.newest_label != label.pk:
        return ""
    return outcome_of(check, services.policy_of(label.project_id))


@require_POST
@member_view(LABELLERS)
def label_skip(request: MemberRequest, project: Project) -> HttpResponse:
    """Pass a task on; the answer is the next task's card."""
    rater = services.rater_of(request.membership)
    reason = request.POST.get("reason", "")
    try:
        if reason not in Skip.Reason:
            raise LeaseError(f"{reason!r} is not a valid reason to skip.")
        services.skip_slot(
            slot_id=_slot_id(request),
            rater=rater,
            lease=_lease(request),
            reason=Skip.Reason(reason),
        )
    except AnnotationError as error:
        return _next_card(request, project, rater, refused=error)
    return _next_card(request, project, rater)


@require_POST
@member_view(LABELLERS)
def label_undo(request: MemberRequest, project: Project) -> HttpResponse:
    """Take the last label back; the answer is its card again, with what was pressed."""
    rater = services.rater_of(request.membership)
    try:
        slot = services.undo_last_label(rater=rater)
    except AnnotationError as error:
        return _next_card(request, project, rater, refused=error)
    about = {"undone": True, "before": _before(slot, rater)}
    return _card(request, _context(project, rater, slot) | about)


@require_POST
@member_view(LABELLERS)
def label_extend(request: MemberRequest, project: Project) -> HttpResponse:
    """Keep the task for an open page: 204, or 409 when it is gone."""
    rater = services.rater_of(request.membership)
    try:
        services.extend_lease(slot_id=_slot_id(request), rater=rater, lease=_lease(request))
    except AnnotationError as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain")
    return HttpResponse(status=204)


@require_POST
@member_view(LABELLERS)
def label_pause(request: MemberRequest, project: Project) -> HttpResponse:
    """Give the held tasks back to the others while the rater is away."""
    rater = services.rater_of(request.membership)
    services.release_held(rater=rater)
    if not _by_script(request):
        context = _page(project) | _context(project, rater, None) | {"paused": True}
        return render(request, "annotation/label.html", context)
    return render(request, "annotation/_paused.html", {"project": project})


@require_POST
@member_view(LABELLERS)
def label_acknowledge(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The rater has read the guideline; on to the next task."""
    rater = services.rater_of(request.membership)
    number = request.POST.get("number", "")
    try:
        if not number.isdecimal() or len(number) > 9:
            raise GuidelineError("The request is missing the guideline version number.")
        services.acknowledge_guideline(rater=rater, number=int(number))
    except GuidelineError as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain")
    return redirect("label", project.slug)


def _next_card(
    request: MemberRequest,
    project: Project,
    rater: Rater,
    *,
    refused: AnnotationError | None = None,
) -> HttpResponse:
    """The card of the rater's task; of a refused one with what was typed. Where that one is gone,
    what was typed stands beside the reason, so that it can be copied."""
    rater.refresh_from_db()
    try:
        slot = services.claim_next_slot(rater=rater)
    except AnnotationError as error:
        slot, refused = None, error
    context = _context(project, rater, slot) | {"refused": refused}
    if refused is not None and slot is not None and slot.pk == _named(request.POST.get("task", "")):
        context["before"] = _typed(request)
    elif refused is not None:
        fields = (("Your comment", "comment"), ("Your edited response", "edited"))
        context["unsaved"] = [
            (words, text) for words, name in fields if (text := request.POST.get(name, "").strip())
        ]
    return _card(request, context)


def _card(request: MemberRequest, context: dict[str, object]) -> HttpResponse:
    """The card alone, or in its page where the page's scripts had not arrived when the rater
    pressed; a refusal is a 409 that carries the way on."""
    refused = context.get("refused")
    status = refused.status if isinstance(refused, AnnotationError) else 200
    if _by_script(request):
        return render(request, "annotation/_task.html", context, status=status)
    context = _page(request.membership.project) | context
    return render(request, "annotation/label.html", context, status=status)


def _by_script(request: HttpRequest) -> bool:
    """Whether the page asks for a part of itself."""
    return request.headers.get("HX-Request") == "true"


def _page(project: Project) -> dict[str, object]:
    """What stands around the card."""
    return {"tab": "label", "guideline": project.guidelines.order_by("-number").first()}


def _context(project: Project, rater: Rater, slot: Slot | None) -> dict[str, object]:
    policy = services.policy_of(project.pk)
    progress = rater_progress(rater)
    return {
        "project": project,
        "rater": rater,
        "policy": policy,
        "task": shown(slot) if slot is not None else None,
        "progress": progress,
        "has_guideline": project.guidelines.exists,
        "skip_reasons": Skip.Reason.choices,
        "criterion_values": CRITERION_VALUES,
        "strengths": STRENGTHS,
        "learning": try_name(rater, policy),
        "last_try": "" if progress.done else last_outcome(rater, policy),
    }


def _before(slot: Slot, rater: Rater) -> dict[str, object]:
    """What the rater had pressed and written before the undo, as it stood on the screen."""
    last = slot.labels.filter(rater=rater, withdrawn=False).order_by("-id").first()
    if last is None:
        return {}
    first_is_left = bool(slot.first_is_left)
    return {
        "pressed": on_screen(last.choice, first_is_left=first_is_left),
        "comment": last.comment,
        "strength": last.strength,
        "criteria": {
            key: on_screen(choice, first_is_left=first_is_left)
            for key, choice in last.criteria.items()
        },
        "edited": _edit_of(last),
        "edited_side": on_screen(last.choice, first_is_left=first_is_left),
    }


def _typed(request: HttpRequest) -> dict[str, object]:
    """What was sent and not stored, to stand on the card again."""
    sent = request.POST
    strength = sent.get("strength", "")
    return {
        "comment": sent.get("comment", ""),
        "strength": int(strength) if strength in ("1", "2", "3") else None,
        "criteria": _criteria(request),
        "edited": sent.get("edited", ""),
        "edited_side": sent.get("edited_side", ""),
    }


def _edit_of(label: Label) -> str:
    derived = label.derived.select_related("pair__first", "pair__second").first()
    if derived is None:
        return ""
    pair = derived.pair
    return pair.first.text if derived.choice == Label.Choice.FIRST else pair.second.text


def _judgement(request: HttpRequest) -> services.Judgement:
    sent = request.POST
    pressed = sent.get("choice", "")
    edited = sent.get("edited", "")
    if edited.strip() and sent.get("edited_side") != pressed:
        raise InvalidLabelError(
            "You edited the response that you did not choose. Choose it, or discard your edit."
        )
    strength = sent.get("strength", "")
    if strength and strength not in ("1", "2", "3"):
        raise InvalidLabelError(f"strength is {strength[:20]!r}; it must be 1, 2 or 3.")
    return services.Judgement(
        pressed=pressed,
        seconds=_seconds(request),
        comment=sent.get("comment", ""),
        strength=int(strength) if strength else None,
        criteria=_criteria(request),
        edited=edited,
    )


def _criteria(request: HttpRequest) -> dict[str, str]:
    return {
        name.removeprefix("criterion-"): value
        for name, value in request.POST.items()
        if name.startswith("criterion-") and isinstance(value, str) and value
    }


def _named(text: str) -> int | None:
    """The slot behind a task's name, None when it is no name."""
    try:
        return slot_id_of(UUID(text))
    except ValueError:
        return None


def _slot_id(request: HttpRequest) -> int:
    slot_id = _named(request.POST.get("task", ""))
    if slot_id is None:
        raise LeaseError("The request is missing the task.")
    return slot_id


def _lease(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("lease", ""))
    except ValueError as error:
        raise LeaseError("The request is missing the lease.") from error


def _seconds(request: HttpRequest) -> float | None:
    """The time measured by the page; None where a page did not measure it."""
    text = request.POST.get("seconds", "")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        return math.nan  # refused by the service, with the limits
