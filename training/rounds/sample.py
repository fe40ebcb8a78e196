"""The sample project of a fresh installation: a cast of accounts and a toy world to label.

Pairs, simulated raters and their noise come from the sandbox world's generator by one seed. The
simulated raters are called so wherever they are shown.
"""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from accounts.models import Role
from accounts.services import add_member
from constitution.models import ConstitutionVersion
from constitution.services import PrincipleText, create_draft, publish_version
from corpus.hashing import sha256_of
from corpus.importers.records import LabelRecord, PairRecord
from corpus.imports.storing import store_records
from corpus.intake.policy import intake_policy
from corpus.models import Project
from corpus.registry import sandbox_model
from inference.sandbox.prompts import PRINCIPLES
from inference.sandbox.tasks import make_pair
from inference.sandbox.world import PrincipleKey, training_requests
from jobs.runner import run_job
from judging.measures.attacks import attack, launch_attacks
from judging.models import AttackRun, JudgeConfig
from judging.services import ensure_judge

SLUG = "sandbox"
SEED = 20
PAIRS = 240
LABELLED_PAIRS = 160
ATTACKED_PAIRS = 20
"""Enough that one lost pair is not yet a failed test, few enough to take seconds."""
CAST = (
    ("alice", Role.RATER),
    ("bob", Role.SENIOR),
    ("carol", Role.ADMIN),
    ("dan", Role.RESEARCHER),
)
SIMULATED = (("simulated rater 1", 0.08), ("simulated rater 2", 0.2))
"""Names and the share of labels in which they err."""


@dataclass(frozen=True, slots=True)
class Login:
    username: str
    role: str
    password: str


@transaction.atomic
def load_sample() -> list[Login]:
    """Load the sample project if it is not there; the logins that were made now, else none."""
    project, made = Project.objects.get_or_create(
        slug=SLUG,
        defaults={
            "name": "Sandbox",
            "description": "A toy world of polite and rude answers. Some pairs have labels from "
            "two simulated raters; the others are waiting for you.",
        },
    )
    if not made:
        return []
    logins = [_account(project, username, role) for username, role in CAST]
    ensure_judge(
        project=project,
        constitution_version=publish_sandbox_constitution(project, tuple(PRINCIPLES)),
        model_version=sandbox_model(project),
    )
    write_sample_pairs(project)
    return logins


def attack_sample_judge() -> AttackRun:
    """Attack the fresh sample project's judge, so that its labels reach datasets as tested."""
    return attack_now(JudgeConfig.objects.get(project__slug=SLUG))


def attack_now(config: JudgeConfig, *, seed: int = 0) -> AttackRun:
    """Attack a judge on a small sample without a worker; the run as it ended."""
    launched = launch_attacks(config=config, sample=ATTACKED_PAIRS, seed=seed, start=False)
    run_job(AttackRun, launched.pk, attack)
    launched.refresh_from_db()
    return launched


def _account(project: Project, username: str, role: Role) -> Login:
    """A member with a random password; an account that is there keeps its own."""
    user, made = User.objects.get_or_create(username=username)
    password = secrets.token_urlsafe(12) if made else "(unchanged)"
    if made:
        user.set_password(password)
        user.is_staff = user.is_superuser = role == Role.ADMIN
        user.save()
    add_member(user=user, project=project, role=role)
    return Login(username, role.label, password)


def publish_sandbox_constitution(
    project: Project, principles: tuple[PrincipleKey, ...]
) -> ConstitutionVersion:
    """Principles that the sandbox model knows, published as the constitution `courtesy`."""
    draft = create_draft(
        project=project,
        slug="courtesy",
        name="Courtesy",
        principles=[
            PrincipleText(
                name=key,
                comparison=PRINCIPLES[key].comparison,
                critique_request=PRINCIPLES[key].critique_request,
                revision_request=PRINCIPLES[key].revision_request,
                tags=("sandbox",),
            )
            for key in principles
        ],
    )
    return publish_version(version=draft)


def write_sample_pairs(project: Project) -> None:
    """Pairs of the world, the first LABELLED_PAIRS with labels of the simulated raters."""
    rng = random.Random(SEED)
    requests = training_requests(rng)
    records: dict[str, PairRecord] = {}
    while len(records) < PAIRS:
        pair = make_pair(next(requests), rng, differ="polite")
        a_is_better = pair.attributes[0].polite
        labels = tuple(
            LabelRecord(rater=name, choice="a" if a_is_better != (rng.random() < error) else "b")
            for name, error in SIMULATED
        )
        record = PairRecord.model_validate(
            {
                "prompt": pair.request.text,
                "response_a": pair.answers[0],
                "response_b": pair.answers[1],
                "domain": pair.request.topic,
                "source": "sandbox world",
                "language": "en",
            }
        )
        if len(records) < LABELLED_PAIRS:
            record = record.model_copy(update={"labels": labels})
        records.setdefault(sha256_of([pair.request.text, *sorted(pair.answers)]), record)
    store_records(
        project=project,
        records=[(record, None) for record in records.values()],
        policy=intake_policy(project.pk),
        batch="sample",
    )
