"""What is tried on drafts of constitutions."""

from __future__ import annotations

from django.db import models

from constitution.models import ConstitutionVersion
from corpus.models import ModelVersion, Project
from jobs.models import Job


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
    answer = models.TextField(blank=True, help_text="If empty, the model writes one.")
    principles = models.JSONField()
    few_shots = models.JSONField(default=list, blank=True)
    temperature = models.FloatField(default=1.0)
    seed = models.BigIntegerField(default=0)
    result = models.JSONField(default=dict, blank=True)

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"trial {self.pk} of {self.version}"
