"""Labels: append-only facts."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from annotation.models.guideline import Guideline
from annotation.models.people import Rater
from annotation.models.queue import Slot
from corpus.models import SHA256, Import, Pair, Project


class Choice(models.TextChoices):
    """A judgement against the pair's own order, never against what stood on the left."""

    FIRST = "first"
    SECOND = "second"
    EQUAL = "equal"
    BOTH_BAD = "both_bad", "Both bad"


class LabelQuerySet(models.QuerySet["Label"]):
    def effective(self) -> LabelQuerySet:
        """The labels that count now: superseded by none, and not themselves a withdrawal."""
        return self.filter(superseded_by__isnull=True, withdrawn=False)

    def given(self) -> LabelQuerySet:
        """Those of the effective labels that somebody gave: an edit's own label is derived."""
        return self.effective().exclude(kind=Label.Kind.EDIT)


class Label(models.Model):
    """One judgement of one rater. Never changed: a correction is a new row that supersedes.

    An undo is a row with `withdrawn`, which supersedes a label and puts nothing in its place.
    """

    Choice: ClassVar[type[Choice]] = Choice

    class Kind(models.TextChoices):
        JUDGEMENT = "judgement"
        REPEAT = "repeat", "Repeated judgement"
        ADJUDICATION = "adjudication", "Senior's decision"
        EDIT = "edit", "Edited response compared with the original"

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="labels", db_index=False
    )
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="labels")
    rater = models.ForeignKey(
        Rater, on_delete=models.PROTECT, related_name="labels", db_index=False
    )
    slot = models.ForeignKey(
        Slot, null=True, blank=True, on_delete=models.SET_NULL, related_name="labels"
    )
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.JUDGEMENT)
    choice = models.CharField(max_length=8, choices=Choice)
    strength = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(3)]
    )
    p_first = models.FloatField(
        "probability of first",
        null=True,
        blank=True,
        help_text="A judge's probability that the first response is preferred, 0 to 1; "
        "empty for humans.",
    )
    criteria = models.JSONField(default=dict, blank=True)
    comment = models.TextField(blank=True)
    first_was_left = models.BooleanField(
        "first shown on the left",
        null=True,
        blank=True,
        help_text="Whether the first response was shown on the left.",
    )
    seconds = models.FloatField(null=True, blank=True)
    guideline = models.ForeignKey(
        Guideline, null=True, blank=True, on_delete=models.PROTECT, related_name="labels"
    )
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    derived_from = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="derived",
        help_text="The label in which the rater edited the better response.",
    )
    withdrawn = models.BooleanField(default=False)
    margin = models.FloatField(
        null=True,
        blank=True,
        help_text="How much better the chosen response is, on the scale of the file it came with.",
    )
    source_import = models.ForeignKey(
        Import, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    import_sha256 = models.CharField(
        "hash of imported label", max_length=64, blank=True, validators=[SHA256]
    )
    created_at = models.DateTimeField()

    objects = LabelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(p_first__isnull=True) | Q(p_first__gte=0, p_first__lte=1),
                name="p_first_is_a_probability",
            ),
            models.UniqueConstraint(
                fields=["derived_from"],
                name="one_derived_label",
                condition=Q(derived_from__isnull=False),
            ),
            # The same label of the same file goes in once.
            models.UniqueConstraint(
                fields=["pair", "rater", "import_sha256"],
                name="one_imported_label",
                condition=~Q(import_sha256=""),
            ),
        ]
        indexes = [
            # Undo and progress: a rater's labels, newest first.
            models.Index(fields=["rater", "-id"], name="label_of_rater"),
            # Agreement and freezing: a project's labels in pair order. Agreement reads the index
            # alone (PostgreSQL), however long the comments are.
            models.Index(
                fields=["project", "pair"],
                include=["id", "rater", "kind", "choice", "strength", "withdrawn"],
                name="label_of_project",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rater}: {self.get_choice_display().lower()} on {self.pair}"
