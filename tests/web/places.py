"""Every address of a project, with an object behind each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import Role
from accounts.services.invitations import invite
from annotation.models import Adjudication, Slot
from annotation.queue.task_names import task_name
from annotation.services import answer_gold, publish_guideline
from constitution.models import Chain, RevisionRun
from constitution.services import PrincipleText, create_draft
from corpus.imports.uploads import add_part, begin_upload
from corpus.models import Import, ModelRegistration, ModelVersion, Project, SamplingRun
from exports.models import DatasetVersion
from judging.models import DraftTrial, JudgeConfig, JudgeRun
from judging.trials.impact import draw_audit_set, launch_impact
from serving.models import Trial
from tests.builders import Cast, make_label, make_pair, make_rater, membership_of
from training.models import TrainingRun

PUBLIC = {"account_login", "account_signup", "invitation", "invitation_accept", "favicon"}
"""For everybody, signed in or not."""

PERSONAL = {
    *("home", "account_logout", "account_change_password", "account_set_password", "api_schema"),
    *("project_new", "api_projects"),
}
"""Beside all projects, for who is signed in; they show nothing of one that is not one's own."""

STAFF = "admin/"

LINE = b'{"prompt": "Hi?", "response_a": "Yes.", "response_b": "No."}\n'


@dataclass(frozen=True)
class Place:
    """An address with an object of the project behind it."""

    name: str
    path: str


def walk(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        else:
            yield pattern.name or route, route


def of_nothing(project: Project) -> dict[str, Any]:
    """The manifest of a dataset without rows: whole, with figures that are undefined."""
    undefined = {"value": None, "low": None, "high": None, "n": 0, "reason": "There are no pairs."}
    return {
        "kind": "preference",
        "name": "d",
        "project": project.slug,
        "created_at": "2026-01-01T00:00:00+00:00",
        "sha256": "a" * 64,
        "splits": {},
        "dropped": {},
        "strata": {},
        "strata_findings": [],
        "consensus": "majority",
        "labels": {"count": 0, "raters": [], "kept_out": {}},
        "judges": {},
        "agreement": {
            f"{whose}{name}": undefined
            for whose in ("", "all_", "judge_")
            for name in ("krippendorff_alpha", "raw_agreement")
        },
        "constitutions": {},
        "parents": [],
    }


def places_of(cast: Cast) -> list[Place]:
    """One object of each kind in the cast's project, and every address of them."""
    project = cast.project
    pair = make_pair(project, slots=1)
    model = ModelVersion.objects.create(project=project, name="m", kind="api")
    dataset = DatasetVersion.objects.create(
        project=project, name="d", number=1, sha256="a" * 64, manifest=of_nothing(project)
    )
    run = TrainingRun.objects.create(
        project=project, name="r", method="dpo", spec={}, base_model=model, dataset=dataset
    )
    config = JudgeConfig.objects.create(
        project=project, rater=make_rater(project, "judge", kind="judge")
    )
    judge_run = JudgeRun.objects.create(project=project, config=config, selection={})
    trial = Trial.objects.create(project=project, model_version=model, engine="x", prompt="x")
    task = Slot.objects.get(pair=pair)
    adjudication = Adjudication.objects.create(project=project, pair=pair, reason="flag")
    invitation, _ = invite(project=project, role=Role.RATER, by=cast.carol, now=timezone.now())
    answer_gold(pair=pair, author=cast.bob, choice="first")
    publish_guideline(project=project, text="Be fair.")
    version = create_draft(
        project=project, slug="c", name="C", principles=[PrincipleText("p", "Choose.")]
    )
    principle = version.principles.get()
    critique = RevisionRun.objects.create(
        project=project, constitution_version=version, model_version=model, selection={}
    )
    chain = Chain.objects.create(run=critique, prompt=pair.prompt)
    labelled = make_pair(project, 7)
    make_label(labelled, make_rater(project, "human"))
    impact = launch_impact(
        version=version, model=model, audit_set=draw_audit_set(project=project), start=False
    )
    tried = DraftTrial.objects.create(
        project=project,
        version=version,
        model_version=model,
        engine="x",
        prompt="x",
        principles=[{"name": "p"}],
    )
    sampling = SamplingRun.objects.create(project=project, selection={}, engine="x")
    sampling.model_versions.add(model)
    registration = ModelRegistration.objects.create(project=project, location="x/y")
    upload = begin_upload(project=project, name="pairs.jsonl", size=len(LINE), user=cast.carol)
    add_part(upload=upload, offset=0, data=LINE)
    brought_in = Import.objects.create(
        project=project, name="pairs.jsonl", state="succeeded", report={"reasons": {"bad": 1}}
    )
    runs = {
        "sampling": sampling.pk,
        "judge/": judge_run.pk,
        "judge-runs": judge_run.pk,
        "critique": critique.pk,
        "impact/": impact.pk,
    }
    trials = {"constitution/": tried.pk, "inference/": trial.pk}
    objects = {
        "<slug:project_slug>": project.slug,
        "<slug:sha256>": dataset.sha256,
        "<str:file_name>": "manifest.json",
        "<int:model_id>": model.pk,
        "<int:registration_id>": registration.pk,
        "<uuid:task_id>": task_name(task.pk),
        "<int:rater_id>": config.rater.pk,
        "<int:judge_id>": config.pk,
        "<int:pair_id>": pair.pk,
        "<int:row_id>": adjudication.pk,
        "<int:prompt_id>": pair.prompt_id,
        "<int:invitation_id>": invitation.pk,
        "<int:number>": 1,
        "<slug:slug>": version.constitution.slug,
        "<int:principle_id>": principle.pk,
        "<int:chain_id>": chain.pk,
        "<str:username>": cast.alice.username,
        "<int:member_id>": membership_of(cast.alice, project).pk,
        "<int:upload_id>": upload.pk,
        "<int:import_id>": brought_in.pk,
    }
    found = []
    for name, route in walk(get_resolver().url_patterns):
        if name in PUBLIC | PERSONAL or route.startswith(STAFF):
            continue
        run_id = next((pk for part, pk in runs.items() if part in route), run.pk)
        trial_id = next((pk for part, pk in trials.items() if part in route), 0)
        path = "/" + route.replace("<int:run_id>", str(run_id))
        path = path.replace("<int:trial_id>", str(trial_id))
        for placeholder, value in objects.items():
            path = path.replace(placeholder, str(value))
        assert "<" not in path, f"{route} has a part this test does not know"
        found.append(Place(name, path))
    return found
