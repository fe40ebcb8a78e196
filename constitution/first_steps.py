"""What a new project needs for judges and critiques: a constitution."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from accounts.permissions import ADMINS
from accounts.steps import SetupStep
from constitution.models import ConstitutionVersion

FIRST_STEP = SetupStep(
    name="constitution",
    place=50,
    words="Publish a constitution, the principles that a judge follows.",
    action="Write constitution",
    page="constitutions",
    roles=ADMINS,
    done=Exists(
        ConstitutionVersion.objects.filter(
            constitution__project=OuterRef("pk"), status=ConstitutionVersion.Status.PUBLISHED
        )
    ),
)
