"""The one corpus: projects, prompts, completions, pairs and model versions."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least

from jobs.models import Job

SHA256 = RegexValidator(r"^[0-9a-f]{64}$", "Enter 64 hexadecimal digits.")


class Project(models.Model):
    slug = models.SlugField(unique=True, max_length=80)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Prompt(models.Model):
    """What was asked: a conversation that ends with a user's turn (or a system's)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="prompts")
    messages = models.JSONField(help_text="List of {role, content}.")
    sha256 = models.CharField(max_length=64, validators=[SHA256])
    source = models.CharField(max_length=200, blank=True)
    domain = models.CharField(max_length=100, blank=True)
    difficulty = models.CharField(max_length=50, blank=True)
    language = models.CharField(max_length=35, blank=True)
    sensitive = models.BooleanField(default=False)
    reference = models.TextField(
        blank=True, help_text="A correct answer, for judges that use a reference."
    )
    duplicate_group = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="ID of the first prompt of the near-duplicate group; empty if there is none.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "sha256"], name="one_prompt_per_hash"),
        ]
        indexes = [
            # The groups of near-duplicates of a project, and their members.
            models.Index(
                fields=["project", "duplicate_group"],
                name="prompt_duplicates",
                condition=Q(duplicate_group__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.messages[-1]["content"][:80] if self.messages else ""


class ModelVersion(models.Model):
    """A model that wrote completions, judged, or was trained.

    `location` is a folder or a hub name; an `api` model is known by its name alone.
    """

    class Kind(models.TextChoices):
        BASE = "base"
        ADAPTER = "adapter"
        FULL = "full"
        API = "api", "API"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="model_versions")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind)
    location = models.CharField(max_length=500, blank=True)
    revision = models.CharField(max_length=100, blank=True)
    weights_sha256 = models.CharField(max_length=64, blank=True, validators=[SHA256])
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    sandbox = models.BooleanField(
        default=False, help_text="Derived from the sandbox model, and marked as such."
    )
    context_tokens = models.PositiveIntegerField(
        null=True, blank=True, help_text="Context length in tokens; empty if unknown."
    )
    facts = models.JSONField(
        default=dict, blank=True, help_text="Facts read from its files, see inference.inspection."
    )
    trust_remote_code = models.BooleanField(
        default=False, help_text="Its repository may run its own code when the model is loaded."
    )
    remote_code_consent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    remote_code_consent_at = models.DateTimeField(null=True, blank=True)
    price_prompt = models.DecimalField(
        "price of prompt tokens",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Price per million prompt tokens.",
    )
    price_completion = models.DecimalField(
        "price of completion tokens",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Price per million completion tokens.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_model_per_name"),
            models.CheckConstraint(
                condition=Q(trust_remote_code=False) | Q(remote_code_consent_at__isnull=False),
                name="remote_code_only_by_consent",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ModelRegistration(Job):
    """A base model being looked over by a worker, before it becomes a model version.

    `consent` records that the admin who asked consents to code from the model's repository.
    """

    TASK_NAME = "corpus.tasks.register_model_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="registrations")
    location = models.CharField(max_length=500)
    name = models.CharField(max_length=200, blank=True)
    revision = models.CharField(max_length=100, blank=True)
    consent = models.BooleanField(default=False)
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="registrations"
    )

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name or self.location


class Completion(models.Model):
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="completions")
    text = models.TextField(blank=True)
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="completions"
    )
    sampling = models.JSONField(null=True, blank=True)
    token_count = models.PositiveIntegerField(null=True, blank=True)
    finish_reason = models.CharField(max_length=20, blank=True)
    identity_hits = models.PositiveSmallIntegerField(
        default=0, help_text="Number of places where the text reveals its author."
    )
    sha256 = models.CharField(max_length=64, validators=[SHA256])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prompt", "sha256"], name="one_completion_per_hash"),
        ]

    def __str__(self) -> str:
        return self.text[:80]


class Pair(models.Model):
    """Two completions of one prompt. `choice` is always against this order, first and second."""

    class Origin(models.TextChoices):
        IMPORT = "import"
        SAMPLED = "sampled"
        REVISION = "revision"
        ROUND = "round"
        EDIT = "edit", "Edited by a rater"

    class HeldBack(models.TextChoices):
        IDENTITY = "identity", "a completion reveals its author"
        DUPLICATE = "duplicate", "near-duplicate of another prompt"
        SET_ASIDE = "set_aside", "set aside by a senior"
        BAD_CHAIN = "bad_chain", "its critique chain is marked as bad"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pairs")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="pairs")
    first = models.ForeignKey(Completion, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Completion, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64, validators=[SHA256])
    external_id = models.CharField(max_length=200, blank=True)
    origin = models.CharField(max_length=10, choices=Origin)
    batch = models.CharField(
        max_length=100, blank=True, help_text="Where the pair came from: a file or a sampling run."
    )
    priority = models.IntegerField(default=0)
    held_back = models.CharField(
        max_length=10,
        choices=HeldBack,
        blank=True,
        help_text="Why it is not labelled and left out of new datasets; empty while in use.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Least("first", "second"), Greatest("first", "second"), name="one_pair_per_two"
            ),
            models.CheckConstraint(condition=~Q(first=F("second")), name="pair_of_two_different"),
        ]
        indexes = [
            # Streaming a project's pairs in order, for freezing and judging.
            models.Index(fields=["project", "id"], name="pair_of_project"),
        ]

    def __str__(self) -> str:
        return f"pair {self.pk}"


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
