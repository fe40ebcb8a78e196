"""What a new project needs for labels by AI: a judge at work."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from accounts.permissions import RESEARCHERS
from accounts.steps import SetupStep
from judging.models import JudgeRun

FIRST_STEP = SetupStep(
    name="judge",
    place=60,
    words="Let a judge label pairs as the constitution says.",
    action="Start judge",
    page="judge_new",
    roles=RESEARCHERS,
    done=Exists(JudgeRun.objects.filter(project=OuterRef("pk"))),
    after=("pairs", "constitution"),
)
