"""What happens to texts on their way in."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from corpus.models.projects import Project
from corpus.models.texts import Prompt
from jobs.models import Job


class IntakePolicy(models.Model):
    """What happens to prompts and completions on their way in, before anybody sees them."""

    class Duplicates(models.TextChoices):
        KEEP = "keep", "Keep all"
        ONE = "one", "Keep one of each group"

    class Identity(models.TextChoices):
        MASK = "mask", "Mask the names"
        HOLD = "hold", "Hold the pair back"
        OFF = "off", "Show unchanged"

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="intake_policy")
    redact_pii = models.BooleanField(
        "redact personal data",
        default=False,
        help_text="Applies to new prompts and completions. Admins can still read the "
        "original, and every view is recorded.",
    )
    duplicates = models.CharField(
        "near-duplicate prompts", max_length=4, choices=Duplicates, default=Duplicates.KEEP
    )
    duplicate_threshold = models.FloatField(
        "similarity threshold",
        default=0.8,
        validators=[MinValueValidator(0.5), MaxValueValidator(1.0)],
        help_text="Jaccard similarity of word 5-grams, 0.5 to 1.",
    )
    identity = models.CharField(
        "completions that reveal their author",
        max_length=4,
        choices=Identity,
        default=Identity.MASK,
    )
    identity_terms = models.TextField(
        "more names to hide",
        blank=True,
        max_length=20_000,
        help_text="One per line, in addition to the model and vendor names that are always hidden.",
    )

    def __str__(self) -> str:
        return f"intake policy of {self.project}"

    @property
    def terms(self) -> tuple[str, ...]:
        lines = (line.strip() for line in self.identity_terms.splitlines())
        return tuple(line for line in lines if line)


class PromptOriginal(models.Model):
    """A prompt as it was before personal data was taken out. For admins, and each look counts."""

    prompt = models.OneToOneField(Prompt, on_delete=models.CASCADE, related_name="original")
    messages = models.JSONField()
    counts = models.JSONField(help_text="How many of each kind were redacted.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"original of prompt {self.prompt_id}"


class OriginalLook(models.Model):
    """Somebody read an original. Append-only."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="looks")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.user} read the original of prompt {self.prompt_id}"


class IntakeScan(Job):
    """A pass over what a project holds already, after its intake policy was changed."""

    TASK_NAME = "corpus.tasks.intake_scan_task"

    class Kind(models.TextChoices):
        DUPLICATES = "duplicates", "group near-duplicate prompts"
        IDENTITY = "identity", "find completions that reveal their author"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="intake_scans")
    kind = models.CharField(max_length=10, choices=Kind)
    found = models.PositiveBigIntegerField(default=0)

    class Meta(Job.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.kind} scan {self.pk} of {self.project}"
