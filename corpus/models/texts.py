"""What was asked, what was answered, and two answers side by side."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least

from corpus.conversations import last_asked
from corpus.models.imports import Import
from corpus.models.model_versions import ModelVersion
from corpus.models.projects import SHA256, Project
from corpus.models.sampling import SamplingRun


class Prompt(models.Model):
    """What was asked: a conversation that ends with a user's turn (or a system's)."""

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, db_index=False, related_name="prompts"
    )
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
    metadata = models.JSONField(
        default=dict, blank=True, help_text="What the file said beyond our own fields."
    )
    source_import = models.ForeignKey(
        Import, null=True, blank=True, on_delete=models.PROTECT, related_name="prompts"
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
            # Which strata a project has, to choose from; the index alone is read.
            models.Index(
                fields=["project", "domain", "difficulty", "language", "source"],
                name="prompt_strata",
            ),
        ]

    def __str__(self) -> str:
        return last_asked(self.messages)[:80]


class Completion(models.Model):
    prompt = models.ForeignKey(
        Prompt, on_delete=models.CASCADE, db_index=False, related_name="completions"
    )
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
    steps = models.JSONField(
        null=True, blank=True, help_text="The texts of its steps, where it came in steps."
    )
    metadata = models.JSONField(
        default=dict, blank=True, help_text="What the file said beyond our own fields."
    )
    source_import = models.ForeignKey(
        Import, null=True, blank=True, on_delete=models.PROTECT, related_name="completions"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prompt", "sha256"], name="one_completion_per_hash"),
        ]

    def __str__(self) -> str:
        return self.text[:80]


class Demonstration(models.Model):
    """A completion that shows how it is done, for supervised fine-tuning."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="demonstrations")
    completion = models.OneToOneField(
        Completion, on_delete=models.CASCADE, related_name="demonstration"
    )
    source_import = models.ForeignKey(
        Import, null=True, blank=True, on_delete=models.PROTECT, related_name="demonstrations"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"demonstration of prompt {self.completion.prompt_id}"


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
        WITHDRAWN = "withdrawn", "withdrawn"

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, db_index=False, related_name="pairs"
    )
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="pairs")
    first = models.ForeignKey(Completion, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Completion, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64, validators=[SHA256])
    external_id = models.CharField(max_length=200, blank=True)
    origin = models.CharField(max_length=10, choices=Origin)
    batch = models.CharField(
        max_length=100, blank=True, help_text="Where the pair came from: a file or a sampling run."
    )
    metadata = models.JSONField(
        default=dict, blank=True, help_text="What the file said beyond our own fields."
    )
    source_import = models.ForeignKey(
        Import, null=True, blank=True, on_delete=models.PROTECT, related_name="pairs"
    )
    source_line = models.PositiveBigIntegerField(null=True, blank=True)
    sampling_run = models.ForeignKey(
        SamplingRun, null=True, blank=True, on_delete=models.PROTECT, related_name="pairs"
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
