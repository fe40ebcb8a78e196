"""What may stand on rows that an import brought in, and what becomes of it when they are taken
back.

Any relation to such a row keeps its import from being taken back, unless the layer that the
relation belongs to says here, when the apps start, that its rows go along: so a table that is added
later blocks until somebody has thought of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import ForeignKey, Model, Q, QuerySet

from corpus.models import Completion, Import, Pair, Prompt
from figures.words import counted

Goes = Callable[[Import], Q]
"""Which rows of a relation go along with the import; the others block."""

Finish = Callable[[], None]

Check = Callable[[Import], list[str]]
"""What else stands in the way, each in one sentence part, such as `the dataset help v2`."""

Prepare = Callable[[Import], Finish]
"""Is called before anything is deleted; answers what is to be done afterwards."""

Relation = tuple[type[Model], str]

_goes: dict[Relation, Goes] = {}
_own: list[type[Model]] = []
_called: dict[type[Model], str] = {}
_checks: list[Check] = []
_prepares: list[Prepare] = []

STRUCTURE: frozenset[Relation] = frozenset(
    {(Completion, "prompt"), (Pair, "prompt"), (Pair, "first"), (Pair, "second")}
)
"""Relations within the corpus: a prompt or completion that another source uses is kept."""


def everything(_job: Import) -> Q:
    """All rows of the relation say nothing of their own."""
    return Q()


def its_own(job: Import) -> Q:
    """Rows that this import brought in itself."""
    return Q(source_import=job)


def goes_along(model: type[Model], field: str, goes: Goes, *, called: str = "") -> None:
    """Rows of `model` whose `field` refers to a row that is taken back go along, as far as `goes`
    says so. Those that block are `called` so, where people know them by another name than the
    model's; in the plural."""
    _goes[model, field] = goes
    if called:
        _called[model] = called
    if goes is its_own and model not in _own:
        _own.append(model)


def register_check(check: Check) -> None:
    if check not in _checks:
        _checks.append(check)


def register_prepare(prepare: Prepare) -> None:
    if prepare not in _prepares:
        _prepares.append(prepare)


@dataclass(frozen=True, slots=True)
class Standing:
    """Rows of one relation to rows of an import: those that go along, and those that block."""

    model: type[Model]
    going: QuerySet[Model]
    blocking: QuerySet[Model]

    def words(self, count: int) -> str:
        # Of a table that only joins two others: the model that it belongs to.
        through: Any = self.model._meta.auto_created
        if through:
            return f"{counted(count, 'places')} in {through._meta.verbose_name_plural}"
        called = _called.get(self.model, str(self.model._meta.verbose_name_plural))
        return counted(count, called)


def own_models() -> list[type[Model]]:
    """The models, beside those of the corpus, whose rows an import brings in."""
    return list(_own)


def standing_on(job: Import) -> Iterator[Standing]:
    """Every relation to what the import brought in, but those within the corpus."""
    targets: list[type[Model]] = [Pair, Completion, Prompt, *_own]
    for target in targets:
        for relation in target._meta.get_fields(include_hidden=True):
            field = getattr(relation, "field", None)
            if not relation.auto_created or relation.concrete or not isinstance(field, ForeignKey):
                continue
            model = field.model
            if (model, field.name) in STRUCTURE:
                continue
            rows = model._base_manager.filter(**{f"{field.name}__source_import": job})
            goes = _goes.get((model, field.name))
            if goes is None:
                yield Standing(model, rows.none(), rows)
            elif wanted := goes(job):
                yield Standing(model, rows.filter(wanted), rows.exclude(wanted))
            else:
                yield Standing(model, rows, rows.none())


def checked(job: Import) -> list[str]:
    return [said for check in _checks for said in check(job)]


def prepared(job: Import) -> list[Finish]:
    """What is to be done after the rows are gone: the highest layer first."""
    return [prepare(job) for prepare in reversed(_prepares)]
