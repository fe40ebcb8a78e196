"""Judges, their runs, and every verdict they gave."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from annotation.models import Rater
from constitution.models import ConstitutionVersion, Principle
from constitution.revision.prompts import TEMPLATES as CRITIQUE_TEMPLATES
from corpus.models import Import, ModelVersion, Pair, Project
from jobs.models import Job
from judging.asking.settings import JudgeSettings, read_settings


class JudgeConfig(models.Model):
    """How a judge judges. Its labels are those of `rater`, under the same law as a human's.

    A judge that asks a model has a constitution version and a model version; one that asks the
    constitution's verifiers has no model, a jury has neither. Any other is
    foreign: its verdicts were made elsewhere and imported.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_configs")
    rater = models.OneToOneField(Rater, on_delete=models.PROTECT, related_name="judge_config")
    constitution_version = models.ForeignKey(
        ConstitutionVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="judges"
    )
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="judges"
    )
    engine = models.CharField(max_length=20, blank=True)
    template = models.CharField(max_length=40, blank=True)
    tie_band = models.FloatField(
        default=0.05,
        validators=[MinValueValidator(0.0), MaxValueValidator(0.5)],
        help_text="Labels are equal if the probability is this close to one half.",
    )
    options = models.JSONField(default=dict, blank=True, help_text="See judging.asking.settings.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.rater.name

    @property
    def settings(self) -> JudgeSettings:
        return read_settings(self.options)

    @property
    def foreign(self) -> bool:
        """Its verdicts were made elsewhere: it cannot be run here."""
        mode = self.options.get("mode", "direct")
        if mode == "jury":
            return False
        asks_a_model = mode != "verifier"
        return self.constitution_version_id is None or (
            asks_a_model and self.model_version_id is None
        )

    @property
    def reviser(self) -> bool:
        """No judge, but the name under which the labels of critique–revise runs stand."""
        return self.template in CRITIQUE_TEMPLATES

    @property
    def runs_here(self) -> bool:
        """It can be asked about pairs here."""
        return not self.foreign and not self.reviser


class JuryMember(models.Model):
    """A judge whose labels a jury combines."""

    jury = models.ForeignKey(JudgeConfig, on_delete=models.CASCADE, related_name="members")
    judge = models.ForeignKey(JudgeConfig, on_delete=models.PROTECT, related_name="juries")
    weight = models.FloatField(default=1.0, validators=[MinValueValidator(0.0)])

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["jury", "judge"], name="one_seat_in_a_jury"),
        ]

    def __str__(self) -> str:
        return f"{self.judge} in {self.jury}"


class JudgeRun(Job):
    """One pass of a judge over pairs. Exactly one verdict per pair, principle and order."""

    TASK_NAME = "judging.tasks.judge_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_runs")
    config = models.ForeignKey(JudgeConfig, on_delete=models.PROTECT, related_name="runs")
    selection = models.JSONField(help_text="Which pairs, see judging.selectors.pairs_to_judge.")
    seed = models.BigIntegerField(default=0)
    accept_cut = models.BooleanField(
        default=False, help_text="Continue even if more than 1 % of the questions do not fit."
    )
    length_warning = models.TextField(blank=True)
    chosen = models.BooleanField(
        default=False, help_text="The pairs were fixed at the start and are stored as RunPairs."
    )
    # What came of its pairs, gold that rode along left out; counted with the labels.
    labelled = models.PositiveIntegerField(default=0)
    abstained = models.PositiveIntegerField(default=0)
    unscored = models.PositiveIntegerField(default=0)
    inconsistent = models.PositiveIntegerField(
        default=0, help_text="Labelled, but the two orders name different winners."
    )
    engine_seconds = models.FloatField(
        default=0.0, help_text="Engine time times number of engines, over all attempts."
    )
    done_before = models.PositiveIntegerField(
        default=0, help_text="Pairs done before the current attempt."
    )

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"judge run {self.pk}"

    @property
    def pairs_done(self) -> int:
        return self.labelled + self.abstained + self.unscored


class RunPair(models.Model):
    """One of a run's pairs, where which they are is settled once: those of a dataset, those on
    which judge and humans disagreed when the run began."""

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="run_pairs")
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "pair"], name="one_run_pair_each"),
        ]

    def __str__(self) -> str:
        return f"{self.pair_id} in {self.run}"


class Verdict(models.Model):
    """What the judge said of one pair under one principle in one order.

    No `principle`: all of them in one prompt, a foreign judge, or a jury, whose member stands in
    the raw reply. `sample` counts the reasonings written to one question, or a jury's members.
    """

    class Order(models.TextChoices):
        FIRST_SECOND = "ab", "first shown first"
        SECOND_FIRST = "ba", "second shown first"

    class Status(models.TextChoices):
        OK = "ok"
        UNPARSED = "unparsed"
        REFUSED = "refused"
        FAILED = "failed"

    run = models.ForeignKey(
        JudgeRun, null=True, blank=True, on_delete=models.CASCADE, related_name="verdicts"
    )
    config = models.ForeignKey(JudgeConfig, on_delete=models.CASCADE, related_name="verdicts")
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="verdicts")
    principle = models.ForeignKey(
        Principle, null=True, blank=True, on_delete=models.PROTECT, related_name="verdicts"
    )
    order = models.CharField(max_length=2, choices=Order)
    sample = models.PositiveSmallIntegerField(default=0)
    template = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=8, choices=Status)
    reason = models.CharField(max_length=500, blank=True)
    p_first = models.FloatField(null=True, blank=True)
    option_mass = models.FloatField(null=True, blank=True)
    raw_reply = models.JSONField(default=dict, blank=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    milliseconds = models.FloatField(null=True, blank=True)
    source_import = models.ForeignKey(
        Import, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "pair", "principle", "order", "sample"], name="one_verdict_each"
            ),
            # NULLs are distinct: without a principle the constraint above holds nothing.
            models.UniqueConstraint(
                fields=["run", "pair", "order", "sample"],
                name="one_verdict_each_without_principle",
                condition=Q(principle__isnull=True, run__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["config", "pair", "order"],
                name="one_imported_verdict_each",
                condition=Q(run__isnull=True),
            ),
            models.CheckConstraint(
                condition=Q(status="ok", p_first__gte=0, p_first__lte=1)
                | (~Q(status="ok") & Q(p_first__isnull=True)),
                name="only_a_read_verdict_has_a_probability",
            ),
        ]

    def __str__(self) -> str:
        return f"verdict on {self.pair_id} ({self.order})"
