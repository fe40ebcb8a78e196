"""Judges, their runs and verdicts; what is measured of them; trials and impact of drafts."""

from judging.models.impact import AuditPair, AuditSet, ImpactRun, ImpactVerdict
from judging.models.judges import (
    JudgeConfig,
    JudgeRun,
    JuryMember,
    RunPair,
    Verdict,
)
from judging.models.measures import AttackRun, Calibration, JudgePolicy
from judging.models.trials import DraftTrial

__all__ = [
    "AttackRun",
    "AuditPair",
    "AuditSet",
    "Calibration",
    "DraftTrial",
    "ImpactRun",
    "ImpactVerdict",
    "JudgeConfig",
    "JudgePolicy",
    "JudgeRun",
    "JuryMember",
    "RunPair",
    "Verdict",
]
