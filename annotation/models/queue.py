"""Wanted labels (slots), and pairs that raters passed on."""

from __future__ import annotations

from django.apps import apps
from django.db import models
from django.db.models import OuterRef, Q

from annotation.models.people import Rater
from corpus.models import Pair, Project


def not_had_by(rater: Rater) -> Q:
    """Of rows with a `pair`: those in use that the rater has neither had nor skipped, and whose
    gold answer is not their own.

    NOT IN a subquery of the row's own pair, not NOT EXISTS: PostgreSQL would turn that into a join
    over all that the rater has ever had, with a plan that depends on how old its statistics are.
    This is one look into an index for each row considered.
    """
    had = Slot.objects.filter(rater=rater, pair=OuterRef("pair")).values("pair")
    skipped = Skip.objects.filter(rater=rater, pair=OuterRef("pair")).values("pair")
    new = ~Q(pair__in=had) & ~Q(pair__in=skipped) & Q(pair__held_back="")
    if rater.user_id is None:
        return new
    answers = apps.get_model("annotation", "GoldAnswer")._default_manager
    own = answers.filter(author=rater.user_id, pair=OuterRef("pair")).values("pair")
    return new & ~Q(pair__in=own)


class SlotQuerySet(models.QuerySet["Slot"]):
    def new_to(self, rater: Rater) -> SlotQuerySet:
        """Those of the rater's project whose pair they have neither had nor skipped, in the order
        in which they are handed out."""
        return self.filter(not_had_by(rater), project=rater.project_id).order_by("-priority", "id")


class Slot(models.Model):
    """One wanted label. Handed to one rater at a time under a lease that runs out.

    `lease` is a fencing token: a submit with another one is refused. Which completion stands on
    the left is drawn once, when the slot is handed out first.

    Production and overlap slots are for anybody and wait as `open`. The others are made for one
    rater: they wait for them as `waiting`, from `due_at` on. A `void` slot asks for nothing (any
    more): its pair was set aside, its rater passed it on or was suspended.
    """

    class Purpose(models.TextChoices):
        PRODUCTION = "production"
        OVERLAP = "overlap"
        GOLD = "gold"
        REPEAT = "repeat"
        CALIBRATION = "calibration", "Calibration (answer shown)"
        RECALIBRATION = "recalibration"
        ADJUDICATION = "adjudication"

    SHARED = (Purpose.PRODUCTION, Purpose.OVERLAP)

    """For anybody. All others are made for one rater, and never handed to another."""

    class State(models.TextChoices):
        OPEN = "open"
        WAITING = "waiting"
        LEASED = "leased"
        DONE = "done"
        VOID = "void"

    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="slots")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="slots")
    purpose = models.CharField(max_length=13, choices=Purpose, default=Purpose.PRODUCTION)
    priority = models.IntegerField(default=0)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    first_is_left = models.BooleanField("first shown on the left", null=True, blank=True)
    # No index of its own here and below, where one of several columns begins with the same: it
    # would cost a write for each claim and label, and lure the planner from the better one.
    rater = models.ForeignKey(
        Rater,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="slots",
        db_index=False,
    )
    lease = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    place = models.PositiveSmallIntegerField(
        "position on the page",
        null=True,
        blank=True,
        help_text="0 is the task on screen, 1 the one after it.",
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    replaces = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="replacements",
        db_index=False,
        help_text="The suspended rater's void slot that this one replaces.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SlotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_held_slot_has_a_rater",
                condition=Q(state="open", rater__isnull=True, lease__isnull=True)
                | Q(state="leased", rater__isnull=False, lease__isnull=False)
                | Q(state="waiting", rater__isnull=False, lease__isnull=True)
                | Q(state="done", rater__isnull=False)
                | Q(state="void", lease__isnull=True),
            ),
            models.CheckConstraint(
                name="a_held_slot_has_a_place_and_sides",
                condition=~Q(state="leased")
                | Q(place__in=[0, 1], lease_expires_at__isnull=False, first_is_left__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["replaces"],
                name="one_slot_in_its_stead",
                condition=Q(replaces__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["rater", "place"],
                name="two_held_slots_per_rater",
                condition=Q(state="leased"),
            ),
            models.UniqueConstraint(
                fields=["rater", "pair"], name="one_repeat_per_pair", condition=Q(purpose="repeat")
            ),
        ]
        indexes = [
            # The next task: the open slot of highest priority, oldest first.
            models.Index(
                fields=["project", "-priority", "id"],
                name="slot_open",
                condition=Q(state="open"),
            ),
            # Leases that ran out.
            models.Index(
                fields=["lease_expires_at"], name="slot_leased", condition=Q(state="leased")
            ),
            # A rater's own tasks that wait for them.
            models.Index(
                fields=["rater", "due_at"], name="slot_waiting", condition=Q(state="waiting")
            ),
            # How many calibration tasks of this try are done?
            models.Index(
                fields=["rater", "id"], name="slot_calibration", condition=Q(purpose="calibration")
            ),
            # Has this rater had this pair?
            models.Index(fields=["rater", "pair"], name="slot_of_rater"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} slot {self.pk} ({self.state})"


class Skip(models.Model):
    """A rater passed a pair on; it is not offered to them again."""

    class Reason(models.TextChoices):
        UNCLEAR = "unclear"
        OFFENSIVE = "offensive"
        PII = "pii", "Contains personal data"
        BROKEN = "broken", "Not displayed correctly"
        OTHER = "other"

    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="skips")
    rater = models.ForeignKey(Rater, on_delete=models.CASCADE, related_name="skips", db_index=False)
    reason = models.CharField(max_length=10, choices=Reason)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rater", "pair"], name="one_skip_per_pair"),
        ]

    def __str__(self) -> str:
        return f"{self.rater} skipped {self.pair}: {self.reason}"
