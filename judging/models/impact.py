"""What a draft of a constitution would change, on a fixed sample of pairs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models import Choice
from constitution.models import ConstitutionVersion
from corpus.models import SHA256, ModelVersion, Pair, Project
from jobs.models import Job


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
    humans = models.PositiveIntegerField(help_text="Number of human labels.")

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
    p_first = models.FloatField(null=True, blank=True, help_text="Empty if unreadable.")
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
