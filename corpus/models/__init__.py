"""The one corpus: projects, prompts, completions, pairs, model versions, and how they came in."""

from corpus.models.imports import (
    ColumnMapping,
    Import,
    ImportRejection,
    PairPolicy,
    Upload,
    UploadPart,
)
from corpus.models.intake import IntakePolicy, IntakeScan, OriginalLook, PromptOriginal
from corpus.models.model_versions import ModelRegistration, ModelVersion
from corpus.models.pair_sets import IdempotentCall, PairSet
from corpus.models.pair_words import PairWords
from corpus.models.projects import SHA256, Project
from corpus.models.sampling import SamplingRun
from corpus.models.texts import Completion, Demonstration, Pair, Prompt

__all__ = [
    "SHA256",
    "ColumnMapping",
    "Completion",
    "Demonstration",
    "IdempotentCall",
    "Import",
    "ImportRejection",
    "IntakePolicy",
    "IntakeScan",
    "ModelRegistration",
    "ModelVersion",
    "OriginalLook",
    "Pair",
    "PairPolicy",
    "PairSet",
    "PairWords",
    "Project",
    "Prompt",
    "PromptOriginal",
    "SamplingRun",
    "Upload",
    "UploadPart",
]
