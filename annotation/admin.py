"""Annotation in Django's admin: for looking. Facts cannot be changed here, nor anything deleted."""

from __future__ import annotations

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin
from annotation.models import (
    Adjudication,
    GoldAnswer,
    GoldPair,
    Guideline,
    Label,
    QualityPolicy,
    Rater,
    RaterCheck,
    Skip,
    Slot,
    StatusChange,
)


@admin.register(Label)
class LabelAdmin(ReadOnlyAdmin):
    """Labels are facts: a correction is a new row that the rater makes."""

    list_display = ("id", "project", "pair_id", "rater", "choice", "withdrawn", "created_at")
    list_filter = ("project", "choice", "withdrawn", "rater__kind")
    list_select_related = ("project", "rater")
    search_fields = ("=pair__external_id", "rater__name")


@admin.register(Slot)
class SlotAdmin(ReadOnlyAdmin):
    """The queue changes through its services alone, under their locks."""

    list_display = ("id", "project", "pair_id", "purpose", "priority", "state", "rater")
    list_filter = ("project", "state", "purpose")
    list_select_related = ("project", "rater")
    # A lease is what a rater's program shows to be let in.
    exclude = ("lease",)


@admin.register(Skip)
class SkipAdmin(ReadOnlyAdmin):
    list_display = ("id", "pair_id", "rater", "reason", "created_at")
    list_filter = ("reason", "rater__project")
    list_select_related = ("rater",)


@admin.register(Guideline)
class GuidelineAdmin(ReadOnlyAdmin):
    """Versions never change: raters have labelled by them."""

    list_display = ("project", "number", "sha256", "created_at")
    list_filter = ("project",)
    list_select_related = ("project",)


@admin.register(GoldAnswer)
class GoldAnswerAdmin(ReadOnlyAdmin):
    list_display = ("id", "pair_id", "author", "choice", "created_at")
    list_filter = ("choice", "pair__project")
    list_select_related = ("author",)


@admin.register(Rater)
class RaterAdmin(ReadOnlyAdmin):
    """A status changes with a reason, on the project's own pages."""

    list_display = ("name", "project", "kind", "status", "created_at")
    list_filter = ("project", "kind", "status")
    list_select_related = ("project",)
    search_fields = ("name",)


@admin.register(QualityPolicy)
class QualityPolicyAdmin(ReadOnlyAdmin):
    list_display = ("project", "gold_share", "overlap_share", "kappa_floor", "updated_at")
    list_select_related = ("project",)


@admin.register(RaterCheck)
class RaterCheckAdmin(ReadOnlyAdmin):
    list_display = ("rater", "kind", "kappa", "n", "low", "high", "decision", "created_at")
    list_filter = ("decision", "kind", "rater__project")
    list_select_related = ("rater",)


@admin.register(StatusChange)
class StatusChangeAdmin(ReadOnlyAdmin):
    list_display = ("rater", "before", "after", "reason", "actor", "created_at")
    list_filter = ("after", "rater__project")
    list_select_related = ("rater", "actor")


@admin.register(GoldPair)
class GoldPairAdmin(ReadOnlyAdmin):
    list_display = ("pair_id", "project", "state", "choice", "settled_at")
    list_filter = ("state", "project")
    list_select_related = ("project",)


@admin.register(Adjudication)
class AdjudicationAdmin(ReadOnlyAdmin):
    list_display = ("pair_id", "project", "reason", "state", "decided_by", "created_at")
    list_filter = ("state", "reason", "project")
    list_select_related = ("project", "decided_by")
