"""What a person fills in to set a judge up and let it label, as one value from wherever it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from constitution.models import ConstitutionVersion
from corpus.models import ModelVersion, Project
from judging.asking.settings import read_settings
from judging.models import JudgeConfig
from judging.services import ensure_judge


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """The judge that is wanted; `settings` as of judging.asking.settings, the usual where empty."""

    constitution: ConstitutionVersion
    model: ModelVersion | None
    engine: str
    template: str | None
    tie_band: float
    name: str
    settings: dict[str, Any]

    def judge(self, project: Project, *, store: bool = True) -> JudgeConfig:
        """The judge, made when missing; with `store` False only described, so that what it would
        take can be said and nothing is left behind. BadSettingsError, UnknownTemplateError or
        JudgeExistsError say what is wrong."""
        settings = read_settings(self.settings)
        return ensure_judge(
            project=project,
            constitution_version=self.constitution,
            model_version=None if settings.mode == "verifier" else self.model,
            engine=self.engine,
            template=self.template or None,
            tie_band=self.tie_band,
            settings=settings,
            name=self.name.strip(),
            store=store,
        )
