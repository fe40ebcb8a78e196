"""Raters, wanted labels (slots), labels, gold answers and quality control."""

from annotation.models.completions import CompletionLabel, StepLabel
from annotation.models.gold import Adjudication, GoldAnswer, GoldPair
from annotation.models.guideline import Guideline
from annotation.models.labels import Choice, Label, LabelQuerySet
from annotation.models.people import Rater, StatusChange
from annotation.models.quality import AgreementSnapshot, QualityPolicy, RaterCheck
from annotation.models.queue import Skip, Slot, SlotQuerySet

__all__ = [
    "Adjudication",
    "AgreementSnapshot",
    "Choice",
    "CompletionLabel",
    "GoldAnswer",
    "GoldPair",
    "Guideline",
    "Label",
    "LabelQuerySet",
    "QualityPolicy",
    "Rater",
    "RaterCheck",
    "Skip",
    "Slot",
    "SlotQuerySet",
    "StatusChange",
    "StepLabel",
]
