"""Judges, their runs, and every verdict they gave."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from annotation.models import Choice, Rater
from constitution.models import ConstitutionVersion, Principle
from corpus.models import SHA256, ModelVersion, Pair, Project
from jobs.models import Job


class JudgeConfig(models.Model):
    """How a judge judges. Its labels are those of `rater`, under the same law as a human's.

    Empty `constitution_version` and `model_version`: a foreign judge, whose verdicts were made
    elsewhere and imported.
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
        help_text="Equal when the probability is this close to one half.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.rater.name


class JudgeRun(Job):
    """One pass of a judge over pairs. Exactly one verdict per pair, principle and order."""

    TASK_NAME = "judging.tasks.judge_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_runs")
    config = models.ForeignKey(JudgeConfig, on_delete=models.PROTECT, related_name="runs")
    selection = models.JSONField(help_text="Which pairs: see judging.selectors.pairs_to_judge.")
    seed = models.BigIntegerField(default=0)
    accept_cut = models.BooleanField(
        default=False, help_text="Go on although more than 1 % of the questions do not fit."
    )
    length_warning = models.TextField(blank=True)

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"judge run {self.pk}"


class Trial(Job):
    """One prompt tried on one model, from the playground. `result` is empty until it is done.

    It holds text, finish_reason, prompt_tokens, completion_tokens, logprob_sum (nats), seconds,
    and where options were given their probabilities and mass.
    """

    TASK_NAME = "judging.tasks.trial_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="trials")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="trials")
    engine = models.CharField(max_length=20)
    system = models.TextField(blank=True)
    prompt = models.TextField()
    options = models.JSONField(default=list, blank=True)
    max_tokens = models.PositiveIntegerField(default=256)
    temperature = models.FloatField(default=1.0)
    seed = models.BigIntegerField(null=True, blank=True)
    result = models.JSONField(default=dict, blank=True)

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"trial {self.pk}"


class DraftTrial(Job):
    """One prompt tried on the text of a constitution as it stands: answer, critique, revision and
    verdict. `principles` and `few_shots` are that text; `result` grows while the trial goes on.
    """

    TASK_NAME = "judging.tasks.draft_trial_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="draft_trials")
    version = models.ForeignKey(
        ConstitutionVersion, on_delete=models.CASCADE, related_name="draft_trials"
    )
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="draft_trials"
    )
    engine = models.CharField(max_length=20)
    prompt = models.TextField()
    answer = models.TextField(blank=True, help_text="Empty: the model writes one.")
    principles = models.JSONField()
    few_shots = models.JSONField(default=list, blank=True)
    temperature = models.FloatField(default=1.0)
    seed = models.BigIntegerField(default=0)
    result = models.JSONField(default=dict, blank=True)

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"trial {self.pk} of {self.version}"


class AuditSet(models.Model):
    """A fixed sample of pairs with what humans said of them: what versions are compared on."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="audit_sets")
    number = models.PositiveIntegerField()
    seed = models.BigIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_audit_set_per_number"),
        ]

    def __str__(self) -> str:
        return f"audit set {self.number}"


class AuditPair(models.Model):
    """A pair of an audit set, with the humans' choice when the set was drawn."""

    audit_set = models.ForeignKey(AuditSet, on_delete=models.CASCADE, related_name="audit_pairs")
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="+")
    choice = models.CharField(max_length=8, choices=Choice)
    humans = models.PositiveIntegerField(help_text="How many labels it comes from.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["audit_set", "pair"], name="one_audit_pair_each"),
        ]

    def __str__(self) -> str:
        return f"{self.pair_id} in {self.audit_set_id}"


class ImpactRun(Job):
    """A draft and the version it would replace, both judged over an audit set.

    `texts` are the principles of both as they stood ({draft: […], base: […]}), and `draft_sha256`
    the hash of the draft's: figures are of that text alone. `result` is empty until it is done.
    """

    TASK_NAME = "judging.tasks.impact_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="impact_runs")
    version = models.ForeignKey(
        ConstitutionVersion, on_delete=models.CASCADE, related_name="impact_runs"
    )
    base = models.ForeignKey(
        ConstitutionVersion, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    audit_set = models.ForeignKey(AuditSet, on_delete=models.PROTECT, related_name="impact_runs")
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="impact_runs"
    )
    engine = models.CharField(max_length=20)
    template = models.CharField(max_length=40)
    texts = models.JSONField()
    draft_sha256 = models.CharField(max_length=64, validators=[SHA256])
    tie_band = models.FloatField(default=0.05)
    result = models.JSONField(default=dict, blank=True)

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"impact of {self.version}"


class ImpactVerdict(models.Model):
    """What the judge said of one pair by one comparison text in one order.

    By the text, not by the principle: what both versions ask alike is asked once.
    """

    run = models.ForeignKey(ImpactRun, on_delete=models.CASCADE, related_name="verdicts")
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="+")
    comparison_sha256 = models.CharField(max_length=64, validators=[SHA256])
    order = models.CharField(max_length=2)
    p_first = models.FloatField(null=True, blank=True, help_text="Empty where it was not readable.")
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "pair", "comparison_sha256", "order"],
                name="one_impact_verdict_each",
            ),
            models.CheckConstraint(
                condition=Q(p_first__isnull=True) | Q(p_first__gte=0, p_first__lte=1),
                name="impact_p_first_is_a_probability",
            ),
        ]

    def __str__(self) -> str:
        return f"impact verdict on {self.pair_id} ({self.order})"


class Verdict(models.Model):
    """What the judge said of one pair under one principle in one order."""

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
    status = models.CharField(max_length=8, choices=Status)
    reason = models.CharField(max_length=500, blank=True)
    p_first = models.FloatField(null=True, blank=True)
    option_mass = models.FloatField(null=True, blank=True)
    raw_reply = models.JSONField(default=dict, blank=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    milliseconds = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "pair", "principle", "order"], name="one_verdict_each"
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
