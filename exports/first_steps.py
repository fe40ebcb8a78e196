"""What a new project needs to train on: a dataset."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from accounts.permissions import RESEARCHERS
from accounts.steps import SetupStep
from exports.models import DatasetVersion

FIRST_STEP = SetupStep(
    name="freeze",
    place=70,
    words="Freeze the labels into a dataset.",
    action="Freeze dataset",
    page="datasets",
    roles=RESEARCHERS,
    done=Exists(DatasetVersion.objects.filter(project=OuterRef("pk"))),
    after=("pairs",),
)
