"""What a new project needs, in order: each layer registers what is its own when the apps start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import BooleanField, Exists, ExpressionWrapper, Q

from accounts.models import Role
from corpus.models import Project


@dataclass(frozen=True, slots=True)
class SetupStep:
    """Something that a project needs once.

    `words` says what it is, `action` is the button to the page of that name, and `roles` may do it.
    `done` is a condition on the project, whose rows refer to it by `OuterRef("pk")`. The step is
    not possible before those that `after` names are done.
    """

    name: str
    place: int
    words: str
    action: str
    page: str
    roles: frozenset[Role]
    done: Exists | Q
    after: tuple[str, ...] = ()


class OpenStep(NamedTuple):
    """A step that is not done, and whether it is possible now."""

    step: SetupStep
    is_possible: bool


class Checklist(NamedTuple):
    """What a project still needs that one role can do, out of `total` such steps."""

    steps: list[OpenStep]
    total: int

    @property
    def done(self) -> int:
        return self.total - len(self.steps)


_STEPS: dict[str, SetupStep] = {}


def register_steps(*steps: SetupStep) -> None:
    _STEPS.update((step.name, step) for step in steps)


def checklist(project: Project, role: str) -> Checklist:
    """The open steps of that role, in order. One query, however many steps there are."""
    # Under names that no field of a project has.
    conditions = {
        f"{name}_done": ExpressionWrapper(Q(step.done), output_field=BooleanField())
        for name, step in _STEPS.items()
    }
    row: dict[str, Any] = dict(Project.objects.filter(pk=project.pk).values(**conditions).get())
    done = {name for name in _STEPS if row[f"{name}_done"]}
    own = sorted((one for one in _STEPS.values() if role in one.roles), key=lambda one: one.place)
    steps = [OpenStep(one, done.issuperset(one.after)) for one in own if one.name not in done]
    return Checklist(steps, len(own))
