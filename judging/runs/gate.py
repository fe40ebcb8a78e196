"""Which judges' labels may reach training: those of judges admitted, that attacks do not win over.

A program, a jury and a foreign judge ask no model here, so that no attack can be tried on them; a
jury is held to what its members are held to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotation.models import Rater, RaterCheck
from corpus.models import Project
from judging.measures.attacks import policy_for
from judging.models import AttackRun, JudgeConfig, JudgePolicy

Gate = JudgePolicy.Gate


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a judge stands: its status as a rater, and what its newest attacks came to (None:
    never finished, or cannot be attacked). `kept_out` is why its labels do not reach datasets;
    empty where they do."""

    status: str
    attacks_passed: bool | None
    attackable: bool
    kept_out: str

    @property
    def why(self) -> str:
        """`kept_out` in words."""
        return self.kept_out.replace("_", " ")


def standings(project: Project) -> dict[int, Standing]:
    """Every judge of a project by its rater's id."""
    gate = policy_for(project).attack_gate
    configs = list(
        JudgeConfig.objects.filter(project=project)
        .select_related("rater")
        .prefetch_related("members__judge")
    )
    tried = AttackRun.objects.filter(project=project, passed__isnull=False).order_by("pk")
    # Of several the newest counts.
    passed = dict(tried.values_list("config_id", "passed"))
    if gate == Gate.OTHERS:
        gate = Gate.UNTESTED if _others_can_speak(project, configs, passed) else Gate.FAILED
    alone = {config.pk: _alone(config, passed.get(config.pk), gate) for config in configs}
    found = {}
    for config in configs:
        standing = alone[config.pk]
        if not standing.kept_out:
            members = [alone[seat.judge_id] for seat in config.members.all()]
            because = next((one.kept_out for one in members if one.kept_out), "")
            if because:
                standing = Standing(
                    standing.status, None, attackable=False, kept_out=f"member_{because}"
                )
        found[config.rater_id] = standing
    return found


def kept_out(project: Project) -> dict[int, str]:
    """The raters whose labels do not reach datasets, with why."""
    return {
        rater: standing.kept_out
        for rater, standing in standings(project).items()
        if standing.kept_out
    }


def _others_can_speak(
    project: Project, configs: Sequence[JudgeConfig], passed: Mapping[int, bool | None]
) -> bool:
    """Whether a human who was admitted by calibration labels here, or a judge that passed its
    attacks."""
    admitted = RaterCheck.objects.filter(
        rater__project=project,
        rater__kind=Rater.Kind.HUMAN,
        rater__status=Rater.Status.ACTIVE,
        decision=RaterCheck.Decision.ADMIT,
    )
    tested = any(
        passed.get(config.pk) and config.rater.status == Rater.Status.ACTIVE for config in configs
    )
    return tested or admitted.exists()


def _alone(config: JudgeConfig, passed: bool | None, gate: str) -> Standing:
    attackable = config.runs_here and config.model_version_id is not None
    because = ""
    if config.rater.status == Rater.Status.ONBOARDING:
        because = "not_certified"
    elif attackable and passed is False and gate != Gate.OFF:
        because = "failed_attacks"
    elif attackable and passed is None and gate == Gate.UNTESTED:
        because = "not_attacked"
    return Standing(config.rater.status, passed if attackable else None, attackable, because)
