"""What a new project needs before all else: data."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from accounts.permissions import RESEARCHERS
from accounts.steps import SetupStep
from corpus.models import Prompt

FIRST_STEP = SetupStep(
    name="import",
    place=10,
    words="Import pairs to label, or prompts to answer.",
    action="Import data",
    page="import_new",
    roles=RESEARCHERS,
    done=Exists(Prompt.objects.filter(project=OuterRef("pk"))),
)
