"""What a new project is for: a trained model."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from accounts.permissions import RESEARCHERS
from accounts.steps import SetupStep
from training.models import TrainingRun

FIRST_STEP = SetupStep(
    name="train",
    place=80,
    words="Train a model on the dataset.",
    action="Train model",
    page="train",
    roles=RESEARCHERS,
    done=Exists(TrainingRun.objects.filter(project=OuterRef("pk"))),
    after=("freeze",),
)
