"""A new project says what it needs, in order, to each role what it may do; what is done is gone."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, Membership, Role
from accounts.services import add_member
from accounts.services.invitations import invite
from accounts.steps import checklist
from annotation.models import Choice
from annotation.quality.presets import PRESETS
from annotation.services import publish_guideline, set_policy
from constitution.models import ConstitutionVersion
from constitution.services import PrincipleText, create_draft, publish_version
from corpus.models import ModelVersion, Project
from exports.models import DatasetVersion
from judging.models import JudgeConfig, JudgeRun
from tests.builders import (
    Cast,
    make_cast,
    make_gold,
    make_label,
    make_pair,
    make_prompt,
    make_rater,
)
from training.models import TrainingRun

pytestmark = pytest.mark.django_db

ALL = [
    *("import", "pairs", "guideline", "gold", "raters", "constitution", "judge", "freeze"),
    "train",
]
OF_ROLES = {
    Role.ADMIN: ALL,
    Role.RESEARCHER: ["import", "pairs", "judge", "freeze", "train"],
    Role.SENIOR: ["gold"],
    Role.RATER: [],
}


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    Membership.objects.filter(user=cast.alice).delete()
    return cast


def make_draft(project: Project) -> ConstitutionVersion:
    polite = PrincipleText("polite", "Choose the politer.")
    return create_draft(project=project, slug="c", name="C", principles=[polite])


def open_to(project: Project, role: Role) -> list[str]:
    return [one.step.name for one in checklist(project, role).steps]


def possible_for(project: Project, role: Role) -> list[str]:
    return [one.step.name for one in checklist(project, role).steps if one.is_possible]


def page_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.get("/projects/harbour/").content.decode()


def shown_to(user: User) -> list[str]:
    return re.findall(r'data-step="(\w+)"', page_of(user))


def test_each_role_is_shown_its_own_steps_in_order(cast: Cast) -> None:
    for role, names in OF_ROLES.items():
        assert open_to(cast.project, role) == names
    assert shown_to(cast.carol) == ALL
    assert shown_to(cast.dan) == OF_ROLES[Role.RESEARCHER]
    assert shown_to(cast.bob) == OF_ROLES[Role.SENIOR]


def test_a_step_goes_when_it_is_done_and_what_it_was_needed_for_becomes_possible(
    cast: Cast,
) -> None:
    project = cast.project
    left = list(ALL)

    def after(name: str, possible: list[str]) -> None:
        left.remove(name)
        assert open_to(project, Role.ADMIN) == left
        assert shown_to(cast.carol) == left
        assert possible_for(project, Role.ADMIN) == possible
        assert checklist(project, Role.ADMIN).done == len(ALL) - len(left)

    assert possible_for(project, Role.ADMIN) == ["import", "guideline", "raters", "constitution"]
    make_prompt(project, "A prompt alone?")
    after("import", ["pairs", "guideline", "raters", "constitution"])
    pair = make_pair(project)
    after("pairs", ["guideline", "gold", "raters", "constitution", "freeze"])
    publish_guideline(project=project, text="Be fair.")
    after("guideline", ["gold", "raters", "constitution", "freeze"])
    make_gold(pair, Choice.FIRST)
    after("gold", ["raters", "constitution", "freeze"])
    add_member(user=cast.alice, project=project, role=Role.RATER)
    after("raters", ["constitution", "freeze"])
    draft = make_draft(project)
    assert "constitution" in open_to(project, Role.ADMIN), "a draft binds nobody"
    publish_version(version=draft)
    after("constitution", ["judge", "freeze"])
    judge = JudgeConfig.objects.create(project=project, rater=make_rater(project, "j", "judge"))
    JudgeRun.objects.create(project=project, config=judge, selection={})
    after("judge", ["freeze"])
    dataset = DatasetVersion.objects.create(
        project=project, name="d", number=1, sha256="a" * 64, manifest={"splits": {}}
    )
    after("freeze", ["train"])
    TrainingRun.objects.create(
        project=project,
        name="r",
        method="dpo",
        spec={},
        base_model=ModelVersion.objects.create(project=project, name="m", kind="api"),
        dataset=dataset,
    )
    after("train", [])
    for user in (cast.bob, cast.carol, cast.dan):
        page = page_of(user)
        assert "data-setup" not in page
        assert "What to do next" in page


def test_what_another_project_has_is_not_done_here(cast: Cast) -> None:
    make_gold(make_pair(cast.elsewhere), Choice.FIRST)
    publish_guideline(project=cast.elsewhere, text="Be fair.")
    publish_version(version=make_draft(cast.elsewhere))
    assert open_to(cast.project, Role.ADMIN) == ALL
    assert open_to(cast.elsewhere, Role.ADMIN) == ["raters", "judge", "freeze", "train"]


def test_prompts_alone_are_data_too_and_lead_to_sampling(cast: Cast) -> None:
    make_prompt(cast.project)
    assert possible_for(cast.project, Role.RESEARCHER) == ["pairs"]
    assert 'href="/projects/harbour/sampling/new"' in page_of(cast.dan)
    make_pair(cast.project)
    assert "pairs" not in open_to(cast.project, Role.RESEARCHER)


def test_a_policy_without_gold_needs_none(cast: Cast) -> None:
    set_policy(project=cast.project, changes=dict(PRESETS["standard"].changes))
    assert "gold" in open_to(cast.project, Role.SENIOR)
    set_policy(project=cast.project, changes=dict(PRESETS["trial"].changes))
    assert open_to(cast.project, Role.SENIOR) == []


def test_who_came_with_their_labels_labels(cast: Cast) -> None:
    make_label(make_pair(cast.project), make_rater(cast.project, "imported"))
    assert "raters" not in open_to(cast.project, Role.ADMIN)


def test_raters_are_asked_for_once_one_is_invited_until_the_invitation_is_void(cast: Cast) -> None:
    now = timezone.now()
    invite(project=cast.project, role=Role.SENIOR, by=cast.carol, now=now)
    assert "raters" in open_to(cast.project, Role.ADMIN), "a senior settles, raters label"
    invitation, _ = invite(project=cast.project, role=Role.RATER, by=cast.carol, now=now)
    assert "raters" not in open_to(cast.project, Role.ADMIN)
    for void in ({"revoked_at": now}, {"revoked_at": None, "expires_at": now}):
        Invitation.objects.filter(pk=invitation.pk).update(**void)
        assert "raters" in open_to(cast.project, Role.ADMIN)


def test_the_checklist_is_one_query(cast: Cast) -> None:
    for number in range(2):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            checklist(cast.project, Role.ADMIN)
        assert len(asked) == 1
        make_pair(cast.project, number)


def test_the_first_button_alone_is_the_main_one_and_each_leads_to_its_page(cast: Cast) -> None:
    page = page_of(cast.carol)
    setup = page.split("data-setup")[1].split("</section>")[0]
    assert setup.count("btn-primary") == 1
    assert setup.count(">Later<") == 5
    for name in ("import_new", "guideline", "invitations", "constitutions"):
        assert f'href="{reverse(name, args=["harbour"])}"' in setup
    assert "0 of 9 steps done" in setup
