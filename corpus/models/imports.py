"""How data came in: uploads, imports and what they refused, saved column mappings."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from corpus.models.projects import SHA256, Project
from jobs.models import Job


class PairPolicy(models.TextChoices):
    """Which pairs are made of several completions of one prompt; see `corpus.pairing`."""

    ALL = "all", "Every two completions"
    BEST = "best", "The best against each of the rest"
    ADJACENT = "adjacent", "Neighbors in the ranking"
    RANDOM = "random", "A few at random"


class Upload(models.Model):
    """A file on its way in, sent in parts, so that a lost connection costs one part.

    The parts stand in the default storage until the file was imported or thrown away.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(help_text="Bytes of the whole file.")
    sha256 = models.CharField(
        max_length=64, blank=True, validators=[SHA256], help_text="Known once all parts are here."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class UploadPart(models.Model):
    """Bytes `offset` to `offset + size` of an upload."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    offset = models.PositiveBigIntegerField()
    size = models.PositiveIntegerField()
    stored_as = models.CharField(max_length=500, help_text="Its name in the default storage.")

    class Meta:
        ordering = ["offset"]
        constraints = [
            models.UniqueConstraint(fields=["upload", "offset"], name="one_part_per_offset"),
        ]

    def __str__(self) -> str:
        return f"{self.upload} from byte {self.offset}"


class ColumnMapping(models.Model):
    """Which column of somebody's file is what, saved by name and used again."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="column_mappings")
    name = models.CharField(max_length=100)
    columns = models.JSONField(help_text="Our field: the column that holds it.")
    values = models.JSONField(
        default=dict, blank=True, help_text="A value in the file: what it means to us."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_mapping_per_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Import(Job):
    """One file, or one dataset of a hub, that went into a project.

    `lines_done` moves in the same transaction as the rows that a batch stored, so that an import
    that is cut off goes on where it was, and its counts stay true.
    """

    TASK_NAME = "corpus.tasks.import_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    name = models.CharField(max_length=255, help_text="The file's name, or the dataset's on a hub.")
    path = models.CharField(
        max_length=1000, blank=True, help_text="Where the command line found the file."
    )
    upload = models.ForeignKey(
        Upload, null=True, blank=True, on_delete=models.SET_NULL, related_name="imports"
    )
    hub = models.JSONField(
        null=True, blank=True, help_text="Name, revision, config and split of a hub's dataset."
    )
    file_sha256 = models.CharField(max_length=64, blank=True, validators=[SHA256])
    file_size = models.PositiveBigIntegerField(null=True, blank=True)
    format = models.CharField(max_length=40, blank=True)
    mapping = models.JSONField(
        null=True, blank=True, help_text="Columns and values, where a mapping was used."
    )
    pair_policy = models.CharField(max_length=10, choices=PairPolicy, default=PairPolicy.ALL)
    pairs_per_prompt = models.PositiveIntegerField(
        null=True, blank=True, help_text="At most, under the random policy."
    )
    lines_done = models.PositiveBigIntegerField(default=0)
    report = models.JSONField(default=dict, blank=True, help_text="See corpus.imports.report.")
    taken_back_at = models.DateTimeField(null=True, blank=True)
    taken_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta(Job.Meta):
        ordering = ["-id"]
        indexes = [
            *Job.Meta.indexes,
            # Was this very file imported before?
            models.Index(
                fields=["project", "file_sha256"],
                name="import_of_file",
                condition=~Q(file_sha256=""),
            ),
        ]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.name}"


class ImportRejection(models.Model):
    """A line that did not go in, and why."""

    source_import = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rejections")
    line = models.PositiveBigIntegerField(help_text="From 1.")
    reason = models.CharField(max_length=400)

    class Meta:
        ordering = ["source_import", "line"]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
