"""Raters, wanted labels (slots) and labels. Labels are append-only facts."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import OuterRef, Q

from corpus.models import SHA256, Pair, Project


class Role(models.TextChoices):
    RATER = "rater"
    SENIOR = "senior", "senior rater"
    ADMIN = "admin"
    RESEARCHER = "researcher"


class Membership(models.Model):
    """Who may do what in which project. Without one, a project does not exist for a user."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "project"], name="one_role_per_project"),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} in {self.project}"


class Rater(models.Model):
    """One who judges pairs, human or machine. An imported rater has no account."""

    class Kind(models.TextChoices):
        HUMAN = "human"
        JUDGE = "judge"

    class Status(models.TextChoices):
        ONBOARDING = "onboarding"
        ACTIVE = "active"
        RETRAINING = "retraining"
        SUSPENDED = "suspended"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="raters")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="raters",
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "name"], name="one_rater_per_kind_and_name"
            ),
            models.UniqueConstraint(
                fields=["project", "user"],
                name="one_rater_per_user",
                condition=Q(user__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(kind="human") | Q(user__isnull=True), name="a_judge_has_no_account"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Guideline(models.Model):
    """What raters are told, in versions that never change."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guidelines")
    number = models.PositiveIntegerField()
    text = models.TextField()
    sha256 = models.CharField(max_length=64, validators=[SHA256])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_guideline_per_number"),
        ]

    def __str__(self) -> str:
        return f"guideline {self.number} of {self.project}"


class SlotQuerySet(models.QuerySet["Slot"]):
    def new_to(self, rater: Rater) -> SlotQuerySet:
        """Those of the rater's project whose pair they have neither had nor skipped, in the order
        in which they are handed out."""
        # NOT IN a subquery of the row's own pair, not NOT EXISTS: PostgreSQL would turn that into
        # a join over all that the rater has ever had, with a plan that depends on how old its
        # statistics are. This is one look into an index for each slot considered.
        had = Slot.objects.filter(rater=rater, pair=OuterRef("pair")).values("pair")
        skipped = Skip.objects.filter(rater=rater, pair=OuterRef("pair")).values("pair")
        new = self.filter(~Q(pair__in=had), ~Q(pair__in=skipped), project=rater.project_id)
        return new.order_by("-priority", "id")


class Slot(models.Model):
    """One wanted label. Handed to one rater at a time under a lease that runs out.

    `lease` is a fencing token: a submit with another one is refused. Which completion stands on
    the left is drawn once, when the slot is made.
    """

    class Purpose(models.TextChoices):
        PRODUCTION = "production"
        OVERLAP = "overlap"
        GOLD = "gold"
        REPEAT = "repeat"
        CALIBRATION = "calibration"
        ADJUDICATION = "adjudication"

    class State(models.TextChoices):
        OPEN = "open"
        LEASED = "leased"
        DONE = "done"

    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="slots")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="slots")
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.PRODUCTION)
    priority = models.IntegerField(default=0)
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    first_is_left = models.BooleanField()
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
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SlotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_held_slot_has_a_rater",
                condition=Q(state="open", rater__isnull=True, lease__isnull=True)
                | Q(state="leased", rater__isnull=False, lease__isnull=False)
                | Q(state="done", rater__isnull=False),
            ),
            # Also how a claim finds what the rater already holds.
            models.UniqueConstraint(
                fields=["rater"], name="one_held_slot_per_rater", condition=Q(state="leased")
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
        PII = "pii", "personal data seen"
        BROKEN = "broken", "broken rendering"
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


class Choice(models.TextChoices):
    """A judgement against the pair's own order, never against what stood on the left."""

    FIRST = "first"
    SECOND = "second"
    EQUAL = "equal"
    BOTH_BAD = "both_bad"


class LabelQuerySet(models.QuerySet["Label"]):
    def effective(self) -> LabelQuerySet:
        """The labels that count now: superseded by none, and not themselves a withdrawal."""
        return self.filter(superseded_by__isnull=True, withdrawn=False)


class Label(models.Model):
    """One judgement of one rater. Never changed: a correction is a new row that supersedes.

    An undo is a row with `withdrawn`, which supersedes a label and puts nothing in its place.
    """

    Choice: ClassVar[type[Choice]] = Choice

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
    choice = models.CharField(max_length=8, choices=Choice)
    strength = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(3)]
    )
    p_first = models.FloatField(
        null=True,
        blank=True,
        help_text="A judge's probability that first is preferred, 0 to 1; empty for humans.",
    )
    criteria = models.JSONField(default=dict, blank=True)
    comment = models.TextField(blank=True)
    first_was_left = models.BooleanField(null=True, blank=True, help_text="The shown order.")
    seconds = models.FloatField(null=True, blank=True)
    guideline = models.ForeignKey(
        Guideline, null=True, blank=True, on_delete=models.PROTECT, related_name="labels"
    )
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    withdrawn = models.BooleanField(default=False)
    import_sha256 = models.CharField(max_length=64, blank=True, validators=[SHA256])
    created_at = models.DateTimeField()

    objects = LabelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(p_first__isnull=True) | Q(p_first__gte=0, p_first__lte=1),
                name="p_first_is_a_probability",
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
                include=["id", "rater", "choice", "strength", "withdrawn"],
                name="label_of_project",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rater}: {self.choice} on {self.pair}"


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
        return f"gold {self.choice} for {self.pair}"
