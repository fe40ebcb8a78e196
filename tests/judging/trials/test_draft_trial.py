"""One prompt tried on a draft: step by step, with the probabilities."""

from __future__ import annotations

import pytest

from constitution.models import ConstitutionVersion
from constitution.services import PrincipleText, create_draft
from corpus.models import ModelVersion, Project
from inference.engine import Request
from inference.scripted import ScriptedEngine
from jobs.models import JobState
from jobs.runner import run_job
from judging.errors import NothingToTryError
from judging.models import DraftTrial
from judging.trials.draft_trial import launch_draft_trial, try_draft_with
from judging.trials.forms import TryForm
from serving.models import Usage
from tests.builders import make_project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def draft(project: Project) -> ConstitutionVersion:
    return create_draft(
        project=project,
        slug="c",
        name="C",
        principles=[
            PrincipleText("polite", "Choose the politer.", "Say what is rude.", "Make it polite."),
            PrincipleText("fine", "Choose the finer.", "Say what is not fine.", "Make it fine."),
            PrincipleText("short", "", verifier={"kind": "length", "most": 3}),
            PrincipleText("empty", ""),
        ],
    )


@pytest.fixture
def model(project: Project) -> ModelVersion:
    return ModelVersion.objects.create(project=project, name="m", kind="api", location="hash")


def reply(request: Request, _index: int) -> str:
    asked = request.messages[-1].content
    if asked.startswith("Say what is rude"):
        return "It is rude."
    if asked.startswith("Say what is not fine"):
        return "No critique needed."
    if asked.startswith("Make it"):
        return "Yes, please."
    return "No, go away at once."


def choose(request: Request, _options: object) -> tuple[float, float]:
    asked = request.messages[-1].content
    return (0.8, 0.2) if asked.index("please") < asked.index("go away") else (0.4, 0.6)


def do(trial: DraftTrial) -> DraftTrial:
    engine = ScriptedEngine(reply=reply, chooser=choose)
    run_job(DraftTrial, trial.pk, lambda context: try_draft_with(context, engine))
    trial.refresh_from_db()
    return trial


def test_every_step_is_shown_with_its_probabilities(
    draft: ConstitutionVersion, model: ModelVersion
) -> None:
    trial = do(launch_draft_trial(version=draft, model=model, prompt="May I?", start=False))

    assert (trial.state, trial.error) == (JobState.SUCCEEDED, "")
    assert trial.result["answer"] == "No, go away at once."
    polite, fine, short = trial.result["steps"]
    assert (polite["critique"], polite["revision"]) == ("It is rude.", "Yes, please.")
    verdict = polite["verdict"]
    assert verdict["shown_first"] == pytest.approx(0.8)
    assert verdict["shown_second"] == pytest.approx(0.6)
    assert verdict["p_revision"] == pytest.approx(0.7)
    assert (fine["nothing_found"], fine["revision"]) == (True, None)
    assert short["verifier"] == [{"of": "answer", "value": 0.0, "reason": "5 words, more than 3"}]
    assert Usage.objects.filter(purpose=Usage.Purpose.PLAYGROUND).exists()


def test_an_answer_that_is_given_is_what_is_criticised(
    draft: ConstitutionVersion, model: ModelVersion
) -> None:
    trial = do(
        launch_draft_trial(
            version=draft,
            model=model,
            prompt="May I?",
            answer="You may go away.",
            principle="polite",
            start=False,
        )
    )
    assert trial.result["answer"] == "You may go away."
    assert [step["principle"] for step in trial.result["steps"]] == ["polite"]


def test_a_trial_is_of_the_text_as_it_was(draft: ConstitutionVersion, model: ModelVersion) -> None:
    trial = launch_draft_trial(version=draft, model=model, prompt="May I?", start=False)
    draft.principles.all().delete()
    assert len(do(trial).result["steps"]) == 3


@pytest.mark.parametrize("principle", ["empty", "unknown"])
def test_a_principle_that_says_nothing_cannot_be_tried(
    draft: ConstitutionVersion, model: ModelVersion, principle: str
) -> None:
    with pytest.raises(NothingToTryError, match=principle):
        launch_draft_trial(version=draft, model=model, prompt="x", principle=principle)


@pytest.mark.parametrize(("count", "said"), [(8, "All principles"), (9, "The first 8 principles")])
def test_the_form_says_all_principles_where_all_are_tried(
    project: Project, count: int, said: str
) -> None:
    version = create_draft(
        project=project,
        slug="many",
        name="Many",
        principles=[PrincipleText(f"one {n}", "Choose.", "Say.", "Mend.") for n in range(count)],
    )
    choices = TryForm(project, version).fields["principle"].choices  # type: ignore[attr-defined]
    assert choices[0] == ("", said)
    assert len(choices) == count + 1
