"""A project in which every form stands somewhere: work under way, done, set aside, taken back."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils import timezone

from accounts.models import Role
from accounts.services import add_member
from annotation.models import Adjudication, GoldPair, Rater
from annotation.services import (
    Judgement,
    claim_next_slot,
    retire_gold,
    set_aside,
    submit_label,
    suspend_rater,
    withdraw_pairs,
)
from constitution.models import Chain, ConstitutionVersion, RevisionRun
from constitution.services import PrincipleText, add_principle, mark_chain
from corpus.models import Import, ModelVersion, PromptOriginal, SamplingRun
from corpus.registry import sandbox_model
from exports.services import SftFilters, freeze_sft
from judging.models import Calibration, JudgeConfig, JudgeRun
from judging.trials.impact import launch_impact
from serving.models import ModelServer
from tests.builders import Cast, make_pair, make_prompt, make_user, rater_for
from tests.web.worlds import live


def every_state(cast: Cast) -> None:
    project = cast.project
    sandbox_model(project)
    live(cast, pairs=60, raters=2, judges=2)
    model = ModelVersion.objects.get(project=project, name="one")
    under_way(cast, model)
    people(cast)
    retire_gold(gold=GoldPair.objects.filter(project=project)[0])
    senior = rater_for(cast.bob, project)
    set_aside(adjudication=Adjudication.objects.filter(project=project)[0], rater=senior)
    run = RevisionRun.objects.filter(project=project, state=RevisionRun.State.SUCCEEDED)[0]
    freeze_sft(project=project, name="sft", filters=SftFilters(runs=(run.pk,)))
    mark_chain(chain=Chain.objects.filter(run=run)[0], bad=True, user=cast.dan, reason="Rude.")
    pair = make_pair(project, 90_000)
    PromptOriginal.objects.create(
        prompt=pair.prompt, messages=pair.prompt.messages, counts={"e-mail": 1}
    )
    withdraw_pairs(project=project, pairs=[make_pair(project, 90_001, slots=1).pk])


def under_way(cast: Cast, model: ModelVersion) -> None:
    """Jobs that can be cancelled, a server that can be stopped, a scaling that can be used."""
    project = cast.project
    judge = JudgeConfig.objects.filter(project=project).latest("pk")
    JudgeRun.objects.create(project=project, config=judge, selection={})
    Import.objects.create(project=project, name="under way.jsonl")
    SamplingRun.objects.create(project=project, selection={}, engine="transformers")
    make_prompt(project, "Answered by nobody?")
    Calibration.objects.create(
        config=judge,
        method=Calibration.Method.TEMPERATURE,
        parameters={"temperature": 1.2},
        n=30,
        error_before=0.2,
        error_after=0.1,
    )
    published = ConstitutionVersion.objects.filter(
        constitution__project=project, status=ConstitutionVersion.Status.PUBLISHED
    )[0]
    RevisionRun.objects.create(
        project=project, constitution_version=published, model_version=model, selection={}
    )
    draft = ConstitutionVersion.objects.get(status=ConstitutionVersion.Status.DRAFT)
    add_principle(version=draft, text=PrincipleText("short", "Choose the shorter."))
    launch_impact(version=draft, model=model, engine="scripted", start=False)
    now = timezone.now()
    ModelServer.objects.create(
        name="served",
        location="one",
        url="http://127.0.0.1:9",
        host="here",
        state=ModelServer.State.UNHEALTHY,
        started_at=now,
        heartbeat_at=now,
    )


def people(cast: Cast) -> None:
    """Who has a label to take back, who has to read the guideline, and who was sent away."""
    project = cast.project
    alice = rater_for(cast.alice, project)
    slot = claim_next_slot(rater=alice)
    assert slot is not None
    assert slot.lease is not None
    submit_label(
        slot_id=slot.pk, rater=alice, lease=slot.lease, judgement=Judgement(pressed="left")
    )
    Rater.objects.filter(user=cast.bob).update(guideline_read=None)
    add_member(user=make_user("gina"), project=project, role=Role.RATER)
    suspend_rater(rater=Rater.objects.get(user__username="gina"), reason="Too fast.")
    make_user("xena")
    eve = User(username="eve")
    eve.set_unusable_password()
    eve.save()
    add_member(user=eve, project=project, role=Role.RATER)
