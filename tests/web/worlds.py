"""Projects to look at pages with: nothing in them, one of each thing, used, and crowded.

`one_of_each` holds things that have come to nothing: runs that never began, a dataset without
rows, models without weights; their figures are undefined.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from annotation.models import Adjudication, Choice, GoldPair, Guideline, Rater, RaterCheck
from annotation.services import publish_guideline
from constitution.models import ConstitutionVersion
from constitution.services import draft_from, edit_principle
from corpus.imports.uploads import add_part, begin_upload
from corpus.models import Import, ImportRejection, ModelRegistration, ModelVersion, Pair, PairPolicy
from exports.services import FreezeFilters, freeze
from inference.engine import Request
from inference.errors import PromptTooLongError
from inference.scripted import ScriptedEngine
from jobs.models import JobState
from jobs.runner import run_job
from judging.measures.attacks import AttackResult
from judging.models import AttackRun, ImpactRun
from judging.trials.impact import launch_impact, measure_impact_with
from tests.builders import Cast, make_label, make_pair, make_prompt, make_rater, rater_for
from tests.judging.judges import by_number, make_judge, run_judge
from tests.judging.workshop import make_revision_run, make_version
from tests.serving.sampling import do, launch
from tests.web.hostile import HOSTILE
from tests.web.places import places_of
from training.models import Evaluation, TrainingMetric, TrainingRun

FIRST = 1_000
"""Number of the first pair; those of the critique run are below."""

LONG = "a_very_long_name_without_any_place_to_break_it_" * 3


def nothing(cast: Cast) -> None:
    """Members, and nothing else."""


def one_of_each(cast: Cast) -> None:
    places_of(cast)


def used(cast: Cast) -> None:
    live(cast, pairs=60, raters=3, judges=1)


def crowded(cast: Cast) -> None:
    for number, text in enumerate(HOSTILE):
        told = make_pair(
            cast.project, 5_000 + number, prompt=text[:2_000] or "x", first=text, slots=1
        )
        Pair.objects.filter(pk=told.pk).update(
            metadata={text[:60]: text, "nested": [{"deep": text}]}, external_id=text[:200]
        )
    live(cast, pairs=240, raters=14, judges=3)


WORLDS = (nothing, one_of_each, used, crowded)


def live(cast: Cast, *, pairs: int, raters: int, judges: int) -> None:
    """Raters and judges have labelled, seniors decided, researchers frozen, judged and trained."""
    project = cast.project
    models = [
        ModelVersion.objects.create(project=project, name=name, kind="api", location=name)
        for name in ("one", f"other {LONG}"[:190])
    ]
    rows = [make_pair(project, FIRST + number, slots=1) for number in range(pairs)]
    for pair in rows:
        for completion, model in zip((pair.first, pair.second), models, strict=True):
            completion.model_version = model
            completion.save()
    people = [make_rater(project, f"rater {number} {LONG}"[:150]) for number in range(raters)]
    people.append(rater_for(cast.alice, project))
    for number, rater in enumerate(people):
        for place, pair in enumerate(rows[: 2 * pairs // 3]):
            errs = (place + 3 * number) % (4 + number) == 0
            right = Choice.FIRST if place % 3 else Choice.SECOND
            make_label(pair, rater, Choice.BOTH_BAD if errs else right)
    for place, pair in enumerate(rows[: pairs // 2]):
        GoldPair.objects.create(
            pair=pair,
            project=project,
            state=GoldPair.State.SETTLED,
            choice=Choice.FIRST if place % 3 else Choice.SECOND,
            shuffle=place,
            note="Since **it** is.",
            settled_at=timezone.now(),
        )
    for kappa, decision in ((None, "none"), (0.31, "retry"), (0.82, "admit")):
        RaterCheck.objects.create(
            rater=people[-1],
            kind=RaterCheck.Kind.CALIBRATION,
            kappa=kappa,
            low=kappa and kappa - 0.2,
            high=kappa and min(1.0, kappa + 0.2),
            n=20,
            correct=12,
            threshold=0.6,
            decision=decision,
            created_at=timezone.now(),
        )
    publish_guideline(project=project, text="Be fair.\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    publish_guideline(project=project, text="Be fair and kind.")
    Rater.objects.filter(project=project, user__isnull=False).update(
        guideline_read=Guideline.objects.latest("number")
    )
    for number, pair in enumerate(rows[: pairs // 4]):
        Adjudication.objects.create(
            project=project, pair=pair, reason="dispute" if number % 2 else "flag"
        )
    for number in range(judges):
        judge_project(cast, number, pairs)
    bring_in(cast)
    change_constitution(cast, models[0])
    critique = make_revision_run(project, 4, version=make_version(project, "r"), model=models[0])
    train(cast, models[0])
    answer_prompts(cast, models)
    assert critique.state == JobState.SUCCEEDED


def answer_prompts(cast: Cast, models: list[ModelVersion]) -> None:
    """Prompts that two models have answered, some of them alike and some in vain."""
    for number in range(6):
        prompt = make_prompt(cast.project, f"Sampled {number} {LONG if number == 5 else ''}?")
        prompt.source, prompt.domain = "toys", LONG[:100] if number == 5 else "knots"
        prompt.save()

    def reply(request: Request, _index: int) -> str:
        if "Sampled 3" in request.messages[-1].content:
            raise PromptTooLongError("request 0 has 900 prompt tokens")
        alike = "Sampled 4" in request.messages[-1].content
        return "The same again." if alike else f"**{request.seed}** <b>{HOSTILE[0][:40]}"

    do(launch(cast.project, *models, source="toys", pair_policy=PairPolicy.RANDOM), reply)
    ModelRegistration.objects.create(project=cast.project, location="x/y", state=JobState.SUCCEEDED)


def bring_in(cast: Cast) -> None:
    """Imports that came in, and a file that waits, with names and cells that nobody foresaw."""
    names = dict(zip((LONG, *HOSTILE[:3]), (3, 2, 1, 1), strict=True))
    for name, state in ((f"{LONG}.csv", "succeeded"), (HOSTILE[0], "failed")):
        job = Import.objects.create(
            project=cast.project,
            name=name,
            state=state,
            created_by=cast.dan,
            lines_done=9,
            file_sha256="c" * 64,
            error="It breaks off." if state == "failed" else "",
            mapping={"columns": {"prompt": LONG, "completion": HOSTILE[1]}, "values": {}},
            report={
                "format": "mapping",
                "rows": 9,
                "rejected_rows": 4,
                "kept_fields": names,
                "dropped_fields": names,
                "reasons": {HOSTILE[2]: 3, LONG: 1},
            },
        )
        for line in (3, 5, 8):
            ImportRejection.objects.create(source_import=job, line=line, reason=HOSTILE[2])
    cells = [HOSTILE[0], "Wie?", LONG, HOSTILE[-3], HOSTILE[1]]
    table = "\n".join(
        ["Question,Answer 1,Answer 2,vote,<b>x</b>", *(",".join(f'"{one}"' for one in cells),) * 3]
    ).encode()
    upload = begin_upload(project=cast.project, name=HOSTILE[1], size=len(table), user=cast.carol)
    add_part(upload=upload, offset=0, data=table)


def judge_project(cast: Cast, number: int, pairs: int) -> None:
    config = make_judge(cast.project, name=f"judge {number} {LONG}"[:120])
    run_judge(config, by_number(lambda place: 0.55 if place > FIRST + pairs - 5 else 0.97), "all")
    examples = [{"prompt": HOSTILE[0], "attack": HOSTILE[1], "real": HOSTILE[2]}]
    told = [
        AttackResult("longest", 9, 1, 0.9, 0.6, 1.0, 0.6, passed=False, examples=examples),
        AttackResult("empty", 0, 9, None, None, None, 0.6, passed=None, examples=[]),
    ]
    AttackRun.objects.create(
        project=cast.project,
        config=config,
        state=JobState.SUCCEEDED,
        passed=number % 2 == 0,
        result={"attacks": [one.as_json() for one in told]},
    )


def change_constitution(cast: Cast, model: ModelVersion) -> None:
    """A draft on the judges' version, with its impact measured."""
    newest = ConstitutionVersion.objects.filter(constitution__slug="c").order_by("-number")[0]
    draft = draft_from(version=newest)
    principle = draft.principles.get(name="polite")
    edit_principle(
        version=draft,
        principle_id=principle.pk,
        fields={"comparison": "Choose the kinder."},
        seen=99,
    )

    def choose(request: Request, _options: object) -> tuple[float, float]:
        return (0.9, 0.1) if "kinder" in request.messages[-1].content else (0.2, 0.8)

    run = launch_impact(version=draft, model=model, engine="scripted", start=False)
    engine = ScriptedEngine(chooser=choose)
    run_job(ImpactRun, run.pk, lambda context: measure_impact_with(context, engine))


def train(cast: Cast, base: ModelVersion) -> None:
    """A dataset, and runs on it that succeeded, failed, and say nothing."""
    dataset = freeze(project=cast.project, name="d", filters=FreezeFilters(validation=0.1))
    made = ModelVersion.objects.create(
        project=cast.project, name="made", kind="adapter", parent=base, weights_sha256="b" * 64
    )
    accuracy = {"accuracy": 0.5, "low": 0.3, "high": 0.7, "n": 6}
    results: list[tuple[str, dict[str, Any]]] = [
        ("succeeded", {"heldout": {"n": 6, "split": "validation", "before": accuracy,
                                   "after": accuracy}}),
        ("succeeded", {"heldout": {"reason": "there are no held-out pairs"}}),
        ("failed", {}),
        ("running", {}),
    ]  # fmt: skip
    for number, (state, result) in enumerate(results):
        run = TrainingRun.objects.create(
            project=cast.project,
            name=f"run {number}",
            method="dpo",
            spec={"method": "dpo"},
            base_model=base,
            dataset=dataset,
            state=state,
            result=result,
            error="The disk is full." if state == "failed" else "",
            result_model=made if number == 0 else None,
        )
    TrainingMetric.objects.create(run=run, step=1, values={"step": 1, "loss": 0.7})
    Evaluation.objects.create(
        model_version=made, dataset=dataset, split="validation", value=0.5, low=0.3, high=0.7, n=6
    )
