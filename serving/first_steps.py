"""What a project that begins with prompts needs: pairs."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from accounts.permissions import RESEARCHERS
from accounts.steps import SetupStep
from corpus.models import Pair

FIRST_STEP = SetupStep(
    name="pairs",
    place=15,
    words="Let models answer the prompts, so that there are pairs to label.",
    action="Sample completions",
    page="sampling_new",
    roles=RESEARCHERS,
    # Imported pairs are pairs too.
    done=Exists(Pair.objects.filter(project=OuterRef("pk"))),
    after=("import",),
)
