"""Completions sampled from models, for prompts that have none."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from corpus.models.imports import PairPolicy
from corpus.models.model_versions import ModelVersion
from corpus.models.projects import Project
from jobs.models import Job


class SamplingRun(Job):
    """Registered models answer a selection of prompts; pairs are made of the answers."""

    TASK_NAME = "serving.tasks.sample_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sampling_runs")
    selection = models.JSONField(help_text="Which prompts, see serving.sampling.")
    model_versions = models.ManyToManyField(ModelVersion, related_name="sampling_runs")
    engine = models.CharField(max_length=20)
    completions_each = models.PositiveSmallIntegerField(
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(64)],
        help_text="Completions of each model for each prompt.",
    )
    temperature = models.FloatField(
        default=1.0, validators=[MinValueValidator(0.0), MaxValueValidator(2.0)]
    )
    top_p = models.FloatField(
        default=1.0, validators=[MinValueValidator(0.01), MaxValueValidator(1.0)]
    )
    max_tokens = models.PositiveIntegerField(
        default=512, validators=[MinValueValidator(1), MaxValueValidator(32_768)]
    )
    seed = models.BigIntegerField(default=0)
    pair_policy = models.CharField(max_length=10, choices=PairPolicy, default=PairPolicy.ALL)
    pairs_per_prompt = models.PositiveIntegerField(null=True, blank=True)
    completions_made = models.PositiveIntegerField(default=0)
    pairs_made = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=dict, blank=True)

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"sampling run {self.pk}"
