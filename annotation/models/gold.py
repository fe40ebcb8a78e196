"""Gold answers by seniors, and pairs that seniors decide."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models.labels import Choice, Label
from corpus.models import Import, Pair, Project


class GoldAnswer(models.Model):
    """What a senior says is right for a pair."""

    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="gold_answers")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty when the answer came with an imported file.",
    )
    choice = models.CharField(max_length=8, choices=Choice)
    note = models.TextField(blank=True)
    source_import = models.ForeignKey(
        Import, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pair", "author"], name="one_gold_answer_per_author"),
            models.UniqueConstraint(
                fields=["pair"],
                name="one_imported_gold_answer",
                condition=Q(author__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"gold {self.get_choice_display().lower()} for {self.pair}"


class GoldPair(models.Model):
    """A pair whose right answer is known, or being agreed on.

    Derived from its GoldAnswers by `services.gold`: the vote of an imported file settles it, else
    as many seniors as the policy wants must say the same.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", "Needs another senior"
        CONTESTED = "contested", "Seniors disagree"
        SETTLED = "settled"
        RETIRED = "retired"

    pair = models.OneToOneField(Pair, on_delete=models.CASCADE, related_name="gold")
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="gold_pairs", db_index=False
    )
    state = models.CharField(max_length=9, choices=State, default=State.PROPOSED)
    choice = models.CharField(max_length=8, choices=Choice, blank=True)
    note = models.TextField(
        blank=True, help_text="Shown to raters who answer differently in calibration."
    )
    shuffle = models.BigIntegerField(
        "position",
        help_text="Random; each rater goes through the gold pairs from their own position.",
    )
    settled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="settled_gold_has_a_choice",
                condition=~Q(state="settled") | ~Q(choice=""),
            ),
        ]
        indexes = [
            # The next gold pair for a rater: from their place in the round on.
            models.Index(
                fields=["project", "shuffle"], name="gold_settled", condition=Q(state="settled")
            ),
            models.Index(fields=["project", "state", "id"], name="gold_of_project"),
        ]

    def __str__(self) -> str:
        said = self.get_choice_display() or self.get_state_display()
        return f"gold pair {self.pair_id}: {said.lower()}"


class Adjudication(models.Model):
    """A pair that a senior is asked to decide."""

    class Reason(models.TextChoices):
        DISAGREEMENT = "disagreement", "Raters disagree"
        JUDGE = "judge", "A judge disagrees strongly"
        FLAG = "flag", "Flagged by a rater"

    class State(models.TextChoices):
        OPEN = "open"
        DECIDED = "decided"
        SET_ASIDE = "set_aside", "Set aside"
        DISMISSED = "dismissed"

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="adjudications", db_index=False
    )
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="adjudications")
    reason = models.CharField(max_length=12, choices=Reason)
    detail = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    label = models.ForeignKey(
        Label, null=True, blank=True, on_delete=models.PROTECT, related_name="adjudications"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pair"], name="one_open_adjudication", condition=Q(state="open")
            ),
        ]
        indexes = [
            models.Index(fields=["project", "state", "id"], name="adjudication_of_project"),
        ]

    def __str__(self) -> str:
        return f"adjudication of pair {self.pair_id} ({self.state})"
