"""From rude answers to a politer model: critique–revise on a real vLLM server, then SFT on it.

What is polite is decided by the sandbox world's own ground truth, never by a model.
"""

from __future__ import annotations

import random

import pytest
from pytest_django import Settings

from constitution.models import Chain, RevisionRun
from constitution.revision.runner import revise
from constitution.services import launch_revision_run
from corpus.models import Project, Prompt
from corpus.registry import location_of, sandbox_model
from exports.services import SftFilters, freeze_sft
from exports.verifying import verify
from inference.registry import open_engine
from inference.sandbox.world import is_polite, training_requests
from jobs.models import JobState
from jobs.runner import run_job
from serving.models import Usage
from serving.selectors import usage_of_run
from tests.builders import make_project, make_prompt
from tests.inference.vllm_server import SandboxServer, needs_vllm
from training.models import Evaluation, TrainingRun
from training.rounds.demo import share_satisfying
from training.rounds.sample import publish_sandbox_constitution
from training.runs.runner import train
from training.runs.services import launch_training

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.vllm,
    pytest.mark.slow,
    needs_vllm,
]

PROMPTS = 240


@pytest.fixture
def project() -> Project:
    project = make_project()
    requests = training_requests(random.Random(3))
    while Prompt.objects.filter(project=project).count() < PROMPTS:
        text = next(requests).text
        if not Prompt.objects.filter(messages__0__content=text).exists():
            make_prompt(project, text)
    return project


def test_rude_answers_become_polite_and_training_on_them_moves_the_model(
    project: Project, sandbox_server: SandboxServer, settings: Settings
) -> None:
    settings.INFERENCE_SERVERS = [sandbox_server.url]
    model = sandbox_model(project)
    run = launch_revision_run(
        project=project,
        constitution_version=publish_sandbox_constitution(project, ("polite",)),
        model_version=model,
        engine="server",
        rounds=4,
        start=False,
    )

    run_job(RevisionRun, run.pk, revise)

    run.refresh_from_db()
    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    chains = list(Chain.objects.filter(run=run).prefetch_related("revisions"))
    assert len(chains) == PROMPTS
    rude = [chain for chain in chains if not is_polite(chain.initial)]
    mended = [chain for chain in rude if is_polite(last_of(chain))]
    assert len(rude) > PROMPTS / 4
    assert len(mended) >= 0.8 * len(rude)
    took = usage_of_run(Usage.Purpose.CRITIQUE, run.pk)
    assert took.failed == 0
    assert took.requests >= 2 * PROMPTS + len(rude)

    dataset = freeze_sft(
        project=project,
        name="polite",
        filters=SftFilters(runs=(run.pk,), untouched=True, validation=0.1, test=0.0),
    )
    assert verify(dataset.sha256).ok
    training = launch_training(
        project=project,
        dataset=dataset,
        base_model=model,
        parameters={
            "method": "sft",
            "learning_rate": 5e-4,
            "epochs": 1,
            "batch_size": 16,
            "max_length": 256,
        },
        start=False,
    )
    run_job(TrainingRun, training.pk, train)
    training.refresh_from_db()
    assert (training.state, training.error) == (JobState.SUCCEEDED, "")
    trained = training.result_model
    assert trained is not None
    with open_engine("transformers", location_of(model)) as engine:
        before = share_satisfying(engine, seed=5)
    with open_engine("transformers", location_of(trained)) as engine:
        after = share_satisfying(engine, seed=5)
    # Of 200 fresh prompts: four standard errors of a difference of shares, and more.
    assert after > before + 0.2
    measured = Evaluation.objects.filter(dataset=dataset, metric="completion_loss")
    assert measured.get(model_version=trained).value < measured.get(model_version=model).value


def last_of(chain: Chain) -> str:
    made = [step.after for step in chain.revisions.all() if step.after]
    return made[-1] if made else chain.initial
