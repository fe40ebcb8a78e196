"""What a new project needs of its people: a guideline, gold and raters."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from accounts.models import Invitation, Membership, Role
from accounts.permissions import ADMINS, SENIORS
from accounts.steps import SetupStep
from annotation.models import GoldPair, Guideline, Label, QualityPolicy

HERE = OuterRef("pk")

FIRST_STEPS = (
    SetupStep(
        name="guideline",
        place=20,
        words="Write a guideline that tells raters what makes an answer good.",
        action="Write guideline",
        page="guideline",
        roles=ADMINS,
        done=Exists(Guideline.objects.filter(project=HERE)),
    ),
    SetupStep(
        name="gold",
        place=30,
        words="Agree on the right answers to some pairs. These gold pairs show how well each "
        "rater does.",
        action="Answer gold pairs",
        page="gold",
        roles=SENIORS,
        # Where the policy uses no gold, none is needed.
        done=Exists(GoldPair.objects.filter(project=HERE, state=GoldPair.State.SETTLED))
        | Exists(
            QualityPolicy.objects.filter(
                project=HERE, calibration_pairs=0, gold_share=0, recalibration_per_week=0
            )
        ),
        after=("pairs",),
    ),
    SetupStep(
        name="raters",
        place=40,
        words="Invite people to label the pairs.",
        action="Invite raters",
        page="invitations",
        roles=ADMINS,
        # Whoever labels is a rater: imported people and judges too. Who has not answered an
        # invitation yet has been asked all the same.
        done=Q(Exists(Membership.objects.filter(project=HERE, role=Role.RATER)))
        | Q(Exists(Label.objects.filter(project=HERE)))
        | Q(
            Exists(
                Invitation.objects.filter(
                    project=HERE, role=Role.RATER, revoked_at=None, expires_at__gt=Now()
                )
            )
        ),
    ),
)
