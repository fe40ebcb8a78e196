"""Critique–revise runs. Every step is stored: its principle, what stood before, the critique, and
what came after; the run holds model, sampling and version."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from constitution.models.versions import ConstitutionVersion, Principle
from corpus.models import ModelVersion, Pair, Project, Prompt
from jobs.models import Job

MOST_ROUNDS = 16


class RevisionRun(Job):
    """One pass of critique and revision over prompts. Exactly one chain per prompt."""

    TASK_NAME = "constitution.tasks.revise_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="revision_runs")
    constitution_version = models.ForeignKey(
        ConstitutionVersion, on_delete=models.PROTECT, related_name="revision_runs"
    )
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="revision_runs"
    )
    engine = models.CharField(max_length=20)
    template = models.CharField(max_length=40)
    selection = models.JSONField(help_text="Which prompts, see constitution.selectors.")
    rounds = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(1), MaxValueValidator(MOST_ROUNDS)]
    )
    stop_early = models.BooleanField(
        default=True, help_text="End a chain when a critique finds nothing."
    )
    use_few_shots = models.BooleanField(default=True)
    seed = models.BigIntegerField(default=0)
    temperature = models.FloatField(default=1.0)
    max_tokens = models.PositiveIntegerField(default=512)
    ask_raters = models.BooleanField(default=False, help_text="Also send the pairs to raters.")

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"critique run {self.pk}"

    @property
    def batch(self) -> str:
        """The batch of the pairs that the run brings."""
        return f"critique-{self.pk}"


class Chain(models.Model):
    """One prompt's way through a run: an initial answer and what its critiques made of it.

    `finding` says what came of it and is empty while the chain is open.
    """

    class Finding(models.TextChoices):
        REVISED = "revised", "revised"
        NOTHING_FOUND = "nothing_found", "nothing to critique"
        UNCHANGED = "unchanged", "revision is unchanged"
        REFUSES = "refuses", "revision refuses"
        REPEATS = "repeats", "revision repeats its input"
        FAILED = "failed", "failed"

    run = models.ForeignKey(RevisionRun, on_delete=models.CASCADE, related_name="chains")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="chains")
    initial = models.TextField(blank=True)
    finding = models.CharField(max_length=14, choices=Finding, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    pair = models.ForeignKey(
        Pair, null=True, blank=True, on_delete=models.SET_NULL, related_name="chains"
    )
    refuses_now = models.BooleanField(
        default=False, help_text="The last revision refuses, but the initial answer did not."
    )
    revision_is_first = models.BooleanField(
        null=True, blank=True, help_text="Relative to the pair's stored order."
    )
    bad = models.BooleanField(default=False, help_text="Left out of new datasets.")
    bad_reason = models.CharField(max_length=500, blank=True)
    bad_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    bad_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "prompt"], name="one_chain_per_prompt"),
        ]
        indexes = [
            # A run's chains by what came of them, in order: the viewer's pages and the counts.
            models.Index(fields=["run", "finding", "id"], name="chain_of_run"),
        ]

    def __str__(self) -> str:
        return f"chain {self.pk}"


class Revision(models.Model):
    """One round of a chain. Append-only; a round whose critique found nothing has no `after`."""

    class Status(models.TextChoices):
        REVISED = "revised"
        NOTHING_FOUND = "nothing_found", "nothing found"
        FAILED = "failed"

    chain = models.ForeignKey(Chain, on_delete=models.CASCADE, related_name="revisions")
    round = models.PositiveSmallIntegerField()
    principle = models.ForeignKey(Principle, on_delete=models.PROTECT, related_name="revisions")
    status = models.CharField(max_length=14, choices=Status)
    before = models.TextField(blank=True)
    critique = models.TextField(blank=True)
    after = models.TextField(blank=True)
    reason = models.CharField(max_length=500, blank=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    milliseconds = models.FloatField(default=0.0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["chain", "round"]
        constraints = [
            models.UniqueConstraint(fields=["chain", "round"], name="one_revision_per_round"),
            models.CheckConstraint(
                condition=Q(status="revised") | Q(after=""),
                name="only_a_revision_has_an_after",
            ),
        ]

    def __str__(self) -> str:
        return f"round {self.round} of chain {self.chain_id}"
