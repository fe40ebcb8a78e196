"""Raters, wanted labels (slots), labels, gold answers and quality control."""

from annotation.models.gold import Adjudication, GoldAnswer, GoldPair
from annotation.models.guideline import Guideline
from annotation.models.invitation import Invitation
from annotation.models.labels import Choice, Label, LabelQuerySet
from annotation.models.people import Membership, Rater, Role, StatusChange
from annotation.models.quality import AgreementSnapshot, QualityPolicy, RaterCheck
from annotation.models.queue import Skip, Slot, SlotQuerySet

__all__ = [
    "Adjudication",
    "AgreementSnapshot",
    "Choice",
    "GoldAnswer",
    "GoldPair",
    "Guideline",
    "Invitation",
    "Label",
    "LabelQuerySet",
    "Membership",
    "QualityPolicy",
    "Rater",
    "RaterCheck",
    "Role",
    "Skip",
    "Slot",
    "SlotQuerySet",
    "StatusChange",
]
