"""Judges that follow a script, and projects with gold for them to be measured by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from annotation.models import Choice, GoldPair
from constitution.models import ConstitutionVersion
from constitution.services import PrincipleText, create_draft, publish_version
from corpus.models import ModelVersion, Pair, Project
from inference.engine import Request
from inference.scripted import ScriptedEngine
from jobs.runner import run_job
from judging.asking.settings import JudgeSettings
from judging.models import JudgeConfig, JudgeRun
from judging.runs.runner import judge_with
from judging.selectors import PairSelection
from judging.services import ensure_judge, launch_judge_run
from tests.builders import make_pair

POLITE = PrincipleText("polite", "Choose the politer response.", weight=3.0)
SHORT = PrincipleText("short", "Choose the shorter response.")


def make_version(
    project: Project, *principles: PrincipleText, slug: str = "c"
) -> ConstitutionVersion:
    return publish_version(
        version=create_draft(
            project=project, slug=slug, name="C", principles=principles or (POLITE, SHORT)
        )
    )


def make_judge(
    project: Project, version: ConstitutionVersion | None = None, **options: Any
) -> JudgeConfig:
    """A judge that asks a scripted model."""
    settings = options.pop("settings", JudgeSettings())
    model, _ = ModelVersion.objects.get_or_create(
        project=project, name="script", kind="api", location="hash"
    )
    return ensure_judge(
        project=project,
        constitution_version=version or make_version(project, POLITE),
        model_version=model,
        engine="scripted",
        settings=settings,
        **options,
    )


def make_gold(project: Project, count: int, start: int = 1_000) -> list[Pair]:
    """Settled gold: first is right for every other pair."""
    pairs = [make_pair(project, start + number) for number in range(count)]
    for number, pair in enumerate(pairs):
        GoldPair.objects.create(
            pair=pair,
            project=project,
            state=GoldPair.State.SETTLED,
            choice=Choice.FIRST if number % 2 else Choice.SECOND,
            shuffle=number * 1_000_003 + 1,
            settled_at=timezone.now(),
        )
    return pairs


def number_of(request: Request) -> tuple[int, bool]:
    """The number of the pair (of `make_pair`) that is asked about; whether first is shown first."""
    asked = request.messages[-1].content
    number = int(asked.split("First answer ")[1].split(".")[0])
    return number, asked.index("First answer") < asked.index("Second answer")


def by_number(prefers: Callable[[int], float]) -> ScriptedEngine:
    """A judge without a pull: `prefers` is its probability for first, by the pair's number."""

    def choose(request: Request, _options: object) -> tuple[float, float]:
        number, first_shown = number_of(request)
        p = prefers(number) if first_shown else 1 - prefers(number)
        return (p, 1 - p)

    return ScriptedEngine(chooser=choose)


def right(number: int) -> float:
    """What `make_gold` holds to be right."""
    return 0.9 if number % 2 else 0.1


def at_chance(number: int) -> float:
    return 0.9 if hashlib.sha256(str(number).encode()).digest()[0] % 2 else 0.1


def run_judge(
    config: JudgeConfig, engine: ScriptedEngine | None, which: str = "new", **narrow: Any
) -> JudgeRun:
    """Launch a run and do it here."""
    run = launch_judge_run(
        project=config.project,
        config=config,
        selection=PairSelection.model_validate({"which": which, **narrow}),
        start=False,
    )
    run_job(JudgeRun, run.pk, lambda context: judge_with(context, config, engine))
    run.refresh_from_db()
    return run
