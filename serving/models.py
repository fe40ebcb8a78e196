"""Servers that were started here, replies that need not be asked for again, and the accounts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from corpus.models import SHA256, ModelVersion, Project
from jobs.models import Job


class ModelServer(models.Model):
    """A server that `manage.py serve_model` runs, and how it stands.

    Its supervisor writes the row; `stop_requested` is what others may write. A row whose
    heartbeat is old has lost its supervisor.
    """

    class State(models.TextChoices):
        STARTING = "starting"
        HEALTHY = "healthy"
        UNHEALTHY = "unhealthy"
        RESTARTING = "restarting"
        STOPPED = "stopped"
        FAILED = "failed"

    name = models.CharField(max_length=200, unique=True)
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="servers"
    )
    location = models.CharField(max_length=500, help_text="Folder or hub name of the served model.")
    url = models.URLField(max_length=200)
    state = models.CharField(max_length=12, choices=State, default=State.STARTING)
    reason = models.TextField(blank=True)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField(
        null=True, blank=True, help_text="Process group of the server."
    )
    process_started_at = models.FloatField(null=True, blank=True)
    restarts = models.PositiveIntegerField(default=0)
    log = models.CharField(max_length=500, blank=True)
    stop_requested = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class CachedReply(models.Model):
    """An answer that would be given again: named by the hash of all it depends on."""

    key = models.CharField(primary_key=True, max_length=64, validators=[SHA256])
    reply = models.JSONField()
    size_bytes = models.PositiveIntegerField()
    used_at = models.DateTimeField()

    class Meta:
        indexes = [
            # Which have not been used for longest: what goes first when the cache is full.
            models.Index(fields=["used_at"], name="cached_reply_used"),
        ]

    def __str__(self) -> str:
        return self.key[:12]


class Usage(models.Model):
    """What a piece of inference took, written with its results: append-only.

    Tokens and milliseconds are those of requests that were really asked; replies from the cache
    are counted apart and cost nothing.
    """

    class Purpose(models.TextChoices):
        JUDGE = "judge", "judge run"
        CRITIQUE = "critique", "critique and revision"
        SAMPLE = "sample", "sampling"
        PLAYGROUND = "playground", "playground"
        IMPACT = "impact", "impact of a draft"
        ATTACK = "attack", "attacks on a judge"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="usage")
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="usage"
    )
    engine = models.CharField(max_length=20)
    purpose = models.CharField(max_length=12, choices=Purpose)
    run_id = models.BigIntegerField(
        null=True, blank=True, help_text="ID of the run, depending on the purpose."
    )
    requests = models.PositiveIntegerField(default=0)
    cached = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)
    milliseconds = models.FloatField(default=0.0, help_text="Total time of the requests.")
    prefix_queries = models.PositiveBigIntegerField(default=0)
    prefix_hits = models.PositiveBigIntegerField(default=0)
    cost = models.DecimalField(
        max_digits=14,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="At the model's prices at the time; empty if it had none.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "usage"
        indexes = [
            # What one run took.
            models.Index(
                fields=["purpose", "run_id"],
                name="usage_run",
                condition=Q(run_id__isnull=False),
            ),
            # What a project took, lately.
            models.Index(fields=["project", "created_at"], name="usage_project"),
        ]

    def __str__(self) -> str:
        return f"{self.requests} requests for {self.purpose} {self.run_id or ''}".strip()


class Trial(Job):
    """One prompt tried on one model, from the playground. `result` is empty until it is done.

    It holds text, finish_reason, prompt_tokens, completion_tokens, logprob_sum (nats), seconds,
    and where options were given their probabilities and mass.
    """

    TASK_NAME = "serving.tasks.trial_task"

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
