"""A project whose answers were criticised and revised, built without a model."""

from __future__ import annotations

from typing import Any

from constitution.models import ConstitutionVersion, RevisionRun
from constitution.revision.runner import revise_with
from constitution.services import (
    PrincipleText,
    create_draft,
    launch_revision_run,
    publish_version,
)
from corpus.models import ModelVersion, Project
from inference.engine import Request
from inference.scripted import ScriptedEngine
from jobs.runner import JobContext, run_job
from judging.runs.revision_results import publish_results
from tests.builders import make_prompt

POLITE = PrincipleText(
    "polite", "Choose the politer.", "Say what is rude in it.", "Make it polite."
)
SHORT = PrincipleText("short", "Choose the shorter.", "Say what is long in it.", "Make it short.")


def reply(request: Request, _index: int) -> str:
    """A reviser that says “please” once more each time, and finds nothing after the second."""
    asked = request.messages[-1].content
    answer = next(
        (turn.content for turn in reversed(request.messages) if "ANSWER" in turn.content), ""
    )
    if asked.startswith("Say what is"):
        return "No critique needed." if answer.count("please") >= 2 else "It lacks a please."
    if asked.startswith("Make it"):
        return f"{answer} please"
    return f"ANSWER to {asked}"


def make_version(project: Project, slug: str = "c") -> ConstitutionVersion:
    return publish_version(
        version=create_draft(project=project, slug=slug, name="C", principles=(POLITE, SHORT))
    )


def make_model(project: Project) -> ModelVersion:
    return ModelVersion.objects.create(project=project, name="m", kind="api", location="hash")


def make_revision_run(project: Project, prompts: int = 5, **options: Any) -> RevisionRun:
    """A finished run over fresh prompts; each chain has two revisions unless told otherwise."""
    for number in range(prompts):
        make_prompt(project, f"Question {number}?")
    run = launch_revision_run(
        project=project,
        constitution_version=options.pop("version", None) or make_version(project),
        model_version=options.pop("model", None) or make_model(project),
        engine="scripted",
        start=False,
        **options,
    )

    def work(context: JobContext[RevisionRun]) -> None:
        revise_with(context, ScriptedEngine(reply=reply))
        publish_results(context)

    run_job(RevisionRun, run.pk, work)
    run.refresh_from_db()
    return run
