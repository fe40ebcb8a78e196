"""Models answer the prompts of a project, and raters are asked about the pairs."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from typing import Any

import pytest
from pytest_django import Settings

from annotation.models import Slot
from corpus.models import Completion, IntakePolicy, IntakeScan, Pair, PairPolicy, Project
from corpus.registry import sandbox_model
from inference.engine import Request
from inference.errors import BadRequestError, ModelLoadError, PromptTooLongError, RequestFailedError
from inference.scripted import ScriptedEngine, flaky
from jobs.models import JobState
from jobs.runner import run_job
from jobs.services import request_cancel
from serving.errors import BadSamplingError, CannotSampleError
from serving.models import CachedReply, Usage
from serving.sampling.estimate import estimate_sampling
from serving.sampling.runner import sample, sample_with
from serving.sampling.selection import SamplingSelection
from serving.sampling.services import SamplingRequest, launch_sampling
from serving.selectors import usage_of_run
from tests.builders import make_pair, make_project, make_prompt, make_tool_pair
from tests.serving.sampling import answer, do, launch, make_model, make_prompts

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.mark.django_db(transaction=True)
def test_the_sandbox_model_answers_prompts_and_raters_are_asked_about_the_pairs(
    project: Project,
) -> None:
    for request in ("How do I pack a bag?", "How do I write a letter?", "How do I bake bread?"):
        make_prompt(project, request)
    model = sandbox_model(project)
    run = launch_sampling(
        project=project,
        request=SamplingRequest(models=[model], selection=SamplingSelection(), max_tokens=24),
        start=False,
    )
    done = run_job(type(run), run.pk, sample)
    assert done is not None
    assert (done.state, done.error) == (JobState.SUCCEEDED, "")
    assert (done.completions_made, done.pairs_made) == (6, 3 - done.report["without_pair"])
    assert (done.progress_done, done.progress_total) == (6, 6)
    pairs = Pair.objects.filter(sampling_run=done)
    assert {pair.origin for pair in pairs} == {Pair.Origin.SAMPLED}
    assert {pair.batch for pair in pairs} == {f"sampling-{done.pk}"}
    assert Slot.objects.filter(pair__in=pairs).values("pair").distinct().count() == len(pairs)
    one = Completion.objects.filter(model_version=model)[0]
    assert one.token_count
    assert one.finish_reason in ("stop", "length")
    assert one.sampling is not None
    assert one.sampling["max_tokens"] == 24
    usage = usage_of_run(Usage.Purpose.SAMPLE, done.pk)
    assert (usage.requests, usage.failed) == (6, 0)
    counts = Completion.objects.values_list("token_count", flat=True)
    assert usage.completion_tokens == sum(count or 0 for count in counts)


def test_only_prompts_without_pairs_are_answered_unless_others_are_wanted(project: Project) -> None:
    make_pair(project, 1)
    lonely = make_prompt(project, "Lonely?")
    model = make_model(project)
    run = do(launch(project, model))
    assert list(Pair.objects.filter(sampling_run=run).values_list("prompt", flat=True)) == [
        lonely.pk
    ]
    everything = do(launch(project, model, with_pairs=True, seed=1))
    assert (everything.report["prompts"], everything.pairs_made) == (2, 2)


def test_prompts_are_chosen_by_source_domain_and_number(project: Project) -> None:
    make_prompts(project, 4)
    for number, prompt in enumerate(project.prompts.order_by("pk")):
        prompt.source, prompt.domain = ("a", "x") if number < 3 else ("b", "y")
        prompt.save()
    model = make_model(project)
    assert do(launch(project, model, source="a", limit=2)).report["prompts"] == 2
    assert do(launch(project, model, domain="y")).report["prompts"] == 1
    with pytest.raises(BadSamplingError, match="harbour has no prompts without pairs that match"):
        launch(project, model, source="nowhere")


def test_what_comes_in_while_it_runs_is_left_alone(project: Project) -> None:
    make_prompts(project, 3)
    run = launch(project)
    make_prompt(project, "Too late?")
    make_pair(project, 9)
    assert do(run).report["prompts"] == 3


def test_a_run_done_again_with_the_same_seed_adds_nothing_and_asks_nothing(
    project: Project,
) -> None:
    make_prompts(project)
    model = make_model(project)
    do(launch(project, model))
    asked = []

    def reply(request: Request, index: int) -> str:
        asked.append(request)
        return answer(request, index)

    again = do(launch(project, model, with_pairs=True), reply)
    assert asked == []
    assert (again.completions_made, again.pairs_made) == (0, 0)
    assert (again.report["completions"], again.report["pairs_there"]) == (10, 5)
    other = do(launch(project, model, with_pairs=True, seed=1), reply)
    assert len(asked) == 10
    assert (other.completions_made, other.pairs_made) == (10, 5)


def test_identical_completions_are_counted_and_make_no_pair(project: Project) -> None:
    make_prompts(project, 4)

    def reply(request: Request, _index: int) -> str:
        if "Question 0" in request.messages[-1].content:
            return f"{request.seed}"
        return "Always the same."

    run = do(launch(project, completions_each=3), reply)
    assert run.state == JobState.SUCCEEDED
    assert (run.completions_made, run.report["identical"]) == (12, 6)
    assert (run.pairs_made, run.report["without_pair"]) == (3, 3)


def test_two_models_are_paired_with_each_other(project: Project) -> None:
    make_prompts(project, 3)
    two = (make_model(project, "one"), make_model(project, "two"))
    run = do(launch(project, *two, between_models=True))
    assert (run.completions_made, run.pairs_made) == (12, 12)
    for pair in Pair.objects.filter(sampling_run=run).select_related("first", "second"):
        assert pair.first.model_version_id != pair.second.model_version_id
    models = Usage.objects.filter(run_id=run.pk).values_list("model_version__name", flat=True)
    assert set(models) == {"one", "two"}


def test_a_few_at_random_are_at_most_so_many_for_each_prompt(project: Project) -> None:
    make_prompts(project, 6)
    run = do(launch(project, completions_each=4, pair_policy=PairPolicy.RANDOM, pairs_per_prompt=2))
    by_prompt = Counter(Pair.objects.values_list("prompt", flat=True))
    assert run.pairs_made == 12
    assert set(by_prompt.values()) == {2}


def test_a_request_that_fails_is_counted_with_its_reason_and_spoils_no_other(
    project: Project,
) -> None:
    make_prompts(project, 6)

    def reply(request: Request, index: int) -> str:
        said = request.messages[-1].content
        if "Question 1" in said:
            raise PromptTooLongError(f"request {index} has 900 prompt tokens")
        if "Question 2" in said:
            raise RequestFailedError(f"request {index} was refused: 400 tries")
        if "Question 3" in said:
            raise BadRequestError(f"request {index} was refused: 7 tries")
        return answer(request, index)

    run = do(launch(project), reply)
    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    assert run.report["failures"] == {
        "the request was refused: N tries": 4,
        "the prompt is too long for the model's context": 2,
    }
    assert (run.completions_made, run.pairs_made) == (6, 3)
    assert (run.report["failed"], run.report["prompts_done"]) == (6, 6)
    assert usage_of_run(Usage.Purpose.SAMPLE, run.pk).failed == 6


def test_a_run_of_which_every_request_fails_has_failed_and_says_why(project: Project) -> None:
    make_prompts(project, 2)

    def reply(_request: Request, _index: int) -> str:
        raise RequestFailedError("the server never answered")

    run = do(launch(project), reply)
    assert run.state == JobState.FAILED
    assert run.error == "None of 4 requests was answered: the server never answered (4)."
    assert Completion.objects.count() == 0


def test_a_model_that_cannot_be_opened_fails_the_run_and_keeps_what_another_answered(
    project: Project,
) -> None:
    make_prompts(project, 3)
    two = (make_model(project, "one"), make_model(project, "two"))

    class Missing(ScriptedEngine):
        def generate(self, *args: Any) -> Any:
            raise ModelLoadError("the folder is gone")

    run = do(launch(project, *two), engines={"two": Missing(reply=answer)})
    assert (run.state, run.error) == (JobState.FAILED, "the folder is gone")
    assert (run.completions_made, run.pairs_made) == (6, 0)


def test_an_engine_that_is_away_for_a_while_is_asked_again(project: Project) -> None:
    make_prompts(project, 3)
    run = launch(project)
    engine = flaky(ScriptedEngine(reply=answer), 2)
    assert do(run, engines={"m": engine}).state == JobState.QUEUED
    assert do(run, engines={"m": engine}).state == JobState.QUEUED
    assert do(run, engines={"m": engine}).state == JobState.SUCCEEDED
    assert (run.attempts, run.completions_made, run.pairs_made) == (3, 6, 3)


@pytest.mark.django_db(transaction=True)
def test_a_run_cut_off_in_the_middle_asks_only_for_what_is_lacking(
    project: Project, settings: Settings
) -> None:
    settings.SAMPLE_PAGE_PROMPTS = 4
    settings.SAMPLE_STORE_COMPLETIONS = 4
    make_prompts(project, 20)
    two = (make_model(project, "one"), make_model(project, "two"))
    run = launch(project, *two)
    asked: Counter[int | None] = Counter()

    def reply(request: Request, index: int) -> str:
        asked[request.seed] += 1
        if asked.total() in (21, 61):
            # As a server that went away: the job goes back into the queue.
            raise ConnectionError("gone")
        return answer(request, index)

    engine = ScriptedEngine(reply=reply)
    engine.batch_requests = 2
    for attempt in (1, 2):
        do(run, engines={"one": engine, "two": engine})
        assert run.state == JobState.FAILED
        assert 0 < run.completions_made < 80
        type(run).objects.filter(pk=run.pk).update(state=JobState.QUEUED)
        assert run.attempts == attempt
    do(run, engines={"one": engine, "two": engine})

    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    assert (run.completions_made, run.pairs_made) == (80, 120)
    assert (Completion.objects.count(), Pair.objects.count()) == (80, 120)
    assert Slot.objects.values("pair").distinct().count() == 120
    assert (run.report["completions"], run.report["prompts_done"]) == (80, 20)
    assert (run.progress_done, run.progress_total) == (80, 80)
    # An answer is asked for twice only if it was under way when the run was cut off.
    assert asked.total() <= 80 + 2 * 6


def test_replies_of_a_model_with_known_weights_come_from_the_cache(project: Project) -> None:
    make_prompts(project, 3)
    model = make_model(project)
    model.weights_sha256 = "a" * 64
    model.save()
    do(launch(project, model))
    assert CachedReply.objects.count() == 6
    Completion.objects.all().delete()
    again = do(launch(project, model))
    usage = usage_of_run(Usage.Purpose.SAMPLE, again.pk)
    assert (usage.requests, usage.cached, again.completions_made) == (0, 6, 6)


def test_a_cancelled_run_keeps_what_it_has(project: Project, settings: Settings) -> None:
    settings.SAMPLE_PAGE_PROMPTS = settings.SAMPLE_STORE_COMPLETIONS = 2
    make_prompts(project, 12)
    run = launch(project)
    calls = 0

    def reply(request: Request, index: int) -> str:
        nonlocal calls
        calls += 1
        if calls == 10:
            request_cancel(run)
        return answer(request, index)

    engine = ScriptedEngine(reply=reply)
    engine.batch_requests = 2

    def opened(context: Any) -> None:
        sample_with(context, lambda _model: nullcontext(engine))
        context.beat()
        context.checkpoint()

    run_job(type(run), run.pk, opened)
    run.refresh_from_db()
    assert run.state == JobState.CANCELLED
    assert Pair.objects.filter(sampling_run=run).count() == run.pairs_made > 0


def test_near_duplicates_are_looked_for_where_the_policy_keeps_one_of_each(
    project: Project,
) -> None:
    IntakePolicy.objects.create(project=project, duplicates=IntakePolicy.Duplicates.ONE)
    make_prompts(project, 2)
    do(launch(project))
    assert IntakeScan.objects.filter(project=project).count() == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"completions_each": 0}, "completions_each: Ensure this value is greater than"),
        ({"completions_each": 65}, "completions_each: Ensure this value is less than"),
        ({"temperature": 0.001}, "temperature is 0.001; use 0 for greedy"),
        ({"temperature": 3.0}, "temperature: Ensure this value is less than"),
        ({"temperature": 0.0}, "at temperature 0 all completions of a model are the same"),
        ({"top_p": 0.0}, "top_p is 0.0; it must lie"),
        ({"max_tokens": 0}, "max_tokens is 0; it must be at least 1"),
        ({"pair_policy": PairPolicy.BEST}, "pair_policy is best; sampled completions have no"),
        ({"pairs_per_prompt": 2}, "pairs_per_prompt: goes with the random pair policy only"),
        ({"between_models": True}, "between_models: needs at least two models"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(
    project: Project, options: dict[str, Any], said: str
) -> None:
    make_prompts(project, 1)
    with pytest.raises(BadSamplingError, match=said):
        launch(project, **options)


def test_models_must_be_the_projects_own_each_once_and_able_to_run(project: Project) -> None:
    make_prompts(project, 1)
    model = make_model(project)
    with pytest.raises(BadSamplingError, match="each can be chosen once"):
        launch(project, model, model)
    with pytest.raises(BadSamplingError, match="all must belong to this project"):
        launch(project, make_model(make_project("other")))
    request = SamplingRequest(models=[model], selection=SamplingSelection())
    with pytest.raises(CannotSampleError, match="only a server can run it"):
        launch_sampling(project=project, request=request)
    sandbox = SamplingRequest(
        models=[sandbox_model(project)], selection=SamplingSelection(), max_tokens=512
    )
    with pytest.raises(BadSamplingError, match="leaves no room for a prompt in the 512 tokens"):
        launch_sampling(project=project, request=sandbox)


def test_an_estimate_counts_tokens_and_prices_them_without_asking(project: Project) -> None:
    make_prompts(project, 4)
    make_prompt(project, "word " * 600)
    model = sandbox_model(project)
    model.price_prompt, model.price_completion = 1, 10
    model.save()
    found = estimate_sampling(
        project,
        SamplingRequest(
            models=[model, make_model(project)], selection=SamplingSelection(), max_tokens=100
        ),
    )
    assert (found.prompts, found.completions) == (5, 20)
    ours, named = sorted(found.models, key=lambda one: one.model, reverse=True)
    assert ours.prompt_tokens is not None
    assert ours.cost == pytest.approx((ours.prompt_tokens + 10 * 10 * 100) / 1e6)
    assert "1 is longer than the model's context of 512 tokens" in ours.warning
    assert (named.prompt_tokens, named.cost) == (None, None)
    assert not Completion.objects.exists()


def test_a_prompt_with_tools_is_answered_after_its_tool_or_counted_as_failed(
    project: Project,
) -> None:
    pair = make_tool_pair(project)
    seen: list[Request] = []

    def note(request: Request, index: int) -> str:
        seen.append(request)
        return answer(request, index)

    run = do(launch(project, make_model(project), with_pairs=True), note)

    assert run.completions_made == 2
    assert [turn.role for turn in seen[0].messages] == ["developer", "user", "assistant", "tool"]
    assert seen[0].messages[2].tool_calls[0].name == "forecast"
    make_prompt(project, "How do I pack a bag?")
    plain = launch_sampling(
        project=project,
        request=SamplingRequest(
            models=[sandbox_model(project)],
            selection=SamplingSelection(with_pairs=True),
            max_tokens=8,
        ),
        start=False,
    )
    done = run_job(type(plain), plain.pk, sample)
    assert done is not None
    assert done.state == JobState.SUCCEEDED
    assert done.completions_made == 2
    assert not pair.prompt.completions.filter(model_version=sandbox_model(project)).exists()
    assert "no place for the call of a tool" in str(done.report)
