"""The fixed cast and plain functions that build rows. Every default is a valid value.

Alice rates, Bob is a senior, Carol an admin, Dan a researcher; Charlie is an admin of another
project and must be refused everywhere in this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from accounts.models import Membership, Role
from accounts.services import add_member
from annotation.models import Choice, GoldPair, Label, Rater
from annotation.services import open_slots
from corpus.hashing import completion_sha256, pair_sha256, prompt_sha256
from corpus.models import Completion, ModelVersion, Pair, Project, Prompt

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Cast:
    project: Project
    elsewhere: Project
    alice: User
    bob: User
    carol: User
    dan: User
    charlie: User


def make_user(name: str) -> User:
    return User.objects.create_user(name, password=PASSWORD)


def make_cast() -> Cast:
    project = make_project("harbour")
    elsewhere = make_project("elsewhere")
    users = {name: make_user(name) for name in ("alice", "bob", "carol", "dan", "charlie")}
    for name, role in (
        ("alice", Role.RATER),
        ("bob", Role.SENIOR),
        ("carol", Role.ADMIN),
        ("dan", Role.RESEARCHER),
    ):
        add_member(user=users[name], project=project, role=role)
    add_member(user=users["charlie"], project=elsewhere, role=Role.ADMIN)
    return Cast(project=project, elsewhere=elsewhere, **users)


def make_project(slug: str = "harbour") -> Project:
    return Project.objects.create(slug=slug, name=slug.title())


def make_prompt(project: Project, text: str = "How do I tie a bowline?") -> Prompt:
    messages = [{"role": "user", "content": text}]
    return Prompt.objects.create(project=project, messages=messages, sha256=prompt_sha256(messages))


def make_completion(
    prompt: Prompt, text: str, model_version: ModelVersion | None = None
) -> Completion:
    name = model_version.name if model_version else None
    return Completion.objects.create(
        prompt=prompt,
        text=text,
        model_version=model_version,
        sha256=completion_sha256(prompt.sha256, text, name, None),
    )


def make_pair(
    project: Project,
    number: int = 0,
    *,
    prompt: str | None = None,
    first: str | None = None,
    second: str | None = None,
    slots: int = 0,
) -> Pair:
    """A pair with `slots` open slots."""
    row = make_prompt(project, prompt if prompt is not None else f"Question {number}?")
    one = make_completion(row, first if first is not None else f"First answer {number}.")
    two = make_completion(row, second if second is not None else f"Second answer {number}.")
    pair = Pair.objects.create(
        project=project,
        prompt=row,
        first=one,
        second=two,
        sha256=pair_sha256(one.sha256, two.sha256),
        origin=Pair.Origin.IMPORT,
    )
    if slots:
        open_slots(pairs=[pair], wanted=slots)
    return pair


def make_gold(pair: Pair, choice: str, *, state: str = GoldPair.State.SETTLED) -> GoldPair:
    """What seniors agreed on for a pair."""
    return GoldPair.objects.create(
        pair=pair, project=pair.project, choice=choice, state=state, shuffle=pair.pk
    )


def make_rater(project: Project, name: str, kind: str = Rater.Kind.HUMAN) -> Rater:
    """A rater without an account, as an import makes them."""
    return Rater.objects.create(project=project, name=name, kind=kind)


def rater_for(user: User, project: Project) -> Rater:
    return Rater.objects.get(user=user, project=project)


def membership_of(user: User, project: Project) -> Membership:
    return Membership.objects.get(user=user, project=project)


def make_label(
    pair: Pair, rater: Rater, choice: str = Choice.FIRST, *, p_first: float | None = None
) -> Label:
    return Label.objects.create(
        project=pair.project,
        pair=pair,
        rater=rater,
        choice=choice,
        p_first=p_first,
        created_at=timezone.now(),
    )


TOOL_TURNS: list[dict[str, Any]] = [
    {"role": "developer", "content": "Use the tools."},
    {"role": "user", "content": "Will it rain in Lyon?"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "type": "function",
                "id": "c1",
                "function": {"name": "forecast", "arguments": '{"city": "Lyon", "days": 2}'},
            }
        ],
    },
    {"role": "tool", "content": '{"rain": 0.8}', "tool_call_id": "c1"},
]
"""A prompt that ends with a tool's answer."""


def make_tool_pair(project: Project, *, slots: int = 0) -> Pair:
    """A pair of answers after a call of a tool."""
    pair = make_pair(project, prompt="x", first="Very likely.", second="No idea.", slots=slots)
    Prompt.objects.filter(pk=pair.prompt_id).update(
        messages=TOOL_TURNS, sha256=prompt_sha256(TOOL_TURNS)
    )
    pair.refresh_from_db()
    return pair
